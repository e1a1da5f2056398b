import { crc32 } from 'node:zlib'

const POLYNOMIAL = 0xedb8_8320
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1
  return remainder
})
/** Below this a loop is done before a native call has begun. */
const SHORT_BYTES = 64

const shortChecksum = (bytes: Uint8Array, seed: number): number => {
  let remainder = ~seed
  for (let i = 0; i < bytes.length; i++) remainder = TABLE[(remainder ^ bytes[i]!) & 0xff]! ^ (remainder >>> 8)
  return ~remainder >>> 0
}

/** CRC-32 of `bytes`, continuing from `seed`: finds damage, proves no origin. */
export const checksumOf = (bytes: Uint8Array, seed = 0): number => (bytes.length < SHORT_BYTES ? shortChecksum(bytes, seed) : crc32(bytes, seed))

/** The largest value that the formats carry: adding small numbers to it stays exact. */
export const MAX_POSITION = 2 ** 53 - 2 ** 20

/** Writes a position as eight bytes, low half first, without BigInt. */
export const writePosition = (view: DataView, offset: number, value: number): void => {
  view.setUint32(offset, value >>> 0, true)
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true)
}

/** Reads what `writePosition` wrote; values above `MAX_POSITION` come back as NaN. */
export const readPosition = (view: DataView, offset: number): number => {
  const value = view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true)
  return value <= MAX_POSITION ? value : Number.NaN
}

/** The same memory, for reading and writing numbers. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
