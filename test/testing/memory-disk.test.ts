/** What a disk in memory leaves after a loss of power: what was synced, as it was when its sync began, and no state that a real disk never has. */
import test from 'ava'
import { type Either, isLeft } from '../../lib/prelude.js'
import type { DiskFile } from '../../streams/storage/disk/disk.js'
import { memoryDisk } from '../../testing/memory-disk.js'

const PATH = '/d/f'
const done = <A>(act: (done: (outcome: Either<Error, A>) => void) => void): Promise<A> => new Promise((resolve, reject) => {
  act(outcome => isLeft(outcome) ? reject(outcome.left) : resolve(outcome.right))
})

/** A disk with one file that holds this, synced. */
const holding = async (text: string, seed = 1) => {
  const disk = memoryDisk({ seed })
  const file = await done<DiskFile>(next => disk.open(PATH, 'create', next))
  await done<number>(next => file.write([Buffer.from(text)], 0, next))
  await done<void>(next => file.datasync(next))
  await done<void>(next => disk.syncDirectory('/d', next))
  return { disk, file, left: (): string => Buffer.from(disk.contents(PATH)).toString() }
}

test('a sync brings to disk what was there when it began, and nothing of what is written meanwhile', async t => {
  const { disk, file, left } = await holding('AAAABBBB')
  void done<number>(next => file.write([Buffer.from('YYYY')], 0, next))
  const synced = done<void>(next => file.datasync(next))
  void done<number>(next => file.write([Buffer.from('XXXX')], 4, next))
  await synced
  disk.crash({ keep: 0 })
  t.is(left(), 'YYYYBBBB')
})

test('a file that was cut is as long as before or as short as it was made, and has no zeros where something stood', async t => {
  const whole = 'a'.repeat(3000)
  const found = new Set<string>()
  for (let seed = 1; seed <= 20; seed++) {
    const { disk, file, left } = await holding(whole, seed)
    await done<void>(next => file.truncate(700, next))
    disk.crash({ keep: 0.5 })
    found.add(left())
  }
  t.deepEqual([...found].sort(), [whole.slice(0, 700), whole])
})

test('a cut that was synced is there, also where the file has grown again', async t => {
  const { disk, file, left } = await holding('a'.repeat(3000))
  await done<void>(next => file.truncate(2, next))
  await done<number>(next => file.write([Buffer.from('zz')], 4, next))
  await done<void>(next => file.datasync(next))
  await done<void>(next => file.truncate(1, next))
  disk.crash({ keep: 0 })
  t.is(left(), 'aa\0\0zz')
})
