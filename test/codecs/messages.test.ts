import test from 'ava'
import fc from 'fast-check'
import * as t from 'io-ts'
import { BATCH_HEADER_BYTES, encodeBatch } from '../../codecs/batches.js'
import { MAX_POSITION, viewOf, writePosition } from '../../codecs/bytes.js'
import { packEntries } from '../../codecs/entries.js'
import { decodeMessage, encodeMessage } from '../../codecs/messages.js'
import { MAX_MEMBERS, NO_MEMBERSHIP } from '../../lib/membership.js'
import { decodeWith } from '../../codecs/report.js'
import { AppendEntries, EntryBatches, MESSAGES } from '../../codecs/shapes.js'
import { MAX_CHUNK_BYTES, MAX_PLACE_BYTES, decodePlace, encodePlace } from '../../codecs/snapshots.js'
import type * as core from '../../lib/messages.js'
import { type Either, isLeft, isRight, left, right } from '../../lib/prelude.js'
import type { LinkMessage } from '../../lib/requests.js'
import { byType, linkMessage } from './arbitraries.js'
import { membership, messages, snapshot } from './samples.js'

const bytesOf = (message: LinkMessage): Uint8Array => {
  const out: Uint8Array[] = []
  const size = encodeMessage(message, out)
  const bytes = new Uint8Array(Buffer.concat(out))
  if (bytes.length !== size) throw new Error(`encodeMessage counted ${size} bytes and made ${bytes.length}`)
  return bytes
}
const reasonOf = (outcome: Either<string, unknown>): string => (isLeft(outcome) ? outcome.left : 'accepted')
const samples = Object.entries<LinkMessage>(messages)
const part = messages.appendPart
/** What precedes the numbers. */
const FIXED = 4

for (const type of Object.keys(byType) as readonly LinkMessage['type'][]) {
  test(`Q01 ${type}: decode(encode(x)) = x, all fields`, is => {
    fc.assert(fc.property<[LinkMessage]>(byType[type], message => { is.deepEqual(decodeMessage(bytesOf(message)), right(message)) }), { numRuns: 200 })
  })
}

test('Q02 every message between members keeps its term', is => {
  for (const [name, message] of samples) {
    if (!('term' in message)) continue
    const decoded = decodeMessage(bytesOf({ ...message, term: message.term + 3 }))
    is.true(isRight(decoded) && 'term' in decoded.right && decoded.right.term === message.term + 3, name)
  }
})

test('Q03 what is absent stays absent: the leader of a refusal', is => {
  is.deepEqual(decodeMessage(bytesOf(messages.refusedWithoutLeader)), right(messages.refusedWithoutLeader))
})

test('Q06 large integers are preserved or refused, never rounded', is => {
  for (const round of [2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1, MAX_POSITION]) {
    is.deepEqual(decodeMessage(bytesOf({ ...messages.appendAccepted, round })), right({ ...messages.appendAccepted, round }))
  }
  for (const round of [MAX_POSITION + 1, Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 60]) {
    const bytes = bytesOf(messages.appendAccepted)
    viewOf(bytes).setBigUint64(FIXED + 8, BigInt(round), true)
    is.regex(reasonOf(decodeMessage(bytes)), /round: must be an integer from 0 to/, String(round))
  }
})

test('Q07 a body keeps all 256 byte values', is => {
  const body = packEntries([Uint8Array.from({ length: 256 }, (_, i) => i), Uint8Array.from({ length: 256 }, (_, i) => 255 - i)])
  is.deepEqual(decodeMessage(bytesOf({ ...messages.propose, body })), right({ ...messages.propose, body }))
})

test('Q10 an unknown kind, flag or trailing byte is refused and named', is => {
  const bytes = bytesOf(messages.appendAccepted)
  for (const kind of [0, 20, 255]) is.is(reasonOf(decodeMessage(bytes.with(0, kind))), `a message is of the unknown kind ${kind}`)
  is.is(reasonOf(decodeMessage(bytes.with(1, 2))), 'appendAccepted: has flags of a newer version')
  is.is(reasonOf(decodeMessage(Uint8Array.of(...bytes, 0))), 'appendAccepted: is longer than its fields')
  is.is(reasonOf(decodeMessage(Uint8Array.of(...bytesOf(messages.lost).with(2, 1), 0x41))), 'lost: has names where none belong')
  is.is(reasonOf(decodeMessage(bytesOf(messages.refused).with(1, 7))), 'refused: has flags of a newer version')
  is.is(reasonOf(decodeMessage(bytesOf(messages.chunkAccepted).with(1, 4))), 'chunkAccepted: has flags of a newer version')
})

