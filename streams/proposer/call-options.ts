/** The options of a call. Plain JavaScript may make anything of them, and an action never rejects: they are read once, when they are given. */
import * as t from 'io-ts'
import { closed, optional } from '../../codecs/options.js'
import { guard } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'

export interface CallOptions {
  readonly timeoutMs?: Millis | undefined
  readonly signal?: AbortSignal | undefined
  /** What is wrong with them, one line for each fault: then the call is refused. */
  readonly faults?: readonly string[]
}

export const Timeout = guard<Millis>('Timeout', value =>
  typeof value === 'number' && value >= 0 && Number.isFinite(value) ? undefined : 'must be a number of milliseconds')

/** By what it can do: a test environment may bring an AbortSignal of its own. */
export const Signal = guard<AbortSignal>('Signal', value => typeof value === 'object' && value !== null
  && ['addEventListener', 'removeEventListener'].every(name => typeof Reflect.get(value, name) === 'function') ? undefined : 'must be an AbortSignal')

const Given = t.type({ options: closed({ timeoutMs: optional(Timeout), signal: optional(Signal) }) })
const NONE: CallOptions = {}

export const callOptions = (options: unknown): CallOptions => {
  if (options === undefined) return NONE
  const given = decodeWith(Given, { options })
  return isLeft(given) ? { faults: given.left } : given.right.options
}
