import * as t from 'io-ts'
import { type Either, isLeft, left } from '../lib/prelude.js'

/** Lines of a report at most: a hostile value has as many faults as it likes. */
export const MAX_REPORT_LINES = 16
const MAX_SHOWN = 64

const show = (value: unknown): string => {
  switch (typeof value) {
    case 'string': return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value)
    case 'number': return Object.is(value, -0) ? '-0' : String(value)
    case 'boolean': case 'undefined': return String(value)
    case 'bigint': return 'a bigint'
    case 'object': return value === null ? 'null' : 'an object'
    default: return `a ${typeof value}`
  }
}

const hasAlternatives = (codec: t.Decoder<never, unknown> | undefined): boolean =>
  codec !== undefined && '_tag' in codec && (codec._tag === 'UnionType' || codec._tag === 'IntersectionType')

const pathOf = (context: t.Context): string => context
  .filter((entry, i) => entry.key !== '' && !hasAlternatives(context[i - 1]?.type))
  .map(({ key }) => key.slice(0, MAX_SHOWN))
  .join('.')

const lineOf = ({ context, message, value }: t.ValidationError): string => {
  const path = pathOf(context)
  const fault = message ?? `must be ${context.at(-1)?.type.name ?? 'something else'}`
  const isNotToBe = context.at(-1)?.type === t.never
  const shown = message !== undefined && (isNotToBe || typeof value === 'object') ? '' : `, not ${show(value)}`
  return `${path === '' ? '' : `${path}: `}${fault}${shown}`
}

/** One line per fault with its path, at most `MAX_REPORT_LINES`: made for people, bounded against hostile input. */
export const report = (errors: t.Errors): readonly string[] => {
  const lines = errors.slice(0, MAX_REPORT_LINES).map(lineOf)
  if (errors.length > MAX_REPORT_LINES) lines[MAX_REPORT_LINES - 1] = `and ${errors.length - MAX_REPORT_LINES + 1} more faults`
  return lines
}

/** What an exception says, whatever was thrown: a field of its class may hide the message that it was given. */
export const messageOf = (thrown: unknown): string => {
  try {
    if (!(thrown instanceof Error)) return show(thrown)
    const message: unknown = thrown.message
    return typeof message === 'string' ? message : `an error whose message is ${show(message)}`
  } catch {
    return 'something that cannot be shown was thrown'
  }
}

const fits = (entry: t.ContextEntry | undefined): boolean => entry !== undefined && 'is' in entry.type && typeof entry.type.is === 'function' && entry.type.is(entry.actual) === true

/** `codec.is` that never throws. */
export const fitsAsItIs = <A>(codec: Pick<t.Type<A, unknown>, 'is'>, value: unknown): boolean => {
  try {
    return codec.is(value)
  } catch {
    return false
  }
}

/** What of a value is not what the codec describes, as a program holds it and before it is encoded; undefined where nothing can be said. */
export const misfits = <A>(codec: t.Type<A, unknown>, value: unknown): readonly string[] | undefined => {
  try {
    if (codec.is(value)) return undefined
    const decoded = codec.decode(value)
    // What is only expected in another form, in which it will be encoded, is no fault.
    const faults = isLeft(decoded) ? decoded.left.filter(({ context }) => !fits(context.at(-1))) : []
    return report(faults.length > 0 ? faults : [{ value, context: [{ key: '', type: codec }] }])
  } catch {
    return undefined
  }
}

/** `codec.decode` that never throws, whatever the codec or the getters of the value do. */
export const decodeWith = <A>(codec: t.Decoder<unknown, A>, value: unknown): Either<readonly string[], A> => {
  try {
    const decoded = codec.decode(value)
    return isLeft(decoded) ? left(report(decoded.left)) : decoded
  } catch (thrown) {
    return left([`reading the value failed: ${messageOf(thrown)}`])
  }
}
