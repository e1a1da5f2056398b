import test from 'ava'
import { BATCH_HEADER_BYTES } from '../../../codecs/batches.js'
import { checksumOf, viewOf } from '../../../codecs/bytes.js'
import { Damaged, WrongFolder } from '../../../lib/errors.js'
import { isLeft } from '../../../lib/prelude.js'
import { decodeFileHeader } from '../../../streams/storage/files/file-header.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { RECORD_HEADER_BYTES, encodeRecordHeader, segmentSeed } from '../../../streams/storage/log/segment.js'
import { append, baseAt, commands, compact, hardState, install, openStore, tryOpen } from '../../../testing/open-store.js'
import { FOLDER, storageOn } from './store-script.js'

const SECTOR = 512
const HARD_STATE = `${FOLDER}/hard-state`
const IDENTITY = `${FOLDER}/identity`
const segment = (number: number): string => `${FOLDER}/segment-${String(number).padStart(10, '0')}`

const LINES = ['1@1 one', '2@1 two', '3@2 three']
const LONG = 'long'.repeat(400)

/** A small store: a vote, three entries in two groups, one peer. */
const written = async (): Promise<{ readonly disk: MemoryDisk; readonly close: () => Promise<void> }> => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  await opened.write(1, hardState(2, 'b'), append(commands(1, 1, 'one', 'two')))
  await new Promise<void>(resolve => opened.store.remember('b', 'b-1', () => resolve()))
  await opened.write(2, hardState(2, 'b', 2), append(commands(3, 2, 'three')))
  return { disk, close: opened.close }
}

const stopped = async (): Promise<MemoryDisk> => {
  const { disk, close } = await written()
  await close()
  return disk
}

/** What is wrong with opening `disk`: it must hold everything that was acknowledged or be refused as damaged. */
const silentLoss = async (disk: MemoryDisk): Promise<string | undefined> => {
  const outcome = await tryOpen(storageOn(disk))
  if (isLeft(outcome)) return outcome.left instanceof Damaged ? undefined : outcome.left.message
  const { recovered } = outcome.right.store
  const found = [...await outcome.right.lines(), JSON.stringify(recovered.hardState), JSON.stringify(recovered.peers)].join()
  const expected = [...LINES, JSON.stringify({ term: 2, votedFor: 'b', commitIndex: 2 }), JSON.stringify({ b: 'b-1' })].join()
  return found === expected ? undefined : `recovered ${found}`
}

const flip = (offset: number) => (bytes: Uint8Array): Uint8Array => {
  bytes[offset]! ^= 1 << (offset % 8)
  return bytes
}

/** What is done, to which file, and how. */
type Change = readonly [string, string, (bytes: Uint8Array) => Uint8Array]

/** Tries one change after the other, each on a copy of `disk`. */
const sweep = async (disk: MemoryDisk, changes: Iterable<Change>): Promise<string | undefined> => {
  for (const [what, path, change] of changes) {
    const copy = disk.clone()
    copy.tamper(path, change)
    const fault = await silentLoss(copy).catch((error: Error) => error.message)
    if (fault !== undefined) return `${what} of ${path}: ${fault}`
  }
  return undefined
}

/** Of sectors that hold the same as the one before only some offsets are tried: there is nothing in them but padding. */
const PADDING_STRIDE = 97

/** Every offset of a file that can matter. */
const offsetsOf = (bytes: Uint8Array): readonly number[] => Array.from(bytes.keys()).filter(at => {
  const sector = at - at % SECTOR
  const isPadding = sector > 0 && Buffer.compare(bytes.subarray(sector - SECTOR, sector), bytes.subarray(sector, sector + SECTOR)) === 0
  return !isPadding || at % PADDING_STRIDE === 0
})

function* flips(disk: MemoryDisk, paths = disk.files()): Generator<Change> {
  for (const path of paths) for (const at of offsetsOf(disk.contents(path))) yield [`flip at ${at}`, path, flip(at)]
}

function* truncations(disk: MemoryDisk): Generator<Change> {
  for (const path of disk.files()) {
    for (const length of offsetsOf(disk.contents(path))) yield [`truncation to ${length}`, path, bytes => bytes.subarray(0, length)]
  }
}

