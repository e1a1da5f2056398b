/**
 * The first sector of every file of a store:
 *
 *     magic, 8 bytes | format u32 | checksum of these 12 bytes u32 | kind u8, 3 × 0 | cluster id's length u32
 *     | number u64 | capacity u64 | salt, 16 bytes | cluster id | zeros | checksum of all before it u32
 *
 * Magic and format have a checksum of their own, so that a later version may change all the rest and still be recognised here.
 */
import { checksumOf, readPosition, readUint32, writePosition, writeUint32 } from '../../../codecs/bytes.js'
import { FOLDER_FORMAT } from '../../../codecs/records.js'
import { type Either, left, right } from '../../../lib/prelude.js'
import { SECTOR_BYTES } from '../disk/disk.js'

export const SALT_BYTES = 16
const MAGIC = Buffer.from('rxraft\r\n', 'latin1')
const FORMAT_CHECKED = 12
const CLUSTER_AT = 56
const CHECKED = SECTOR_BYTES - 4
const KINDS = ['identity', 'hard-state', 'segment', 'snapshot'] as const

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

/** A header as it was read. */
export interface FoundHeader extends FileHeader {
  readonly format: number
}

/** Why a file was not read: it is damaged, or of a format that this version does not know. */
export interface HeaderFault {
  readonly isNewer: boolean
  readonly reason: string
}

export const encodeFileHeader = ({ kind, clusterId, number, capacity, salt }: FileHeader): Uint8Array => {
  const sector = Buffer.alloc(SECTOR_BYTES)
  sector.set(MAGIC, 0)
  writeUint32(sector, 8, FOLDER_FORMAT)
  writeUint32(sector, FORMAT_CHECKED, checksumOf(sector.subarray(0, FORMAT_CHECKED)))
  sector[16] = KINDS.indexOf(kind)
  writeUint32(sector, 20, sector.write(clusterId, CLUSTER_AT, CHECKED - CLUSTER_AT))
  writePosition(sector, 24, number)
  writePosition(sector, 32, capacity)
  sector.set(salt.subarray(0, SALT_BYTES), 40)
  writeUint32(sector, CHECKED, checksumOf(sector.subarray(0, CHECKED)))
  return sector
}

export const decodeFileHeader = (bytes: Uint8Array, kind: FileHeader['kind']): Either<HeaderFault, FoundHeader> => {
  const damaged = (reason: string): Either<HeaderFault, never> => left({ isNewer: false, reason })
  if (bytes.length < SECTOR_BYTES) return damaged('the file is shorter than its header')
  const sector = Buffer.from(bytes.buffer, bytes.byteOffset, SECTOR_BYTES)
  if (!sector.subarray(0, MAGIC.length).equals(MAGIC)) return damaged('the file does not begin as a file of rxraft')
  if (readUint32(sector, FORMAT_CHECKED) !== checksumOf(sector.subarray(0, FORMAT_CHECKED))) return damaged('the format does not match its checksum')
  const format = readUint32(sector, 8)
  if (format > FOLDER_FORMAT) {
    return left({ isNewer: true, reason: `it has format ${format} of a later version; this version reads formats up to ${FOLDER_FORMAT}` })
  }
  if (readUint32(sector, CHECKED) !== checksumOf(sector.subarray(0, CHECKED))) return damaged('the file header does not match its checksum')
  if (KINDS[sector[16]!] !== kind) return damaged(`the file is no ${kind} file`)
  const clusterId = sector.toString('utf8', CLUSTER_AT, CLUSTER_AT + readUint32(sector, 20))
  const salt = Uint8Array.prototype.slice.call(sector, 40, 40 + SALT_BYTES)
  return right({ format, kind, clusterId, number: readPosition(sector, 24), capacity: readPosition(sector, 32), salt })
}
