/** etcd/raft, three RawNodes in one thread, driven by `eraft`: no promises, no results, no machine. */
import type { PeerSide } from '../measures/measure.js'
import type { Sample } from '../reporting/figures.js'
import { numberIn, runPeer } from './peer.js'

export const inMemoryEtcdRaft = (batches: readonly number[], flags: readonly string[]): PeerSide => ({
  name: 'etcd/raft', needs: ['eraft'],
  about: ({ seconds }) => batches.length * (seconds + 0.7),
  run: async ({ seconds }) => {
    const samples: Sample[] = []
    for (const batch of batches) {
      const [line] = await runPeer(['eraft', '-batch', batch, '-secs', seconds, ...flags].join(' '))
      samples.push({ at: String(batch), kind: 'perSecond', value: numberIn(line, 'per_s') })
    }
    return samples
  },
})
