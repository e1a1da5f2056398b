/** What members say to each other, in a recording: a tag, then the fields in the order in which they stand here. */
import * as t from 'io-ts'
import type * as core from '../../lib/messages.js'
import { unreachable } from '../../lib/prelude.js'
import type { ByteSink } from '../byte-sink.js'
import type { ByteSource } from '../byte-source.js'
import { AppendAccepted, AppendEntries, AppendPart, AppendRefused, ChunkAccepted, InstallSnapshot, RequestVote, RequestVoteReply, TimeoutNow } from '../shapes.js'
import { readBatches, readBlank, readHead, writeBatches, writeHead } from './batches.js'
import { readChunk, readSnapshot, readSnapshotId, writeChunk, writeSnapshot, writeSnapshotId } from './snapshots.js'

const MESSAGES = ['appendEntries', 'appendAccepted', 'appendRefused', 'requestVote', 'requestVoteReply', 'installSnapshot', 'chunkAccepted', 'appendPart', 'timeoutNow'] as const
const PRE_VOTE = 1
const GRANTED = 2
const TRANSFER = 2
const NEWCOMER = 1
const AWAITED = 2
const ASKS = 1

export const writeMessage = (sink: ByteSink, message: core.Message): void => {
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
      sink.byte(message.asks ? ASKS : 0)
      return writeBatches(sink, message.batches)
    case 'appendPart':
      sink.varint(message.prevLogTerm)
      writeHead(sink, message.head)
      sink.varint(message.offset)
      return sink.varint(message.part.length)
    case 'appendAccepted':
      sink.varint(message.verified)
      sink.varint(message.durable)
      sink.varint(message.lacks)
      sink.varint(message.held)
      sink.varint(message.promisedMs)
      return sink.byte(message.isNewcomer ? NEWCOMER : 0)
    case 'appendRefused':
      sink.varint(message.prevLogIndex)
      sink.varint(message.hintIndex)
      sink.varint(message.hintTerm)
      return sink.byte(message.isNewcomer ? NEWCOMER : 0)
    case 'requestVote':
      sink.byte((message.preVote ? PRE_VOTE : 0) | (message.transfer ? TRANSFER : 0))
      sink.varint(message.lastLogIndex)
      return sink.varint(message.lastLogTerm)
    case 'requestVoteReply': return sink.byte((message.preVote ? PRE_VOTE : 0) | (message.voteGranted ? GRANTED : 0))
    case 'timeoutNow': return sink.varint(message.lastIndex)
    case 'installSnapshot':
      writeSnapshot(sink, message.snapshot)
      sink.varint(message.offset)
      return writeChunk(sink, message.chunk)
    case 'chunkAccepted':
      writeSnapshotId(sink, message.snapshot)
      sink.varint(message.received)
      return sink.byte((message.awaited ? AWAITED : 0) | (message.isNewcomer ? NEWCOMER : 0))
    default: return unreachable(message)
  }
}

export const readMessage = (source: ByteSource): core.Message | undefined => {
  const type = MESSAGES[source.byte()]
  const from = source.text()
  const to = source.text()
  const envelope = { from, to, term: source.varint(), round: source.varint() }
  switch (type) {
    case 'appendEntries': {
      const previous = { prevLogIndex: source.varint(), prevLogTerm: source.varint() }
      return { type, ...envelope, ...previous, leaderCommit: source.varint(), asks: source.byte() === ASKS, batches: readBatches(source) }
    }
    case 'appendPart': return { type, ...envelope, prevLogTerm: source.varint(), head: readHead(source), offset: source.varint(), part: readBlank(source) }
    case 'appendAccepted': {
      return { type, ...envelope, verified: source.varint(), durable: source.varint(), lacks: source.varint(), held: source.varint(), promisedMs: source.varint(), isNewcomer: source.byte() === NEWCOMER }
    }
    case 'appendRefused': return { type, ...envelope, prevLogIndex: source.varint(), hintIndex: source.varint(), hintTerm: source.varint(), isNewcomer: source.byte() === NEWCOMER }
    case 'requestVote': {
      const flags = source.byte()
      const asked = { preVote: (flags & PRE_VOTE) > 0, transfer: (flags & TRANSFER) > 0 }
      return { type, ...envelope, ...asked, lastLogIndex: source.varint(), lastLogTerm: source.varint() }
    }
    case 'requestVoteReply': {
      const flags = source.byte()
      return { type, ...envelope, preVote: (flags & PRE_VOTE) > 0, voteGranted: (flags & GRANTED) > 0 }
    }
    case 'timeoutNow': return { type, ...envelope, lastIndex: source.varint() }
    case 'installSnapshot': {
      const snapshot = readSnapshot(source)
      const offset = source.varint()
      const chunk = readChunk(source)
      return snapshot && chunk && { type, ...envelope, snapshot, offset, chunk }
    }
    case 'chunkAccepted': {
      const snapshot = readSnapshotId(source)
      const received = source.varint()
      const flags = source.byte()
      return { type, ...envelope, snapshot, received, awaited: (flags & AWAITED) > 0, isNewcomer: (flags & NEWCOMER) > 0 }
    }
    case undefined: return void source.fail('a message is of an unknown kind')
    default: return unreachable(type)
  }
}

/** What a recording may hold is what a member could have been told. */
export const Message: t.Type<core.Message, unknown> =
  t.union([AppendEntries, AppendPart, AppendAccepted, AppendRefused, RequestVote, RequestVoteReply, TimeoutNow, InstallSnapshot, ChunkAccepted])
