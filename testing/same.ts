import { isDeepStrictEqual } from 'node:util'
import { withoutUndefined } from './without-undefined.js'

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype && Object.getOwnPropertySymbols(value).length === 0

const isSameFlat = (a: unknown, b: unknown): boolean => {
  if (!isPlain(a) || !isPlain(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && Object.is(a[key], b[key]))
}

/** Whether nobody is told anything else by the one than by the other: members that are undefined count as absent, and zeros have no sign. Of flat objects it is known without preparations. */
export const isSame = (a: unknown, b: unknown): boolean => {
  if (a === b || Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object') return false
  return isSameFlat(a, b) || isDeepStrictEqual(withoutUndefined(a), withoutUndefined(b))
}
