/** Arbitrary values of everything that travels or is stored, legal ones only. */
import fc from 'fast-check'
import { MAX_POSITION } from '../../codecs/bytes.js'
import { MAX_TIME } from '../../lib/bounds.js'
import { type Numbering, packEntries, packOpening } from '../../codecs/entries.js'
import { MemberId } from '../../codecs/primitives.js'
import type { ReadAnswer } from '../../lib/events.js'
import type * as messages from '../../lib/messages.js'
import type * as requests from '../../lib/requests.js'
import type { BatchHead, EntryBatch, EntryBody, HardState, MemberId as Id, Membership, MembershipWish, Snapshot } from '../../lib/types.js'

const visibleCharacter = fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code))
const visible = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: visibleCharacter, minLength: 1, maxLength, size: 'max' })

export const memberId: fc.Arbitrary<Id> = fc.oneof(fc.constantFrom('n1', 'n2', 'n3'), visible(128)).filter(id => MemberId.is(id))

export const address: fc.Arbitrary<string> = fc.tuple(
  fc.constantFrom('127.0.0.1', 'localhost', 'raft-1.example.org', '[::1]', '[fe80::1]', 'x'.repeat(240)),
  fc.integer({ min: 1, max: 65_535 }),
).map(([host, port]) => `${host}:${port}`)

const edges = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, MAX_POSITION]
/** Any position that the formats carry, the edges of 32 bits and of exactness among them. */
export const position: fc.Arbitrary<number> = fc.oneof(fc.nat(9), fc.constantFrom(...edges), fc.maxSafeNat().map(value => Math.min(value, MAX_POSITION)))
const upTo = (most: number): fc.Arbitrary<number> => position.map(value => (value <= most ? value : value % (most + 1)))

const MOST_ENTRIES = 8
const numbering: fc.Arbitrary<Numbering> = fc.tuple(upTo(MAX_POSITION - 1), position, upTo(MAX_POSITION - MOST_ENTRIES - 1), position)
  .map(([session, name, first, awaited]) => ({ session: session + 1, name, first: first + 1, awaited: 1 + awaited % (first + 1) }))

export const body: fc.Arbitrary<EntryBody> = fc.oneof({ weight: 9, arbitrary: fc.tuple(
  fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: MOST_ENTRIES }), fc.option(numbering, { nil: undefined }),
).map(([entries, numbers]) => packEntries(entries, numbers)) }, { weight: 1, arbitrary: position.map(packOpening) })

const sorted = (ids: readonly Id[]): Id[] => [...ids].sort()

export const addresses: fc.Arbitrary<Readonly<Record<Id, string>>> = fc.uniqueArray(memberId, { maxLength: 3 }).chain(ids =>
  fc.array(address, { minLength: ids.length, maxLength: ids.length }).map(all => Object.fromEntries(ids.map((id, i) => [id, all[i]!]))))

const settled: fc.Arbitrary<Membership> = fc.uniqueArray(memberId, { minLength: 1, maxLength: 12 }).chain(ids => fc.record({
  voters: fc.integer({ min: 1, max: ids.length }),
  outgoing: fc.subarray(ids),
  addresses: fc.array(address, { minLength: ids.length, maxLength: ids.length }),
}).map(({ voters, outgoing, addresses }) => ({
  voters: sorted(ids.slice(0, voters)),
  outgoing: sorted(outgoing),
  learners: sorted(ids.slice(voters)),
  addresses: Object.fromEntries(ids.map((id, i) => [id, addresses[i]!])),
})))
/** One that leads to the same members, all of them voters. */
const waiting: fc.Arbitrary<Membership> = settled.map(one => ({ ...one, outgoing: [], next: { voters: Object.keys(one.addresses).sort(), learners: [] } }))
export const membership: fc.Arbitrary<Membership> = fc.oneof(settled, waiting)

interface Run {
  readonly content:
    | { readonly kind: 'command'; readonly body: EntryBody; readonly skip: number }
    | { readonly kind: 'noop' }
    | { readonly kind: 'membership'; readonly membership: Membership }
  readonly termStep: number
  readonly timeStep: number
}

const run: fc.Arbitrary<Run> = fc.record({
  content: fc.oneof<[fc.Arbitrary<Run['content']>, fc.Arbitrary<Run['content']>, fc.Arbitrary<Run['content']>]>(
    body.map(packed => ({ kind: 'command', body: packed, skip: 0 })),
    fc.constant({ kind: 'noop' }),
    membership.map(one => ({ kind: 'membership', membership: one })),
  ),
  termStep: fc.nat(2),
  timeStep: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })),
})

const placed = (runs: readonly Run[], firstIndex: number, firstTerm: number): readonly EntryBatch[] => {
  const batches: EntryBatch[] = []
  let [index, term, time] = [firstIndex, firstTerm, 0]
  for (const { content, termStep, timeStep } of runs) {
    term += termStep
    time += timeStep
    const count = content.kind === 'command' ? content.body.count : 1
    batches.push({ ...content, firstIndex: index, term, time, count })
    index += count
  }
  return batches
}

