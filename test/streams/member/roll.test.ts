/** Who is reached, let in and remembered while the membership changes. */
import test from 'ava'
import { append, emptyLog, membershipOf, openLog, truncateFrom } from '../../../lib/log.js'
import { isRight, left, right } from '../../../lib/prelude.js'
import { reachable } from '../../../lib/reach.js'
import type { Follower, Leader } from '../../../lib/state.js'
import type { Incarnation, Index, MemberId, Membership } from '../../../lib/types.js'
import { createAdmission } from '../../../streams/member/admission.js'
import { followRoll } from '../../../streams/member/follow-roll.js'
import type { Recovered, Store } from '../../../streams/storage/port.js'
import { follower } from '../../lib/build.js'
import { counter, fromLeader, worldOf } from './world.js'

const of = (...ids: readonly MemberId[]): Membership => ({ voters: ids, outgoing: [], learners: [], addresses: Object.fromEntries(ids.map(id => [id, `${id}:1`])) })

/** What a member finds that has met these peers, and whose log begins behind this membership. */
const found = (peers: Readonly<Record<MemberId, Incarnation>>, base: Membership, commitIndex = 0, ...later: readonly Membership[]): Recovered => ({
  incarnation: 'mine', peers, notes: [], hardState: { term: 1, votedFor: undefined, commitIndex }, base: { index: 0, term: 0, membership: base }, lastIndex: later.length,
  terms: later.length === 0 ? [] : [{ firstIndex: 1, term: 1 }], memberships: later.map((membership, at) => ({ index: at + 1, membership })),
  tail: later.map((membership, at) => ({ kind: 'membership', firstIndex: at + 1, term: 1, count: 1, time: 1, membership })),
})

/** An admission on a disk that answers when it is told to, with all that was asked of the disk. */
const admissionOn = (recovered: Recovered, refused?: string) => {
  const asked: string[] = []
  const waiting: (() => void)[] = []
  const told: string[] = []
  const store: Pick<Store, 'recovered' | 'remember' | 'forget'> = {
    recovered,
    remember: (peer, incarnation, done) => {
      asked.push(`remember ${peer} ${incarnation}`)
      waiting.push(() => done(`${peer} ${incarnation}` === refused ? left(new Error('disk')) : right(undefined)))
    },
    forget: (peers, done) => {
      asked.push(`forget ${peers.join()}`)
      waiting.push(() => done(right(undefined)))
    },
  }
  const admission = createAdmission(store, reachable({ log: openLog(recovered), commitIndex: recovered.hardState.commitIndex }), ({ type }) => told.push(type))
  return {
    admission, asked, told,
    ask: (peer: MemberId, incarnation: Incarnation, named?: Index): void => admission.admit(peer, incarnation, outcome => told.push(`${peer} ${incarnation} ${isRight(outcome) ? 'admitted' : 'refused'}`), named),
    answer: (): void => waiting.splice(0).forEach(done => done()),
  }
}

test('a peer is known by its first incarnation as long as it belongs, and durably before it is let in', t => {
  const { told, ask, answer } = admissionOn(found({ n2: 'two' }, of('n1', 'n2', 'n3', 'n4')), 'n4 four')
  ask('n2', 'two')
  ask('n2', 'other')
  ask('n3', 'three')
  ask('n3', 'other')
  t.deepEqual(told.splice(0), ['n2 two admitted', 'n2 other refused', 'n3 other refused'])
  answer()
  ask('n3', 'three')
  t.deepEqual(told.splice(0), ['n3 three admitted', 'n3 three admitted'])
  ask('n4', 'four')
  answer()
  t.deepEqual(told, ['rememberFailed', 'n4 four refused'])
})

test('a write that fails late takes nothing from whoever has come meanwhile', t => {
  const { admission, told, ask, answer } = admissionOn(found({}, of('n1', 'n4')), 'n4 one')
  ask('n4', 'one')
  admission.left(['n4'])
  ask('n4', 'two')
  answer()
  ask('n4', 'three')
  t.deepEqual(told.filter(line => line.includes('three')), ['n4 three refused'])
})

test('who is not named is let in and not remembered, and is remembered once it is named', t => {
  const { admission, asked, told, ask, answer } = admissionOn(found({}, of('n1', 'n2')))
  ask('n9', 'a')
  ask('n9', 'b')
  t.deepEqual([asked, told.splice(0)], [[], ['n9 a admitted', 'n9 b admitted']])
  t.false(admission.isUnproven('n9', 'a') || admission.isUnproven('n9', 'b'), 'let in')
  admission.named({ n1: 'n1:1', n2: 'n2:1', n9: 'n9:1' })
  t.true(admission.isUnproven('n9', 'a') && admission.isUnproven('n9', 'b'), 'a link from before may be of one that was another, and is no more')
  ask('n9', 'b')
  t.false(admission.isUnproven('n9', 'b'))
  answer()
  ask('n9', 'a')
  t.deepEqual([asked, told], [['remember n9 b'], ['n9 b admitted', 'n9 a refused']])
})

