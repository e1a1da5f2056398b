/** A snapshot on its way into a member: to the disk, into the log and into the machine. */
import test from 'ava'
import { awaitsMachine } from '../../lib/application.js'
import { lastEntry } from '../../lib/log.js'
import { ae, allPersisted, applied, follower, play, readToApply, showLog, tick } from './build.js'
import { BYTES, chunkWritten, is, snapshotAt, snapshotStored } from './snapshots.js'

const S = snapshotAt('9@1')

for (const [claim, said] of [
  ['a chunk beyond the end', is('L', S, 100, 26)],
  ['an offset beyond the end', is('L', S, 126)],
  ['a snapshot of a term to come', is('L', snapshotAt('9@2'))],
] as const) {
  test(`${claim} is reported, and nothing else comes of it`, t => {
    const player = play(follower())
    const before = player.state
    const { noticed, said: answers, snapshots } = player.turn(said)
    t.deepEqual([noticed, answers, snapshots], [['contradiction'], [], []])
    t.like(player.state, { receiving: undefined, leader: before.leader, electionDeadline: before.electionDeadline })
  })
}

test('one that comes late and is covered by the log ends nothing but itself', t => {
  const player = play(follower({ log: '1-5@1', commit: 5 }))
  const old = snapshotAt('4@1')
  player.turn(is('L', S))
  player.turn(chunkWritten(S, 0))
  player.turn(is('L', S, 0, 50))
  t.deepEqual(player.turn(is('L', old)).said, ['ok(L; T1; 4/4)'])
  t.like(player.state.receiving, { snapshot: S, phase: 'writing' })
  t.deepEqual(player.turn(is('L', S)).snapshots, [], 'what is being written is not asked for again')
  t.deepEqual(player.turn(chunkWritten(S, 50)).said, ['got(L; T1; 9@1; 50/125!)'])
})

test('what a read hands out in the turn of an install is not applied on top of it', t => {
  const player = play(follower({ log: '1@1 2@1 3@1', applied: 0, settings: { logCacheBytes: 0 } }))
  player.turn()
  t.deepEqual(player.turn(ae('L', '3@1', '', 3)).reads, ['apply: 1-3'])
  const { committed, snapshots } = player.turn(readToApply(1, '1@1 2@1'), snapshotStored(S))
  t.deepEqual([snapshots, committed], [['restore 9@1'], ''])
  t.like(player.state, { handedIndex: 9, appliedIndex: 0, handed: [] })
  t.is(player.turn(readToApply(3, '3@1')).committed, '', 'what is read later is nobody\'s, too')
})

interface Row {
  readonly title: string
  readonly notes: NonNullable<Parameters<typeof follower>[0]>
  /** Beside what is in the notes, entries on their way to the disk. */
  readonly pending?: string
  readonly log: string
  readonly commit: number
  readonly persisted: number
  readonly wrote: readonly string[]
  readonly restores: boolean
}