test('a wish has one spelling and a bounded length', is => {
  const bytes = bytesOf(messages.wishToAbandon)
  const spelled = (text: string): Uint8Array => {
    const block = new TextEncoder().encode(text)
    const message = new Uint8Array(Buffer.concat([bytes.subarray(0, 28), block]))
    writePosition(message, 20, block.length)
    return message
  }
  const text = '{"type":"abandon"}'
  is.deepEqual(decodeMessage(spelled(text)), right(messages.wishToAbandon))
  is.is(reasonOf(decodeMessage(spelled(text.replace('{', '{"more":1,')))), 'wish: a LeaderWish is spelled otherwise')
  is.is(reasonOf(decodeMessage(spelled(` ${text}`))), 'wish: a LeaderWish is spelled otherwise')
  is.is(reasonOf(decodeMessage(spelled(text.padEnd(2 * MAX_PLACE_BYTES + 1)))), `wish: a LeaderWish has at most ${2 * MAX_PLACE_BYTES} bytes`)
})

test('a message cut anywhere is refused, but where it ends between two batches', is => {
  for (const [name, message] of samples) {
    const bytes = bytesOf(message)
    const ends = message.type === 'appendEntries' ? message.batches.map((_, n) => bytesOf({ ...message, batches: message.batches.slice(0, n) }).length) : []
    for (let length = 0; length < bytes.length; length++) {
      is.is(isRight(decodeMessage(bytes.subarray(0, length))), ends.includes(length), `${name} cut to ${length} bytes`)
    }
  }
})

test('what is accepted is written as the bytes it was read from', is => {
  fc.assert(fc.property(linkMessage, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }), (message, changes) => {
    const bytes = bytesOf(message)
    for (const [at, value] of changes) bytes[at % bytes.length] = value
    const decoded = decodeMessage(bytes)
    if (isRight(decoded)) is.deepEqual(bytesOf(decoded.right), bytes)
  }), { numRuns: 2000 })
})

