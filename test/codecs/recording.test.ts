/** Flight recordings as bytes: what goes in comes out, and what nobody wrote is refused. */
import test from 'ava'
import fc from 'fast-check'
import { byteSink } from '../../codecs/byte-sink.js'
import { byteSource } from '../../codecs/byte-source.js'
import { type Segment, partsOf, readSegment, writeEnd, writeEntries, writeRecord, writeSegmentStart, writeTurn } from '../../codecs/recording/index.js'
import { depthOf } from '../../codecs/depth.js'
import { encodeJson, nestsDeeper } from '../../codecs/json.js'
import { StateRecord } from '../../codecs/recording/state.js'
import { readTurn } from '../../codecs/recording/turns.js'
import { decodeWith } from '../../codecs/report.js'
import { MAX_CHUNK_BYTES } from '../../codecs/snapshots.js'
import type { Batch, RaftEvent } from '../../lib/events.js'
import { firstMembership } from '../../lib/membership.js'
import { type Either, isLeft, isRight } from '../../lib/prelude.js'
import { nothingAsked } from '../../lib/ready.js'
import { firstStep } from '../../lib/recover.js'
import type { RaftState } from '../../lib/state.js'
import { type Step, step } from '../../lib/step.js'
import type { BatchHead, EntryBatch, EntryBody } from '../../lib/types.js'
import { settingsOf } from '../lib/build.js'
import {
  appendAccepted, appendEntries, appendPart, appendRefused, batchesFrom, body, chunk, chunkAccepted, installSnapshot, memberId, membership, membershipWish, position, requestVote, requestVoteReply,
  snapshot, timeoutNow,
} from './arbitraries.js'
import { snapshot as fixed } from './samples.js'

const placed = position.map(value => Math.max(1, value))
const time = fc.double({ noNaN: true, noDefaultInfinity: true })

/** Every kind of event by its type: a kind without an arbitrary does not compile. */
const byType: { readonly [Type in RaftEvent['type']]: fc.Arbitrary<Extract<RaftEvent, { type: Type }>> } = {
  received: fc.record({
    type: fc.constant('received'),
    message: fc.oneof(appendEntries, appendPart, appendAccepted, appendRefused, requestVote, requestVoteReply, timeoutNow, installSnapshot, chunkAccepted),
  }),
  proposed: fc.record({ type: fc.constant('proposed'), id: position, body, term: placed }, { requiredKeys: ['type', 'id', 'body'] }),
  readAsked: fc.record({ type: fc.constant('readAsked'), id: position }),
  persisted: fc.record({ type: fc.constant('persisted'), turn: placed }),
  entriesRead: fc.record({
    type: fc.constant('entriesRead'), from: position, batches: fc.nat(1000).chain(first => batchesFrom(first + 1, 1)),
    purpose: fc.oneof(fc.constant({ type: 'apply' } as const), memberId.map(to => ({ type: 'replicate', to }) as const)),
  }),
  transferAsked: fc.record({ type: fc.constant('transferAsked'), term: position, to: fc.option(memberId, { nil: undefined }) }),
  changeAsked: fc.record({
    type: fc.constant('changeAsked'), id: position, term: position, from: fc.option(membership, { nil: undefined }),
    wish: membershipWish,
  }),
  applied: fc.record({ type: fc.constant('applied'), index: position }),
  snapshotStored: fc.record({ type: fc.constant('snapshotStored'), snapshot }),
  chunkWritten: fc.record({ type: fc.constant('chunkWritten'), snapshot, received: position }),
  receiveFailed: fc.record({ type: fc.constant('receiveFailed'), snapshot }),
  chunkRead: fc.record({
    type: fc.constant('chunkRead'), to: memberId, snapshot, offset: position, chunk: fc.option(chunk, { nil: undefined }),
  }),
  peerGone: fc.record({ type: fc.constant('peerGone'), peer: memberId }),
  ticked: fc.record({ type: fc.constant('ticked'), due: time }),
}
const batchOf = (events: fc.Arbitrary<RaftEvent>): fc.Arbitrary<Batch> => fc.record({ now: time, wall: time, events: fc.array(events, { maxLength: 5 }) })