test('who has left is one that presents itself anew, until it is let in again', t => {
  const { admission, told, ask, answer } = admissionOn(found({ n2: 'two', n3: 'three' }, of('n1', 'n2', 'n3')))
  admission.left(['n3'])
  t.deepEqual(['two', 'three', 'another'].map(incarnation => [admission.isUnproven('n2', incarnation), admission.isUnproven('n3', incarnation)]), [[false, true], [true, true], [true, true]])
  admission.named({ n1: 'n1:1', n2: 'n2:1' })
  ask('n3', 'three')
  t.false(admission.isUnproven('n3', 'three'), 'let in, to be told')
  admission.named({ n1: 'n1:1', n2: 'n2:1', n3: 'n3:1' })
  t.true(admission.isUnproven('n3', 'three'), 'and not remembered')
  ask('n3', 'another')
  answer()
  t.deepEqual(told, ['n3 three admitted', 'n3 another admitted'])
  t.deepEqual(['three', 'another'].map(incarnation => admission.isUnproven('n3', incarnation)), [true, false])
})

test('whoever is behind meets anew one that belongs by a membership which is news, and no older one behind it', t => {
  const { admission, asked, told, ask, answer } = admissionOn(found({ n2: 'two' }, of('n1', 'n2'), 5))
  for (const named of [undefined, 4, 5]) ask('n2', 'another', named)
  t.deepEqual([asked, told.splice(0)], [[], ['n2 another refused', 'n2 another refused', 'n2 another refused']])
  ask('n2', 'another', 9)
  answer()
  t.deepEqual([asked.splice(0), told.splice(0)], [['forget n2', 'remember n2 another'], ['n2 another admitted']])
  t.true(admission.isUnproven('n2', 'two'), 'a link of the former one ends')
  ask('n2', 'two', 8)
  admission.knows(12)
  ask('n2', 'third', 12)
  t.deepEqual([asked, told], [[], ['n2 two refused', 'n2 third refused']])
})

test('at a start those are forgotten whom no membership names that counts: a crash may have come before they were', t => {
  const peers = { n2: 'two', n3: 'three', n4: 'four', n5: 'five' }
  const { asked, told, ask, answer } = admissionOn(found(peers, of('n1', 'n2'), 1, of('n1', 'n3'), of('n1', 'n4')))
  answer()
  t.deepEqual(asked.splice(0), ['forget n2,n5'])
  for (const peer of ['n3', 'n4']) ask(peer, 'another')
  t.deepEqual(told.splice(0), ['n3 another refused', 'n4 another refused'])
  t.deepEqual(admissionOn(found(peers, of('n1', 'n2', 'n3', 'n4', 'n5'))).asked, [])
})

test('whoever left and came back before a start is met anew once, by the membership that named it again: that it was forgotten may not have been durable', t => {
  const back = [of('n1', 'n2', 'n3'), of('n1', 'n2'), of('n1', 'n2', 'n3'), of('n1', 'n2', 'n3', 'n4')] as const
  const [first, ...later] = back
  const { asked, told, ask, answer } = admissionOn(found({ n2: 'two', n3: 'three' }, first, 3, ...later))
  for (const [peer, named] of [['n3', 0], ['n3', 1], ['n2', 2], ['n2', 3]] as const) ask(peer, 'another', named)
  t.deepEqual(told.splice(0), ['n3 another refused', 'n3 another refused', 'n2 another refused', 'n2 another refused'])
  ask('n3', 'another', 2)
  answer()
  ask('n3', 'third', 3)
  ask('n3', 'three', 2)
  t.deepEqual([asked.splice(0), told.splice(0)], [['forget n3', 'remember n3 another'], ['n3 another admitted', 'n3 third refused', 'n3 three refused']])
  const known = admissionOn(found({ n2: 'two', n3: 'three' }, first, 3, ...later))
  known.ask('n3', 'three', 2)
  known.ask('n3', 'another', 3)
  t.deepEqual(known.told, ['n3 three admitted', 'n3 another refused'], 'the one that is known was named since')
  const open = admissionOn(found({ n2: 'two', n3: 'three' }, first, 0, ...later))
  open.ask('n3', 'another', 0)
  t.deepEqual(open.told, ['n3 another refused'], 'that it left is not committed')
  const behind = admissionOn({ ...found({ n2: 'two', n3: 'three' }, of('n1', 'n2'), 1, of('n1', 'n2', 'n3')), base: { index: 5, term: 1, membership: of('n1', 'n2') }, memberships: [{ index: 7, membership: of('n1', 'n2', 'n3') }], lastIndex: 7, hardState: { term: 1, votedFor: undefined, commitIndex: 7 } })
  behind.ask('n3', 'another', 7)
  behind.answer()
  t.deepEqual(behind.told, ['n3 another admitted'], 'it left behind the cut')
})