/** A message with fields replaced by whatever, as a peer with a mind of its own would form it. */
const malformed: readonly (readonly [name: string, codec: t.Decoder<unknown, LinkMessage>, value: unknown])[] = [
  ...[Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, 2 ** 53, '1', null, undefined, 1n, [1], {}].flatMap(value =>
    ['term', 'round', 'prevLogIndex', 'prevLogTerm', 'leaderCommit'].map(field =>
      [`${field} = ${typeof value} ${String(value)}`, AppendEntries, { ...messages.heartbeat, [field]: value }] as const)),
  ['no message', AppendEntries, null],
  ['a list', AppendEntries, []],
  ['another kind', AppendEntries, messages.appendAccepted],
  ['an empty sender', AppendEntries, { ...messages.heartbeat, from: '' }],
  ['a sender of 129 bytes', AppendEntries, { ...messages.heartbeat, from: 'x'.repeat(129) }],
  ['a sender with a line break', AppendEntries, { ...messages.heartbeat, from: 'n1\n' }],
  ['a sender beyond ASCII', AppendEntries, { ...messages.heartbeat, from: 'nö' }],
  ['the sender __proto__', AppendEntries, { ...messages.heartbeat, from: '__proto__' }],
  ['the sender toString', AppendEntries, { ...messages.heartbeat, from: 'toString' }],
  ['more durable than verified', MESSAGES.appendAccepted, { ...messages.appendAccepted, durable: 10 }],
  ['a hint beyond the refused entry', MESSAGES.appendRefused, { ...messages.appendRefused, hintIndex: 10 }],
  ['a hint of term 0', MESSAGES.appendRefused, { ...messages.appendRefused, hintTerm: 0 }],
  ['a last entry of a later term', MESSAGES.requestVote, { ...messages.preVote, lastLogTerm: 8 }],
  ['a pre-vote by the leader\'s wish', MESSAGES.requestVote, { ...messages.preVote, transfer: true }],
  ['a wish of no leader', MESSAGES.timeoutNow, { ...messages.timeoutNow, term: 0 }],
  ['a last entry without a term', MESSAGES.requestVote, { ...messages.preVote, lastLogTerm: 0 }],
  ['a wish for no leader', MESSAGES.wish, { ...messages.wishToHandOver, term: 0 }],
  ['an heir without a name', MESSAGES.wish, { ...messages.wishToHandOver, wish: { type: 'transfer', to: '' } }],
  ['a wish of another kind', MESSAGES.wish, { ...messages.wishToHandOver, wish: { type: 'stop' } }],
  ['a change that names more than a membership holds', MESSAGES.wish, {
    ...messages.wishToAbandon, wish: { type: 'change', voters: {}, learners: {}, remove: Array.from({ length: MAX_MEMBERS + 1 }, (_, i) => `m${i}`), newcomers: undefined, from: undefined },
  }],
  ['a change of what is no membership', MESSAGES.wish, { ...messages.wishToAbandon, wish: { type: 'abandon', from: { voters: ['n1'] } } }],
  ['a change that was taken nowhere', MESSAGES.wishReply, { ...messages.changeTaken, fate: { ...messages.changeTaken.fate, index: 0 } }],
  ['a reason without end', MESSAGES.wishReply, { ...messages.changeRefused, fate: { type: 'changeRefused', reason: 'x'.repeat(2 ** 20) } }],
  ['members of nowhere', MESSAGES.members, { ...messages.members, index: -1 }],
  ['members without a voter', MESSAGES.members, { ...messages.members, membership: NO_MEMBERSHIP }],
  ['members without an address', MESSAGES.members, { ...messages.members, membership: { ...membership, addresses: {} } }],
  ['members at no address', MESSAGES.members, { ...messages.members, membership: { ...membership, addresses: { ...membership.addresses, n1: 'n1' } } }],
  ['a vote that is no boolean', MESSAGES.requestVoteReply, { ...messages.preVoteReply, voteGranted: 1 }],
  ['a part of a later term than its own', MESSAGES.appendPart, { ...part, head: { ...part.head, term: 8 } }],
  ['a part that falls back to an earlier term', MESSAGES.appendPart, { ...part, prevLogTerm: 4 }],
  ['a part behind an entry of no term', MESSAGES.appendPart, { ...part, prevLogTerm: 0 }],
  ['a part behind no entry of some term', MESSAGES.appendPart, { ...part, head: { ...part.head, firstIndex: 1 } }],
  ['a part of a batch beyond its body', MESSAGES.appendPart, { ...part, head: { ...part.head, skip: 3 } }],
  ['a part of a body without room for its entries', MESSAGES.appendPart, { ...part, head: { ...part.head, body: { ...part.head.body, bytes: 23 } } }],
  ['a part of a noop', MESSAGES.appendPart, { ...part, head: { ...part.head, kind: 'noop' } }],
  ['a part before its body', MESSAGES.appendPart, { ...part, offset: -1 }],
  ['a part of no bytes', MESSAGES.appendPart, { ...part, part: new Uint8Array(0) }],
  ['a part that is no bytes', MESSAGES.appendPart, { ...part, part: 'bytes' }],
  ['less than nothing held', MESSAGES.appendAccepted, { ...messages.appendAccepted, held: -1 }],
  ['a snapshot of a later term', MESSAGES.installSnapshot, { ...messages.installSnapshot, snapshot: { ...snapshot, term: 8 } }],
  ['a snapshot of no entry', MESSAGES.installSnapshot, { ...messages.installSnapshot, snapshot: { ...snapshot, index: 0 } }],
  ['a snapshot of no term', MESSAGES.installSnapshot, { ...messages.installSnapshot, snapshot: { ...snapshot, term: 0 } }],
  ['a snapshot before 1970', MESSAGES.installSnapshot, { ...messages.installSnapshot, snapshot: { ...snapshot, time: -0.5 } }],
  ['a snapshot of less than nothing', MESSAGES.installSnapshot, { ...messages.installSnapshot, snapshot: { ...snapshot, bytes: -1 } }],
  ['a checksum of 33 bits', MESSAGES.installSnapshot, { ...messages.installSnapshot, snapshot: { ...snapshot, checksum: 2 ** 32 } }],
  ['a snapshot without a membership', MESSAGES.installSnapshot, { ...messages.installSnapshot, snapshot: { ...snapshot, membership: undefined } }],
  ['a negative offset', MESSAGES.installSnapshot, { ...messages.installSnapshot, offset: -1 }],
  ['a chunk that is no bytes', MESSAGES.installSnapshot, { ...messages.installSnapshot, chunk: [1] }],
  ['a chunk above its bound', MESSAGES.installSnapshot, { ...messages.installSnapshot, chunk: new Uint8Array(MAX_CHUNK_BYTES + 1) }],
  ['an answer about no snapshot', MESSAGES.chunkAccepted, { ...messages.chunkAccepted, snapshot: undefined }],
  ['an answer about a snapshot of no entry', MESSAGES.chunkAccepted, { ...messages.chunkAccepted, snapshot: { ...messages.chunkAccepted.snapshot, index: 0 } }],
  ['more than nothing received, by half', MESSAGES.chunkAccepted, { ...messages.chunkAccepted, received: 0.5 }],
  ['a newcomer that is no boolean', MESSAGES.appendRefused, { ...messages.appendRefused, isNewcomer: 1 }],
  ['awaiting that is no boolean', MESSAGES.chunkAccepted, { ...messages.chunkAccepted, awaited: 1 }],
  ['a need for a snapshot nowhere', MESSAGES.appendAccepted, { ...messages.appendAccepted, lacks: -1 }],
  ['an unknown reason', MESSAGES.refused, { ...messages.refused, reason: 'toString' }],
  ['a leader without an address', MESSAGES.refused, { ...messages.refused, leader: { id: 'n1' } }],
  ['a body that is no bytes', MESSAGES.propose, { ...messages.propose, body: { count: 1, bytes: 'x', checksum: 0 } }],
  ['a body of no entries', MESSAGES.propose, { ...messages.propose, body: { ...messages.propose.body, count: 0 } }],
  ['a body without room for its entries', MESSAGES.propose, { ...messages.propose, body: { ...messages.propose.body, count: 1000 } }],
  ['results at index 0', MESSAGES.committed, { ...messages.committed, firstIndex: 0 }],
]
for (const [name, codec, value] of malformed) {
  test(`Q09 malformed is refused: ${name}`, is => is.true(isLeft(decodeWith(codec, value))))
}