/** Contiguous batches from `firstIndex` on, terms and times never falling. */
export const batchesFrom = (firstIndex: number, firstTerm: number): fc.Arbitrary<readonly EntryBatch[]> =>
  fc.array(run, { maxLength: 4 }).map(runs => placed(runs, firstIndex, firstTerm))

/** An entry or none, of a term up to `term`. */
const entryUpTo = (term: number, mostIndex = MAX_POSITION): fc.Arbitrary<readonly [index: number, term: number]> => fc.oneof(
  fc.constant<readonly [number, number]>([0, 0]),
  term === 0 || mostIndex === 0
    ? fc.constant<readonly [number, number]>([0, 0])
    : fc.tuple(upTo(mostIndex).map(index => Math.max(1, index)), upTo(term).map(value => Math.max(1, value))),
)

const entryPosition = position.map(value => Math.max(1, value))
const envelope = { from: memberId, to: memberId, round: position }
const reply = { ...envelope, term: position, isNewcomer: fc.boolean() }

export const appendEntries: fc.Arbitrary<messages.AppendEntries> = fc.tuple(upTo(MAX_POSITION - 100), fc.record({ ...envelope, leaderCommit: position, asks: fc.boolean() }))
  .chain(([least, fields]) => entryUpTo(least, MAX_POSITION - 100).chain(([prevLogIndex, prevLogTerm]) => fc.tuple(
    batchesFrom(prevLogIndex + 1, Math.max(1, prevLogTerm)), fc.nat(5),
  ).map(([batches, ahead]) => ({
    type: 'appendEntries', ...fields, prevLogIndex, prevLogTerm, batches,
    term: Math.max(1, least, batches.at(-1)?.term ?? 0) + ahead,
  }))))

const head: fc.Arbitrary<BatchHead> = fc.record({
  firstIndex: upTo(MAX_POSITION - 200).map(index => index + 1), term: upTo(MAX_POSITION - 10).map(term => term + 1), time: fc.double({ min: 0, max: MAX_TIME, noNaN: true }),
  count: fc.integer({ min: 1, max: 100 }), skip: fc.nat(100), more: fc.nat(100), room: fc.nat(1e6), checksum: fc.nat(0xffff_ffff),
}).map(({ more, room, checksum, ...placed }) => {
  const count = placed.skip + placed.count + more
  return { kind: 'command', ...placed, body: { count, bytes: 8 + 4 * count + room, checksum } }
})

export const appendPart: fc.Arbitrary<messages.AppendPart> =
  fc.tuple(fc.record({ ...envelope, head, offset: position, part: fc.uint8Array({ minLength: 1, maxLength: 200 }) }), position, fc.nat(5))
    .map(([fields, prevLogTerm, ahead]) => ({
      type: 'appendPart', ...fields, term: fields.head.term + ahead,
      prevLogTerm: fields.head.firstIndex === 1 ? 0 : Math.max(1, Math.min(prevLogTerm, fields.head.term)),
    }))

export const appendAccepted: fc.Arbitrary<messages.AppendAccepted> = fc.tuple(fc.record({ ...reply, lacks: position, held: position, promisedMs: position }), position, position)
  .map(([fields, one, other]) => ({ type: 'appendAccepted', ...fields, verified: Math.max(one, other), durable: Math.min(one, other) }))

export const appendRefused: fc.Arbitrary<messages.AppendRefused> = fc.record({ ...reply, prevLogIndex: position })
  .chain(fields => entryUpTo(MAX_POSITION, fields.prevLogIndex)
    .map(([hintIndex, hintTerm]) => ({ type: 'appendRefused', ...fields, hintIndex, hintTerm })))

export const requestVote: fc.Arbitrary<messages.RequestVote> = fc.record({ ...envelope, term: position, kind: fc.constantFrom({ preVote: true, transfer: false }, { preVote: false, transfer: false }, { preVote: false, transfer: true }) })
  .chain(({ kind, ...fields }) => entryUpTo(fields.term).map(([lastLogIndex, lastLogTerm]) => ({ type: 'requestVote', ...fields, ...kind, lastLogIndex, lastLogTerm })))

export const requestVoteReply: fc.Arbitrary<messages.RequestVoteReply> =
  fc.record({ type: fc.constant('requestVoteReply'), ...envelope, term: position, preVote: fc.boolean(), voteGranted: fc.boolean() })

export const timeoutNow: fc.Arbitrary<messages.TimeoutNow> = fc.record({ type: fc.constant('timeoutNow'), ...envelope, term: entryPosition, lastIndex: position })

const contents = { bytes: position, checksum: fc.nat(0xffff_ffff) }
export const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  index: entryPosition, term: entryPosition, time: fc.double({ min: 0, max: MAX_TIME, noNaN: true }),
  compression: fc.constantFrom('none', 'gzip', 'zstd'), membership, ...contents,
})
export const chunk: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 200 })

