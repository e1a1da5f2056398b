/** What goes into one step: a tag, then the fields in the order in which they stand here. */
import * as t from 'io-ts'
import type { RaftEvent, ReadPurpose } from '../../lib/events.js'
import { isLeft, right, unreachable } from '../../lib/prelude.js'
import type { ByteSink } from '../byte-sink.js'
import type { ByteSource } from '../byte-source.js'
import { decodeJson, encodeJson } from '../json.js'
import { Membership, MembershipWish, decodeMembership, encodeMembership } from '../membership.js'
import { Count, Index, MemberId, Term, guard, integer } from '../primitives.js'
import { decodeWith } from '../report.js'
import { EntryBatches, EntryBody } from '../shapes.js'
import { Chunk, Snapshot } from '../snapshots.js'
import { readBatches, readBody, writeBatches, writeBody } from './batches.js'
import { Message, readMessage, writeMessage } from './messages.js'
import { readChunk, readSnapshot, writeChunk, writeSnapshot } from './snapshots.js'

const EVENTS = [
  'received', 'proposed', 'persisted', 'entriesRead', 'applied', 'ticked', 'snapshotStored', 'chunkWritten', 'receiveFailed', 'chunkRead',
  'peerGone', 'transferAsked', 'readAsked', 'changeAsked',
] as const

const NOTHING = new Uint8Array(0)

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
    case 'readAsked': return sink.varint(event.id)
    case 'persisted': return sink.varint(event.turn)
    case 'entriesRead':
      writePurpose(sink, event.purpose)
      sink.varint(event.from)
      return writeBatches(sink, event.batches)
    case 'applied': return sink.varint(event.index)
    case 'snapshotStored':
    case 'receiveFailed': return writeSnapshot(sink, event.snapshot)
    case 'chunkWritten':
      writeSnapshot(sink, event.snapshot)
      return sink.varint(event.received)
    case 'chunkRead':
      sink.text(event.to)
      writeSnapshot(sink, event.snapshot)
      sink.varint(event.offset)
      return writeChunk(sink, event.chunk)
    case 'peerGone': return sink.text(event.peer)
    case 'transferAsked':
      sink.varint(event.term)
      return sink.text(event.to ?? '')
    case 'changeAsked':
      sink.varint(event.id)
      sink.varint(event.term)
      sink.blob(encodeJson(MembershipWish, event.wish))
      return sink.blob(event.from === undefined ? NOTHING : encodeMembership(event.from))
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
    case 'readAsked': return { type, id: source.varint() }
    case 'persisted': return { type, turn: source.varint() }
    case 'entriesRead': return { type, purpose: readPurpose(source), from: source.varint(), batches: readBatches(source) }
    case 'applied': return { type, index: source.varint() }
    case 'snapshotStored':
    case 'receiveFailed': {
      const snapshot = readSnapshot(source)
      return snapshot && { type, snapshot }
    }
    case 'chunkWritten': {
      const snapshot = readSnapshot(source)
      return snapshot && { type, snapshot, received: source.varint() }
    }
    case 'chunkRead': {
      const to = source.text()
      const snapshot = readSnapshot(source)
      return snapshot && { type, to, snapshot, offset: source.varint(), chunk: readChunk(source) }
    }
    case 'peerGone': return { type, peer: source.text() }
    case 'transferAsked': return { type, term: source.varint(), to: source.text() || undefined }
    case 'changeAsked': {
      const [id, term, wish, from] = [source.varint(), source.varint(), decodeJson(MembershipWish, source.blob()), source.blob()]
      const membership = from.length === 0 ? right(undefined) : decodeMembership(from)
      if (isLeft(wish)) return void source.fail(`a wish for another membership: ${wish.left}`)
      return isLeft(membership) ? void source.fail(`a membership: ${membership.left}`) : { type, id, term, wish: wish.right, from: membership.right }
    }
    case 'ticked': return { type, due: source.double() }
    case undefined: return void source.fail('an event is of an unknown kind')
    default: return unreachable(type)
  }
}

/** A time on a member's own clock, wherever that began. */
export const Time: t.Type<number> = guard('Time', value => (typeof value === 'number' && Number.isFinite(value) ? undefined : 'must be a finite number'))

const Purpose: t.Type<ReadPurpose, unknown> = t.union([t.strict({ type: t.literal('apply') }), t.strict({ type: t.literal('replicate'), to: MemberId })])
const Received = t.strict({ type: t.literal('received'), message: Message })
const Proposed = t.strict({ type: t.literal('proposed'), id: Count, body: EntryBody })
const ProposedInTerm = t.strict({ type: t.literal('proposed'), id: Count, body: EntryBody, term: Term })

/** Every kind of event by its type: what a recording may hold is what a member could have met. */
const CODECS: { readonly [Type in RaftEvent['type']]: t.Decoder<unknown, Extract<RaftEvent, { type: Type }>> } = {
  received: Received,
  proposed: t.union([ProposedInTerm, Proposed]),
  readAsked: t.strict({ type: t.literal('readAsked'), id: Count }),
  persisted: t.strict({ type: t.literal('persisted'), turn: integer('Turn', 1) }),
  entriesRead: t.strict({ type: t.literal('entriesRead'), purpose: Purpose, from: Index, batches: EntryBatches }),
  applied: t.strict({ type: t.literal('applied'), index: Index }),
  snapshotStored: t.strict({ type: t.literal('snapshotStored'), snapshot: Snapshot }),
  chunkWritten: t.strict({ type: t.literal('chunkWritten'), snapshot: Snapshot, received: Count }),
  receiveFailed: t.strict({ type: t.literal('receiveFailed'), snapshot: Snapshot }),
  chunkRead: t.strict({ type: t.literal('chunkRead'), to: MemberId, snapshot: Snapshot, offset: Count, chunk: t.union([Chunk, t.undefined]) }),
  peerGone: t.strict({ type: t.literal('peerGone'), peer: MemberId }),
  transferAsked: t.strict({ type: t.literal('transferAsked'), term: Term, to: t.union([MemberId, t.undefined]) }),
  changeAsked: t.strict({ type: t.literal('changeAsked'), id: Count, term: Term, wish: MembershipWish, from: t.union([Membership, t.undefined]) }),
  ticked: t.strict({ type: t.literal('ticked'), due: Time }),
}

/** An event as it was recorded, or undefined and a fault of the source. */
export const readEvent = (source: ByteSource): RaftEvent | undefined => {
  const fields = fieldsOf(source)
  if (fields === undefined || source.fault() !== undefined) return undefined
  const decoded = decodeWith<RaftEvent>(CODECS[fields.type], fields)
  return isLeft(decoded) ? void source.fail(`${fields.type}: ${decoded.left.join('; ')}`) : decoded.right
}
