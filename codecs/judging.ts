/** How what a caller hands over is judged, options and arguments alike: every fault by its name, for plain JavaScript too. */
import * as t from 'io-ts'
import { InvalidOptions } from '../lib/errors.js'
import { isLeft } from '../lib/prelude.js'
import { through } from './depth.js'
import { MachineVersion, guard } from './primitives.js'
import { decodeWith, messageOf } from './report.js'

/** Unlike a union with undefined, it reports only what is wrong with a value that is there. */
export const optional = <A>(codec: t.Type<A, unknown>): t.Type<A | undefined, unknown> => through(new t.Type<A | undefined, unknown>(
  codec.name,
  (value): value is A | undefined => value === undefined || codec.is(value),
  (value, context) => (value === undefined ? t.success(undefined) : codec.validate(value, context)),
  t.identity,
), codec)

/** Whoever hands over what is decoded may leave out keys whose value is undefined, as JSON does. */
export const mayLack = <A extends object>(codec: t.Type<A, unknown>, ...keys: readonly (keyof A & string)[]): t.Type<A, unknown> => {
  const absent = Object.fromEntries(keys.map(key => [key, undefined]))
  return through(new t.Type<A, unknown>(codec.name, (value): value is A => codec.is(t.UnknownRecord.is(value) ? { ...absent, ...value } : value), codec.validate, codec.encode), codec)
}

/** What may hold options: a Map, a Date or a promise has none of its own, and would pass for one that leaves out all. */
export const isOptions = (value: unknown): boolean => t.UnknownRecord.is(value) && Object.prototype.toString.call(value) === '[object Object]'

/** What a look came to, or what it says where a getter or a proxy threw. */
const tried = <A>(look: () => A, unreadable: (why: string) => A): A => {
  try {
    return look()
  } catch (thrown) {
    return unreadable(`cannot be read: ${messageOf(thrown)}`)
  }
}

/** Its keys, or why it has none. */
const keysOf = (value: unknown): readonly string[] | string => tried<readonly string[] | string>(() => isOptions(value) ? Object.keys(Object(value)) : 'must be an object', why => why)

/** An object that has these keys and no others: a misspelt option must not pass for one that was left out. */
export const closed = <P extends t.Props>(props: P): t.Type<t.TypeOfProps<P>, unknown> => {
  const open = t.type(props)
  return new t.Type<t.TypeOfProps<P>, unknown>('options', open.is, (value, context) => {
    const keys = keysOf(value)
    if (typeof keys === 'string') return t.failure(value, context, keys)
    const unreadable: t.ValidationError[] = []
    const read = (key: string): unknown => tried<unknown>(() => Reflect.get(Object(value), key), message => void unreadable.push({ value: undefined, context: t.appendContext(context, key, t.never), message }))
    // Read once: what follows gets what was judged, whatever a getter says by then.
    const given = Object.fromEntries(Object.keys(props).map(key => [key, read(key)]))
    if (unreadable.length > 0) return t.failures(unreadable)
    const known = open.validate(given, context)
    const faults = keys.filter(key => !Object.hasOwn(props, key)).map(key =>
      ({ value: undefined, context: t.appendContext(context, key, t.never), message: 'is not an option' }))
    return faults.length === 0 ? known : t.failures([...faults, ...(isLeft(known) ? known.left : [])])
  }, t.identity)
}

/** A function of the caller's, by no more than that. */
export const Callback = guard<unknown>('Callback', value => typeof value === 'function' ? undefined : 'must be a function')

/** Something the library calls, of which only the presence of its methods can be checked. */
export const having = (...methods: readonly string[]): t.Type<unknown> => guard('having', value => tried(() =>
  typeof value === 'object' && value !== null && methods.every(name => typeof Reflect.get(value, name) === 'function')
    ? undefined
    : `must be an object with the method ${methods.join(' and ')}`, why => why))

/** An io-ts codec of the caller's, by its methods. */
export const IoTsCodec = guard<unknown>('IoTsCodec', value => tried(() =>
  ['decode', 'encode'].every(name => typeof Reflect.get(Object(value), name) === 'function') ? undefined : 'must be an io-ts codec', why => why))

/** The codecs of a machine, by no more than that they are such. */
export const Protocol = t.type({ command: IoTsCodec, result: IoTsCodec }, 'a pair of io-ts codecs, command and result')

const Recipe = t.type({ ...Protocol.props, version: optional(MachineVersion) }, Protocol.name)

/** What is wrong with the version and the codecs of a machine, as which `name` was given. */
export const machineFaults = (name: string, machine: unknown): readonly string[] => {
  const decoded = decodeWith(t.type({ [name]: Recipe }), { [name]: machine })
  return isLeft(decoded) ? decoded.left : []
}

/** What is wrong with what a function was given, by the names of its parameters; undefined where nothing is. */
export const misuse = (props: t.Props, given: object): InvalidOptions | undefined => {
  const decoded = decodeWith(t.type(props), given)
  return isLeft(decoded) ? new InvalidOptions(decoded.left) : undefined
}
