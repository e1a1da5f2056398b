/** The recorder on its disk: the ring and its bound, a disk that is slow, full or broken, and what a replay finds. */
import test from 'ava'
import { InvalidOptions } from '../../../lib/errors.js'
import { step } from '../../../lib/step.js'
import { type Recorder, flightRecorder, replay } from '../../../streams/recorder/index.js'
import { errorOf } from '../member/world.js'
import { bytesOn, drive, range, replayed, segmentsOn } from './drive.js'

const MiB = 1024 * 1024

test('every turn is in the file with its digest, and is made again', t => {
  const driven = drive()
  driven.work(500)
  driven.close()
  const [segment, ...others] = segmentsOn(driven.disk)
  t.deepEqual(others, [])
  t.deepEqual(replayed(segment!), range(1, 500))
  for (const turn of segment!.turns()) {
    if (turn._tag === 'Left') t.fail(turn.left.reason)
    else t.deepEqual(turn.right.before, driven.digests.get(turn.right.turn))
  }
  t.is(driven.digests.get(500)?.role, 'leader')
  t.true(driven.digests.get(500)!.commitIndex > 400)
  t.is(driven.disk.openFiles(), 0)
  t.false(driven.disk.operations().includes('datasync'), 'nothing is synced')
})

test('a member that is killed leaves all but its last moments', t => {
  const driven = drive()
  driven.work(1000)
  driven.disk.kill()
  const turns = replayed(segmentsOn(driven.disk)[0]!)
  t.deepEqual(turns, range(1, turns.length))
  t.true(turns.length >= 1000 - 5, `${turns.length} of 1000`)
})

test('the ring keeps to maxBytes at every moment; segments follow each other, and each can be replayed alone', t => {
  const driven = drive({ maxBytes: 2 * MiB })
  for (let i = 0; i < 60; i++) {
    driven.work(500, 5000)
    t.true(bytesOn(driven.disk) <= 2 * MiB)
  }
  driven.close()
  t.true(bytesOn(driven.disk) <= 2 * MiB && bytesOn(driven.disk) > MiB, `${bytesOn(driven.disk)} bytes`)
  const segments = segmentsOn(driven.disk)
  t.true(segments.length >= 3 && segments[0]!.header.segment > 1)
  for (const [i, segment] of segments.entries()) {
    t.deepEqual(replayed(segment), range(segment.header.turn + 1, segment.lastTurn))
    if (i > 0) t.is(segment.header.turn, segments[i - 1]!.lastTurn)
    t.is(segment.header.dropped, 0)
  }
  t.is(segments.at(-1)!.lastTurn, 30_000)
  t.deepEqual(driven.notices, [])
})

test('a run goes on behind the segments of the run before it, until they have to go', t => {
  const before = drive({ maxBytes: MiB })
  before.work(100)
  before.close()
  const after = drive({ maxBytes: MiB }, before)
  after.work(50)
  after.close()
  const runs = segmentsOn(after.disk)
  t.deepEqual(runs.map(({ lastTurn }) => lastTurn), [100, 50])
  t.not(runs[0]!.header.run, runs[1]!.header.run)
  const last = drive({ maxBytes: MiB }, before)
  last.work(30_000, 5000)
  last.close()
  t.is(new Set(segmentsOn(last.disk).map(({ header }) => header.run)).size, 1)
  t.true(bytesOn(last.disk) <= MiB)
})

test('a disk that does not keep up costs turns, which are counted in the file and reported', t => {
  const driven = drive({ maxBytes: 16 * MiB, maxBufferBytes: MiB })
  driven.work(100)
  driven.hold(true)
  driven.work(20_000)
  t.deepEqual(driven.notices, [{ type: 'recorderBehind', bound: 'maxBufferBytes' }])
  driven.hold(false)
  driven.settle()
  driven.work(100)
  driven.close()
  const [first, second] = segmentsOn(driven.disk)
  const { dropped } = second!.header
  t.true(dropped > 1000)
  t.is(first!.lastTurn + dropped, second!.header.turn)
  t.deepEqual(driven.notices.slice(1), [{ type: 'recorderResumed', dropped }])
  t.deepEqual(replayed(first!), range(1, first!.lastTurn))
  t.deepEqual(replayed(second!), range(second!.header.turn + 1, 20_200))
})

test('a disk that never answers costs no more than maxBufferBytes, and the end does not wait for more than the disk', t => {
  const driven = drive({ maxBufferBytes: MiB })
  driven.hold(true)
  driven.work(30_000)
  driven.close()
  t.deepEqual(driven.notices.map(({ type }) => type), ['recorderBehind', 'recorderStopped'])
})