const append = messages.appendEntries
const [command, noop, member] = append.batches

/** Batches that do not follow each other, or the entry before them. */
const contradictions: readonly (readonly [name: string, message: core.AppendEntries, reason: RegExp])[] = [
  ['a gap', { ...append, batches: [command, { ...noop, firstIndex: noop.firstIndex + 1 }] }, /batch 1 begins at 5000000005 where 5000000004 follows/],
  ['an overlap', { ...append, batches: [command, { ...noop, firstIndex: noop.firstIndex - 1 }] }, /batch 1 begins at 5000000003 where/],
  ['an earlier term', { ...append, batches: [command, { ...noop, term: 2 }] }, /batch 1 falls back to an earlier term/],
  ['a gap after the previous entry', { ...append, batches: [noop] }, /must begin at 5000000001, after its previous entry/],
  ['entries before the previous one', { ...append, prevLogIndex: append.prevLogIndex + 1 }, /must begin at 5000000002/],
  ['an earlier term than the previous entry', { ...append, prevLogTerm: 4 }, /must not fall back to an earlier term than its previous entry/],
  ['entries of a later term', { ...append, term: 6 }, /must not carry entries of a later term/],
  ['a previous entry of a later term', { ...messages.heartbeat, prevLogIndex: 1, prevLogTerm: 8 }, /must not carry entries of a later term/],
  ['a previous entry without a term', { ...messages.heartbeat, prevLogIndex: 1 }, /must name an entry or none as its previous one/],
  ['a previous term without an entry', { ...messages.heartbeat, prevLogTerm: 1 }, /must name an entry or none as its previous one/],
  ['a heartbeat of term 0', { ...messages.heartbeat, term: 0 }, /must have a term/],
  ['a learner that votes', { ...append, batches: [command, noop, { ...member, membership: { ...member.membership, learners: ['n1'] } }] }, /both as a voter/],
]
for (const [name, message, reason] of contradictions) {
  test(`Q09 a contradiction is refused on the wire: ${name}`, is => is.regex(reasonOf(decodeMessage(bytesOf(message))), reason))
}

