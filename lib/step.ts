import { acknowledge } from './acknowledgement.js'
import { handOut, onApplied, onReadToApply } from './application.js'
import { onRequestVoteReply } from './candidate.js'
import { onAppendPart } from './assembling.js'
import { reachFrom } from './bounds.js'
import { advanceCommit } from './commitment.js'
import { compact } from './compaction.js'
import { becomeFollower } from './convert.js'
import { onPeerGone } from './departure.js'
import { draft } from './draft.js'
import type { Batch, RaftEvent, Ready } from './events.js'
import { onAppendEntries } from './follower.js'
import { assertSound } from './invariants.js'
import { settleIn } from './joining.js'
import { onAppendAccepted, onAppendRefused, onEntriesRead, onProposed } from './leader.js'
import { evict } from './log.js'
import type { Message } from './messages.js'
import { type Outbox, emptyOutbox, malformed, reportContradiction } from './outbox.js'
import { isPossible } from './possible.js'
import { unreachable } from './prelude.js'
import { confirmReads, onReadAsked } from './reads.js'
import { readyFrom } from './ready.js'
import { completeInstall, giveUpOvertaken, onChunkWritten, onInstallSnapshot, onReceiveFailed, onSnapshotStored, tellReceived } from './receiving.js'
import { replicate } from './replication.js'
import { onChunkAccepted, onChunkRead } from './sending.js'
import { idOf } from './snapshot-id.js'
import type { Follower, RaftState } from './state.js'
import { onPersisted } from './storing.js'
import { onTicked, passDeadlines, saveCommitWhenIdle } from './timers.js'
import { onChangeAsked, reconfigure, resign } from './reconfiguration.js'
import { handOver, onTimeoutNow, onTransferAsked } from './transfer.js'
import { movesTerm, onRequestVote } from './voting.js'
import { isWellFormed } from './well-formed.js'

/** The accumulator of the scan: where a member stands, and what it just asked of the world. */
export interface Step {
  readonly state: RaftState
  readonly ready: Ready
}

/** THE reducer. Handlers fold each fact into a private copy of the state; then the rules draw the consequences, once. */
export const step = (previous: Step, batch: Batch): Step => {
  const outbox = emptyOutbox()
  let state = draft(previous.state, batch.now, batch.wall)
  if (!Number.isFinite(batch.now) || !Number.isFinite(batch.wall)) outbox.diagnostics.push({ type: 'impossibleEvent', event: 'batch' })
  for (const event of batch.events) {
    if (isPossible(event)) state = handle(state, event, outbox)
    else outbox.diagnostics.push({ type: 'impossibleEvent', event: nameOf(event) })
  }
  state = settle(state, outbox)
  const ready = readyFrom(previous.state, state, outbox)
  assertSound(previous.state, state)
  return { state, ready }
}

/** What it calls itself, where it does. */
const nameOf = (event: unknown): string => {
  const { type }: { readonly type?: unknown } = Object(event)
  return typeof type === 'string' ? type : ''
}

const handle = (state: RaftState, event: RaftEvent, outbox: Outbox): RaftState => {
  switch (event.type) {
    case 'received': return receive(state, event.message, outbox)
    case 'proposed':
      if (state.role === 'leader') onProposed(state, event, outbox)
      else outbox.answers.push({ type: 'refused', id: event.id, reason: 'notLeader' })
      return state
    case 'readAsked':
      if (state.role === 'leader') onReadAsked(state, event.id, outbox)
      else outbox.readAnswers.push({ type: 'readRefused', id: event.id, reason: 'notLeader' })
      return state
    case 'persisted': onPersisted(state, event.turn); return state
    case 'entriesRead':
      if (event.purpose.type === 'apply') onReadToApply(state, event.from, event.batches, outbox)
      else if (state.role === 'leader') onEntriesRead(state, event.purpose.to, event.from, event.batches)
      return state
    case 'applied': onApplied(state, event.index); return state
    case 'snapshotStored': onSnapshotStored(state, event, outbox); return state
    case 'chunkWritten': onChunkWritten(state, event, outbox); return state
    case 'receiveFailed': onReceiveFailed(state, event); return state
    case 'chunkRead': if (state.role === 'leader') onChunkRead(state, event); return state
    case 'peerGone': return onPeerGone(state, event.peer, outbox)
    case 'transferAsked': if (state.role === 'leader') onTransferAsked(state, event); return state
    case 'changeAsked':
      if (state.role === 'leader') onChangeAsked(state, event, outbox)
      else outbox.changeAnswers.push({ type: 'changeNotTaken', id: event.id, reason: 'this member does not lead' })
      return state
    case 'ticked': onTicked(state, event.due, outbox); return state
    default: return unreachable(event)
  }
}