/** The same with zeros for the bytes of commands and chunks: what a recording keeps. */
const blank = <A>(value: A): A => {
  if (value instanceof Uint8Array) return new Uint8Array(value.length) as A
  if (Array.isArray(value)) return value.map(blank) as A
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, blank(one)])) as A : value
}

const first = (): RaftState => firstStep(settingsOf('n1'), {
  hardState: { term: 3, votedFor: 'n2', commitIndex: 0 },
  base: { index: 0, term: 0, membership: firstMembership({ n1: 'localhost:1', n2: 'localhost:2', n3: 'localhost:3' }) },
  lastIndex: 0, terms: [], memberships: [], tail: [],
}, 7, 0).state

const written = (write: (sink: ReturnType<typeof byteSink>) => void): Uint8Array => {
  const sink = byteSink(64)
  write(sink)
  return sink.take()
}
const rightOf = <E, A>(outcome: Either<E, A>): A => {
  if (isRight(outcome)) return outcome.right
  throw new Error(`not read: ${JSON.stringify(outcome.left)}`)
}

for (const [type, events] of Object.entries<fc.Arbitrary<RaftEvent>>(byType)) {
  test(`round trip: ${type}`, t => {
    const state = first()
    fc.assert(fc.property(batchOf(events), batch => {
      const bytes = written(sink => writeTurn(sink, state, batch))
      const { turn, batch: read, before } = rightOf(readTurn(byteSource(bytes)))
      t.deepEqual(read, blank(batch))
      t.is(turn, 1)
      t.deepEqual(before, { role: 'follower', term: 3, lastIndex: 0, persistedIndex: 0, commitIndex: 0, appliedIndex: 0 })
    }))
  })
}

test('no byte of a command or a snapshot is written', t => {
  const secret = Buffer.from('a secret that stays at home')
  const packed: EntryBody = { count: 1, bytes: secret, checksum: 1 }
  const batches: readonly EntryBatch[] = [{ kind: 'command', firstIndex: 1, term: 3, count: 1, time: 0, body: packed, skip: 0 }]
  const events: readonly RaftEvent[] = [
    { type: 'proposed', id: 1, body: packed }, { type: 'entriesRead', purpose: { type: 'apply' }, from: 1, batches },
    { type: 'received', message: { type: 'appendEntries', from: 'n2', to: 'n1', term: 3, prevLogIndex: 0, prevLogTerm: 0, batches, leaderCommit: 0, asks: false, round: 1 } },
    { type: 'received', message: { type: 'installSnapshot', from: 'n2', to: 'n1', term: 6, snapshot: fixed, offset: 0, chunk: secret, round: 1 } },
    { type: 'received', message: { type: 'appendPart', from: 'n2', to: 'n1', term: 3, prevLogTerm: 0, head, offset: 0, part: secret, round: 1 } },
    { type: 'chunkRead', to: 'n2', snapshot: fixed, offset: 0, chunk: secret },
  ]
  const bytes = Buffer.from(written(sink => writeTurn(sink, first(), { now: 0, wall: 0, events })))
  t.is(bytes.indexOf('secret'), -1)
  t.is(Buffer.from(segmentOf(sendingOf(secret))).indexOf('secret'), -1)
})

test('a turn that is cut or changed anywhere is refused or read as another, and never throws', t => {
  fc.assert(fc.property(batchOf(fc.oneof(...Object.values<fc.Arbitrary<RaftEvent>>(byType))), fc.nat(), fc.integer({ min: 1, max: 255 }), (batch, at, flip) => {
    const bytes = written(sink => writeTurn(sink, first(), batch))
    for (let end = 0; end < bytes.length; end++) t.true(isLeft(readTurn(byteSource(bytes.subarray(0, end)))), `cut at ${end}`)
    const changed = Uint8Array.from(bytes)
    changed[at % bytes.length]! ^= flip
    t.notThrows(() => readTurn(byteSource(changed)))
  }), { numRuns: 40 })
})