test('entries that are older than those before them are taken: their times decide nothing', is => {
  const falling = { ...append, batches: [command!, { ...noop!, time: command!.time - 1 }] }
  is.deepEqual(decodeMessage(bytesOf(falling)), right(falling))
})

/** The bytes with the nth of their numbers replaced. */
const withNumber = (bytes: Uint8Array, n: number, value: number): Uint8Array => {
  const changed = bytes.slice()
  writePosition(changed, FIXED + 8 * n, value)
  return changed
}

test('a chunk is a view of the bytes that it came in, and refused where one of its own is another', is => {
  const bytes = bytesOf(messages.installSnapshot)
  const decoded = decodeMessage(bytes)
  is.true(isRight(decoded) && decoded.right.type === 'installSnapshot' && decoded.right.chunk.buffer === bytes.buffer)
  const chunkAt = bytes.length - messages.installSnapshot.chunk.length
  for (let at = chunkAt; at < bytes.length; at++) {
    is.is(reasonOf(decodeMessage(bytes.with(at, bytes[at]! ^ 1))), 'installSnapshot: the chunk does not match its checksum')
  }
  is.is(reasonOf(decodeMessage(Uint8Array.of(...bytesOf(messages.snapshotOffered), 0))), 'installSnapshot: the chunk does not match its checksum')
})

test('the largest chunk passes, and none that is larger', is => {
  const of = (length: number): LinkMessage => ({ ...messages.installSnapshot, chunk: new Uint8Array(length).fill(7) })
  is.deepEqual(decodeMessage(bytesOf(of(MAX_CHUNK_BYTES))), right(of(MAX_CHUNK_BYTES)))
  is.regex(reasonOf(decodeMessage(bytesOf(of(MAX_CHUNK_BYTES + 1)))), /installSnapshot: chunk: must be at most 1048576 bytes/)
})

test('a part that is damaged, and a header that is damaged or of what does not come in parts, are refused', is => {
  const bytes = bytesOf(part)
  const partAt = bytes.length - part.part.length
  for (const at of [partAt, bytes.length - 1]) is.is(reasonOf(decodeMessage(bytes.with(at, bytes[at]! ^ 1))), 'appendPart: the part does not match its checksum')
  const headAt = partAt - BATCH_HEADER_BYTES
  is.is(reasonOf(decodeMessage(bytes.with(headAt, bytes[headAt]! ^ 1))), 'appendPart: a batch header does not match its checksum')
  is.is(reasonOf(decodeMessage(withNumber(bytes, 7, BATCH_HEADER_BYTES - 1))), 'appendPart: a batch is shorter than its header')
  const noop: Uint8Array[] = []
  encodeBatch({ kind: 'noop', firstIndex: 5, term: 3, time: 1, count: 1 }, noop)
  is.is(reasonOf(decodeMessage(Uint8Array.of(...bytes.subarray(0, headAt), ...noop[0]!, ...part.part))), 'appendPart: a noop does not come in parts')
})

test('a place that is cut, missing, or longer than its message is refused', is => {
  const bytes = bytesOf(messages.installSnapshot)
  const placeBytes = encodePlace(snapshot).length
  const lengthAt = 6
  is.deepEqual(decodeMessage(withNumber(bytes, lengthAt, placeBytes)), right(messages.installSnapshot))
  is.is(reasonOf(decodeMessage(withNumber(bytes, lengthAt, 23))), 'installSnapshot: the place is shorter than its fields')
  is.regex(reasonOf(decodeMessage(withNumber(bytes, lengthAt, placeBytes - 1))), /installSnapshot: no JSON in UTF-8/)
  for (const length of [bytes.length, 2 ** 40, MAX_POSITION]) is.is(reasonOf(decodeMessage(withNumber(bytes, lengthAt, length))), 'installSnapshot: is shorter than its fields')
  const withoutPlace = withNumber(bytes, lengthAt, 0)
  const placeAt = bytes.length - messages.installSnapshot.chunk.length - placeBytes
  is.regex(reasonOf(decodeMessage(Uint8Array.of(...withoutPlace.subarray(0, placeAt), ...messages.installSnapshot.chunk))), /the place is shorter than its fields/)
})

