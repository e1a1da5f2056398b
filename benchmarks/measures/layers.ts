import { LAYERS } from '../layers/index.js'
import { BATCH, costOf } from '../layers/layer.js'
import type { Sample } from '../reporting/figures.js'
import type { Measure } from './measure.js'

/** Of what a stage is measured otherwise: layers differ less from round to round than whole clusters do. */
const SHARE = 0.5

export const layers: Measure = {
  name: 'layers', title: `What each layer costs alone: microseconds of CPU for an entry of 128 bytes, ${BATCH} entries at a time`, at: 'layer', isDurable: false,
  about: ({ seconds }) => LAYERS.length * (2 * seconds * SHARE + 0.2),
  run: async ({ seconds }) => {
    const samples: Sample[] = []
    for (const layer of LAYERS) samples.push({ at: layer.name, kind: 'cpuMicros', value: await costOf(layer, seconds * 1000 * SHARE) })
    return samples
  },
}
