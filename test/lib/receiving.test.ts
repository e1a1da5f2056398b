/** A snapshot on its way into a member: to the disk, into the log and into the machine. */
import test from 'ava'
import { awaitsMachine } from '../../lib/application.js'
import { append, lastEntry } from '../../lib/log.js'
import { firstStep } from '../../lib/recover.js'
import { isLacking, membership } from '../../lib/state.js'
import {
  accepted, ae, allPersisted, applied, candidateIn, follower, leader, membershipOf, persisted, play, readToApply, requestVote, settingsOf, showLog, stored, tick, vote,
} from './build.js'
import { BYTES, chunkWritten, is, receiveFailed, snapshotAt, snapshotStored } from './snapshots.js'

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
  t.like(player.state.receiving, { snapshot: S, phase: 'waiting', received: 0, expected: 50 })
  t.deepEqual(player.turn(is('L', S)).snapshots, [], 'what is being written is not asked for again')
  player.turn(chunkWritten(S, 50))
  t.deepEqual(player.turn(is('L', S)).said, ['got(L; T1; 9@1; 50/125!)'])
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
    log: '8-9@1 10@1', commit: 9, persisted: 7, wrote: [], restores: true,
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

for (const [what, ...beside] of [['a tick', tick], ['a vote in a later term', requestVote('f2', 7, '20@6')]] as const) {
  test(`in the turn of an install, with ${what} in it, no commitIndex is written that the old log would take for its own`, t => {
    const player = play(follower({ log: '1-5@1 6-20@2', commit: 4, term: 3 }))
    const { wrote } = player.turn(snapshotStored(S), ...beside)
    t.true(wrote.includes('install(9@1)'), wrote.join(' '))
    t.deepEqual(wrote.filter(write => write.startsWith('hardState') && !write.includes(' c=4)')), [])
    t.is(player.state.commitIndex, 9)
  })
}

