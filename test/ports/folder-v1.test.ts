/**
 * `test/fixtures/v1/folder` is a data folder as version 1 left it: terms 1 to 3, a tail that was overwritten, several segments, the
 * incarnation of a peer, a clean stop. It is never changed; every later version must open it and find the same.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { fileStorage } from '../../streams/storage/file.js'
import { contentsOf, placeAt, writeSnapshot } from '../../testing/open-snapshot.js'
import { append, commands, openStore } from '../../testing/open-store.js'

const fixture = fileURLToPath(new URL('../fixtures/v1/folder', import.meta.url))

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