/** A leader of three with entries in its log, proposals on their way and one follower that lags; and a candidate. */
const played = (...batches: readonly Batch[]): readonly RaftState[] => {
  let at: Step = { state: first(), ready: nothingAsked(0) }
  return batches.map(batch => (at = step(at, batch)).state)
}
const vote = (preVote: boolean, term: number, round: number): RaftEvent =>
  ({ type: 'received', message: { type: 'requestVoteReply', from: 'n2', to: 'n1', term, preVote, voteGranted: true, round } })
const proposal = (id: number): RaftEvent => ({ type: 'proposed', id, body: { count: 2, bytes: new Uint8Array(30), checksum: id } })
const at = (now: number, ...events: readonly RaftEvent[]): Batch => ({ now, wall: 1e12 + now, events })
const lives = played(
  at(2000, { type: 'ticked', due: 2000 }), at(2001, vote(true, 3, 2_000_000)), at(2002, { type: 'persisted', turn: 2 }, vote(false, 4, 2_001_000)),
  at(2003, { type: 'persisted', turn: 3 }, { type: 'received', message: { type: 'appendAccepted', from: 'n2', to: 'n1', term: 4, verified: 1, durable: 1, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false, round: 2_002_000 } }),
  at(2004, { type: 'applied', index: 1 }), at(2005, proposal(1), proposal(2)), at(2006.5, proposal(3), { type: 'readAsked', id: 1 }),
)

/** The leader above, while it sends a snapshot of which a chunk is read ahead; a follower that is receiving it; and one that has it. */
const sendingOf = (chunk: Uint8Array | undefined, snapshot = fixed): RaftState => {
  const leader = lives.at(-1)!
  if (leader.role !== 'leader') throw new Error(`a ${leader.role} sends nothing`)
  const sending = { snapshot, received: 5, movedAt: 1_900, awaited: undefined, read: { offset: 7, chunk }, round: 2_003_000, chunkBytes: 2 }
  return { ...leader, chunkDue: 2010.25, progress: leader.progress.map((progress, i) => i === 0 ? { ...progress, lacks: 1, sending } : progress) }
}
const receiving: RaftState = { ...first(), receiving: { snapshot: fixed, term: 3, phase: 'writing', received: 100, expected: 150 } }
const head: BatchHead = { kind: 'command', firstIndex: 1, term: 3, count: 2, skip: 1, time: 0.5, body: { count: 3, bytes: 100, checksum: 7 } }
const handingOver = (): RaftState => {
  const leader = lives.at(-1)!
  return leader.role === 'leader' ? { ...leader, transfer: { to: 'n2', deadline: 3000.5, told: undefined } } : leader
}
const withMore: readonly RaftState[] = [
  { ...first(), assembly: { head, parts: [new Uint8Array(40)], held: 40 } } as RaftState, handingOver(),
]
const withSnapshots: readonly RaftState[] = [sendingOf(undefined), sendingOf(Uint8Array.of(1, 2, 3)), receiving, { ...first(), snapshot: fixed }]

const segmentOf = (state: RaftState, turns: readonly Batch[] = [], pieces = 2): Uint8Array => written(sink => {
  const { record, lists } = partsOf(state)
  writeSegmentStart(sink, { clusterId: 'c0ffee', id: 'n1', run: 'r1', segment: 1, turn: state.turn, wall: 5, dropped: 0 }, record)
  lists.forEach(({ batches, start, end }, list) => {
    for (let from = start; from < end; from += pieces) writeEntries(sink, list, batches, from, Math.min(end, from + pieces))
  })
  let before = state
  for (const batch of turns) {
    const folded = before
    writeRecord(sink, 'turn', () => writeTurn(sink, folded, batch))
    before = { ...before, turn: before.turn + 1 }
  }
  writeEnd(sink, { how: 'failed', reason: 'for a test' })
})