test('a flipped bit in any byte of a stopped store loses nothing in silence', async t => {
  t.is(await sweep(await stopped(), flips(await stopped())), undefined)
})

test('a flipped bit in any byte of the log of a process that was killed loses nothing in silence', async t => {
  const { disk } = await written()
  disk.kill()
  t.is(await sweep(disk, flips(disk, [segment(1)])), undefined)
})

test('a file of any shorter length loses nothing in silence', async t => {
  const disk = await stopped()
  t.is(await sweep(disk, truncations(disk)), undefined)
})

/** A stopped store whose log was cut: what is left begins with a base, and an install stands behind it if one is wanted. */
const cutStore = async (isAnew: boolean): Promise<{ readonly disk: MemoryDisk; readonly paths: readonly string[]; readonly lines: readonly string[]; readonly base: number }> => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  for (let turn = 1; turn <= 8; turn++) await opened.write(turn, append(commands(turn, 1, `${turn}`.padEnd(900, 'x'))))
  await opened.write(9, hardState(1, 'a', 6), compact(baseAt(6, 1)))
  await new Promise(setImmediate)
  if (isAnew) await opened.write(10, install(baseAt(20, 2)), append(commands(21, 2, 'anew')))
  await opened.close()
  const copy = disk.clone()
  const found = await openStore(storageOn(copy))
  const lines = await found.lines()
  await found.close()
  // The last one is only prepared.
  return { disk, paths: disk.files().filter(path => path.includes('segment')).slice(0, -1), lines, base: found.store.recovered.base.index }
}

/** Of the parts that other tests sweep byte by byte only some offsets are tried. */
const STRIDE = 11

test('a flipped bit in a log that was cut, or that began anew, loses nothing in silence', async t => {
  for (const isAnew of [false, true]) {
    const { disk, paths, lines, base } = await cutStore(isAnew)
    t.is(base, isAnew ? 20 : 6)
    for (const path of paths) {
      const offsets = offsetsOf(disk.contents(path)).filter(at => at % STRIDE === 0 || (at >= SECTOR && at < SECTOR + 200))
      for (const at of offsets) {
        const copy = disk.clone()
        copy.tamper(path, flip(at))
        const outcome = await tryOpen(storageOn(copy))
        if (isLeft(outcome)) t.true(outcome.left instanceof Damaged, `${path} at ${at}`)
        else t.deepEqual([outcome.right.store.recovered.base.index, await outcome.right.lines()], [base, lines], `${path} at ${at}`)
      }
    }
  }
})

test('a file that is missing is named', async t => {
  for (const path of [HARD_STATE, IDENTITY, segment(1)]) {
    const disk = await stopped()
    disk.remove(path)
    const outcome = await tryOpen(storageOn(disk))
    t.true(isLeft(outcome) && outcome.left instanceof Damaged && (outcome.left.file === path || path === segment(1)), path)
  }
})

test('a missing segment among others is named with the first index in doubt', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  for (let turn = 1; turn <= 12; turn++) await opened.write(turn, append(commands(turn, 1, 'x'.repeat(900))))
  await opened.close()
  const segments = disk.files().filter(path => path.includes('segment'))
  t.true(segments.length >= 4)
  for (const path of segments.slice(1, -2)) {
    const copy = disk.clone()
    copy.remove(path)
    const outcome = await tryOpen(storageOn(copy))
    t.true(isLeft(outcome) && outcome.left instanceof Damaged, path)
  }
  // Without the first one the log begins later, as one that was cut: whether a snapshot stands there is judged by whoever opens the store.
  disk.remove(segments[0]!)
  const later = await openStore(storageOn(disk))
  t.true(later.store.recovered.base.index > 0)
  t.is(later.store.recovered.lastIndex, 12)
})

const fillSector = (key: Uint8Array, sector: number) => (bytes: Uint8Array): Uint8Array => {
  for (let i = 0; i < SECTOR; i++) bytes[sector * SECTOR + i] = key[i % key.length]!
  return bytes
}
const zeroSector = (sector: number) => (bytes: Uint8Array): Uint8Array => bytes.fill(0, sector * SECTOR, (sector + 1) * SECTOR)
const saltOf = (disk: MemoryDisk): Uint8Array => {
  const header = decodeFileHeader(disk.contents(segment(1)), 'segment')
  return isLeft(header) ? new Uint8Array(16) : header.right.salt
}

