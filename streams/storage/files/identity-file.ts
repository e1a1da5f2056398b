/** Whose folder this is: file header | length u32 | checksum u32 | record. Replaced whole, by a rename. */
import { checksumOf, readUint32, writeUint32 } from '../../../codecs/bytes.js'
import { type Identity, decodeIdentity, encodeIdentity } from '../../../codecs/records.js'
import { Damaged } from '../../../lib/errors.js'
import { type Either, isLeft, left } from '../../../lib/prelude.js'
import { type Act, chain, settled } from '../../act/act.js'
import { type Disk, SECTOR_BYTES } from '../disk/disk.js'
import { SALT_BYTES, encodeFileHeader } from './file-header.js'
import { type CheckOwner, type Failure, readStoreFile } from './store-file.js'

export const IDENTITY_FILE = 'identity'

const RECORD_AT = SECTOR_BYTES + 8
/** Room for the incarnations of far more peers than a cluster has. */
const MAX_BYTES = 1024 * 1024

export const identityBytes = (identity: Identity): Uint8Array => {
  const record = encodeIdentity(identity)
  const bytes = new Uint8Array(RECORD_AT + record.length)
  bytes.set(encodeFileHeader({ kind: 'identity', clusterId: identity.clusterId, number: 0, capacity: 0, salt: new Uint8Array(SALT_BYTES) }))
  writeUint32(bytes, SECTOR_BYTES, record.length)
  writeUint32(bytes, SECTOR_BYTES + 4, checksumOf(record))
  bytes.set(record, RECORD_AT)
  return bytes
}

const identityIn = (path: string, bytes: Uint8Array): Either<Damaged, Identity> => {
  const damaged = (reason: string, at = SECTOR_BYTES): Either<Damaged, never> => left(new Damaged(path, at, undefined, reason))
  if (bytes.length < RECORD_AT) return damaged('it ends before its record')
  const record = bytes.subarray(RECORD_AT)
  if (record.length !== readUint32(bytes, SECTOR_BYTES)) return damaged('its record has another length than it says')
  if (checksumOf(record) !== readUint32(bytes, SECTOR_BYTES + 4)) return damaged('its record does not match its checksum')
  const identity = decodeIdentity(record)
  return isLeft(identity) ? damaged(identity.left, RECORD_AT) : identity
}

export const readIdentity = (disk: Disk, path: string, checkOwner: CheckOwner): Act<Identity, Failure> =>
  chain(readStoreFile(disk, path, 'identity', MAX_BYTES, checkOwner), ({ bytes }) => settled(identityIn(path, bytes)))
