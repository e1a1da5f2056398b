/** What of the log stays behind a snapshot. */
import test from 'ava'
import { append, compactTo, lastEntry, membershipAt, membershipOf as newestMembership, openLog, termAt } from '../../lib/log.js'
import type { Index } from '../../lib/types.js'
import {
  type Fact, accepted, ae, allPersisted, applied, entries, follower, held, leader, membershipOf, persisted, play, propose, readToApply, readToReplicate, showBatches, showLog,
  stored, tick,
} from './build.js'
import { BYTES, awaits, chunkRead, isBusyAt, snapshotAt, snapshotGone, snapshotStored } from './snapshots.js'

const LOG = '1@1 2@1 3@2 4@2 5@2 6@3'

interface Row {
  readonly title: string
  readonly keep: number
  /** Where the newest snapshot stands. */
  readonly at?: string
  readonly applied?: Index
  readonly base?: string
  readonly cut: string | undefined
}
const rows: readonly Row[] = [
  { title: 'all that the snapshot covers, where nothing is kept', keep: 0, at: '5@2', cut: '5@2' },
  { title: 'the whole log', keep: 0, at: '6@3', cut: '6@3' },
  { title: 'all but what is kept', keep: 2, at: '5@2', cut: '3@2' },
  { title: 'nothing where all is kept', keep: 5, at: '5@2', cut: undefined },
  { title: 'nothing where more is kept than there is', keep: 1000, at: '5@2', cut: undefined },
  { title: 'nothing beyond what is applied', keep: 0, at: '5@2', applied: 3, cut: '3@2' },
  { title: 'nothing without a snapshot', keep: 0, cut: undefined },
  { title: 'nothing that is cut already', keep: 2, at: '5@2', base: '4@2', cut: undefined },
]
for (const { title, keep, at, applied: machine = 6, base, cut } of rows) {
  test(`G16 cut: ${title}`, t => {
    const log = base === undefined ? LOG : '5@2 6@3'
    const player = play(follower({ log, ...base !== undefined && { base }, commit: 6, applied: machine, settings: { snapshotKeepEntries: keep } }))
    const { wrote, said } = player.turn(...at === undefined ? [] : [snapshotStored(snapshotAt(at))])
    t.deepEqual([wrote, said], [cut === undefined ? [] : [`compact(${cut})`], []])
    t.is(player.state.log.base.index, Number((cut ?? base ?? '0').split('@')[0]))
    t.deepEqual(lastEntry(player.state.log), { index: 6, term: 3 })
  })
}

const logs: readonly (readonly [Index, string, readonly string[], string])[] = [
  [1, '2@1 3@2 4@2 5-8@2 9@5', ['2@1', '3@2', '9@5'], '1 1 2 2 2 2 2 2 5'],
  [2, '3@2 4@2 5-8@2 9@5', ['3@2', '9@5'], '1 2 2 2 2 2 2 5'],
  [3, '4@2 5-8@2 9@5', ['4@2', '9@5'], '2 2 2 2 2 2 5'],
  [6, '5-8@2 9@5', ['7@2', '9@5'], '2 2 2 5'],
  [8, '9@5', ['9@5'], '2 5'],
  [9, '', [], '5'],
]
for (const [index, kept, runs, terms] of logs) {
  test(`G03 behind ${index} the log is [${kept}], and knows the terms of what is left`, t => {
    const whole = openLog(stored({ log: '1@1 2@1 3@2 4@2 5-8@2 9@5' }))
    const log = compactTo(whole, index)
    t.is(showBatches(held(log)), kept)
    t.deepEqual(log.terms.map(({ firstIndex, term }) => `${firstIndex}@${term}`), runs)
    t.is(Array.from({ length: 10 - index }, (_, i) => termAt(log, index + i)).join(' '), terms)
    t.is(termAt(log, index - 1), undefined, 'below, nothing is known any more')
    t.deepEqual([log.base.index, log.lastIndex, lastEntry(log).term], [index, 9, 5])
    const twice = compactTo(compactTo(whole, 1), index)
    t.deepEqual([twice.base, twice.terms, held(twice), twice.tail.bytes], [log.base, log.terms, held(log), log.tail.bytes], 'in one cut or in two')
    const grown = append(log, entries('10@5 11@6'))
    t.deepEqual([10, 11].map(at => termAt(grown, at)), [5, 6])
    t.is(showBatches(held(whole)), '1@1 2@1 3@2 4@2 5-8@2 9@5', 'the earlier view stays')
  })
}

