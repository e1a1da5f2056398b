/**
 * The hard state lies in two slots that are written in turn, so that the one that is being written is never the only one:
 *
 *     file header | slot 0, copy A | slot 0, copy B | slot 1, copy A | slot 1, copy B      each at the start of a block of 4096 bytes
 *
 * A copy is one sector: sequence u64 | length u32 | record | zeros | checksum u32, continued from the file's salt. The higher
 * sequence counts. An interrupted write leaves each copy either old or new; a slot without a valid copy is damage.
 */
import { checksumOf, readPosition, readUint32, writePosition, writeUint32 } from '../../../codecs/bytes.js'
import { decodeHardState, encodeHardState } from '../../../codecs/records.js'
import { Damaged } from '../../../lib/errors.js'
import { type Either, isLeft, isRight, left, right } from '../../../lib/prelude.js'
import type { HardState } from '../../../lib/types.js'
import { type Act, chain, inOrder, map, orUndo, settled } from '../../act/act.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../disk/disk.js'
import { encodeFileHeader } from './file-header.js'
import { type CheckOwner, type Failure, readStoreFile } from './store-file.js'
import { openFile, writeFully } from '../disk/file-access.js'

export const HARD_STATE_FILE = 'hard-state'

const BLOCK_BYTES = 4096
const COPIES = 2
const SIZE_BYTES = 5 * BLOCK_BYTES
const CHECKED = SECTOR_BYTES - 4
const RECORD_AT = 12

const slotOffset = (sequence: number): number => BLOCK_BYTES * (1 + COPIES * (sequence % 2))

interface Numbered {
  readonly sequence: number
  readonly hardState: HardState
}

const encodeCopy = ({ sequence, hardState }: Numbered, seed: number): Uint8Array => {
  const sector = new Uint8Array(SECTOR_BYTES)
  const record = encodeHardState(hardState)
  writePosition(sector, 0, sequence)
  writeUint32(sector, 8, record.length)
  sector.set(record, RECORD_AT)
  writeUint32(sector, CHECKED, checksumOf(sector.subarray(0, CHECKED), seed))
  return sector
}

const decodeCopy = (sector: Uint8Array, seed: number): Either<string, Numbered> => {
  if (readUint32(sector, CHECKED) !== checksumOf(sector.subarray(0, CHECKED), seed)) return left('a copy does not match its checksum')
  const hardState = decodeHardState(sector.subarray(RECORD_AT, RECORD_AT + readUint32(sector, 8)))
  return isLeft(hardState) ? hardState : right({ sequence: readPosition(sector, 0), hardState: hardState.right })
}

const encodeSlot = (numbered: Numbered, seed: number): Uint8Array => {
  const slot = new Uint8Array(COPIES * BLOCK_BYTES)
  const copy = encodeCopy(numbered, seed)
  for (let i = 0; i < COPIES; i++) slot.set(copy, i * BLOCK_BYTES)
  return slot
}

const NOTHING: HardState = { term: 0, votedFor: undefined, commitIndex: 0 }

/** The file as it is created: nobody voted for, in term 0. */
export const firstHardState = (clusterId: string, salt: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(SIZE_BYTES)
  const seed = checksumOf(salt)
  bytes.set(encodeFileHeader({ kind: 'hard-state', clusterId, number: 0, capacity: SIZE_BYTES, salt }))
  for (const sequence of [0, 1]) bytes.set(encodeSlot({ sequence, hardState: NOTHING }, seed), slotOffset(sequence))
  return bytes
}

/** The open hard-state file. */
export interface HardStateFile {
  /** What it held when it was opened. */
  readonly found: HardState
  readonly notes: readonly string[]
  /** Answers when `hardState` is durable. */
  write(hardState: HardState): Act<void>
  readonly close: Act<void>
}

const newestOf = (path: string, bytes: Uint8Array, seed: number): Either<Damaged, { readonly newest: Numbered; readonly notes: readonly string[] }> => {
  const notes: string[] = []
  let newest: Numbered | undefined
  for (const slot of [0, 1]) {
    const offsets = [slotOffset(slot), slotOffset(slot) + BLOCK_BYTES]
    const copies = offsets.map(offset => decodeCopy(bytes.subarray(offset, offset + SECTOR_BYTES), seed))
    const valid = copies.filter(isRight).map(copy => copy.right)
    if (valid.length === 0) return left(new Damaged(path, offsets[0]!, undefined, 'both copies of a hard state do not match their checksums'))
    if (valid.length < COPIES) notes.push(`${path}: one copy of a hard state was damaged at ${offsets[copies.findIndex(isLeft)]}; its twin was used`)
    for (const copy of valid) if (newest === undefined || copy.sequence > newest.sequence) newest = copy
  }
  return newest === undefined ? left(new Damaged(path, 0, undefined, 'it holds no hard state')) : right({ newest, notes })
}

const writer = (file: DiskFile, seed: number, first: number): HardStateFile['write'] => {
  let sequence = first
  return hardState => done => {
    sequence++
    inOrder(writeFully(file, [encodeSlot({ sequence, hardState }, seed)], slotOffset(sequence)), file.datasync)(done)
  }
}

/** What the file holds, and the seed of its checksums. */
const readSlots = (disk: Disk, path: string, checkOwner: CheckOwner): Act<{ readonly newest: Numbered; readonly notes: readonly string[]; readonly seed: number }, Failure> =>
  chain(readStoreFile(disk, path, 'hard-state', SIZE_BYTES, checkOwner), ({ header, bytes }) => {
    const seed = checksumOf(header.salt)
    const read = bytes.length === SIZE_BYTES
      ? newestOf(path, bytes, seed)
      : left(new Damaged(path, bytes.length, undefined, `it has ${bytes.length} bytes instead of ${SIZE_BYTES}`))
    return map(settled(read), found => ({ ...found, seed }))
  })

/** Reads the file and leaves it as it is. */
export const readHardState = (disk: Disk, path: string, checkOwner: CheckOwner): Act<Pick<HardStateFile, 'found' | 'notes'>, Failure> =>
  map(readSlots(disk, path, checkOwner), ({ newest, notes }) => ({ found: newest.hardState, notes }))

/** Opens the file and writes what it found once more, so that a start never acts on what only a cache remembers. */
export const openHardState = (disk: Disk, path: string, checkOwner: CheckOwner): Act<HardStateFile, Failure> =>
  chain(readSlots(disk, path, checkOwner), ({ newest, notes, seed }) =>
    chain(openFile(disk, path, 'write'), file => {
      const write = writer(file, seed, newest.sequence)
      return map(orUndo(write(newest.hardState), file.close), (): HardStateFile => ({ found: newest.hardState, notes, write, close: file.close }))
    }))