/** A member whose log is at first `base` alone, and what it says as its log and its commitIndex go on. */
const following = (base: Membership, peers: Readonly<Record<MemberId, Incarnation>> = {}) => {
  const recovered = found(peers, base)
  const admission = admissionOn(recovered)
  const rolls: string[] = []
  const first: Follower & Partial<Pick<Leader, 'leaving'>> = { ...follower(), log: openLog(recovered), commitIndex: 0, leader: undefined }
  const { follow } = followRoll({ links: { update: ({ addresses, isOpen }) => rolls.push(`${Object.keys(addresses).sort().join(' ')}${isOpen ? ' open' : ''}`) }, admission: admission.admission, versions: { named: () => undefined } }, first)
  let state = first
  const go = (changes: Partial<Follower>): readonly string[] => {
    state = { ...state, ...changes }
    follow(state)
    return rolls.splice(0)
  }
  /** These from here on, in the place of whatever was there. */
  const overwrite = (from: Index, ...memberships: readonly Membership[]): readonly string[] => go({ log: append(truncateFrom(state.log, from), memberships.map((membership, at) =>
    ({ kind: 'membership', firstIndex: from + at, term: 1, count: 1, time: 1, membership } as const))) })
  return {
    ...admission, go, overwrite,
    add: (...memberships: readonly Membership[]): readonly string[] => overwrite(state.log.lastIndex + 1, ...memberships),
    /** As a leader that has yet to tell these that they have left. */
    lead: (leaving: Leader['leaving']): readonly string[] => go({ role: 'leader', leaving } as unknown as Partial<Follower>),
    commit: (commitIndex: number): readonly string[] => go({ commitIndex }),
    newest: () => membershipOf(state.log),
  }
}

test('whoever an uncommitted membership leaves out is reached and remembered until it is committed, or counts again', t => {
  const { add, commit, overwrite, go, asked, answer, ask, told } = following(of('n1', 'n2', 'n3'), { n2: 'two', n3: 'three' })
  t.deepEqual(go({ leader: 'n2' }), ['n1 n2 n3'])
  t.deepEqual(add(of('n1', 'n2', 'n4')), ['n1 n2 n3 n4'])
  t.deepEqual(overwrite(1), ['n1 n2 n3'])
  t.deepEqual(asked, [])
  t.deepEqual(add(of('n1', 'n2', 'n4')), ['n1 n2 n3 n4'])
  ask('n3', 'another')
  t.deepEqual([asked.splice(0), told.splice(0)], [[], ['n3 another refused']])
  t.deepEqual(commit(1), ['n1 n2 n4'])
  t.deepEqual(asked.splice(0), ['forget n3'])
  add(of('n1', 'n2', 'n3', 'n4'))
  ask('n3', 'another')
  answer()
  t.deepEqual([asked, told], [['remember n3 another'], ['n3 another admitted']])
})

test('who was left out and is named again before this member hears of either is forgotten too', t => {
  const { add, commit, asked } = following(of('n1', 'n2', 'n3'), { n2: 'two', n3: 'three' })
  add(of('n1', 'n2'), of('n1', 'n2', 'n3'))
  commit(2)
  t.deepEqual(asked, ['forget n3'])
})

test('whom an overwritten membership alone named never belonged, and is met anew when it is named again', t => {
  const { add, commit, overwrite, asked, answer, ask, told, admission } = following(of('n1', 'n2'), { n2: 'two' })
  add(of('n1', 'n2', 'n4'), of('n1', 'n2', 'n4', 'n5'))
  for (const [peer, incarnation] of [['n4', 'four'], ['n5', 'five']] as const) ask(peer, incarnation)
  answer()
  t.deepEqual([asked.splice(0), told.splice(0)], [['remember n4 four', 'remember n5 five'], ['n4 four admitted', 'n5 five admitted']])
  overwrite(2)
  t.deepEqual(asked.splice(0), ['forget n5'], 'n4 is named by what is left')
  overwrite(1, of('n1', 'n2', 'n4'))
  t.deepEqual([asked.splice(0), admission.isUnproven('n4', 'four'), admission.isUnproven('n2', 'two')], [['forget n4'], true, false], 'it may have come back before it was named again')
  ask('n4', 'another')
  answer()
  t.deepEqual([asked.splice(0), told], [['remember n4 another'], ['n4 another admitted']])
  commit(1)
  overwrite(2, of('n1', 'n4'))
  overwrite(2)
  t.deepEqual(asked, [], 'what is committed stays')
})