const installs: readonly Row[] = [
  { title: 'over an empty log', notes: {}, log: '', commit: 9, persisted: 9, wrote: ['install(9@1)'], restores: true },
  { title: 'R02 over a shorter log', notes: { log: '1-5@1', commit: 4 }, log: '', commit: 9, persisted: 9, wrote: ['install(9@1)'], restores: true },
  { title: 'over a longer log of another history', notes: { log: '1-5@1 6-20@2', commit: 4, term: 3 }, log: '', commit: 9, persisted: 9, wrote: ['install(9@1)'], restores: true },
  { title: 'over entries that are being written', notes: { log: '1-5@1', commit: 4 }, pending: '6@1 7@1', log: '', commit: 9, persisted: 9, wrote: ['install(9@1)'], restores: true },
  { title: 'over a log that begins behind another', notes: { base: '4@1', log: '5@1 6@1', commit: 5 }, log: '', commit: 9, persisted: 9, wrote: ['install(9@1)'], restores: true },
  { title: 'R14 over a log that holds its last entry: all of it stays', notes: { log: '1-9@1 10-12@1', commit: 4 }, log: '1-9@1 10-12@1', commit: 9, persisted: 12, wrote: [], restores: false },
  { title: 'over a log that ends with it', notes: { log: '1-9@1', commit: 4 }, log: '1-9@1', commit: 9, persisted: 9, wrote: [], restores: false },
  {
    title: 'over a log that holds its last entry, on the way to the disk', notes: { log: '1-5@1', commit: 4 }, pending: '6-9@1 10@1',
    log: '1-5@1 6-9@1 10@1', commit: 9, persisted: 5, wrote: [], restores: false,
  },
  { title: 'R13 over a machine that is farther', notes: { log: '1-12@1', commit: 12 }, log: '1-12@1', commit: 12, persisted: 12, wrote: [], restores: false },
  {
    title: 'under a log whose own is lost', notes: { base: '7@1', log: '8-9@1 10@1', commit: 10, applied: 0 },
    log: '8-9@1 10@1', commit: 10, persisted: 10, wrote: [], restores: true,
  },
  {
    title: 'under a log whose own is lost, and which is on the way to the disk', notes: { base: '7@1', commit: 7, applied: 0 }, pending: '8-9@1 10@1',
    log: '8-9@1 10@1', commit: 9, persisted: 9, wrote: [], restores: true,
  },
  { title: 'ahead of a log whose own is lost', notes: { base: '7@1', log: '8@1', commit: 8, applied: 0 }, log: '', commit: 9, persisted: 9, wrote: ['install(9@1)'], restores: true },
]
for (const { title, notes, pending, log, commit, persisted: durable, wrote, restores } of installs) {
  test(`a snapshot comes ${title}`, t => {
    const player = play(follower({ ...notes, settings: { snapshotKeepEntries: 100 } }))
    const last = lastEntry(player.state.log)
    if (pending !== undefined) player.turn(ae('L', `${last.index}@${last.term}`, pending))
    const turned = player.turn(snapshotStored(S))
    t.is(showLog(player.state), log)
    t.like(player.state, { commitIndex: commit, persistedIndex: durable, snapshot: S })
    t.deepEqual(turned.wrote.filter(write => !write.startsWith('hardState')), wrote)
    t.deepEqual(turned.snapshots, restores ? ['restore 9@1'] : [])
    t.is(player.state.receiving?.phase, restores ? 'restoring' : undefined)
    const settled = player.turn(allPersisted)
    t.is(player.state.persistedIndex, player.state.log.lastIndex, 'nothing vouches for what is gone, and nothing is forgotten')
    if (!restores) return
    t.is(settled.committed, '', 'the machine is busy')
    const restored = player.turn(applied(9))
    t.is(player.state.receiving, undefined)
    t.deepEqual(restored.said.length, player.state.leader === undefined ? 0 : 1)
  })
}

test('a commit ahead of the disk outlives a snapshot between the two', t => {
  const player = play(follower({ log: '1-5@1', commit: 4 }))
  player.turn(is('L', S))
  player.turn(ae('L', '5@1', '6-9@1 10-12@1', 12))
  t.is(player.state.persistedIndex, 5)
  t.deepEqual(player.turn(snapshotStored(S)).snapshots, [])
  t.like(player.state, { commitIndex: 12, receiving: undefined })
  t.is(player.turn(allPersisted).committed, '6-9@1 10-12@1')
})

test('A6 68 one that was being taken while a newer one came does not take its place', t => {
  const player = play(follower({ log: '1-5@1', commit: 5 }))
  player.turn(snapshotStored(S))
  t.deepEqual(player.turn(snapshotStored(snapshotAt('5@1'))).snapshots, [])
  t.is(player.state.snapshot, S)
})

test('K05 a snapshot without contents is finished without a chunk', t => {
  const empty = snapshotAt('9@1', { bytes: 0 })
  const player = play(follower())
  t.deepEqual(player.turn(is('L', empty)).snapshots, ['receive 9@1'])
  t.deepEqual(player.turn(chunkWritten(empty, 0)).snapshots, ['write 9@1 0+0'])
  t.deepEqual(player.turn(is('L', empty)).said, ['got(L; T1; 9@1; 0/0)'], 'it awaits nothing')
  t.deepEqual(player.turn(snapshotStored(empty)).snapshots, ['restore 9@1'])
  t.deepEqual(player.turn(applied(9)).said, ['ok(L; T1; 9/9)'])
})

test('one that was whole before a crash is finished without another chunk', t => {
  const player = play(follower())
  player.turn(is('L', S))
  const { snapshots, said } = player.turn(chunkWritten(S, BYTES))
  t.deepEqual([snapshots, said], [[`write 9@1 ${BYTES}+0`], [`got(L; T1; 9@1; ${BYTES}/${BYTES})`]])
})

test('while its machine is being restored a member does not stand for election: it would win, and could not serve', t => {
  const player = play(follower({ voters: 'f1 L f2' }))
  player.turn(snapshotStored(S))
  player.turn(allPersisted)
  t.true(awaitsMachine(player.state))
  t.deepEqual(player.later(2000, tick).said, [])
  player.turn(applied(9), allPersisted)
  t.false(awaitsMachine(player.state))
  t.deepEqual(player.later(2000, tick).said, ['pre-RV(L; T1; 9@1)', 'pre-RV(f2; T1; 9@1)'])
})