for (const logCacheBytes of [150, 300, 500, 700, 900, 1200]) {
  test(`what a snapshot stands for stays in memory until it is written, of this turn and of those before: ${logCacheBytes} bytes are kept`, t => {
    const player = play(follower({ base: '5@1', log: '6@1', commit: 5, applied: 0, settings: { logCacheBytes }, leader: 'L' }))
    const first = player.turn(ae('L', '6@1', '7@1 8@1 9@1'))
    t.deepEqual(first.wrote, ['append(7@1 8@1 9@1)'])
    const { wrote, snapshots, turn } = player.turn(ae('L', '9@1', '10@1 11@1 12@1 13@1', 12), snapshotStored(snapshotAt('12@1')))
    t.deepEqual([wrote.filter(write => write.startsWith('append')), snapshots], [['append(10@1 11@1 12@1 13@1)'], ['restore 12@1']])
    const restored = player.turn(applied(12))
    t.deepEqual([restored.said, restored.wrote], [['ok(L; T1; 13/6)'], ['compact(6@1)']], 'nor is anything cut before')
    const half = player.turn(persisted(first.turn))
    t.deepEqual([half.said, half.wrote], [['ok(L; T1; 13/9)'], ['compact(9@1)']])
    const whole = player.turn(persisted(turn))
    t.deepEqual([whole.said, whole.wrote], [['ok(L; T1; 13/13)'], ['compact(12@1)']])
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
  t.deepEqual([snapshots, said], [[`write 9@1 ${BYTES}+0`], []])
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

/** A follower that has `received` bytes of S and awaits more. */
const receiving = (received = 0, notes: NonNullable<Parameters<typeof follower>[0]> = {}) => {
  const player = play(follower(notes))
  player.turn(is('L', S))
  player.turn(chunkWritten(S, received))
  return player
}

test('R01 chunks are written as they come, and the last one is answered when the snapshot is durable and the machine has it', t => {
  const player = play(follower({ log: '1@1', commit: 1 }))
  const asked = player.turn(is('L', S))
  t.deepEqual([asked.snapshots, asked.said], [['receive 9@1'], ['got(L; T1; 9@1; 0/125)']])
  t.deepEqual(player.turn(chunkWritten(S, 0)).said, ['got(L; T1; 9@1; 0/125!)'])
  for (const [offset, length] of [[0, 50], [50, 50]] as const) {
    const { said, snapshots } = player.turn(is('L', S, offset, length))
    t.deepEqual([said, snapshots], [[`got(L; T1; 9@1; ${offset + length}/125!)`], [`write 9@1 ${offset}+${length}`]], 'the next one may come while this one is written')
    t.deepEqual(player.turn(chunkWritten(S, offset + length)).said, [])
  }
  t.deepEqual(player.turn(is('L', S, 100, 25)).snapshots, ['write 9@1 100+25'])
  const stored = player.turn(snapshotStored(S))
  t.deepEqual([stored.said, stored.wrote, stored.snapshots], [[], ['install(9@1)'], ['restore 9@1']])
  t.deepEqual(player.turn(is('L', S)).said, ['got(L; T1; 9@1; 125/125)'], 'life signs meanwhile, and nothing is awaited')
  t.deepEqual(player.turn(allPersisted).said, [], 'the machine is not there yet')
  t.deepEqual(player.turn(applied(9)).said, ['ok(L; T1; 9/9)'])
  t.like(player.state, { commitIndex: 9, appliedIndex: 9, handedIndex: 9, receiving: undefined })
  player.turn(ae('L', '9@1', '10@1', 10))
  const next = player.turn(allPersisted)
  t.deepEqual([next.said, next.committed], [['ok(L; T1; 10/10)'], '10@1'])
})

for (const [title, offset, length, state] of [
  ['R04 one farther on', 100, 25, receiving(50)], ['R16 one that was written', 0, 50, receiving(50)], ['one that overlaps', 25, 50, receiving(50)], ['a question', 50, 0, receiving(50)],
] as const) {
  test(`${title} is not written, but answered with what is awaited`, t => {
    const { said, snapshots } = state.turn(is('L', S, offset, length))
    t.deepEqual([said, snapshots], [['got(L; T1; 9@1; 50/125!)'], []])
  })
}

test('while two chunks are written nothing is awaited, and no other is taken', t => {
  const player = receiving(50)
  t.deepEqual(player.turn(is('L', S, 50, 20)).said, ['got(L; T1; 9@1; 70/125!)'])
  const second = player.turn(is('L', S, 70, 20))
  t.deepEqual([second.said, second.snapshots], [[], ['write 9@1 70+20']])
  const third = player.turn(is('L', S, 90, 20))
  t.deepEqual([third.said, third.snapshots], [['got(L; T1; 9@1; 90/125)'], []])
  t.deepEqual(player.turn(chunkWritten(S, 70)).said, ['got(L; T1; 9@1; 90/125!)'])
  t.deepEqual(player.turn(is('L', S, 90, 35)).said, [], 'behind the last one nothing comes')
  t.deepEqual(player.turn(chunkWritten(S, 90)).said, [])
  t.deepEqual(player.turn(is('L', S)).said, ['got(L; T1; 9@1; 125/125)'])
})

test('a chunk of any length goes beyond four gigabytes', t => {
  const big = snapshotAt('9@1', { bytes: 6e9 })
  const player = play(follower())
  player.turn(is('L', big))
  player.turn(chunkWritten(big, 5e9))
  const { said, snapshots } = player.turn(is('L', big, 5e9, 1000))
  t.deepEqual([said, snapshots], [['got(L; T1; 9@1; 5000001000/6000000000!)'], ['write 9@1 5000000000+1000']])
})

test('what has come stays when another leads, and another snapshot begins anew', t => {
  const player = receiving(50, { voters: 'f1 L M' })
  t.deepEqual(player.turn(is('M', S, 0, 0, { term: 2 })).said, ['got(M; T2; 9@1; 50/125!)'])
  for (const other of [snapshotAt('9@1', { checksum: 8 }), snapshotAt('12@2'), snapshotAt('12@2', { bytes: 126 })]) {
    const { said, snapshots } = player.turn(is('M', other, 0, 0, { term: 2 }))
    t.deepEqual([said, snapshots], [[`got(M; T2; ${other.index}@${other.term}; 0/${other.bytes})`], [`receive ${other.index}@${other.term}`]])
  }
  const late = player.turn(is('M', S, 50, 50, { term: 2 }))
  t.deepEqual([late.said, late.snapshots], [[], []], 'a late word of one leader\'s older one begins nothing')
  t.deepEqual(player.turn(is('L', S, 0, 0, { term: 3 })).snapshots, ['receive 9@1'], 'another leader may have no newer one')
  t.deepEqual(player.turn(chunkWritten(snapshotAt('12@2'), 50)).said, [], 'what was written of it is nobody\'s')
})

test('what cannot be written is begun again', t => {
  const player = receiving(50)
  player.turn(is('L', S, 50, 50))
  t.deepEqual(player.turn(receiveFailed(snapshotAt('8@1'))).said, [])
  t.like(player.state.receiving, { snapshot: S })
  player.turn(receiveFailed(S))
  t.deepEqual(player.turn(is('L', S, 50, 50)).snapshots, ['receive 9@1'])
})

test('R12 a stale leader hears of the newer term, and nothing is kept', t => {
  const player = play(follower({ term: 5 }))
  const { said, snapshots } = player.turn(is('L', S, 0, 50, { term: 3 }))
  t.deepEqual([said, snapshots], [['got(L; T5; 9@1; 0/125)'], []])
  t.is(player.state.receiving, undefined)
})

test('A6 65 A6 67 a candidate that hears the leader of its term follows it; the term is that of the message', t => {
  const player = candidateIn(4)
  player.turn(is('b', snapshotAt('9@1'), 0, 0, { term: 4 }))
  t.like(player.state, { role: 'follower', leader: 'b', term: 4 })
  t.is(player.state.receiving?.phase, 'opening')
})

test('R13 what the log holds is not received: the leader hears that it agrees so far', t => {
  const held = play(follower({ log: '1-9@1 10@1', durable: 5 }))
  t.deepEqual(held.turn(is('L', S)).said, ['ok(L; T1; 9/5)'])
  const committed = play(follower({ log: '1-20@1', commit: 10 }))
  t.deepEqual(committed.turn(is('L', snapshotAt('7@1'))).said, ['ok(L; T1; 7/7)'])
  for (const player of [held, committed]) t.is(player.state.receiving, undefined)
})

test('R07 entries may come meanwhile', t => {
  const player = receiving(50, { log: '1@1' })
  t.deepEqual(player.turn(ae('L', '1@1', '2@1', 1)).said, ['ok(L; T1; 2/1)'])
  t.like(player.state.receiving, { received: 50, phase: 'waiting' })
})

test('a follower that has caught up by the log drops the rest, whoever leads by then and sends no snapshot', t => {
  const overtaken = receiving(50, { voters: 'f1 L M', log: '1@1' })
  overtaken.turn(ae('M', '1@1', '2-8@1', 1, { term: 2 }))
  t.like(overtaken.state.receiving, { phase: 'waiting' }, 'not yet')
  overtaken.turn(ae('M', '8@1', '9@1', 1, { term: 2 }))
  t.is(overtaken.state.receiving, undefined)
  const player = receiving(50, { log: '1@1' })
  player.turn(ae('L', '1@1', '2-12@1', 12))
  t.is(player.state.receiving, undefined)
  t.deepEqual(player.turn(is('L', S, 50, 50)).said, ['ok(L; T1; 12/1)'])
  t.is(player.state.receiving, undefined)
  player.turn(allPersisted)
  t.deepEqual(player.turn(snapshotStored(S)).snapshots, [], 'should it be finished all the same, it is a snapshot like any other')
  t.is(player.state.snapshot, S)
})

test('A6 51 the membership after an install is the snapshot\'s, whatever was to come', t => {
  const { log, ...state } = follower({ log: '1@1' })
  const added = { kind: 'membership', firstIndex: 2, term: 1, count: 1, time: 0, membership: membershipOf('L f1 f2 phantom') } as const
  const player = play({ ...state, log: append(log, [added]) })
  t.true(membership(player.state).voters.includes('phantom'))
  const { ready } = player.turn(snapshotStored(snapshotAt('9@1', { membership: membershipOf('L f1') })))
  t.deepEqual(membership(player.state).voters, ['L', 'f1'])
  const write = ready.writes.find(({ type }) => type === 'install')
  t.deepEqual(write?.type === 'install' && write.base, { index: 9, term: 1, membership: membershipOf('L f1') })
})

test('applied reports from before an install raise nothing beyond what they say', t => {
  const player = play(follower({ log: '1-5@1', applied: 0 }))
  t.is(player.turn(ae('L', '5@1', '', 5)).committed, '1-5@1')
  player.turn(snapshotStored(S))
  player.turn(applied(5))
  t.like(player.state, { appliedIndex: 5 })
  t.is(player.state.receiving?.phase, 'restoring')
  player.turn(applied(9))
  player.turn(applied(5))
  t.like(player.state, { appliedIndex: 9, receiving: undefined })
})

test('one who stands for election when its snapshot is stored goes on with what it holds', t => {
  const player = candidateIn(4, '1@1 2@1')
  player.turn(snapshotStored(snapshotAt('9@1', { membership: membershipOf('a b c d e') })))
  t.like(player.state, { role: 'candidate', commitIndex: 9 })
  player.turn(allPersisted, vote('b', true), vote('c', true))
  t.like(player.state, { role: 'leader', receiving: undefined })
  t.is(showLog(player.state), '10@4!')
  player.turn(allPersisted, accepted('b', 10), accepted('c', 10))
  t.is(player.turn(applied(9)).committed, '')
  t.is(player.state.handedIndex, 10)
})

test('a leader takes no orders from a snapshot that was on its way to it', t => {
  const player = play(leader({ log: '1-12@1', commit: 7 }))
  const { snapshots } = player.turn(snapshotStored(S))
  t.deepEqual(snapshots, [])
  t.like(player.state, { role: 'leader', commitIndex: 7, snapshot: S })
  t.is(player.state.log.lastIndex, 12)
})

test('A6 63 a start between the snapshot and the log begins behind the snapshot', t => {
  const { state } = firstStep(settingsOf('f1'), stored({ base: '9@1', term: 4, commit: 3 }), 1, 0, S)
  t.like(state, { commitIndex: 9, appliedIndex: 9, handedIndex: 9, persistedIndex: 9, term: 4 })
  t.deepEqual(lastEntry(state.log), { index: 9, term: 1 })
  t.deepEqual(play(state).turn(is('L', S, 0, 0, { term: 4 })).said, ['ok(L; T4; 9/9)'])
})

test('a start without the snapshot on which the log stands says so with every answer, until another has come', t => {
  const { state } = firstStep(settingsOf('f1'), stored({ base: '5@1', log: '6-10@1', commit: 8 }), 1, 0)
  t.true(isLacking(state))
  const player = play(state)
  t.deepEqual(player.turn(ae('L', '10@1', '', 10)).said, ['ok(L; T1; 10/10 lacks 5)'])
  t.is(player.turn().committed, '', 'nothing can be applied')
  t.deepEqual(player.later(3000, tick).said, [], 'nor can it lead')
  t.deepEqual(player.turn(is('L', snapshotAt('4@1'))).said, ['ok(L; T1; 10/10 lacks 5)'], 'an older one is no help')
  t.deepEqual(player.turn(is('L', S)).snapshots, ['receive 9@1'], 'though the log holds its last entry')
  t.deepEqual(player.turn(snapshotStored(S)).snapshots, ['restore 9@1'])
  t.is(showLog(player.state), '6-10@1')
  t.deepEqual(player.turn(ae('L', '10@1')).said, ['ok(L; T1; 10/10)'])
  t.is(player.state.handedIndex, 10, 'what follows is handed out behind it')
})