test('the membership of the base is the one in force there', t => {
  const added = (firstIndex: Index, voters: string) => ({ kind: 'membership', firstIndex, term: 1, count: 1, time: 0, membership: membershipOf(voters) }) as const
  const whole = append(openLog(stored({ log: '1@1' })), [added(2, 'a b'), ...entries('3@1'), added(4, 'a b c')])
  const voters = (index: Index): string => compactTo(whole, index).base.membership.voters.join('')
  t.deepEqual([1, 2, 3, 4].map(voters), ['f1Lf2', 'ab', 'ab', 'abc'])
  const cut = compactTo(whole, 3)
  t.deepEqual([membershipAt(cut, 3).voters.length, newestMembership(cut).voters.length, newestMembership(compactTo(whole, 4)).voters.length], [2, 3, 3])
})

test('a cut goes on as the machine does', t => {
  const player = play(leader({ others: '', log: '1@1 2@1 3@1', commit: 3, applied: 1 }))
  t.deepEqual(player.turn(snapshotStored(snapshotAt('3@1'))).wrote, ['compact(1@1)'])
  t.deepEqual(player.turn(applied(2)).wrote, ['compact(2@1)'])
  t.deepEqual(player.turn(applied(3)).wrote, ['compact(3@1)'])
})

test('G37 alone: what the snapshot covers goes, and the log grows on', t => {
  const player = play(leader({ others: '', log: '1@1 2@1', commit: 2 }))
  t.deepEqual(player.turn(snapshotStored(snapshotAt('2@1'))).wrote, ['compact(2@1)'])
  t.deepEqual(player.turn(propose(1)).wrote, ['append(3@1)'])
  const { committed } = player.turn(persisted(player.state.turn))
  t.is(committed, '3@1')
  t.is(showLog(player.state), '3@1')
})

test('what is cut is not asked from the disk any more', t => {
  const player = play(leader({ others: 'f1{next=3} f2', log: LOG, commit: 6, settings: { logCacheBytes: 0 } }))
  player.turn()
  const { wrote, reads, said } = player.turn(accepted('f1', 2), snapshotStored(snapshotAt('5@2')))
  t.deepEqual([wrote, reads, said], [['compact(5@2)'], [], ['IS(f1; T3; 5@2; 0+0/125)']])
})

test('entries on their way from the disk when they are cut reach nobody', t => {
  const player = play(leader({ others: 'f1{next=3} f2', log: LOG, commit: 6, settings: { logCacheBytes: 0 } }))
  player.turn()
  t.deepEqual(player.turn(accepted('f1', 2)).reads, ['f1: 3-6'])
  t.deepEqual(player.turn(snapshotStored(snapshotAt('5@2'))).said, ['IS(f1; T3; 5@2; 0+0/125)'])
  t.deepEqual(player.turn(readToReplicate('f1', 3, '3@2 4@2')).said, [])
  t.deepEqual(player.turn(accepted('f1', 5)).reads, ['f1: 6-6'], 'it is asked anew behind the snapshot')
})

test('what is read to be applied is never cut', t => {
  const player = play(follower({ log: LOG, commit: 2, applied: 2, settings: { logCacheBytes: 0 } }))
  player.turn()
  t.deepEqual(player.turn(ae('L', '6@3', '', 6)).reads, ['apply: 3-6'])
  t.deepEqual(player.turn(snapshotStored(snapshotAt('2@1'))).wrote, ['compact(2@1)'])
  t.is(player.turn(readToApply(3, '3@2 4@2 5@2 6@3')).committed, '3@2 4@2 5@2 6@3')
})

test('what follows a snapshot that is being sent stays as long as the follower is there, and no longer', t => {
  const S = snapshotAt('3@2')
  const player = play(leader({ base: '2@1', log: '3@2 4@2 5@2 6@3', commit: 6, snapshot: S, others: 'f1{next=1,on} f2{next=7,match=6,on}' }))
  t.deepEqual(player.turn().wrote, ['compact(3@2)'])
  player.turn(awaits('f1', S, 0))
  t.deepEqual(player.turn(snapshotStored(snapshotAt('6@3'))).wrote, [], 'or it would need another, and another')
  player.later(900, tick, accepted('f2', 6), allPersisted)
  const { wrote, said } = player.later(200, tick, accepted('f2', 6))
  t.deepEqual(wrote, ['compact(6@3)'])
  t.true(said.includes('IS(f1; T3; 6@3; 0+0/125)'), 'it is asked about the newest')
})

