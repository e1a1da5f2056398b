/** Any value of an application as JSON of a bounded size: what JSON has no word for is put as it can be, and what is too large is noticed on the way. */

/** It would take more than `maxBytes`. */
export class TooLargeToTell extends Error {
  override readonly name = 'TooLargeToTell'
  constructor(readonly maxBytes: number) {
    super(`it takes more than ${maxBytes} bytes as JSON; name a part of it`)
  }
}

const isText = (key: unknown): key is string | number => typeof key === 'string' || typeof key === 'number'

/** The least that anything takes: a digit and a comma. */
const LEAST_BYTES = 2

const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (value instanceof Set) return [...value as ReadonlySet<unknown>]
  if (!(value instanceof Map)) return value
  const entries: readonly (readonly [unknown, unknown])[] = [...value]
  return entries.every(([key]) => isText(key)) ? Object.fromEntries(entries.map(([key, item]) => [String(key), item])) : entries
}

const sizeOf = (value: unknown): number => {
  if (typeof value === 'string') return value.length
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length
  return value instanceof Map || value instanceof Set ? value.size : 0
}

/**
 * The JSON of `value`: Maps as objects, or as lists of pairs where a key is no text; Sets as lists, bytes in base64, big integers as strings. Throws
 * `TooLargeToTell` before much more than `maxBytes` were made, and whatever JSON itself throws, as at a circle.
 */
export const plainJson = (value: unknown, maxBytes: number): string => {
  let bytes = 0
  const count = (more: number): void => {
    bytes += more
    if (bytes > maxBytes) throw new TooLargeToTell(maxBytes)
  }
  const text: string | undefined = JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, key: string, item: unknown) {
    // What is there before `toJSON`: a Buffer would have become a list of numbers.
    const held = this[key]
    const found = held instanceof Uint8Array ? held : item
    const size = sizeOf(found)
    count(Array.isArray(this) ? LEAST_BYTES : key.length + LEAST_BYTES + 3)
    // Looked at before it is copied: each of its parts will take two bytes at least.
    if (bytes + size > maxBytes) throw new TooLargeToTell(maxBytes)
    if (typeof found === 'string') count(size)
    return plain(found)
  })
  // Beyond ASCII a character takes more than a byte.
  if (text !== undefined && Buffer.byteLength(text) > maxBytes) throw new TooLargeToTell(maxBytes)
  return text ?? 'null'
}
