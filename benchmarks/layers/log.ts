/** The log in memory: what is appended is read back, found by its term, and let go of. */
import { append, batchesFrom, emptyLog, evict, termAt } from '../../lib/log.js'
import { BATCH, type Layer, batchAt } from './layer.js'

const CACHE_BYTES = 2 ** 20
const NO_MEMBERSHIP = { voters: ['n1'], outgoing: [], learners: [], addresses: {} }

export const logLayer: Layer = {
  name: 'log',
  does: 'appended, read back for two followers, its term looked up, let go of',
  open: () => {
    let log = emptyLog({ index: 0, term: 0, membership: NO_MEMBERSHIP }, 0)
    return {
      turn: () => {
        const first = log.lastIndex + 1
        log = append(log, [batchAt(first)])
        for (let followers = 0; followers < 2; followers++) {
          const read = batchesFrom(log, first, log.lastIndex, CACHE_BYTES)
          if (read[0]?.count !== BATCH || termAt(log, first) !== 1) throw new Error('the log lost an entry')
        }
        log = evict(log, log.lastIndex, CACHE_BYTES)
      },
      close: () => {},
    }
  },
}
