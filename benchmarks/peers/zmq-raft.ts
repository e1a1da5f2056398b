/** zmq-raft, the one other Raft for Node with a disk: three peers as processes, driven by `zmqraft` over its own client. */
import type { PeerSide } from '../measures/measure.js'
import { latenciesOf, runPeer } from './peer.js'

const STARTING_SECONDS = 4
const WARM_SECONDS = 2

export const zmqUpdates = (inFlight: readonly number[]): PeerSide => ({
  name: 'zmq-raft', needs: ['zmqraft'],
  about: ({ seconds }) => STARTING_SECONDS + inFlight.length * (seconds + WARM_SECONDS),
  run: async ({ seconds }) => (await runPeer(`zmqraft -clients ${inFlight.join(',')} -secs ${seconds}`)).flatMap(latenciesOf),
})
