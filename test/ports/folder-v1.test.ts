/**
 * `test/fixtures/v1/folder` is a data folder as version 1 left it: terms 1 to 3, a tail that was overwritten, several segments, the
 * incarnation of a peer, a clean stop. It is never changed; every later version must open it and find the same.
 */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { fileStorage } from '../../streams/storage/file.js'
import { segmentNumberOf } from '../../streams/storage/log/segment.js'
import { contentsOf, placeAt, writeSnapshot } from '../../testing/open-snapshot.js'
import { append, baseAt, commands, compact, openStore } from '../../testing/open-store.js'
import { root } from '../run.js'

const fixture = join(root, 'test/fixtures/v1/folder')

const lines = [
  '1@1 noop', ...Array.from({ length: 20 }, (_, i) => `${i + 2}@1 command ${i + 2} ${'x'.repeat(200)}`),
  '22@2 noop', '23@2 kept', '24@3 noop', '25@3 the last',
]

test('a folder of version 1 opens for ever, with all that was in it, and goes on', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-v1-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(fixture, folder, { recursive: true })
  const first = await openStore(fileStorage(folder))
  const { hardState, lastIndex, terms, peers, incarnation, notes } = first.store.recovered
  t.deepEqual(hardState, { term: 3, votedFor: 'a', commitIndex: 24 })
  t.deepEqual([lastIndex, terms], [25, [{ firstIndex: 1, term: 1 }, { firstIndex: 22, term: 2 }, { firstIndex: 24, term: 3 }]])
  t.deepEqual([peers, incarnation.length > 0, notes], [{ b: 'b-1' }, true, []])
  t.deepEqual(await first.lines(), lines)
  await first.write(1, append(commands(26, 3, 'one more')))
  await first.close()
  const second = await openStore(fileStorage(folder))
  t.is(second.store.recovered.incarnation, incarnation)
  t.deepEqual(await second.lines(), [...lines, '26@3 one more'])
  t.is(second.store.snapshots.newest(), undefined)
  const written = await writeSnapshot(second.store, { ...placeAt(24), term: 3 }, [Buffer.from('the state')])
  await second.close()
  const third = await openStore(fileStorage(folder))
  t.deepEqual([third.store.snapshots.newest(), third.store.recovered.notes], [written, []])
  t.is((await contentsOf(third.store)).toString(), 'the state')
  t.deepEqual(await third.lines(), [...lines, '26@3 one more'])
  await third.close()
})

test('a segment that version 1 prepared is prepared anew: it would not refuse what is written there now', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-v1-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(fixture, folder, { recursive: true })
  const [prepared] = segmentsIn(folder).at(-1)!
  const first = await openStore(fileStorage(folder, { segmentBytes: 4096 }))
  t.deepEqual(first.store.recovered.notes, [])
  t.true(segmentsIn(folder).every(([found]) => found < prepared), 'it holds nothing')
  for (let index = 26; index <= 32; index++) await first.write(index, append(commands(index, 4, `${index}`.padEnd(900, 'x'))))
  await first.close()
  t.deepEqual(segmentsIn(folder).filter(([found, was]) => found >= prepared && was === 1), [])
  const second = await openStore(fileStorage(folder))
  t.is(second.store.recovered.lastIndex, 32)
  await second.close()
})

/** The numbers and formats of the segments in a folder. */
const segmentsIn = (folder: string): readonly (readonly [number: number, format: number, path: string])[] => readdirSync(folder).sort().flatMap(name => {
  const number = segmentNumberOf(name)
  return number === undefined ? [] : [[number, readFileSync(join(folder, name)).readUInt32LE(8), join(folder, name)] as const]
})

test('a folder of version 1 is cut as others are, once new segments say where the log stands, and a removal that is interrupted leaves a log', async t => {
  const parent = mkdtempSync(join(tmpdir(), 'rxraft-v1-'))
  t.teardown(() => rmSync(parent, { recursive: true, force: true }))
  const folder = join(parent, 'a')
  cpSync(fixture, folder, { recursive: true })
  const old = segmentsIn(folder)
  t.true(old.every(([, format]) => format === 1))
  const first = await openStore(fileStorage(folder, { segmentBytes: 4096 }))
  await first.write(1, compact(baseAt(25, 3)))
  for (let index = 26; index <= 40; index++) await first.write(index, append(commands(index, 4, `${index}`.padEnd(900, 'x'))))
  const all = await first.read(26, 40)
  await first.close()
  // What was prepared by version 1 was not used: it would not refuse what stands in it now.
  const kept = segmentsIn(folder)
  t.true(kept.filter(([, format]) => format === 2).length >= 6)
  t.true(kept.some(([, format]) => format === 1), 'no base stood at 25 when the log was cut')
  const second = await openStore(fileStorage(folder, { segmentBytes: 4096 }))
  t.deepEqual([second.store.recovered.base.index, second.store.recovered.lastIndex], [0, 40])
  await second.write(1, compact(baseAt(38, 4)))
  await second.close()

  for (let gone = 1; gone <= old.length; gone++) {
    const torn = join(parent, `${gone}`)
    cpSync(fixture, torn, { recursive: true })
    const opened = await openStore(fileStorage(torn, { segmentBytes: 4096 }))
    for (let index = 26; index <= 40; index++) await opened.write(index, append(commands(index, 4, `${index}`.padEnd(900, 'x'))))
    await opened.close()
    for (const [, , path] of segmentsIn(torn).slice(0, gone)) rmSync(path)
    const found = await openStore(fileStorage(torn, { segmentBytes: 4096 }))
    const { base, lastIndex } = found.store.recovered
    t.true(base.index >= 25 && base.index < 38, `${gone} removed: the log begins at ${base.index}`)
    t.is(lastIndex, 40)
    t.deepEqual((await found.read(base.index + 1, 40)).map(({ firstIndex }) => firstIndex), all.map(({ firstIndex }) => firstIndex).filter(index => index > base.index))
    await found.close()
  }
})
