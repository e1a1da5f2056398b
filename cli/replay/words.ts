/** A replay in words: short lines for people, the same as values for programs. */
import { lastIndexOf } from '../../lib/batch.js'
import type { RaftEvent, SnapshotWork, Write } from '../../lib/events.js'
import { lastEntry } from '../../lib/log.js'
import type { Message } from '../../lib/messages.js'
import { unreachable } from '../../lib/prelude.js'
import type { SnapshotId } from '../../lib/snapshot-id.js'
import type { RaftState } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'
import type { BatchHead, EntryBatch, EntryBody, MembershipWish } from '../../lib/types.js'

/** `3..7@2`: the entries from 3 to 7, of term 2. */
const placeOf = (batch: EntryBatch | BatchHead): string =>
  `${batch.firstIndex}${batch.count > 1 ? `..${lastIndexOf(batch)}` : ''}@${batch.term}${batch.kind === 'command' ? '' : ` ${batch.kind}`}`

const MAX_LISTED = 4
const entries = (batches: readonly EntryBatch[]): string => {
  const last = batches.at(-1)
  if (last === undefined) return 'no entries'
  return batches.length > MAX_LISTED ? `entries ${batches[0]!.firstIndex}..${lastIndexOf(last)} in ${batches.length} batches` : `entries ${batches.map(placeOf).join(', ')}`
}

const snapshotWords = ({ index, term, bytes }: SnapshotId): string => `snapshot ${index}@${term} (${bytes} bytes)`
const chunkWords = (offset: number, chunk: Uint8Array): string => (chunk.length > 0 ? `bytes ${offset} to ${offset + chunk.length}` : 'no chunk')

const newcomerClause = ({ isNewcomer = false }: { readonly isNewcomer?: boolean }): string => isNewcomer ? ', a newcomer' : ''

const ofMessage = (message: Message): string => {
  switch (message.type) {
    case 'appendEntries': return `after ${message.prevLogIndex}@${message.prevLogTerm} ${entries(message.batches)}, commit ${message.leaderCommit}${message.asks ? ', asks for an answer' : ''}`
    case 'appendPart': return `bytes ${message.offset} to ${message.offset + message.part.length} of ${message.head.body.bytes}, of ${placeOf(message.head)}`
    case 'appendAccepted': return `verified ${message.verified}, durable ${message.durable}${message.lacks > 0 ? `, lacks a snapshot at ${message.lacks} or later` : ''}${message.held > 0 ? `, ${message.held} bytes of what follows` : ''}${newcomerClause(message)}`
    case 'appendRefused': return `nothing at ${message.prevLogIndex}, try ${message.hintIndex}@${message.hintTerm}${newcomerClause(message)}`
    case 'requestVote': return `${message.preVote ? 'pre-vote, ' : message.transfer ? 'by the leader\'s wish, ' : ''}last ${message.lastLogIndex}@${message.lastLogTerm}`
    case 'requestVoteReply': return `${message.preVote ? 'pre-vote ' : ''}${message.voteGranted ? 'granted' : 'refused'}`
    case 'timeoutNow': return `stand for election at ${message.lastIndex}`
    case 'installSnapshot': return `${snapshotWords(message.snapshot)}, ${chunkWords(message.offset, message.chunk)}`
    case 'chunkAccepted': return `${snapshotWords(message.snapshot)}, received ${message.received}${message.awaited ? ', awaits more' : ''}${newcomerClause(message)}`
    default: return unreachable(message)
  }
}
const messageWords = (message: Message, party: string): string => `${message.type} ${party} in term ${message.term}: ${ofMessage(message)}`

const wishWords = (wish: MembershipWish): string => {
  if (wish.type === 'abandon') return 'abandon the change of the membership'
  const { voters, learners, remove, newcomers = [] } = wish
  const named = { 'make voters of': Object.keys(voters), 'make learners of': Object.keys(learners), remove }
  const changes = Object.entries(named).filter(([, ids]) => ids.length > 0).map(([what, ids]) => `${what} ${ids.join(', ')}`).join(' and ')
  return newcomers.length > 0 ? `${changes}, if ${newcomers.join(', ')} votes not yet` : changes
}

