import { commandsLayer, framesLayer } from './codecs.js'
import type { Layer } from './layer.js'
import { logLayer } from './log.js'
import { stepLayer } from './step.js'
import { storageLayer } from './storage.js'
import { streamsLayer } from './streams.js'
import { transportLayer } from './transport.js'

/** From the core outwards. */
export const LAYERS: readonly Layer[] = [stepLayer, logLayer, commandsLayer, framesLayer, streamsLayer, storageLayer, transportLayer]
