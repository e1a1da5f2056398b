/** Clusters whose members cut their logs: whoever lags gets a snapshot instead. */
import test from 'ava'
import { story } from './story.js'

const SEEDS = 6
const ACTS = 2_500

for (const [names, keep] of [['a b c', 0], ['a b c', 3], ['a b c d e', 0]] as const) {
  test(`P21 the same with snapshots, ${keep} entries kept behind them: ${names}`, t => {
    let [committed, installs, lost] = [0, 0, 0]
    for (let seed = 1; seed <= SEEDS; seed++) {
      const told = story(names, seed, ACTS, { snapshotKeepEntries: keep, snapshotChunkBytes: 40 })
      committed += told.committed
      installs += told.installs
      lost += told.lost
    }
    t.log(`${committed} entries committed under faults, ${installs} machines restored, ${lost} of them because their own snapshot was lost`)
    t.true(committed > 0 && installs > 0 && lost > 0)
  })
}
