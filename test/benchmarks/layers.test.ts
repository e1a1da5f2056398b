/** Every layer that is measured alone still does what it says: each checks itself that nothing was lost on the way. */
import test from 'ava'
import { LAYERS } from '../../benchmarks/layers/index.js'
import { costOf } from '../../benchmarks/layers/layer.js'

for (const layer of LAYERS) {
  test(`${layer.name}: ${layer.does}`, async t => {
    const cost = await costOf(layer, 30)
    t.true(cost > 0 && Number.isFinite(cost))
  })
}