test('a sector that is lost before a mark is damage, whatever stands in its place', async t => {
  const disk = await stopped()
  // Header, base, two groups, the mark.
  for (const sector of [1, 2, 3]) {
    for (const change of [fillSector(saltOf(disk), sector), zeroSector(sector)]) {
      const copy = disk.clone()
      copy.tamper(segment(1), change)
      const outcome = await tryOpen(storageOn(copy))
      if (!isLeft(outcome) || !(outcome.left instanceof Damaged)) return t.fail(`sector ${sector} was not missed`)
      t.deepEqual([outcome.left.file, outcome.left.offset, outcome.left.index], [segment(1), sector * SECTOR, [0, 1, 1, 3][sector]])
    }
  }
})

test('a last write of which a whole sector never came is dropped, with a note; any other fault in it is refused', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  await opened.write(1, append(commands(1, 1, 'one')))
  await opened.write(2, append(commands(2, 1, LONG)))
  disk.kill()
  // Header, base, the first group; the second group follows in four sectors.
  for (const sector of [3, 4, 5, 6]) {
    const torn = disk.clone()
    torn.tamper(segment(1), fillSector(saltOf(disk), sector))
    const survivor = await openStore(storageOn(torn))
    t.deepEqual(await survivor.lines(), ['1@1 one'], `sector ${sector}`)
    t.regex(survivor.store.recovered.notes.join(), /interrupted write .* offset 1536/)
    await survivor.write(1, append(commands(2, 2, 'two')))
    await survivor.close()
    const again = await openStore(storageOn(torn))
    t.deepEqual([await again.lines(), again.store.recovered.notes], [['1@1 one', '2@2 two'], []])
    const flipped = disk.clone()
    flipped.tamper(segment(1), flip(sector * SECTOR + 20))
    const outcome = await tryOpen(storageOn(flipped))
    t.true(isLeft(outcome) && outcome.left instanceof Damaged && outcome.left.index === 2)
  }
})

test('a write that stopped within the header of a record is dropped, with a note, unless something behind it says that it was durable', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  await opened.write(1, append(commands(1, 1, 'one')))
  await opened.write(2, append(commands(2, 1, 'x'.repeat(600))))
  await opened.write(3, append(commands(3, 1, 'three')))
  disk.kill()
  const stoppedAfter = (bytes: number, sectors: readonly number[]) => {
    const torn = disk.clone()
    const header = torn.contents(segment(1)).slice(3 * SECTOR, 3 * SECTOR + bytes)
    for (const sector of sectors) torn.tamper(segment(1), fillSector(saltOf(disk), sector))
    torn.tamper(segment(1), contents => {
      contents.set(header, 3 * SECTOR)
      return contents
    })
    return torn
  }
  for (let bytes = 1; bytes < RECORD_HEADER_BYTES; bytes++) {
    const torn = stoppedAfter(bytes, [3, 4, 5])
    const survivor = await openStore(storageOn(torn))
    t.deepEqual(await survivor.lines(), ['1@1 one'], `${bytes}`)
    t.regex(survivor.store.recovered.notes.join(), /interrupted write .* offset 1536/)
    await survivor.write(1, append(commands(2, 2, 'two')))
    await survivor.close()
    t.deepEqual(await (await openStore(storageOn(torn))).lines(), ['1@1 one', '2@2 two'])
    const outcome = await tryOpen(storageOn(stoppedAfter(bytes, [3, 4])))
    t.true(isLeft(outcome) && outcome.left instanceof Damaged && outcome.left.index === 2, `what stands behind ${bytes} proves that it was durable`)
  }
})