/** The rules for all servers, before any role looks at the message (Figure 2, §5.1). */
const receive = (state: RaftState, message: Message, outbox: Outbox): RaftState => {
  if (!isWellFormed(message)) {
    outbox.diagnostics.push(malformed(message))
    return state
  }
  const { from, to, term, type } = message
  if (to !== state.settings.id) {
    outbox.diagnostics.push({ type: 'wrongAddressee', from, to, message: type })
    return state
  }
  if (isTooFar(state, message)) {
    reportContradiction(outbox, message, 'a number so large that nobody can have come so far')
    return approach(state, message, outbox)
  }
  if (term < state.term) return answerStale(state, message, outbox)
  return dispatch(movesTerm(state, message) ? becomeFollower(state, term, undefined, outbox) : state, message, outbox)
}

/** Whether whoever believed it would be near the end of all numbers; terms and snapshots alone take a member far ahead at once. */
const isTooFar = (state: RaftState, message: Message): boolean =>
  message.term > reachFrom(state.term) || (message.type === 'installSnapshot' && message.snapshot.index > reachFrom(state.log.lastIndex))

/** Goes as far towards the term as it may at once: others can be there, by lies that this member has missed, and it must come to them in the end. */
const approach = (state: RaftState, message: Message, outbox: Outbox): RaftState => {
  const reach = reachFrom(state.term)
  return message.term > reach && movesTerm(state, message) ? becomeFollower(state, reach, undefined, outbox) : state
}

const dispatch = (state: RaftState, message: Message, outbox: Outbox): RaftState => {
  switch (message.type) {
    case 'appendEntries': return obey(state, message, outbox, follower => onAppendEntries(follower, message, outbox))
    case 'appendPart': return obey(state, message, outbox, follower => onAppendPart(follower, message, outbox))
    case 'installSnapshot': return obey(state, message, outbox, follower => onInstallSnapshot(follower, message, outbox))
    case 'timeoutNow': return state.role === 'follower' && state.leader === message.from ? onTimeoutNow(state, message, outbox) : state
    case 'requestVote': onRequestVote(state, message, outbox); return state
    case 'requestVoteReply': return state.role === 'candidate' ? onRequestVoteReply(state, message, outbox) : state
    case 'appendAccepted': if (state.role === 'leader') onAppendAccepted(state, message, outbox); return state
    case 'appendRefused': if (state.role === 'leader') onAppendRefused(state, message, outbox); return state
    case 'chunkAccepted': if (state.role === 'leader') onChunkAccepted(state, message, outbox); return state
    default: return unreachable(message)
  }
}

/** Election Safety (§5.2): a second leader of one term is somebody's mistake, and is not obeyed; a candidate that has lost to another gives up. */
const obey = (state: RaftState, { from }: Message, outbox: Outbox, follow: (follower: Follower) => void): RaftState => {
  if (state.role === 'leader' || (state.leader !== undefined && state.leader !== from)) {
    outbox.diagnostics.push({ type: 'twoLeaders', term: state.term, other: from })
    return state
  }
  const follower = state.role === 'candidate' ? becomeFollower(state, state.term, from, outbox) : state
  follow(follower)
  return follower
}

/**
 * Requests of an older term are refused with the newer one; answers of an older term count for nothing, except to pre-votes, which belong to no term.
 * A refusal for the term names no round: the one who asked may have restarted since, and its clock and its rounds with it.
 */
const answerStale = (state: RaftState, message: Message, outbox: Outbox): RaftState => {
  const { from, to } = message
  if (message.type === 'appendEntries' || message.type === 'appendPart') {
    const prevLogIndex = message.type === 'appendEntries' ? message.prevLogIndex : message.head.firstIndex - 1
    outbox.messages.push({ type: 'appendRefused', from: to, to: from, term: state.term, prevLogIndex, hintIndex: 0, hintTerm: 0, isNewcomer: state.isNewcomer, round: 0 })
  }
  if (message.type === 'installSnapshot') {
    const snapshot = idOf(message.snapshot)
    outbox.messages.push({
      type: 'chunkAccepted', from: to, to: from, term: state.term, snapshot, received: 0, awaited: false, isNewcomer: state.isNewcomer, round: 0,
    })
  }
  const isPreVoteReply = message.type === 'requestVoteReply' && message.preVote
  return message.type === 'requestVote' || isPreVoteReply ? dispatch(state, message, outbox) : state
}

/** The rules, in order, once per batch. */
const settle = (before: RaftState, outbox: Outbox): RaftState => {
  let state = passDeadlines(before, outbox)
  // Before the rest, so that nothing is asked from the disk that has been cut.
  compact(state)
  if (state.role === 'leader') {
    advanceCommit(state)
    confirmReads(state, outbox)
    reconfigure(state, outbox)
    replicate(state, outbox)
    state = resign(state, outbox)
  }
  if (state.role === 'leader') handOver(state, outbox)
  giveUpOvertaken(state)
  completeInstall(state, outbox)
  settleIn(state, outbox)
  acknowledge(state, outbox)
  tellReceived(state, outbox)
  handOut(state, outbox)
  saveCommitWhenIdle(state, outbox)
  state.log = evict(state.log, state.persistedIndex, state.settings.logCacheBytes)
  return state
}
