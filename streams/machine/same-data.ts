/** Whether what was read again is what was written, looked at a slice at a time. */
import { MAX_VALUE_DEPTH } from '../../codecs/values.js'

/** As deep as what is encoded may be; a state may be deeper in memory than its codec writes it. */
const MAX_DEPTH = MAX_VALUE_DEPTH

/** Two lists, or two plain objects, and how far they were compared: all own keys, for a reducer may look at those that nothing enumerates. */
interface Level {
  readonly one: Readonly<Record<string, unknown>>
  readonly other: Readonly<Record<string, unknown>>
  /** Of a list nothing but its items is compared: nothing else is written. */
  readonly keys: readonly PropertyKey[] | undefined
  readonly length: number
  at: number
  /** What was compared last. */
  key: PropertyKey
  /** Keys that both have. */
  shared: number
}

/** What decides on two values of which neither is plain data. */
export type IsSame = (one: unknown, other: unknown) => boolean

export interface Comparison {
  /** Compares so many values more, and says whether that was the end of it. */
  advance(values: number): boolean
  /** The keys that lead to where they differ, each after a dot; undefined where nothing differs, as far as was compared. */
  readonly difference: string | undefined
  /** Something was met of which `isSame` had to decide, or that is part of itself or of more than one thing, which its keys and items alone do not tell. */
  readonly hasOpaque: boolean
}

interface Work {
  readonly isSame: IsSame
  readonly levels: Level[]
  /** So many values more are compared before pairs are remembered, which a tree needs not and which costs memory. */
  unremembered: number
  /** From one object to another that it is held for the same as, and so on until the last, which stands for all of them. */
  readonly alike: Map<object, object>
  isDifferent: boolean
  hasOpaque: boolean
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

type Kind = 'list' | 'object' | 'opaque'

/** An object without a prototype holds what any other holds. */
const kindOf = (value: object): Kind => {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return 'object'
  return prototype === Array.prototype && Array.isArray(value) ? 'list' : 'opaque'
}

const levelOf = (kind: Kind, one: Readonly<Record<string, unknown>>, other: Readonly<Record<string, unknown>>): Level => {
  const keys = kind === 'list' ? undefined : Reflect.ownKeys(one)
  return { one, other, keys, length: keys === undefined ? (one as unknown as readonly unknown[]).length : keys.length, at: 0, key: 0, shared: 0 }
}

const opaqueIsSame = (work: Work, one: object, other: object): boolean => {
  work.hasOpaque = true
  return Object.getPrototypeOf(one) === Object.getPrototypeOf(other) && work.isSame(one, other)
}

/** What stands for all that this is held for the same as; the way is made shorter for who asks next. */
const standsFor = ({ alike }: Work, value: object): object => {
  let at = value
  for (let next = alike.get(at); next !== undefined; next = alike.get(at)) {
    const beyond = alike.get(next)
    if (beyond !== undefined) alike.set(at, beyond)
    at = beyond ?? next
  }
  return at
}

/**
 * Two that are being compared, or were, count once, and so does what follows from others. A circle would be gone round for ever otherwise, on every way through it,
 * and two circles of which one is longer would meet in ever new pairs. So there are never more comparisons than objects.
 */
const isRemembered = (work: Work, one: object, other: object): boolean => {
  if (work.unremembered > 0) return false
  const [first, second] = [standsFor(work, one), standsFor(work, other)]
  if (first === second) return true
  work.alike.set(first, second)
  return false
}

/** Whether they may be the same: what is in two lists or two objects is compared next. `===` holds 0 and -0 for the same, since JSON has no zero with a sign. */
const mayBeSame = (work: Work, one: unknown, other: unknown): boolean => {
  if (one === other || Object.is(one, other)) return true
  if (!isObject(one) || !isObject(other)) return false
  const kind = kindOf(one)
  if (kind !== kindOf(other)) return false
  if (kind === 'opaque' || work.levels.length === MAX_DEPTH) return opaqueIsSame(work, one, other)
  if (kind === 'list' && one['length'] !== other['length']) return false
  if (isRemembered(work, one, other)) work.hasOpaque = true
  else work.levels.push(levelOf(kind, one, other))
  return true
}

/** An own value at the key; undefined where there is none, for JSON keeps no key of such a value and nobody is to tell the two apart. */
const valueAt = (object: Readonly<Record<PropertyKey, unknown>>, key: PropertyKey): unknown => Object.hasOwn(object, key) ? object[key] : undefined

/** Compares what is next at this level. */
const compareNext = (work: Work, level: Level): boolean => {
  const at = level.at++
  if (level.keys === undefined) {
    level.key = at
    return mayBeSame(work, level.one[at], level.other[at])
  }
  const key = level.keys[at]!
  level.key = key
  const isShared = Object.hasOwn(level.other, key)
  if (isShared) level.shared++
  return mayBeSame(work, valueAt(level.one, key), isShared ? valueAt(level.other, key) : undefined)
}

/** The first key that only the other has, with a value. */
const leftOver = ({ one, other, keys, shared }: Level): PropertyKey | undefined => {
  if (keys === undefined) return undefined
  const others = Reflect.ownKeys(other)
  return others.length === shared ? undefined : others.find(key => !Object.hasOwn(one, key) && valueAt(other, key) !== undefined)
}

const advance = (work: Work, values: number): boolean => {
  const { levels } = work
  for (let left = values; left > 0 && !work.isDifferent; left--) {
    const level = levels.at(-1)
    if (level === undefined) return true
    work.unremembered--
    if (level.at < level.length) work.isDifferent = !compareNext(work, level)
    else {
      const key = leftOver(level)
      if (key === undefined) levels.pop()
      else [work.isDifferent, level.key] = [true, key]
    }
  }
  return work.isDifferent || levels.length === 0
}

/** The way is known from where the work stopped: none is kept while nothing differs. */
const wayOf = ({ levels }: Work): string => levels.map(({ key }) => `.${String(key)}`).join('')

/** `expected` is how many values a tree would have here: what goes on for longer may have circles. */
export const compare = (one: unknown, other: unknown, isSame: IsSame, expected: number): Comparison => {
  const work: Work = { isSame, levels: [], unremembered: expected, alike: new Map(), isDifferent: false, hasOpaque: false }
  work.isDifferent = !mayBeSame(work, one, other)
  return {
    advance: values => advance(work, values),
    get difference() {
      return work.isDifferent ? wayOf(work) : undefined
    },
    get hasOpaque() {
      return work.hasOpaque
    },
  }
}
