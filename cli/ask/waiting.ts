import { DEFAULT_PROPOSE_TIMEOUT_MS } from '../../codecs/options.js'
import { MAX_TIMER_MS } from '../../codecs/primitives.js'
import type { Millis } from '../../lib/types.js'
import { wholeNumber } from '../arguments.js'
import { WAIT_SLACK_MS } from './shares.js'

/** The option that says how long to wait. */
export const WAIT = { 'timeout-ms': { type: 'string' } } as const

export const WAIT_HELP = `  --timeout-ms N       how long to wait for the outcome, a leader included (default ${DEFAULT_PROPOSE_TIMEOUT_MS}); those that are asked share it`

export const waitBehind = (values: { readonly 'timeout-ms'?: string | undefined }, otherwise: Millis = DEFAULT_PROPOSE_TIMEOUT_MS): Millis => {
  const text = values['timeout-ms']
  return text === undefined ? otherwise : wholeNumber('timeout-ms', text, 1, MAX_TIMER_MS - WAIT_SLACK_MS)
}