test('round trip: the state of every role, its entries in pieces', t => {
  t.deepEqual(new Set(lives.map(({ role }) => role)), new Set(['candidate', 'leader']))
  const leader = lives.at(-1)!
  t.true(leader.role === 'leader' && leader.trackers.length === 3 && leader.log.lastIndex === 7)
  for (const state of [first(), ...lives, ...withSnapshots, ...withMore]) {
    const { first: read, header, end } = rightOf(readSegment(segmentOf(state)))
    const { batches, start, end: tailEnd } = state.log.tail
    t.deepEqual(read, blankOf({ ...state, log: { ...state.log, tail: { ...state.log.tail, batches: batches.slice(start, tailEnd), start: 0, end: tailEnd - start } } }))
    t.is(header.turn, state.turn)
    t.deepEqual(end, { how: 'failed', reason: 'for a test' })
  }
})
const blankOf = (state: RaftState): RaftState => {
  const log = { ...state.log, tail: { ...state.log.tail, batches: blank(state.log.tail.batches) } }
  return state.role === 'leader' ? { ...state, log, progress: state.progress.map(one => ({ ...one, sending: blank(one.sending) })) } : { ...state, log }
}

test('the deepest state there can be is read back: a leader that sends a snapshot whose membership leads further', t => {
  const { learners: [last = ''], addresses } = fixed.membership
  const leading = { voters: ['n1', 'n2', 'n3'], outgoing: [], learners: [last], addresses, next: { voters: ['n1', 'n2', 'n3', last], learners: [] } }
  const state = sendingOf(undefined, { ...fixed, membership: leading })
  const json = encodeJson(StateRecord, partsOf(state).record)
  t.true(nestsDeeper(json, depthOf(StateRecord) - 1), 'nothing that is read could nest deeper')
  const { first: read } = rightOf(readSegment(segmentOf(state)))
  t.deepEqual(read.role === 'leader' && read.progress[0]?.sending?.snapshot.membership, leading)
})

test('a chunk in a state is as long as it says, and no longer than any that is sent', t => {
  const json = JSON.stringify(StateRecord.encode(partsOf(sendingOf(new Uint8Array(3))).record))
  const chunkOf = (length: number) => {
    const { state } = rightOf(decodeWith(StateRecord, JSON.parse(json.replace('"chunk":3', `"chunk":${length}`))))
    return state.role === 'leader' ? state.progress[0]?.sending?.read?.chunk : undefined
  }
  t.is(chunkOf(MAX_CHUNK_BYTES)?.length, MAX_CHUNK_BYTES)
  t.throws(() => chunkOf(MAX_CHUNK_BYTES + 1), { message: /chunk: must be an integer from 0 to 1048576/ })
})

const sample = segmentOf(lives.at(-1)!, [at(2010, { type: 'ticked', due: 2010 }), at(2011, proposal(4)), at(2012, { type: 'applied', index: 1 })])
const turnsIn = (segment: Segment): readonly (number | string)[] => [...segment.turns()].map(turn => isRight(turn) ? turn.right.turn : turn.left.reason)

test('a segment that ends anywhere is unfinished, or read up to its last whole turn', t => {
  t.deepEqual(turnsIn(rightOf(readSegment(sample))), [8, 9, 10])
  let most = 0
  for (let end = 0; end < sample.length; end++) {
    const read = readSegment(sample.subarray(0, end))
    if (isLeft(read)) {
      t.true(read.left.isUnfinished, `${end}: ${read.left.reason}`)
      t.is(most, 0)
      continue
    }
    const turns = turnsIn(read.right)
    t.deepEqual(turns, [8, 9, 10].slice(0, turns.length))
    t.true(turns.length >= most)
    t.is(read.right.damage, undefined)
    most = turns.length
  }
  t.is(most, 3)
})

test('zeros behind the last record are what a machine leaves that lost its power', t => {
  const read = rightOf(readSegment(Buffer.concat([sample, new Uint8Array(700)])))
  t.deepEqual(turnsIn(read), [8, 9, 10])
  t.is(read.damage, undefined)
})

