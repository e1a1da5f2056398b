/** What members and their addresses may be called, wherever they are named. */

/** The longest member id. */
export const MAX_ID_BYTES = 128
/** The longest `host:port`. */
const MAX_ADDRESS_BYTES = 255

/** Looked up in a set: `in` with a name that was just read from bytes costs more than the rest of a message's check. */
const OF_EVERY_OBJECT: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'])

/** Whether it is a string of 1 to `most` visible ASCII characters, so that its length is its size in bytes and every log line can show it. */
export const isVisible = (value: unknown, most: number): value is string => typeof value === 'string' && value.length <= most && /^[!-~]+$/.test(value)

/** Names that every object has: ids are keys of records, and a lookup must not find what nobody put there. */
export const isOfEveryObject = (name: string): boolean => OF_EVERY_OBJECT.has(name)

export const isMemberId = (value: unknown): value is string => isVisible(value, MAX_ID_BYTES) && !isOfEveryObject(value)

/** `host:port`, the host a name, an IPv4 address or a bracketed IPv6 address. */
export const isAddress = (value: unknown): value is string => {
  const parts = typeof value === 'string' && value.length <= MAX_ADDRESS_BYTES ? /^([\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/.exec(value) : null
  const port = Number(parts?.[2])
  return port >= 1 && port <= 65535
}
