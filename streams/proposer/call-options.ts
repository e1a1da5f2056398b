/** The options of a call. Plain JavaScript may make anything of them, and an action never rejects: they are read once, when they are given. */
import * as t from 'io-ts'
import { closed, having, misuse, optional } from '../../codecs/judging.js'
import { guard } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import type { InvalidOptions } from '../../lib/errors.js'
import { isLeft } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'

export interface CallOptions {
  readonly timeoutMs?: Millis | undefined
  readonly signal?: AbortSignal | undefined
  /** What is wrong with them, one line for each fault: then the call is refused. */
  readonly faults?: readonly string[]
}

const Timeout = guard<Millis>('Timeout', value =>
  typeof value === 'number' && value >= 0 && Number.isFinite(value) ? undefined : 'must be a number of milliseconds')

const ignore = (): void => undefined

/** By what it can do: a test environment may bring an AbortSignal of its own. Whether it does is tried, once. */
const Signal = guard<AbortSignal>('Signal', value => {
  if (!isSignal(value) || typeof value.aborted !== 'boolean') return 'must be an AbortSignal'
  value.addEventListener('abort', ignore)
  value.removeEventListener('abort', ignore)
  return undefined
})
const isSignal = (value: unknown): value is AbortSignal => typeof value === 'object' && value !== null
  && ['addEventListener', 'removeEventListener'].every(name => typeof Reflect.get(value, name) === 'function')

/** What every call takes. */
export const callFields = { timeoutMs: optional(Timeout), signal: optional(Signal) }

/** How many at a time, or how many may wait. */
const bound = (least: number): t.Type<number> => guard('Bound', value =>
  typeof value === 'number' && value >= least && Number.isFinite(value) ? undefined : `must be a finite number of at least ${least}`)

/** Has both ends of a pull; a string is an iterable, too. */
const Pulled = guard<Iterable<unknown> | AsyncIterable<unknown>>('Pulled', value => {
  const methods = [Symbol.iterator, Symbol.asyncIterator].map(name => value === undefined || value === null ? undefined : Reflect.get(Object(value), name))
  return methods.some(method => typeof method === 'function') ? undefined : 'must be an iterable'
})

/** What both kinds of streams of proposals take. */
const eachFields = { window: optional(bound(1)), timeoutMs: callFields.timeoutMs }

/** What is wrong with the source or the options of a `replicate`; undefined where nothing is. */
export const replicateFault = (commands: unknown, options: unknown): InvalidOptions | undefined =>
  misuse({ commands: having('pipe', 'subscribe'), options: optional(closed({ ...eachFields, queue: optional(bound(0)) })) }, { commands, options })
/** The same of a `replicateFrom`. */
export const replicateFromFault = (commands: unknown, options: unknown): InvalidOptions | undefined =>
  misuse({ commands: Pulled, options: optional(closed(eachFields)) }, { commands, options })

const Iterating = guard<unknown>('Iterating', value => typeof Reflect.get(Object(value), 'next') === 'function' ? undefined : 'must make an iterator')

/** What is wrong with the iterator that they made of themselves. */
export const iteratorFault = (iterator: unknown): InvalidOptions | undefined => misuse({ commands: Iterating }, { commands: iterator })

const NONE: CallOptions = {}

const reading = (codec: t.Decoder<unknown, { readonly options: CallOptions }>) => (options: unknown): CallOptions => {
  if (options === undefined) return NONE
  const given = decodeWith(codec, { options })
  return isLeft(given) ? { faults: given.left } : given.right.options
}

export const callOptions = reading(t.type({ options: closed(callFields) }))
/** Those of a call that is given up in another way. */
export const timeoutOptions = reading(t.type({ options: closed({ timeoutMs: callFields.timeoutMs }) }))
