/** What goes into one step: a tag, then the fields in the order in which they stand here. */
import * as t from 'io-ts'
import type { RaftEvent, ReadPurpose } from '../../lib/events.js'
import type { Message } from '../../lib/messages.js'
import { isLeft, unreachable } from '../../lib/prelude.js'
import { Count, Index, MemberId, Term, guard, integer } from '../primitives.js'
import { decodeWith } from '../report.js'
import { AppendAccepted, AppendEntries, AppendRefused, EntryBatches, EntryBody, RequestVote, RequestVoteReply } from '../shapes.js'
import { readBatches, readBody, writeBatches, writeBody } from './batches.js'
import type { ByteSink } from './byte-sink.js'
import type { ByteSource } from './byte-source.js'

const EVENTS = ['received', 'proposed', 'persisted', 'entriesRead', 'applied', 'ticked'] as const
const MESSAGES = ['appendEntries', 'appendAccepted', 'appendRefused', 'requestVote', 'requestVoteReply'] as const
const PRE_VOTE = 1
const GRANTED = 2

const writeMessage = (sink: ByteSink, message: Message): void => {
  sink.byte(MESSAGES.indexOf(message.type))
  sink.text(message.from)
  sink.text(message.to)
  sink.varint(message.term)
  sink.varint(message.round)
  switch (message.type) {
    case 'appendEntries':
      sink.varint(message.prevLogIndex)
      sink.varint(message.prevLogTerm)
      sink.varint(message.leaderCommit)
      return writeBatches(sink, message.batches)
    case 'appendAccepted':
      sink.varint(message.verified)
      return sink.varint(message.durable)
    case 'appendRefused':
      sink.varint(message.prevLogIndex)
      sink.varint(message.hintIndex)
      return sink.varint(message.hintTerm)
    case 'requestVote':
      sink.byte(message.preVote ? PRE_VOTE : 0)
      sink.varint(message.lastLogIndex)
      return sink.varint(message.lastLogTerm)
    case 'requestVoteReply': return sink.byte((message.preVote ? PRE_VOTE : 0) | (message.voteGranted ? GRANTED : 0))
    default: return unreachable(message)
  }
}

const readMessage = (source: ByteSource): Message | undefined => {
  const type = MESSAGES[source.byte()]
  const from = source.text()
  const to = source.text()
  const envelope = { from, to, term: source.varint(), round: source.varint() }
  switch (type) {
    case 'appendEntries': {
      const previous = { prevLogIndex: source.varint(), prevLogTerm: source.varint() }
      return { type, ...envelope, ...previous, leaderCommit: source.varint(), batches: readBatches(source) }
    }
    case 'appendAccepted': return { type, ...envelope, verified: source.varint(), durable: source.varint() }
    case 'appendRefused': return { type, ...envelope, prevLogIndex: source.varint(), hintIndex: source.varint(), hintTerm: source.varint() }
    case 'requestVote': {
      const preVote = source.byte() === PRE_VOTE
      return { type, ...envelope, preVote, lastLogIndex: source.varint(), lastLogTerm: source.varint() }
    }
    case 'requestVoteReply': {
      const flags = source.byte()
      return { type, ...envelope, preVote: (flags & PRE_VOTE) > 0, voteGranted: (flags & GRANTED) > 0 }
    }
    case undefined: return void source.fail('a message is of an unknown kind')
    default: return unreachable(type)
  }
}

/** Nobody's id is empty: an empty one stands for the member itself, which applies what it reads. */
const writePurpose = (sink: ByteSink, purpose: ReadPurpose): void => sink.text(purpose.type === 'replicate' ? purpose.to : '')
const readPurpose = (source: ByteSource): ReadPurpose => {
  const to = source.text()
  return to === '' ? { type: 'apply' } : { type: 'replicate', to }
}

export const writeEvent = (sink: ByteSink, event: RaftEvent): void => {
  sink.byte(EVENTS.indexOf(event.type))
  switch (event.type) {
    case 'received': return writeMessage(sink, event.message)
    case 'proposed':
      sink.varint(event.id)
      // A term of 0 is nobody's: no leader proposes in it.
      sink.varint(event.term ?? 0)
      return writeBody(sink, event.body)
    case 'persisted': return sink.varint(event.turn)
    case 'entriesRead':
      writePurpose(sink, event.purpose)
      sink.varint(event.from)
      return writeBatches(sink, event.batches)
    case 'applied': return sink.varint(event.index)
    case 'ticked': return sink.double(event.due)
    default: return unreachable(event)
  }
}

const fieldsOf = (source: ByteSource): RaftEvent | undefined => {
  const type = EVENTS[source.byte()]
  switch (type) {
    case 'received': {
      const message = readMessage(source)
      return message && { type, message }
    }
    case 'proposed': {
      const id = source.varint()
      const term = source.varint()
      return { type, id, body: readBody(source), ...(term > 0 && { term }) }
    }
    case 'persisted': return { type, turn: source.varint() }
    case 'entriesRead': return { type, purpose: readPurpose(source), from: source.varint(), batches: readBatches(source) }
    case 'applied': return { type, index: source.varint() }
    case 'ticked': return { type, due: source.double() }
    case undefined: return void source.fail('an event is of an unknown kind')
    default: return unreachable(type)
  }
}

/** A time on a member's own clock, wherever that began. */
export const Time: t.Type<number> = guard('Time', value => (typeof value === 'number' && Number.isFinite(value) ? undefined : 'must be a finite number'))

const Purpose: t.Type<ReadPurpose, unknown> = t.union([t.strict({ type: t.literal('apply') }), t.strict({ type: t.literal('replicate'), to: MemberId })])
const Received = t.strict({ type: t.literal('received'), message: t.union([AppendEntries, AppendAccepted, AppendRefused, RequestVote, RequestVoteReply]) })
const Proposed = t.strict({ type: t.literal('proposed'), id: Count, body: EntryBody })
const ProposedInTerm = t.strict({ type: t.literal('proposed'), id: Count, body: EntryBody, term: Term })

/** Every kind of event by its type: what a recording may hold is what a member could have met. */
const CODECS: { readonly [Type in RaftEvent['type']]: t.Decoder<unknown, Extract<RaftEvent, { type: Type }>> } = {
  received: Received,
  proposed: t.union([ProposedInTerm, Proposed]),
  persisted: t.strict({ type: t.literal('persisted'), turn: integer('Turn', 1) }),
  entriesRead: t.strict({ type: t.literal('entriesRead'), purpose: Purpose, from: Index, batches: EntryBatches }),
  applied: t.strict({ type: t.literal('applied'), index: Index }),
  ticked: t.strict({ type: t.literal('ticked'), due: Time }),
}

/** An event as it was recorded, or undefined and a fault of the source. */
export const readEvent = (source: ByteSource): RaftEvent | undefined => {
  const fields = fieldsOf(source)
  if (fields === undefined || source.fault() !== undefined) return undefined
  const decoded = decodeWith<RaftEvent>(CODECS[fields.type], fields)
  return isLeft(decoded) ? void source.fail(`${fields.type}: ${decoded.left.join('; ')}`) : decoded.right
}
