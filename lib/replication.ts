import { bytesOf, headOf, lastIndexOf } from './batch.js'
import { isActive } from './contact.js'
import { appendBytes, isResting, rest } from './giving-way.js'
import { commitFor } from './joining.js'
import { batchesFrom, entryAt, firstInMemory, termAt } from './log.js'
import { isVoter } from './membership.js'
import type { Outbox } from './outbox.js'
import { onTheWay } from './pacing.js'
import { type Inflight, type Progress, proceed } from './progress.js'
import { roundOf } from './rounds.js'
import { needsSnapshot, sendSnapshot, takeForOthers } from './sending.js'
import { holdsBackCommits } from './sequels.js'
import { type Leader, membership } from './state.js'
import type { CommandBatch, EntryBatch } from './types.js'
import { LEAST_PART_BYTES } from './window.js'

/** Sends every follower what it lacks, entries or a snapshot, as far as its window allows, and life signs where they are due (§5.3, §7). */
export const replicate = (leader: Leader, outbox: Outbox): void => {
  for (const progress of leader.progress) serve(leader, progress, outbox)
  takeForOthers(leader, outbox)
}

const serve = (leader: Leader, progress: Progress, outbox: Outbox): void => {
  const { log } = leader
  if (needsSnapshot(leader, progress)) sendSnapshot(leader, progress, outbox)
  else progress.sending = undefined
  if (termAt(log, progress.nextIndex - 1) === undefined) {
    if (progress.sending === undefined) signLife(leader, progress, outbox)
    return
  }
  const active = isActive(leader, progress)
  let sent = false
  while (active && hasRoom(leader, progress) && progress.nextIndex <= log.lastIndex) {
    const batches = nextBatches(leader, progress, outbox)
    const [first] = batches
    if (first === undefined || hasToWait(progress, batches)) break
    const isWhole = !isInParts(leader, progress, first)
    if (!isWhole && progress.mode === 'replicate') {
      if (sendPart(leader, progress, first, outbox)) continue
      break
    }
    send(leader, progress, isWhole ? batches : [], active, outbox)
    sent = true
  }
  if (!sent && isLifeSignDue(leader, progress, active, outbox)) send(leader, progress, [], active, outbox)
}

/** Until there is a snapshot to send: what the follower refuses is a life sign too. */
const signLife = (leader: Leader, progress: Progress, outbox: Outbox): void => {
  const { settings, log: { base }, term } = leader
  if (!outbox.heartbeatDue && !outbox.quorumAsked) return
  outbox.messages.push({
    type: 'appendEntries', from: settings.id, to: progress.id, term, prevLogIndex: base.index, prevLogTerm: base.term, batches: [], leaderCommit: 0,
    asks: outbox.quorumAsked, round: roundOf(leader, outbox),
  })
}

/** While probing one message at a time; otherwise so many, and so much that is not durable there. */
const hasRoom = (leader: Leader, progress: Progress): boolean => {
  const { maxInflightMessages, maxInflightBytes } = leader.settings
  const { mode, probeRound, inflight, inflightBytes } = progress
  if (isResting(leader, progress)) return false
  if (mode === 'probe') return probeRound === 0
  return inflight.length < maxInflightMessages && inflightBytes < maxInflightBytes
}

const weightOf = (batches: readonly EntryBatch[]): number => batches.reduce((sum, batch) => sum + bytesOf(batch), 0)

/** Behind what is on its way this would be more than the window. */
const hasToWait = (progress: Progress, batches: readonly EntryBatch[]): boolean => {
  const bytes = onTheWay(progress)
  return bytes > 0 && bytes + weightOf(batches) > progress.windowBytes
}

const partBytes = ({ settings }: Leader, { windowBytes }: Progress): number => Math.max(LEAST_PART_BYTES, Math.min(windowBytes, settings.maxInflightBytes))

/** Whether what is still to send of a batch would delay the life signs behind it, or some of it has left: it goes in parts, and while probing not at all. */
const isInParts = (leader: Leader, progress: Progress, batch: EntryBatch): batch is CommandBatch =>
  batch.kind === 'command' && (progress.parts.held + progress.parts.bytes > 0 || batch.body.bytes.length > partBytes(leader, progress))

/**
 * Heartbeats depend on time alone. A commit is told at once to those who can follow it, but rides with the next entries where some are in flight:
 * their answer begins a turn that tells it, if nothing else has. It also waits, until the next tick at most, where the next command is counted on. Who decides is asked at once where reads wait.
 */
