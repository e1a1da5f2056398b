import { crc32 } from 'node:zlib'

/** CRC-32 of `bytes`, continuing from `seed`: finds damage, proves no origin. */
export const checksumOf = (bytes: Uint8Array, seed = 0): number => crc32(bytes, seed)

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

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
