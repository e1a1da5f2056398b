import test from 'ava'
import { Damaged } from '../../../lib/errors.js'
import { membershipOf, openLog } from '../../../lib/log.js'
import { isLeft } from '../../../lib/prelude.js'
import type { Index, Membership, Term } from '../../../lib/types.js'
import { decodeFileHeader } from '../../../streams/storage/files/file-header.js'
import { RECORD_HEADER_BYTES, encodeBase, encodeRecordHeader, segmentNumberOf, segmentSeed } from '../../../streams/storage/log/segment.js'
import { createSegmentNotes } from '../../../streams/storage/log/segment-notes.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { MEMBERSHIP, type OpenedStore, append, baseAt, commands, compact, install, linesOf, openStore, tryOpen } from '../../../testing/open-store.js'
import { FOLDER, storageOn } from './store-script.js'

const OTHER: Membership = { voters: ['a', 'c'], outgoing: [], learners: [], addresses: { a: 'localhost:1', c: 'localhost:3' } }
const newDisk = (): MemoryDisk => memoryDisk({ later: queueMicrotask })
const settled = async (): Promise<void> => { for (let i = 0; i < 4; i++) await new Promise(setImmediate) }

/** Two of these fill a segment. */
const long = (index: Index, term: Term = 1) => append(commands(index, term, `${index}`.padEnd(900, 'x')))
const idsOf = (lines: readonly string[]): readonly string[] => lines.map(line => line.split(' ')[0]!)
const ids = (from: Index, to: Index, term: Term): readonly string[] => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}@${term}`)

const numbersOn = (disk: MemoryDisk): readonly number[] => disk.files().flatMap(path => segmentNumberOf(path.slice(FOLDER.length + 1)) ?? [])
const segment = (number: number): string => `${FOLDER}/segment-${String(number).padStart(10, '0')}`

/** A store of which every entry is written by itself. */
const filled = async (disk: MemoryDisk, to: Index): Promise<OpenedStore> => {
  const opened = await openStore(storageOn(disk))
  for (let index = 1; index <= to; index++) await opened.write(index, long(index))
  await settled()
  return opened
}

test('segments that nobody needs are removed beside the log, oldest first, each for good, and nothing is written for it', async t => {
  const disk = newDisk()
  const opened = await filled(disk, 12)
  const before = numbersOn(disk)
  const operations = disk.operations().length
  await opened.write(20, compact(baseAt(9, 1)))
  await settled()
  const left = numbersOn(disk)
  t.true(left.length >= 3 && left.length < before.length && left.at(-1) === before.at(-1))
  t.deepEqual(disk.operations().slice(operations), Array.from({ length: before.length - left.length }, () => ['unlink', 'syncDirectory']).flat())
  t.deepEqual(idsOf(linesOf(await opened.read(10, 12))), ids(10, 12, 1))
  await opened.close()
  disk.crash({ keep: 0 })
  const again = await openStore(storageOn(disk))
  t.true(again.store.recovered.base.index > 0 && again.store.recovered.base.index <= 9)
  t.deepEqual([again.store.recovered.lastIndex, again.store.recovered.notes], [12, []])
  t.deepEqual(idsOf(await again.lines()), ids(again.store.recovered.base.index + 1, 12, 1))
})

test('a segment whose base was replaced is not the first one, and neither is one that something behind it reaches into', async t => {
  const disk = newDisk()
  const opened = await filled(disk, 12)
  const before = numbersOn(disk).length
  await opened.write(20, append(commands(4, 2, 'short')))
  await opened.write(21, compact(baseAt(3, 1)))
  await settled()
  const left = numbersOn(disk)
  t.true(left[0]! > 1, 'the first segment holds 1 to 3 and may go where the next one begins behind 3 or before')
  t.true(left.length >= before - 1, 'those in which 4 to 12 were replaced are needed to know that')
  for (let index = 5; index <= 12; index++) await opened.write(20 + index, long(index, 2))
  await opened.write(40, compact(baseAt(12, 2)))
  await settled()
  t.true(numbersOn(disk).length <= 3)
  disk.kill()
  const again = await openStore(storageOn(disk))
  t.true(again.store.recovered.base.index >= 9)
  t.is(again.store.recovered.base.term, 2)
  t.deepEqual(idsOf(await again.lines()), ids(again.store.recovered.base.index + 1, 12, 2))
})

test('where a segment replaces its own base, the log does not begin with it', async t => {
  for (const last of [10, 11, 12]) {
    const disk = newDisk()
    const opened = await filled(disk, last)
    await opened.write(20, append(commands(last - 2, 2, 'x', 'y', 'z')))
    await opened.write(21, compact(baseAt(last, 2)))
    await settled()
    disk.kill()
    const again = await openStore(storageOn(disk))
    t.true(again.store.recovered.base.index < last - 2)
    t.deepEqual(idsOf(await again.lines()).slice(-3), ids(last - 2, last, 2))
  }
})

/** What replaces what, across the bounds of segments, before the log is cut. */
const REPLACEMENTS: Readonly<Record<string, readonly (readonly [from: Index, to: Index, term: Term])[]>> = {
  'nothing': [],
  'a part of the last segment': [[12, 13, 2]],
  'several segments': [[7, 9, 2], [10, 14, 3]],
  'several segments, and again': [[9, 12, 2], [5, 6, 3], [7, 15, 4]],
  'all': [[1, 14, 2]],
}

for (const [what, replacements] of Object.entries(REPLACEMENTS)) {
  test(`a removal that is interrupted anywhere leaves a log, where ${what} was replaced`, async t => {
    const disk = newDisk()
    const opened = await filled(disk, 12)
    let turn = 20
    for (const [from, to, term] of replacements) for (let index = from; index <= to; index++) await opened.write(turn++, long(index, term))
    await opened.close()
    const whole = await openStore(storageOn(disk.clone()))
    const { lastIndex } = whole.store.recovered
    const lines = await whole.lines()
    let cuts = 0
    for (let to = 2; to <= lastIndex; to += 2) {
      const copy = disk.clone()
      const cut = await openStore(storageOn(copy))
      await cut.write(1, compact(baseAt(to, 1)))
      await settled()
      copy.kill()
      const gone = numbersOn(disk).filter(number => !numbersOn(copy).includes(number))
      for (const [i] of gone.entries()) {
        const torn = disk.clone()
        for (const number of gone.slice(0, i + 1)) torn.remove(segment(number))
        const found = await openStore(storageOn(torn))
        const { base } = found.store.recovered
        t.true(base.index <= to, `cut to ${to}, ${i + 1} removed: the log begins at ${base.index}`)
        t.is(`${base.index}@${base.term}`, base.index === 0 ? '0@0' : idsOf(lines)[base.index - 1]!)
        t.deepEqual(await found.lines(), lines.slice(base.index), `cut to ${to}, ${i + 1} removed`)
        await found.write(1, long(lastIndex + 1, 9))
        await found.close()
        const again = await openStore(storageOn(torn))
        t.is((await again.lines()).length, lastIndex + 1 - again.store.recovered.base.index)
        cuts++
      }
    }
    t.true(cuts > 0)
  })
}

test('a segment that cannot be removed costs its space, and goes when the log is cut again', async t => {
  for (const [operation, skip] of [['unlink', 0], ['unlink', 1]] as const) {
    const disk = newDisk()
    const opened = await filled(disk, 12)
    disk.failNext(operation, 'EIO', skip)
    await opened.write(20, compact(baseAt(9, 1)))
    await settled()
    const left = numbersOn(disk)
    t.true(left.length > 4, operation)
    await opened.write(21, append(commands(13, 1, 'on')), compact(baseAt(10, 1)))
    await settled()
    t.true(numbersOn(disk)[0]! > left[0]!)
    await opened.close()
    t.deepEqual(opened.events.map(({ type }) => type).filter(type => type !== 'persisted'), [])
    const again = await openStore(storageOn(disk))
    t.is(again.store.recovered.lastIndex, 13)
  }
})

test('a segment that is gone already keeps no later one from going', async t => {
  const disk = newDisk()
  const opened = await filled(disk, 12)
  const before = numbersOn(disk)
  disk.remove(segment(before[0]!))
  await opened.write(20, compact(baseAt(9, 1)))
  await settled()
  t.true(numbersOn(disk)[0]! > before[1]!)
  await opened.close()
})

test('behind a sync that has not begun no other segment is removed, and the same one is synced when the log is cut again', async t => {
  const disk = newDisk()
  const opened = await filled(disk, 12)
  const before = numbersOn(disk)
  disk.failNext('syncDirectory', 'EMFILE')
  await opened.write(20, compact(baseAt(9, 1)))
  await settled()
  t.deepEqual(numbersOn(disk), before.slice(1))
  await opened.write(21, append(commands(13, 1, 'on')), compact(baseAt(10, 1)))
  await settled()
  t.true(numbersOn(disk)[0]! > before[1]!)
  await opened.close()
  disk.crash({ keep: 0 })
  t.is((await openStore(storageOn(disk))).store.recovered.lastIndex, 13)
})

test('the members and the term at a base are those of the log there, whatever was replaced before', async t => {
  const disk = newDisk()
  const opened = await openStore(storageOn(disk))
  const change = (index: Index, term: Term, membership: Membership) => append({ kind: 'membership', firstIndex: index, term, time: 1, count: 1, membership })
  await opened.write(1, long(1), change(2, 1, OTHER), change(3, 2, MEMBERSHIP))
  await opened.write(2, append(commands(3, 3, 'instead')))
  for (let index = 4; index <= 12; index++) await opened.write(index, long(index, 3))
  await opened.write(20, compact(baseAt(12, 3)))
  await settled()
  await opened.close()
  const again = await openStore(storageOn(disk))
  const { base, memberships } = again.store.recovered
  t.true(base.index > 3)
  t.deepEqual([base.term, base.membership, memberships, membershipOf(openLog(again.store.recovered))], [3, OTHER, [], OTHER])
})

test('what goes while it is being read is answered with nothing', async t => {
  const disk = newDisk()
  await (await filled(disk, 12)).close()
  for (const write of [compact(baseAt(9, 1)), install(baseAt(3, 7))]) {
    const copy = disk.clone()
    const held: (() => void)[] = []
    let isHolding = false
    const opened = await openStore(storageOn({
      ...copy,
      open: (path, mode, done) => {
        if (isHolding && mode === 'read') held.push(() => copy.open(path, mode, done))
        else copy.open(path, mode, done)
      },
    }))
    isHolding = true
    const reading = opened.read(4, 12)
    await opened.write(1, write)
    await settled()
    held.forEach(open => open())
    t.deepEqual(await reading, [])
    isHolding = false
    const from = write.type === 'compact' ? 13 : 4
    await opened.write(2, append(commands(from, 7, 'on')))
    t.deepEqual(linesOf(await opened.read(from, from)), [`${from}@7 on`])
    t.deepEqual(opened.events.filter(({ type }) => type === 'readFailed'), [])
    await opened.close()
  }
})

test('entries that are still needed and cannot be read are not passed over in silence', async t => {
  const disk = newDisk()
  const opened = await filled(disk, 12)
  await opened.write(20, compact(baseAt(9, 1)))
  await settled()
  disk.failNext('read')
  await t.throwsAsync(opened.read(10, 12), { message: /EIO/ })
})

test('an install that fails is the last word of its store, and the log remains what it was', async t => {
  for (const operation of ['write', 'datasync'] as const) {
    for (const skip of [0, 1]) {
      const disk = newDisk()
      const opened = await filled(disk, 5)
      disk.failNext(operation, 'EIO', skip)
      await t.throwsAsync(opened.write(20, install(baseAt(30, 4))), { message: /EIO/ })
      disk.crash({ keep: 0 })
      const again = await openStore(storageOn(disk))
      t.deepEqual(idsOf(await again.lines()), ids(1, 5, 1), `${operation} ${skip}`)
    }
  }
})

test('after an install the log before it goes', async t => {
  const disk = newDisk()
  const opened = await filled(disk, 12)
  const before = numbersOn(disk)
  await opened.write(20, install(baseAt(5, 4)), append(commands(6, 4, 'six')))
  await settled()
  t.true(numbersOn(disk).length <= 2 && numbersOn(disk)[0]! >= before.at(-1)!)
  t.deepEqual(linesOf(await opened.read(6, 6)), ['6@4 six'])
  disk.kill()
  const again = await openStore(storageOn(disk))
  t.deepEqual([again.store.recovered.base, await again.lines()], [baseAt(5, 4), ['6@4 six']])
})

test('a base that is larger than a segment finds one with room for it', async t => {
  const names = Array.from({ length: 60 }, (_, i) => `learner-${String(i).padStart(100, '0')}`)
  const large: Membership = { ...MEMBERSHIP, learners: names, addresses: { ...MEMBERSHIP.addresses, ...Object.fromEntries(names.map(name => [name, 'localhost:9'])) } }
  t.true(encodeBase(baseAt(1, 1, large)).length > 3 * 4096)
  const disk = newDisk()
  const opened = await openStore(storageOn(disk))
  await opened.write(1, long(1), append({ kind: 'membership', firstIndex: 2, term: 1, time: 1, count: 1, membership: large }))
  for (let index = 3; index <= 40; index++) await opened.write(index, long(index))
  await opened.write(50, compact(baseAt(40, 1, large)))
  await settled()
  t.true(numbersOn(disk)[0]! > 3)
  await opened.close()
  const second = await openStore(storageOn(disk))
  t.deepEqual([second.store.recovered.base.membership, second.store.recovered.lastIndex], [large, 40])
  await second.write(1, install(baseAt(60, 2, large)), append(commands(61, 2, 'on')))
  await settled()
  await second.close()
  const third = await openStore(storageOn(disk))
  t.deepEqual([third.store.recovered.base, await third.lines()], [baseAt(60, 2, large), ['61@2 on']])
  await third.close()
})

/** Puts another base into the place of the one that a segment begins with. */
const forge = (disk: MemoryDisk, path: string, base: ReturnType<typeof baseAt>): void => disk.tamper(path, bytes => {
  const header = decodeFileHeader(bytes, 'segment')
  const payload = encodeBase(base)
  if (isLeft(header)) return bytes
  bytes.fill(0, 512, 1024)
  encodeRecordHeader({ type: 'base', offset: 512, syncedTo: 512, firstIndex: 0, commitIndex: 0, payloadBytes: payload.length }, segmentSeed(header.right.salt), bytes, 512)
  bytes.set(payload, 512 + RECORD_HEADER_BYTES)
  return bytes
})

test('a base that contradicts the log before it is damage, and so is a log of which no base is left', async t => {
  const disk = newDisk()
  await (await filled(disk, 9)).close()
  const second = segment(2)
  const whole = await openStore(storageOn(disk.clone()))
  t.is(whole.store.recovered.lastIndex, 9)
  const right = await (async () => {
    const copy = disk.clone()
    copy.remove(segment(1))
    return (await openStore(storageOn(copy))).store.recovered.base
  })()
  for (const wrong of [{ ...right, index: right.index + 1 }, { ...right, index: right.index - 1 }, { ...right, term: 2 }, { ...right, membership: OTHER }]) {
    const copy = disk.clone()
    forge(copy, second, wrong)
    const outcome = await tryOpen(storageOn(copy))
    t.true(isLeft(outcome) && outcome.left instanceof Damaged && outcome.left.file === second && outcome.left.message.includes('contradicts'), JSON.stringify(wrong))
  }
  const same = disk.clone()
  forge(same, second, right)
  t.is((await openStore(storageOn(same))).store.recovered.lastIndex, 9)
})

test('the segments that are needed are the last ones that a base begins which nothing replaced', t => {
  const notes = createSegmentNotes(3)
  const unneeded = (index: Index): readonly number[] => {
    const first = notes.unneeded(index)
    return first === undefined ? [] : [first]
  }
  t.deepEqual(unneeded(100), [], 'nothing is known')
  notes.began(3, 10, false)
  notes.appended(3, 11)
  notes.appended(4, 15)
  notes.began(5, 20, false)
  notes.appended(5, 21)
  t.deepEqual([unneeded(9), unneeded(10), unneeded(19), unneeded(20)], [[], [], [], [3]])
  notes.appended(6, 18)
  t.deepEqual(unneeded(30), [], 'the base at 20 was replaced')
  notes.began(7, 25, false)
  notes.appended(7, 26)
  t.deepEqual([unneeded(24), unneeded(25)], [[], [3]])
  notes.dropped()
  notes.dropped()
  t.deepEqual(unneeded(25), [5])
  notes.began(8, 4, true)
  notes.appended(8, 5)
  t.deepEqual(unneeded(0), [5])
  for (let i = 0; i < 3; i++) notes.dropped()
  t.deepEqual(unneeded(100), [])
})
