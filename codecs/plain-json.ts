/** Any value of an application as JSON of a bounded size: what JSON has no word for is put as it can be, and what is too large is noticed on the way. */

/** It would take more than `maxBytes`. */
export class TooLargeToTell extends Error {
  override readonly name = 'TooLargeToTell'
  constructor(readonly maxBytes: number) {
    super(`it takes more than ${maxBytes} bytes as JSON; name a part of it`)
  }
}

/** The least that anything takes: a digit and a comma. */
const LEAST_BYTES = 2
/** Beside that a key has quotes and a colon. */
const KEY_BYTES = 3

/** A Map as an object, or as a list of pairs where a key is no text, or two of them would be the same one. */
const plainMap = (map: ReadonlyMap<unknown, unknown>): unknown => {
  let [isText, numbers] = [true, 0]
  for (const key of map.keys()) {
    if (typeof key === 'number') numbers++
    else if (typeof key !== 'string') isText = false
  }
  const isClear = numbers === 0 || numbers === map.size || [...map.keys()].every(key => typeof key !== 'number' || !map.has(String(key)))
  return isText && isClear ? Object.fromEntries(map) : [...map]
}

const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (value instanceof Set) return [...value as ReadonlySet<unknown>]
  return value instanceof Map ? plainMap(value) : value
}

const textOf = (value: unknown): number => typeof value === 'string' ? value.length : 0

/** Whether this alone takes more than `room`: looked at part by part, and no further than that, before anything is copied. */
const exceeds = (value: unknown, room: number): boolean => {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length > room
  if (Array.isArray(value)) return value.length * LEAST_BYTES - 1 > room
  if (value instanceof Set) return value.size * LEAST_BYTES - 1 > room
  if (!(value instanceof Map)) return false
  let bytes = -1
  for (const [key, item] of value as ReadonlyMap<unknown, unknown>) {
    bytes += LEAST_BYTES + KEY_BYTES + textOf(key) + textOf(item)
    if (bytes > room) return true
  }
  return false
}

/**
 * The JSON of `value`: Maps as objects, or as lists of pairs where a key is no text or stands there twice, as 1 and '1'; Sets as lists, bytes in base64, big integers as strings. Throws
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
    count(Array.isArray(this) ? LEAST_BYTES : key.length + LEAST_BYTES + KEY_BYTES)
    if (exceeds(found, maxBytes - bytes)) throw new TooLargeToTell(maxBytes)
    count(textOf(found))
    return plain(found)
  })
  // Beyond ASCII a character takes more than a byte.
  if (text !== undefined && Buffer.byteLength(text) > maxBytes) throw new TooLargeToTell(maxBytes)
  return text ?? 'null'
}
