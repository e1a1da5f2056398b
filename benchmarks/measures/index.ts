import { inFlight, members, oneConnection, payload } from './durable.js'
import { failover, idle, restart, snapshot } from './events.js'
import { encoded, encodedPipelines, inProcess, pipelines, replicate, singles } from './in-process.js'
import { layers } from './layers.js'
import { machine } from './machine.js'
import type { Measure } from './measure.js'

/** All that a report has, in its order. */
export const MEASURES: readonly Measure[] =
  [machine, inFlight, oneConnection, payload, members, pipelines, encodedPipelines, inProcess, encoded, singles, replicate, layers, snapshot, restart, failover, idle]

/** What a reader may look for and does not find, with the reason. */
export const NOT_MEASURED: readonly { readonly what: string; readonly why: string }[] = [
  { what: 'validation off', why: 'members always validate: there is no option to turn it off' },
]