test('a torn write leaves nothing behind that could come back', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  await opened.write(1, append(commands(1, 1, 'one')))
  opened.store.write(2, [append(commands(2, 1, 'two')), append(commands(3, 1, 'three')), append(commands(2, 2, 'zwei'))])
  await opened.persisted(2)
  disk.kill()
  // The record of indices 2 and 3 was lost, the one that replaces them arrived.
  disk.tamper(segment(1), fillSector(saltOf(disk), 3))
  const survivor = await openStore(storageOn(disk))
  t.deepEqual(await survivor.lines(), ['1@1 one'])
  await survivor.write(1, append(commands(2, 1, 'two'), commands(3, 1, 'three')))
  disk.kill()
  const again = await openStore(storageOn(disk))
  t.deepEqual(await again.lines(), ['1@1 one', '2@1 two', '3@1 three'])
})

test('a record of another segment that is sent in as a command is no record', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  await opened.write(1, append(commands(1, 1, 'one')))
  // The command's record begins at sector 3; its headers and this padding bring what follows to the start of sector 4.
  const padding = 'p'.repeat(SECTOR - RECORD_HEADER_BYTES - BATCH_HEADER_BYTES - 12)
  const forged = Buffer.alloc(SECTOR)
  const header = { type: 'mark', offset: 4 * SECTOR, syncedTo: 4 * SECTOR, firstIndex: 0, commitIndex: 0, payloadBytes: 0 } as const
  encodeRecordHeader(header, segmentSeed(Buffer.alloc(16, 'another salt')), forged, 0)
  await opened.write(2, append(commands(2, 1, padding + forged.toString('latin1'))))
  t.true(Buffer.from(disk.contents(segment(1)).subarray(4 * SECTOR, 5 * SECTOR)).equals(forged))
  disk.kill()
  disk.tamper(segment(1), fillSector(saltOf(disk), 3))
  const survivor = await openStore(storageOn(disk))
  t.deepEqual(await survivor.lines(), ['1@1 one'])
})

test('a file of a later format is refused by name, and so is one of another cluster', async t => {
  const later = (bytes: Uint8Array): Uint8Array => {
    viewOf(bytes).setUint32(8, 3, true)
    viewOf(bytes).setUint32(12, checksumOf(bytes.subarray(0, 12)), true)
    return bytes
  }
  const stranger = memoryDisk({ later: queueMicrotask })
  await (await openStore(storageOn(stranger), { clusterId: 'other' })).close()
  for (const path of [HARD_STATE, IDENTITY, segment(1)]) {
    const disk = await stopped()
    disk.tamper(path, later)
    const outcome = await tryOpen(storageOn(disk))
    t.true(isLeft(outcome) && outcome.left instanceof WrongFolder && /format 3 .* up to 2/.test(outcome.left.message), path)
    const mixed = await stopped()
    mixed.tamper(path, () => stranger.contents(path))
    const refused = await tryOpen(storageOn(mixed))
    t.true(isLeft(refused) && refused.left instanceof WrongFolder && /\(other, not cccccccccccc\)/.test(refused.left.message), path)
  }
})

test('a damaged copy of the hard state is replaced by its twin, with a note', async t => {
  const disk = await stopped()
  for (let sector = 1; sector <= 4; sector++) {
    const copy = disk.clone()
    copy.tamper(HARD_STATE, flip(sector * 4096 + 3))
    const opened = await openStore(storageOn(copy))
    t.deepEqual(opened.store.recovered.hardState, { term: 2, votedFor: 'b', commitIndex: 2 })
    t.regex(opened.store.recovered.notes.join(), /one copy of a hard state was damaged/)
  }
  const both = disk.clone()
  both.tamper(HARD_STATE, bytes => flip(4096 + 3)(flip(2 * 4096 + 3)(bytes)))
  t.true(isLeft(await tryOpen(storageOn(both))))
})

test('unfinished files are swept with a note, and nothing else is touched', async t => {
  const disk = await stopped()
  for (const name of ['identity.tmp', 'segment-0000000007.tmp', 'notes.txt']) {
    await new Promise<void>(resolve => disk.open(`${FOLDER}/${name}`, 'create', () => resolve()))
  }
  const opened = await openStore(storageOn(disk))
  t.is(opened.store.recovered.notes.filter(note => note.includes('unfinished')).length, 2)
  t.deepEqual(disk.files().filter(path => path.endsWith('.tmp') || path.endsWith('.txt')), [`${FOLDER}/notes.txt`])
  t.is(await opened.lines().then(lines => lines.join()), LINES.join())
})
