import { isPosition } from '../lib/bounds.js'
import { viewOf } from './bytes.js'

/** Bytes that grow as they are written; numbers little-endian. */
export interface ByteSink {
  length(): number
  byte(value: number): void
  /** A whole number from 0 to `MAX_POSITION`, seven bits to a byte, the lowest first. Throws on anything else. */
  varint(value: number): void
  /** 32 bits. */
  word(value: number): void
  double(value: number): void
  /** Its length, then the bytes themselves. */
  blob(bytes: Uint8Array): void
  /** The same for a string of visible ASCII characters, such as a member's id. */
  text(value: string): void
  /** Writes a word over what stands at `offset`. */
  patch(offset: number, value: number): void
  /** What stands from `offset` on, as a view that the next write may outdate. */
  from(offset: number): Uint8Array
  /** Forgets what was written from `offset` on. */
  truncate(offset: number): void
  /** What was written, handed over; the sink is empty then. */
  take(): Uint8Array
}

const allocate = (bytes: number): Uint8Array => Buffer.allocUnsafeSlow(bytes)

/** A sink whose buffer begins with `capacity` bytes. */
export const byteSink = (capacity: number): ByteSink => {
  let bytes = allocate(capacity)
  let view = viewOf(bytes)
  let at = 0

  const make = (room: number): void => {
    if (at + room <= bytes.length) return
    const larger = allocate(Math.max(2 * bytes.length, at + room))
    larger.set(bytes.subarray(0, at))
    bytes = larger
    view = viewOf(bytes)
  }
  const varint = (value: number): void => {
    if (!isPosition(value)) throw new RangeError(`${value} is no position`)
    make(8)
    let rest = value
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128
    for (; rest > 127; rest >>>= 7) bytes[at++] = (rest & 127) | 128
    bytes[at++] = rest
  }
  return {
    length: () => at,
    byte: value => {
      make(1)
      bytes[at++] = value
    },
    varint,
    word: value => {
      make(4)
      view.setUint32(at, value, true)
      at += 4
    },
    double: value => {
      make(8)
      view.setFloat64(at, value, true)
      at += 8
    },
    blob: added => {
      varint(added.length)
      make(added.length)
      bytes.set(added, at)
      at += added.length
    },
    text: value => {
      varint(value.length)
      make(value.length)
      for (let i = 0; i < value.length; i++) bytes[at++] = value.charCodeAt(i)
    },
    patch: (offset, value) => view.setUint32(offset, value, true),
    from: offset => bytes.subarray(offset, at),
    truncate: offset => { at = offset },
    take: () => {
      const taken = bytes.subarray(0, at)
      bytes = allocate(capacity)
      view = viewOf(bytes)
      at = 0
      return taken
    },
  }
}