test('a flipped bit anywhere is found, and told with its place', t => {
  for (let at = 0; at < sample.length; at++) {
    for (const bit of [0, 3, 7]) {
      const damaged = Uint8Array.from(sample)
      damaged[at]! ^= 1 << bit
      const read = readSegment(damaged)
      const fault = isLeft(read) ? read.left : read.right.damage
      t.true(fault !== undefined && !fault.isUnfinished && fault.offset <= at && fault.reason !== '', `byte ${at}: ${JSON.stringify(fault)}`)
      if (isRight(read)) t.deepEqual(turnsIn(read.right), [8, 9, 10].slice(0, turnsIn(read.right).length))
    }
  }
})

test('nothing that is read throws, whatever the bytes', t => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(sample.length), (noise, keep) => {
    t.notThrows(() => readSegment(noise))
    t.notThrows(() => readSegment(Buffer.concat([sample.subarray(0, keep), noise])))
  }))
})

test('records with the right checksums that say what cannot be are refused with their offset', t => {
  const state = lives.at(-1)!
  const header = { clusterId: 'c0ffee', id: 'n1', run: 'r1', segment: 1, turn: state.turn, wall: 5, dropped: 0 }
  const { record, lists } = partsOf(state)
  const reasons = (write: (sink: ReturnType<typeof byteSink>) => void): string => {
    const read = readSegment(written(write))
    return isLeft(read) ? `${read.left.offset > 0 ? 'at' : 'nowhere'}: ${read.left.reason}` : `read: ${turnsIn(read.right).join(', ')}`
  }
  const entries = (sink: ReturnType<typeof byteSink>, list = 0): number => writeEntries(sink, list, lists[0]!.batches, 0, lists[0]!.end)
  t.regex(reasons(sink => { writeSegmentStart(sink, { ...header, turn: 1 }, record); entries(sink) }), /^at: the state is not the one of which the header tells/)
  t.regex(reasons(sink => { writeSegmentStart(sink, { ...header, segment: 0 }, record); entries(sink) }), /^at: the header: segment: must be an integer/)
  t.regex(reasons(sink => { writeSegmentStart(sink, header, { ...record, state: { ...record.state, commitIndex: 99 } }); entries(sink) }), /^at: the state: committed 99 is in the log/)
  t.regex(reasons(sink => { writeSegmentStart(sink, header, { ...record, state: { ...record.state, term: -1 } }); entries(sink) }), /^at: the state: state\.term: must be an integer/)
  t.regex(reasons(sink => { writeSegmentStart(sink, header, record); entries(sink, 9) }), /^at: entries: there is no list 9/)
  t.regex(reasons(sink => { writeSegmentStart(sink, header, record); entries(sink); entries(sink) }), /^at: entries: list 0 has more batches than its state/)
  t.regex(reasons(sink => {
    writeSegmentStart(sink, header, record)
    entries(sink)
    writeRecord(sink, 'turn', () => writeTurn(sink, { ...state, turn: 20 }, at(1)))
  }), /^read: turn 21 stands where turn 8 follows/)
  t.regex(reasons(sink => {
    writeSegmentStart(sink, header, record)
    entries(sink)
    writeRecord(sink, 'turn', () => writeTurn(sink, state, at(1, { type: 'persisted', turn: 0 })))
  }), /^read: turn 8: persisted: turn: must be an integer from 1/)
  const turn = (event: RaftEvent): string => reasons(sink => {
    writeSegmentStart(sink, header, record)
    entries(sink)
    writeRecord(sink, 'turn', () => writeTurn(sink, state, at(1, event)))
  })
  t.regex(turn({ type: 'chunkRead', to: 'n2', snapshot: fixed, offset: 0, chunk: new Uint8Array(MAX_CHUNK_BYTES + 1) }), /^read: turn 8: a chunk of 1048577 bytes is longer than any/)
  t.regex(turn({ type: 'snapshotStored', snapshot: { ...fixed, index: 0 } }), /^read: turn 8: snapshotStored: snapshot\.index: must be an integer from 1/)
  t.throws(() => turn({ type: 'chunkWritten', snapshot: { ...fixed, time: Number.NaN }, received: 1 }), { instanceOf: RangeError })
})
