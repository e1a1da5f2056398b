/**
 * Plain objects without the members that are undefined, however deep in lists, Maps and Sets, and with a prototype; lists of nothing but their items; zeros without a sign; all else as
 * it is. JSON tells none of that apart.
 */
export const withoutUndefined = (value: unknown): unknown => copy(value, new Map())

/** `copies` has what was begun, for a value may be in a circle. */
const copy = (value: unknown, copies: Map<object, unknown>): unknown => {
  if (value === 0) return 0
  if (typeof value !== 'object' || value === null) return value
  if (copies.has(value)) return copies.get(value)
  const fill = <A extends object>(empty: A, put: (empty: A) => void): A => {
    copies.set(value, empty)
    put(empty)
    return empty
  }
  const inner = (item: unknown): unknown => copy(item, copies)
  if (Array.isArray(value)) return fill<unknown[]>([], list => { for (const item of value) list.push(inner(item)) })
  if (value instanceof Map) return fill(new Map<unknown, unknown>(), map => value.forEach((item, key) => map.set(inner(key), inner(item))))
  if (value instanceof Set) return fill(new Set<unknown>(), set => value.forEach(item => set.add(inner(item))))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return fill<object>({}, object => {
    for (const [key, item] of Object.entries(value)) if (item !== undefined) Object.defineProperty(object, key, { value: inner(item), enumerable: true })
  })
}
