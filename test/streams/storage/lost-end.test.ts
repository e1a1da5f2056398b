/** A log that ends before what its member wrote as committed: no crash leaves it so. */
import test from 'ava'
import { type Either, isLeft, isRight } from '../../../lib/prelude.js'
import type { Failure } from '../../../streams/storage/files/store-file.js'
import { type Survey, couldStartAlone, surveyFolder } from '../../../streams/storage/survey.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { placeAt, receiveSnapshot, snapshotOf } from '../../../testing/open-snapshot.js'
import { append, commands, hardState, openStore, tryOpen } from '../../../testing/open-store.js'
import { FOLDER, storageOn } from './store-script.js'

const SEGMENT = `${FOLDER}/segment-0000000001`

/** A log that ends with 1, of which the hard state says that it was committed up to 3. */
const cut = async (): Promise<MemoryDisk> => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  await opened.write(1, append(commands(1, 1, 'a')))
  const before = Uint8Array.from(disk.contents(SEGMENT))
  await opened.write(2, append(commands(2, 1, 'b', 'c')))
  await opened.write(3, hardState(2, 'b', 3))
  disk.kill()
  disk.tamper(SEGMENT, () => before)
  return disk
}

const surveyOf = async (disk: MemoryDisk): Promise<Survey> => {
  const found = await new Promise<Either<Failure, Survey>>(resolve => surveyFolder({ disk, folder: FOLDER, withContents: true, looked: () => undefined })(resolve))
  if (isLeft(found)) throw found.left
  return found.right
}

const CLAIM = /segment-0000000001 is damaged at offset \d+ \(log index 2\): the log ends with 1, and this member wrote that it was committed up to 3/

test('a start refuses it and a survey finds it, in the same words, and none of it is changed', async t => {
  const disk = await cut()
  const before = disk.contents(SEGMENT)
  const opened = await tryOpen(storageOn(disk))
  t.like(opened, { left: { _tag: 'Damaged', index: 2 } })
  const survey = await surveyOf(disk)
  t.deepEqual(survey.faults.map(({ message }) => message), isLeft(opened) ? [opened.left.message] : [])
  t.regex(survey.faults[0]!.message, CLAIM)
  t.like(survey.lost, { last: 1, committed: 3 })
  t.false(couldStartAlone(survey))
  t.deepEqual(disk.contents(SEGMENT), before)
  t.is(disk.openFiles(), 0)
})

test('an interrupted install explains it', async t => {
  const disk = memoryDisk({ later: queueMicrotask })
  const opened = await openStore(storageOn(disk))
  await opened.write(1, append(commands(1, 1, 'a')))
  await receiveSnapshot(opened.store, snapshotOf(placeAt(9), [Buffer.from('s')]), [Buffer.from('s')])
  await opened.write(2, hardState(12, 'b', 9))
  disk.kill()
  t.deepEqual((await surveyOf(disk)).faults, [])
  const again = await tryOpen(storageOn(disk))
  t.true(isRight(again))
  t.is(isRight(again) ? again.right.store.recovered.lastIndex : undefined, 9)
})