for (const [operation, skip] of [['makeDirectory', 0], ['list', 0], ['create', 0], ['write', 0], ['write', 2], ['create', 1], ['unlink', 0], ['close', 0]] as const) {
  test(`a disk that fails to ${operation} (after ${skip}) ends the recording, is reported once, and harms nobody`, t => {
    const driven = drive({ maxBytes: MiB })
    driven.disk.failNext(operation, 'EIO', skip)
    t.notThrows(() => driven.work(20_000))
    driven.close()
    t.is(driven.notices.length, 1)
    t.is(driven.notices[0]?.type, 'recorderStopped')
    t.is(driven.disk.openFiles(), operation === 'close' ? 1 : 0)
    t.true(bytesOn(driven.disk) <= MiB)
  })
}

test('a member that is killed behind the first turn of a segment, or rests there, leaves all of its state, however long its log', t => {
  const driven = drive({ maxBytes: 4 * MiB })
  driven.work(20_000)
  const begun = driven.disk.files().length
  while (driven.disk.files().length === begun) driven.work(1)
  driven.disk.kill()
  const last = segmentsOn(driven.disk).at(-1)!
  t.true(last.first.log.tail.end > 10_000)
  t.deepEqual(replayed(last), [last.header.turn + 1])
})

test('a long log is written in pieces beside the turns', t => {
  const driven = drive({ maxBytes: 4 * MiB })
  driven.work(40_000)
  driven.close()
  const last = segmentsOn(driven.disk).at(-1)!
  t.true(last.first.log.tail.end > 10_000)
  t.deepEqual(replayed(last), range(last.header.turn + 1, 40_000))
})

test('a state that does not fit into a segment is not recorded, and says so', t => {
  const driven = drive({ maxBytes: MiB })
  driven.work(60_000)
  driven.close()
  t.regex(JSON.stringify(driven.notices), /the state of this member takes more than a tenth of maxBytes = 1048576/)
  t.true(bytesOn(driven.disk) <= MiB)
})

test('a broken invariant is found at its turn', t => {
  const planted: typeof step = (previous, batch) =>
    step(previous.state.turn + 1 === 101 ? { ...previous, state: { ...previous.state, commitIndex: 999 } } : previous, batch)
  const driven = drive({}, { fold: planted })
  driven.work(100)
  t.throws(() => driven.work(1), { message: /committed 999 is in the log/ })
  driven.close()
  const found = [...replay(segmentsOn(driven.disk)[0]!, planted)]
  const last = found.pop()
  t.deepEqual(found.map(({ type }) => type), range(1, 100).map(() => 'stepped'))
  if (last?.type !== 'broken') return t.fail(`found ${last?.type}`)
  t.is(last.recorded.turn, 101)
  t.regex(last.reasons.join(), /committed 999 is in the log/)
})

test('a build that does otherwise is told by the turn and the number in which it differs', t => {
  const driven = drive()
  driven.work(100)
  driven.close()
  const [segment] = segmentsOn(driven.disk)
  const other: typeof step = (previous, batch) => {
    const next = step(previous, batch)
    return next.state.turn === 60 ? { ...next, state: { ...next.state, commitIndex: next.state.commitIndex - 1 } } : next
  }
  const last = [...replay(segment!, other)].at(-1)
  const recorded = driven.digests.get(61)!.commitIndex
  t.deepEqual(last, { type: 'differed', turn: 60, lines: [`recorded commitIndex ${recorded}, replayed ${recorded - 1}`] })
  const thrower: typeof step = () => { throw new Error('not in this build') }
  t.like([...replay(segment!, thrower)].at(-1), { type: 'broken', reasons: ['not in this build'] })
})

test('what is wrong with the options is told by name, and no disk is touched', t => {
  const opened = (recorder: Recorder) => errorOf(recorder.open({ clusterId: 'c', id: 'n1' }, () => undefined))
  const faulty = opened(flightRecorder('', { maxBytes: 5, maxBufferBytes: 2.5, maxBites: 1 } as object))
  t.true(faulty instanceof InvalidOptions)
  t.deepEqual(faulty?.report.map(line => line.split(':')[0]).sort(), ['recorder.folder', 'recorder.maxBites', 'recorder.maxBufferBytes', 'recorder.maxBytes'])
  const { disk } = drive()
  t.deepEqual(disk.operations(), [])
})