const SENT = { base: '2@1', log: '3@2 4@2 5@2 6@3', commit: 6, snapshot: snapshotAt('3@2'), others: 'f1{next=1,on} f2{next=7,match=6,on}' } as const

/** A heartbeat later: all that is said of the snapshot that f1 is sent, and f2 is there. */
const beat = (player: ReturnType<typeof play>, ...said: readonly Fact[]) => player.later(100, tick, accepted('f2', 6), allPersisted, ...said)

test('who answers and takes nothing in of what it is sent holds the log for a while, and of no later snapshot', t => {
  const [S, newer, newest] = [SENT.snapshot, snapshotAt('5@2'), snapshotAt('6@3')]
  const player = play(leader(SENT))
  player.turn()
  player.turn(snapshotStored(newer))
  for (let beats = 0; beats < 100; beats++) t.deepEqual(beat(player, isBusyAt('f1', S, 0)).wrote, [], `${beats}`)
  const { wrote, said } = beat(player, isBusyAt('f1', S, 0))
  t.deepEqual(wrote, ['compact(5@2)'])
  t.true(said.includes('IS(f1; T3; 5@2; 0+0/125)'), 'it is asked about the newest')
  beat(player, isBusyAt('f1', newer, 0))
  t.deepEqual(player.turn(snapshotStored(newest)).wrote, ['compact(6@3)'])
})

test('who is ready for what it is sent, takes it in, or has all of it, holds the log however long that takes', t => {
  const S = SENT.snapshot
  const player = play(leader(SENT))
  player.turn()
  player.turn(snapshotStored(snapshotAt('6@3')))
  for (const [received, chunk] of [[0, 50], [50, 50], [100, 25]] as const) {
    for (let beats = 0; beats < 90; beats++) t.deepEqual(beat(player, isBusyAt('f1', S, Math.max(0, received - 50))).wrote, [])
    t.deepEqual(beat(player, awaits('f1', S, received)).wrote, [])
    player.turn(chunkRead('f1', S, received, chunk))
  }
  for (let beats = 0; beats < 500; beats++) t.deepEqual(beat(player, isBusyAt('f1', S, BYTES)).wrote, [])
  t.deepEqual(beat(player, accepted('f1', 3)).wrote, [])
  t.deepEqual(beat(player).wrote, ['compact(6@3)'])
})

test('whoever begins again from nothing begins with the newest, and the log before that goes', t => {
  const S = SENT.snapshot
  const player = play(leader(SENT))
  player.turn()
  player.turn(awaits('f1', S, 0))
  player.turn(snapshotStored(snapshotAt('6@3')))
  player.turn(chunkRead('f1', S, 0, 50))
  t.deepEqual(beat(player, awaits('f1', S, 50)).wrote, [])
  player.turn(chunkRead('f1', S, 50, 50))
  t.deepEqual(beat(player, isBusyAt('f1', S, 0)).wrote, [], 'it is looking at what it has kept')
  t.true(player.turn(awaits('f1', S, 0)).said.includes('IS(f1; T3; 6@3; 0+0/125)'))
  t.deepEqual(player.turn().wrote, ['compact(6@3)'])
})

test('what has arrived keeps nothing back', t => {
  const S = snapshotAt('3@2')
  const player = play(leader({ base: '3@2', log: '4@2 5@2 6@3', commit: 6, snapshot: S, others: 'f1{next=1,on} f2{next=7,match=6,on}' }))
  player.turn()
  player.turn(snapshotStored(snapshotAt('6@3')))
  t.deepEqual(player.turn(accepted('f1', 3)).said, ['AE(f1; T3; 3@2; [4@2 5@2 6@3]; c=6)'])
  t.deepEqual(player.turn().wrote, ['compact(6@3)'])
})

test('a snapshot that turns out to be gone cuts nothing', t => {
  const S = snapshotAt('5@2')
  const player = play(leader({ base: '3@2', log: '4@2 5@2 6@3', commit: 6, applied: 4, snapshot: S, others: 'f1{next=1,on} f2', settings: { snapshotKeepEntries: 2 } }))
  player.turn()
  t.deepEqual(player.turn(snapshotGone('f1', S), applied(6)).wrote, [])
  t.is(player.state.log.base.index, 3)
})