const isLifeSignDue = (leader: Leader, progress: Progress, active: boolean, outbox: Outbox): boolean => {
  const { id, mode, sentCommit, inflight } = progress
  const isHeldBack = inflight.length > 0 || (holdsBackCommits(leader) && !outbox.ticked)
  const isCommitDue = mode === 'replicate' && sentCommit < commitFor(leader, progress) && !isHeldBack
  return outbox.heartbeatDue || (active && (isCommitDue || (outbox.quorumAsked && isVoter(membership(leader), id))))
}

/** As many as that, but at least one: the window may have shrunk since they were read. */
const fitting = (batches: readonly EntryBatch[], maxBytes: number): readonly EntryBatch[] => {
  let bytes = 0
  const end = batches.findIndex(batch => (bytes += bytesOf(batch)) > maxBytes)
  return end < 0 ? batches : batches.slice(0, Math.max(1, end))
}

/** What follows nextIndex, half a window at a time, so that one half travels while the other is answered: from memory, or from the disk as soon as it has been read. */
const nextBatches = (leader: Leader, progress: Progress, outbox: Outbox): readonly EntryBatch[] => {
  const { log } = leader
  const { nextIndex, fromDisk, reading, id, windowBytes } = progress
  const last = log.lastIndex
  const maxBytes = Math.min(appendBytes(leader, progress), windowBytes / 2)
  if (nextIndex >= firstInMemory(log)) return batchesFrom(log, nextIndex, last, maxBytes)
  // A read may have been asked for in another time of this log: equal (index, term) proves the entries are still the same.
  if (fromDisk[0]?.firstIndex === nextIndex && fromDisk.every(batch => termAt(log, lastIndexOf(batch)) === batch.term)) return fitting(fromDisk, maxBytes)
  progress.fromDisk = []
  if (reading === 0) {
    progress.reading = nextIndex
    outbox.logReads.push({ purpose: { type: 'replicate', to: id }, from: nextIndex, to: last, maxBytes })
  }
  return []
}

const send = (leader: Leader, progress: Progress, batches: readonly EntryBatch[], active: boolean, outbox: Outbox): void => {
  const { settings, log, term, now } = leader
  const round = roundOf(leader, outbox)
  const { index: prevLogIndex, term: prevLogTerm } = entryAt(log, progress.nextIndex - 1)
  // Nothing is promised to a follower of which nothing is known.
  const leaderCommit = active ? commitFor(leader, progress) : 0
  outbox.messages.push({
    type: 'appendEntries', from: settings.id, to: progress.id, term, prevLogIndex, prevLogTerm, batches, leaderCommit, asks: outbox.quorumAsked, round,
  })
  progress.sentCommit = leaderCommit
  if (progress.mode === 'probe') {
    progress.probeRound = round
    return
  }
  const last = batches.at(-1)
  if (last === undefined) return
  const bytes = weightOf(batches)
  advance(progress, { lastIndex: lastIndexOf(last), bytes, sentAt: now, sentBytes: bytes })
  rest(leader, progress)
}

/** All of this has left. */
const advance = (progress: Progress, sent: Inflight): void => {
  proceed(progress, sent.lastIndex + 1)
  progress.inflight = [...progress.inflight, sent]
  progress.inflightBytes += sent.bytes
}

/** Sends the next part of the batch once all that left before has been answered: whoever answers a part names its round, so it is the only one with it. Whether it was the last. */
const sendPart = (leader: Leader, progress: Progress, batch: CommandBatch, outbox: Outbox): boolean => {
  const { settings, log, term, now } = leader
  const { id: to, parts: { held } } = progress
  const { body: { bytes }, firstIndex } = batch
  if (onTheWay(progress) > 0) return false
  const part = bytes.subarray(held, held + partBytes(leader, progress))
  const round = roundOf(leader, outbox)
  progress.parts = { held, round, bytes: part.length }
  outbox.messages.push({
    type: 'appendPart', from: settings.id, to, term, prevLogTerm: entryAt(log, firstIndex - 1).term, head: headOf(batch), offset: held, part, round,
  })
  if (held + part.length < bytes.length) return false
  advance(progress, { lastIndex: lastIndexOf(batch), bytes: bytesOf(batch), sentAt: now, sentBytes: part.length })
  return true
}