test('the place with the largest membership has room, and nothing that is longer is looked into', is => {
  const ids = Array.from({ length: 3 * MAX_MEMBERS }, (_, i) => `${'\\'.repeat(125)}${String(i).padStart(3, '0')}`)
  const addresses = Object.fromEntries(ids.map(id => [id, `${'x'.repeat(249)}:65535`]))
  const largest = { voters: ids.slice(0, MAX_MEMBERS), outgoing: ids.slice(MAX_MEMBERS, 2 * MAX_MEMBERS), learners: ids.slice(2 * MAX_MEMBERS), addresses }
  const place = { index: 1, term: 1, time: 0, compression: 'none', membership: largest } as const
  const bytes = encodePlace(place)
  is.true(bytes.length > 0.85 * MAX_PLACE_BYTES && bytes.length <= MAX_PLACE_BYTES, `${bytes.length} of ${MAX_PLACE_BYTES} bytes`)
  is.deepEqual(decodePlace(bytes), right(place))
  is.is(reasonOf(decodePlace(new Uint8Array(MAX_PLACE_BYTES + 1))), 'the place is longer than any')
})

test('a batch list is judged in one pass with one fault, however many are bad', is => {
  const outcome = decodeWith(EntryBatches, Array.from({ length: 100_000 }, () => ({ kind: 'noop' })))
  is.deepEqual(outcome, left(['batch 0 is malformed']))
})

test('a slice that reaches beyond its body is no batch', is => {
  is.true(EntryBatches.is([command]))
  is.false(EntryBatches.is([{ ...command, skip: 1 }]))
  is.true(EntryBatches.is([{ ...command, skip: 1, count: 2 }]))
  is.false(EntryBatches.is([{ ...noop, count: 2 }]))
})

test('numbers on the wire that do not fit are refused, field by field', is => {
  for (const [name, message] of samples) {
    const bytes = bytesOf(message)
    const first = 4
    const hostile = bytes.slice()
    viewOf(hostile).setBigUint64(first, 2n ** 53n, true)
    is.true(isLeft(decodeMessage(hostile)), name)
    is.true(isLeft(decodeMessage(bytes.slice().fill(0xff, first, first + 8))), name)
  }
})

test('names beyond ASCII are refused wherever one ends and the other begins', is => {
  const bytes = bytesOf({ ...messages.appendAccepted, from: 'abcd', to: 'efgh' })
  for (const hostile of [[0xef, 0xbb, 0xbf], [0xc3, 0xa9], [0xff], [0x80], [0x00], [0x7f], [0x20]]) {
    for (let at = bytes.length - 8; at + hostile.length <= bytes.length; at++) {
      const changed = bytes.slice()
      changed.set(hostile, at)
      is.true(isLeft(decodeMessage(changed)), `${hostile.join()} at ${at}`)
    }
  }
})

test('unknown keys are left out of what is decoded', is => {
  const hostile: unknown = JSON.parse('{"type":"lost","id":1,"__proto__":{"isAdmin":true},"extra":1}')
  is.deepEqual(decodeWith(MESSAGES.lost, hostile), right({ type: 'lost', id: 1 }))
})

test('no field is optional but the leader, who may be unknown, and the place of what is invalid', is => {
  for (const [name, message] of samples) {
    for (const field of Object.keys(message)) {
      const rest = Object.fromEntries(Object.entries(message).filter(([key]) => key !== field))
      if (field !== 'leader' && field !== 'place') is.true(isLeft(decodeWith<LinkMessage>(MESSAGES[message.type], rest)), `${name} without ${field}`)
    }
  }
})

test('a codec with a forgotten field does not pass for the codec of its message', is => {
  const forgetful = t.strict({ type: t.literal('appendAccepted'), from: t.string, to: t.string, term: t.number, verified: t.number, lacks: t.number, held: t.number, promisedMs: t.number, isNewcomer: t.boolean, round: t.number })
  const whole = t.strict({ ...forgetful.type.props, durable: t.number })
  // The types of these two lines are the test: the annotation `t.Type<AppendAccepted, unknown>` refuses the first and takes the second.
  const forgetfulPasses: typeof forgetful extends t.Type<core.AppendAccepted, unknown> ? true : false = false
  const wholePasses: typeof whole extends t.Type<core.AppendAccepted, unknown> ? true : false = true
  is.deepEqual([forgetfulPasses, wholePasses], [false, true])
})