test('behind a snapshot that stands for memberships unseen whoever belonged may have left and come back, and is met anew', t => {
  const { go, ask, answer, admission, asked, told } = following(of('n1', 'n2', 'n3'), { n2: 'two', n3: 'three' })
  go({ leader: 'n2' })
  go({ log: emptyLog({ index: 9, term: 1, membership: of('n1', 'n2', 'n3') }, 1), commitIndex: 9 })
  t.deepEqual([asked.splice(0), admission.isUnproven('n3', 'three')], [['forget n2,n3'], true], 'links end: one may be of a process that is no more')
  ask('n3', 'another')
  answer()
  ask('n3', 'three')
  t.deepEqual([asked.splice(0), told], [['remember n3 another'], ['n3 another admitted', 'n3 three refused']])
  go({ commitIndex: 12 })
  go({ log: emptyLog({ index: 10, term: 1, membership: of('n1', 'n2', 'n3') }, 1) })
  t.deepEqual(asked, [], 'a log that is cut has seen what it is cut behind')
})

test('behind a snapshot whoever was named without a commit is met anew, too', t => {
  const { add, go, ask, answer, asked } = following(of('n1', 'n2'), { n2: 'two' })
  add(of('n1', 'n2', 'n4'))
  ask('n4', 'four')
  answer()
  go({ log: emptyLog({ index: 9, term: 1, membership: of('n1', 'n2', 'n4') }, 1), commitIndex: 9 })
  t.deepEqual(asked, ['remember n4 four', 'forget n4', 'forget n2'])
})

test('whoever is leaving is reached and not remembered, and is told of anew to the transport when it is named again in the same turn', t => {
  const { admission, commit, add, go, lead, ask, answer, asked, told } = following(of('n1', 'n2', 'n3'), { n3: 'three' })
  go({ leader: 'n1' })
  add(of('n1', 'n2'))
  lead([{ id: 'n3', address: 'n3:1', index: 1, deadline: 9 }])
  t.deepEqual(commit(1), ['n1 n2 n3'], 'a leader has to tell it yet')
  t.false(admission.isUnproven('n3', 'three'), 'over the link that it has')
  t.deepEqual(asked.splice(0), ['forget n3'])
  ask('n3', 'three')
  answer()
  t.deepEqual([asked, told.splice(0)], [[], ['n3 three admitted']])
  t.deepEqual(add(of('n1', 'n2', 'n3')), ['n1 n2 n3'], 'the transport asks who is linked')
  t.true(admission.isUnproven('n3', 'three'))
  ask('n3', 'three')
  answer()
  ask('n3', 'another')
  t.deepEqual([asked, told], [['remember n3 three'], ['n3 three admitted', 'n3 another refused']])
  t.deepEqual(go({}), [])
})

test('a turn in which nothing of it changed says nothing', t => {
  const { add, commit, go } = following(of('n1', 'n2'))
  go({ leader: 'n2' })
  add(of('n1', 'n2', 'n3'))
  commit(1)
  t.deepEqual([...go({ now: 5 }), ...go({ term: 2 }), ...commit(1)], [])
})

test('a member that nobody leads, or somebody whom it does not know, lets in whoever is of its cluster', t => {
  const { add, go } = following(of())
  t.deepEqual(go({ leader: 'n4' }), [], 'as it was')
  t.deepEqual(add(of('n1', 'n2')), ['n1 n2 open'], 'its log is behind: it names others than the one that leads')
  t.deepEqual(add(of('n1', 'n2', 'n4')), ['n1 n2 n4'])
  t.deepEqual(go({ leader: undefined }), ['n1 n2 n4 open'])
  t.deepEqual(go({ leader: 'n2' }), ['n1 n2 n4'])
})

test('a member tells its transport as its log changes', t => {
  const { network, disk, clock } = worldOf(counter, ['n2', 'n3'])
  disk.flow()
  network.receive(fromLeader(1, 0, 0, 0, { kind: 'membership', firstIndex: 1, term: 1, count: 1, time: 1, membership: of('n1', 'n2', 'n4') }))
  clock.settle()
  t.deepEqual(network.rolls.map(roll => [Object.keys(roll.addresses).sort().join(' '), roll.isOpen]), [['n1 n2 n3 n4', false]])
})
