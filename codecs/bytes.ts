import { crc32 } from 'node:zlib'
import { MAX_POSITION, isPosition } from '../lib/bounds.js'

const POLYNOMIAL = 0xedb8_8320
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1
  return remainder
})
/** Below this a loop is done before a native call has begun. */
const SHORT_BYTES = 64

const shortChecksum = (bytes: Uint8Array, seed: number, from: number, to: number): number => {
  let remainder = ~seed
  for (let i = from; i < to; i++) remainder = TABLE[(remainder ^ bytes[i]!) & 0xff]! ^ (remainder >>> 8)
  return ~remainder >>> 0
}

/** CRC-32 of `bytes`, continuing from `seed`: finds damage, proves no origin. */
export const checksumOf = (bytes: Uint8Array, seed = 0): number =>
  (bytes.length < SHORT_BYTES ? shortChecksum(bytes, seed, 0, bytes.length) : crc32(bytes, seed))

/** The same of the bytes from `from` up to `to`, for headers: a view of so few costs more than their sum. */
export const checksumBetween = (bytes: Uint8Array, from: number, to: number, seed = 0): number =>
  (to - from < SHORT_BYTES ? shortChecksum(bytes, seed, from, to) : crc32(bytes.subarray(from, to), seed))

/** The polynomials a and b, highest power in bit 0, multiplied modulo the one of CRC-32. */
const product = (a: number, b: number): number => {
  let sum = 0
  for (let shifted = b, rest = a; rest !== 0; rest <<= 1) {
    if (rest < 0) sum ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return sum
}

const ONE = 1 << 31
/** x to the power of 8, 16, 32 and so on: what 1, 2, 4 more bytes do to a checksum. */
const SHIFTS: readonly number[] = Array.from({ length: 53 }).reduce<number[]>(shifts => [...shifts, product(shifts.at(-1)!, shifts.at(-1)!)], [ONE >>> 8])

/** CRC-32 of what `before` belongs to and of `bytes` bytes after it, which have `checksum` by themselves: as if continued, without reading them again. */
export const joinedChecksum = (before: number, checksum: number, bytes: number): number => {
  let shifted = before
  for (let rest = bytes, i = 0; rest > 0; rest = Math.floor(rest / 2), i++) if (rest % 2 === 1) shifted = product(SHIFTS[i]!, shifted)
  return (shifted ^ checksum) >>> 0
}

export { MAX_POSITION }

/** Writes four bytes, lowest first. A DataView does the same, but making one costs more than all the numbers of a header. */
export const writeUint32 = (bytes: Uint8Array, offset: number, value: number): void => {
  bytes[offset] = value
  bytes[offset + 1] = value >>> 8
  bytes[offset + 2] = value >>> 16
  bytes[offset + 3] = value >>> 24
}

/** Reads what `writeUint32` wrote. Whoever calls has made sure that the four bytes are there. */
export const readUint32 = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset]! | bytes[offset + 1]! << 8 | bytes[offset + 2]! << 16 | bytes[offset + 3]! << 24) >>> 0

/** Writes a position as eight bytes, low half first, without BigInt. Throws on anything that would not be read as it was written. */
export const writePosition = (bytes: Uint8Array, offset: number, value: number): void => {
  if (!isPosition(value)) throw new RangeError(`${value} is no position`)
  writeUint32(bytes, offset, value >>> 0)
  writeUint32(bytes, offset + 4, Math.floor(value / 0x1_0000_0000))
}

/** Reads what `writePosition` wrote; values above `MAX_POSITION` come back as NaN. */
export const readPosition = (bytes: Uint8Array, offset: number): number => {
  const value = readUint32(bytes, offset + 4) * 0x1_0000_0000 + readUint32(bytes, offset)
  return value <= MAX_POSITION ? value : Number.NaN
}

const scratch = new DataView(new ArrayBuffer(8))
const scratchBytes = new Uint8Array(scratch.buffer)

/** Writes a number that may have a fraction as eight bytes. */
export const writeFloat64 = (bytes: Uint8Array, offset: number, value: number): void => {
  scratch.setFloat64(0, value, true)
  bytes.set(scratchBytes, offset)
}

/** Reads what `writeFloat64` wrote. */
export const readFloat64 = (bytes: Uint8Array, offset: number): number => {
  for (let i = 0; i < 8; i++) scratchBytes[i] = bytes[offset + i]!
  return scratch.getFloat64(0, true)
}

/** The same memory, for whoever reads or writes many numbers. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