export const installSnapshot: fc.Arbitrary<messages.InstallSnapshot> = fc.tuple(fc.record({ ...envelope, snapshot, offset: position, chunk }), position)
  .map(([fields, term]) => ({ type: 'installSnapshot', ...fields, term: Math.max(term, fields.snapshot.term) }))

export const chunkAccepted: fc.Arbitrary<messages.ChunkAccepted> = fc.record({
  type: fc.constant('chunkAccepted'), ...reply, received: position, awaited: fc.boolean(),
  snapshot: fc.record({ index: entryPosition, term: entryPosition, ...contents }),
})

export const propose: fc.Arbitrary<requests.ProposeRequest> = fc.record({ type: fc.constant('propose'), id: position, epoch: position, term: position, body })

export const committed: fc.Arbitrary<requests.ProposeCommitted> =
  fc.record({ type: fc.constant('committed'), id: position, firstIndex: entryPosition, term: entryPosition, results: body })

export const refused: fc.Arbitrary<requests.ProposeRefused> = fc.record({
  type: fc.constant('refused'),
  id: position,
  reason: fc.constantFrom('notLeader', 'notReady', 'busy', 'inboxFull', 'stopped', 'invalid', 'afterInvalid'),
  place: fc.option(entryPosition, { nil: undefined }),
  leader: fc.option(fc.record({ id: memberId, address, term: entryPosition }), { nil: undefined }),
})

export const lost: fc.Arbitrary<requests.ProposeLost> = fc.record({ type: fc.constant('lost'), id: position })

export const readIndex: fc.Arbitrary<requests.ReadIndexRequest> = fc.record({ type: fc.constant('readIndex'), id: position })
export const readable: fc.Arbitrary<Extract<ReadAnswer, { type: 'readable' }>> = fc.record({ type: fc.constant('readable'), id: position, index: entryPosition })
export const readRefused: fc.Arbitrary<Extract<ReadAnswer, { type: 'readRefused' }>> =
  fc.record({ type: fc.constant('readRefused'), id: position, reason: fc.constantFrom('notLeader', 'notReady', 'busy', 'inboxFull') })

const reason = fc.string({ maxLength: 60 })
export const membershipWish: fc.Arbitrary<MembershipWish> = fc.oneof(
  fc.record({ type: fc.constant('change' as const), voters: addresses, learners: addresses, remove: fc.array(memberId, { maxLength: 3 }), newcomers: fc.option(fc.array(memberId, { maxLength: 3 }), { nil: undefined }) }),
  fc.constant({ type: 'abandon' as const }),
)
export const wish: fc.Arbitrary<requests.WishRequest> = fc.record({
  type: fc.constant('wish'), id: position, term: entryPosition, wish: fc.oneof(
    fc.record({ type: fc.constant('transfer' as const), to: fc.option(memberId, { nil: undefined }) }),
    fc.tuple(membershipWish, fc.option(membership, { nil: undefined })).map(([change, from]) => ({ ...change, from })),
  ),
})
export const wishReply: fc.Arbitrary<requests.WishReply> = fc.record({
  type: fc.constant('wishReply'), id: position, fate: fc.oneof(
    fc.record({ type: fc.constant('handedOver' as const), leader: memberId }),
    fc.record({ type: fc.constant('notHandedOver' as const), reason }),
    fc.record({ type: fc.constant('changeTaken' as const), index: entryPosition, term: entryPosition, goal: membership }),
    fc.record({ type: fc.constant('changeRefused' as const), reason }),
    fc.constantFrom({ type: 'notTaken' as const }, { type: 'lost' as const }),
  ),
})

export const members: fc.Arbitrary<requests.MembersNews> =
  fc.record({ type: fc.constant('members'), index: position, membership: membership.filter(({ voters }) => voters.length > 0) })

/** Every kind of message by its type: a kind without an arbitrary does not compile. */
export const byType: { readonly [Kind in requests.LinkMessage['type']]: fc.Arbitrary<Extract<requests.LinkMessage, { type: Kind }>> } = {
  appendEntries, appendPart, appendAccepted, appendRefused, requestVote, requestVoteReply, timeoutNow, installSnapshot, chunkAccepted, propose, committed, refused, lost,
  readIndex, readable, readRefused, wish, wishReply, members,
}

export const linkMessage: fc.Arbitrary<requests.LinkMessage> = fc.oneof(...Object.values<fc.Arbitrary<requests.LinkMessage>>(byType))

export const hardState: fc.Arbitrary<HardState> =
  fc.record({ term: position, votedFor: fc.option(memberId, { nil: undefined }), commitIndex: position, isNewcomer: fc.constant(true) }, { requiredKeys: ['term', 'votedFor', 'commitIndex'] })

/** Anything that JSON can say, without the one key that is refused. */
export const jsonValue: fc.Arbitrary<fc.JsonValue> = fc.jsonValue({ maxDepth: 5 }).filter(value => !JSON.stringify(value).includes('__proto__'))
