/**
 * The first sector of every file of a store:
 *
 *     magic, 8 bytes | format u32 | checksum of these 12 bytes u32 | kind u8, 3 × 0 | cluster id's length u32
 *     | number u64 | capacity u64 | salt, 16 bytes | cluster id | zeros | checksum of all before it u32
 *
 * Magic and format have a checksum of their own, so that a later version may change all the rest and still be recognised here.
 */
import { checksumOf, readPosition, viewOf, writePosition } from '../../../codecs/bytes.js'
import { FOLDER_FORMAT } from '../../../codecs/records.js'
import { type Either, left, right } from '../../../lib/prelude.js'
import { SECTOR_BYTES } from '../disk/disk.js'

export const SALT_BYTES = 16
const MAGIC = Buffer.from('rxraft\r\n', 'latin1')
const FORMAT_CHECKED = 12
const CLUSTER_AT = 56
const CHECKED = SECTOR_BYTES - 4
const KINDS = ['identity', 'hard-state', 'segment'] as const

export interface FileHeader {
  readonly kind: (typeof KINDS)[number]
  readonly clusterId: string
  /** The segment's number, 0 in other files. */
  readonly number: number
  /** The file's size in bytes, 0 where it varies. */
  readonly capacity: number
  /** Random bytes of this file alone. */
  readonly salt: Uint8Array
}

/** Why a file was not read: it is damaged, or of a format that this version does not know. */
export interface HeaderFault {
  readonly newer: boolean
  readonly reason: string
}

export const encodeFileHeader = ({ kind, clusterId, number, capacity, salt }: FileHeader): Uint8Array => {
  const sector = Buffer.alloc(SECTOR_BYTES)
  const view = viewOf(sector)
  sector.set(MAGIC, 0)
  view.setUint32(8, FOLDER_FORMAT, true)
  view.setUint32(FORMAT_CHECKED, checksumOf(sector.subarray(0, FORMAT_CHECKED)), true)
  view.setUint8(16, KINDS.indexOf(kind))
  view.setUint32(20, sector.write(clusterId, CLUSTER_AT, CHECKED - CLUSTER_AT), true)
  writePosition(view, 24, number)
  writePosition(view, 32, capacity)
  sector.set(salt.subarray(0, SALT_BYTES), 40)
  view.setUint32(CHECKED, checksumOf(sector.subarray(0, CHECKED)), true)
  return sector
}

export const decodeFileHeader = (bytes: Uint8Array, kind: FileHeader['kind']): Either<HeaderFault, FileHeader> => {
  const damaged = (reason: string): Either<HeaderFault, never> => left({ newer: false, reason })
  if (bytes.length < SECTOR_BYTES) return damaged('the file is shorter than its header')
  const sector = Buffer.from(bytes.buffer, bytes.byteOffset, SECTOR_BYTES)
  const view = viewOf(sector)
  if (!sector.subarray(0, MAGIC.length).equals(MAGIC)) return damaged('the file does not begin as a file of rxraft')
  if (view.getUint32(FORMAT_CHECKED, true) !== checksumOf(sector.subarray(0, FORMAT_CHECKED))) return damaged('the format does not match its checksum')
  const format = view.getUint32(8, true)
  if (format > FOLDER_FORMAT) {
    return left({ newer: true, reason: `it has format ${format} of a later version; this version reads formats up to ${FOLDER_FORMAT}` })
  }
  if (view.getUint32(CHECKED, true) !== checksumOf(sector.subarray(0, CHECKED))) return damaged('the file header does not match its checksum')
  if (KINDS[view.getUint8(16)] !== kind) return damaged(`the file is no ${kind} file`)
  const clusterId = sector.toString('utf8', CLUSTER_AT, CLUSTER_AT + view.getUint32(20, true))
  const salt = Uint8Array.prototype.slice.call(sector, 40, 40 + SALT_BYTES)
  return right({ kind, clusterId, number: readPosition(view, 24), capacity: readPosition(view, 32), salt })
}
