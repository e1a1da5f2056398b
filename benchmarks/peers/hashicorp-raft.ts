/** hashicorp/raft, three members in one process with its in-memory transport and store, driven by `hraft`. */
import type { PeerSide } from '../measures/measure.js'
import { numberIn, runPeer } from './peer.js'

export const hashicorpSingles = (inFlight: number): PeerSide => ({
  name: 'hashicorp/raft', needs: ['hraft'],
  about: ({ seconds }) => seconds + 2,
  run: async ({ seconds }) => {
    const [line] = await runPeer(`hraft -inflight ${inFlight} -secs ${seconds}`)
    return [{ at: String(inFlight), kind: 'perSecond', value: numberIn(line, 'per_s') }]
  },
})
