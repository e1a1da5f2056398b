/** zmq-raft, another Raft for Node that keeps its log on the disk: three peers as processes, driven by `zmqraft` over its own client. */
import { inFolder } from '../aids.js'
import { SETTLE_WRITES } from '../cluster/drive.js'
import type { PeerSide } from '../measures/measure.js'
import { runPeer, samplesOf } from './peer.js'

const STARTING_SECONDS = 4
/** Until so many writes have been made one by one, which takes the longest. */
const SETTLE_SECONDS = 20

export const zmqUpdates = (inFlight: readonly number[]): PeerSide => ({
  name: 'zmq-raft', needs: ['zmqraft'],
  about: ({ seconds }) => STARTING_SECONDS + SETTLE_SECONDS + inFlight.length * (seconds + 1),
  run: async ({ seconds }) => (await inFolder(folder => runPeer(`zmqraft -dir '${folder}' -clients ${inFlight.join(',')} -secs ${seconds} -settle ${SETTLE_WRITES}`))).flatMap(samplesOf),
})