const eventWords = (event: RaftEvent): string => {
  switch (event.type) {
    case 'received': return messageWords(event.message, `from ${event.message.from}`)
    case 'proposed': return `proposed ${event.id}: ${event.body.count} commands, ${event.body.bytes.length} bytes`
    case 'readAsked': return `read ${event.id} asked for`
    case 'persisted': return `persisted turn ${event.turn}`
    case 'entriesRead': return `read ${entries(event.batches)} to ${event.purpose.type === 'apply' ? 'apply' : `replicate to ${event.purpose.to}`}`
    case 'applied': return `applied up to ${event.index}`
    case 'snapshotStored': return `${snapshotWords(event.snapshot)} is durable`
    case 'chunkWritten': return `${snapshotWords(event.snapshot)}: ${event.received} are written`
    case 'receiveFailed': return `${snapshotWords(event.snapshot)} cannot be written any further`
    case 'chunkRead': {
      const { chunk, offset, snapshot, to } = event
      return chunk === undefined ? `${snapshotWords(snapshot)} cannot be read any more for ${to}` : `${snapshotWords(snapshot)}: read ${chunkWords(offset, chunk)} for ${to}`
    }
    case 'peerGone': return `${event.peer} is gone`
    case 'transferAsked': return `the leadership of term ${event.term} is to pass to ${event.to ?? 'whoever is ready first'}`
    case 'changeAsked': return `the leader of term ${event.term} is to ${wishWords(event.wish)}`
    case 'ticked': return `ticked, due ${event.due.toFixed(1)}`
    default: return unreachable(event)
  }
}

const writeWords = (write: Write): string => {
  switch (write.type) {
    case 'append': return `write ${entries(write.batches)}`
    case 'hardState': return `write term ${write.hardState.term}, vote ${write.hardState.votedFor ?? 'none'}, commit ${write.hardState.commitIndex}${newcomerClause(write.hardState)}`
    case 'compact': return `give up entries up to ${write.base.index}@${write.base.term}`
    case 'install': return `begin the log anew after ${write.base.index}@${write.base.term}`
    default: return unreachable(write)
  }
}

const workWords = (work: SnapshotWork): string => {
  switch (work.type) {
    case 'receive': return `receive ${snapshotWords(work.snapshot)}`
    case 'write': return `write ${chunkWords(work.offset, work.chunk)} of ${snapshotWords(work.snapshot)}`
    case 'restore': return `restore ${snapshotWords(work.snapshot)}`
    case 'read': return `read up to ${work.maxBytes} bytes from ${work.offset} of ${snapshotWords(work.snapshot)} for ${work.to}`
    case 'take': return 'take a snapshot'
    default: return unreachable(work)
  }
}

/** A state in one line. */
export const stateWords = (state: RaftState): string => {
  const { index, term } = lastEntry(state.log)
  const role = state.role === 'candidate' ? `candidate (${state.phase})` : state.role
  const { receiving } = state
  const coming = receiving === undefined ? '' : `, receives ${snapshotWords(receiving.snapshot)}: ${receiving.phase}, ${receiving.received} written`
  return `${role} of term ${state.term}, leader ${state.leader ?? 'unknown'}, last ${index}@${term}, durable ${state.persistedIndex}, commit ${state.commitIndex}, applied ${state.appliedIndex}${coming}`
}

export const inputWords = (events: readonly RaftEvent[]): readonly string[] => events.map(event => `← ${eventWords(event)}`)

export const outputWords = ({ ready: { writes, messages, logReads, snapshots, committed, answers, readAnswers, changeAnswers, diagnostics } }: Step): readonly string[] => [
  ...writes.map(writeWords),
  ...messages.map(message => messageWords(message, `to ${message.to}`)),
  ...logReads.map(({ purpose, from, to }) => `read ${from}..${to} to ${purpose.type === 'apply' ? 'apply' : `replicate to ${purpose.to}`}`),
  ...snapshots.map(workWords),
  ...(committed.length > 0 ? [`apply ${entries(committed)}`] : []),
  ...answers.map(answer => `proposal ${answer.id}: ${answer.type}${answer.type === 'refused' ? `, ${answer.reason}` : ''}`),
  ...readAnswers.map(answer => `read ${answer.id}: ${answer.type === 'readable' ? `readable at ${answer.index}` : `refused, ${answer.reason}`}`),
  ...changeAnswers.map(answer => `change ${answer.id}: ${answer.type === 'changeTaken' ? `taken at ${answer.index}` : `${answer.type === 'changeRefused' ? 'refused' : 'not taken'}, ${answer.reason}`}`),
  ...diagnostics.map(diagnostic => `notice ${JSON.stringify(diagnostic)}`),
].map(line => `→ ${line}`)

/** Sizes in place of bytes, which are not those of the commands, and lists in place of what JSON cannot say. */
export const plain = (key: string, value: unknown): unknown => {
  if (value === Number.NEGATIVE_INFINITY) return null
  if (value instanceof Map) return [...value as ReadonlyMap<unknown, unknown>]
  if (value instanceof Uint8Array) return { byteLength: value.length }
  return key === 'body' ? bodyPlain(value as EntryBody) : value
}
const bodyPlain = ({ count, bytes, checksum }: EntryBody) => ({ count, byteLength: bytes.length, checksum })
