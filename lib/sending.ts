/**
 * A snapshot on its way to a follower whose log begins before this one's (§7, Figure 13).
 *
 *     ask ──► awaited n ──► read n ──► send n ──► awaited n + length ──► …
 *
 * The follower says which chunk it awaits, and that one alone is sent: once for each answer that knows of the chunk before. Every
 * heartbeat asks again, so whatever is lost on the way is sent again.
 */
import type { RaftEvent } from './events.js'
import { heardFrom } from './hearing.js'
import { termAt } from './log.js'
import { type ChunkAccepted, NO_CHUNK } from './messages.js'
import { isResting, noteWork, rest } from './giving-way.js'
import { type Outbox, reportContradiction } from './outbox.js'
import { arrivalOf, pace } from './pacing.js'
import type { Progress, Sending } from './progress.js'
import { dateOf, roundOf } from './rounds.js'
import { isSameSnapshot } from './snapshot-id.js'
import { type Leader, progressOf } from './state.js'
import type { Millis, Snapshot } from './types.js'

/** The follower has written so much, and says whether it awaits what follows. */
export const onChunkAccepted = (leader: Leader, reply: ChunkAccepted, outbox: Outbox): void => {
  const progress = heardFrom(leader, reply, outbox)
  const sending = progress?.sending
  if (progress === undefined || sending === undefined || !isSameSnapshot(sending.snapshot, reply.snapshot) || reply.round < sending.round) return
  const { received, awaited, round } = reply
  if (received > sending.snapshot.bytes) return reportContradiction(outbox, reply, `${received} of ${sending.snapshot.bytes} bytes received`)
  const isReady = awaited && sending.round === 0
  if (isReady || received > sending.received) sending.movedAt = leader.now
  sending.received = received
  sending.awaited = awaited && received < sending.snapshot.bytes ? received : undefined
  // As with the parts of a batch, what counts is when the chunk left, not who asked after it.
  const { chunkBytes: bytes } = sending
  const left = bytes > 0 ? sending.round : round
  const arrival = bytes > 0 ? arrivalOf(progress, bytes, dateOf(left)) : undefined
  pace(leader, progress, { answered: round, left, bytes, arrival })
  if (arrival !== undefined) noteWork(leader, progress, arrival)
  sending.chunkBytes = 0
}

type ChunkRead = Extract<RaftEvent, { type: 'chunkRead' }>

/** A chunk is here; or the snapshot is gone, and the next one has to do. */
export const onChunkRead = (leader: Leader, { to, snapshot, offset, chunk }: ChunkRead): void => {
  const progress = progressOf(leader, to)
  const sending = progress?.sending
  if (progress === undefined || sending === undefined || !isSameSnapshot(sending.snapshot, snapshot)) return
  if (chunk !== undefined) {
    if (sending.read?.offset === offset) sending.read = { offset, chunk }
    return
  }
  progress.sending = undefined
  if (leader.snapshot !== undefined && isSameSnapshot(leader.snapshot, snapshot)) leader.snapshot = undefined
}

/** Whether entries cannot help this follower, or not alone. */
export const needsSnapshot = ({ log }: Leader, { nextIndex, lacks }: Progress): boolean => lacks > 0 || termAt(log, nextIndex - 1) === undefined

/** Sends the chunk that is awaited, as fast as may be, and otherwise asks with each heartbeat, and where reads wait for a word of it. */
export const sendSnapshot = (leader: Leader, progress: Progress, outbox: Outbox): void => {
  const isNew = progress.sending === undefined || !isUseful(leader, progress, progress.sending.snapshot) || isOutdated(leader, progress.sending)
  if (isNew) progress.sending = leader.snapshot !== undefined && isUseful(leader, progress, leader.snapshot) ? newSending(leader.snapshot, progress.sending?.movedAt ?? leader.now) : undefined
  const { sending } = progress
  if (sending === undefined) return
  readAwaited(leader, progress, sending, outbox)
  const chunk = chunkToSend(leader, progress, sending)
  if (chunk !== undefined) sendChunk(leader, progress, sending, chunk, outbox)
  else if (isNew || outbox.heartbeatDue || outbox.quorumAsked) send(leader, progress, sending, NO_CHUNK, outbox)
}

/**
 * How many election timeouts a chunk may take, the first with all that comes before it: as long as it takes over the slowest link that still carries
 * life signs, and where several followers have to take turns.
 */
const PATIENCE_TIMEOUTS = 10

/** Whether the follower takes it in; or has all of it, and is at work on its machine, which may take as long as it likes. */
export const isMoving = ({ now, settings: { electionTimeoutMs } }: Leader, { snapshot, received, movedAt }: Sending): boolean =>
  (received > 0 && received === snapshot.bytes) || now - movedAt <= PATIENCE_TIMEOUTS * electionTimeoutMs

/** Has a snapshot taken where somebody needs one and there is none that would help; with each heartbeat, until there is. */
export const takeForOthers = (leader: Leader, outbox: Outbox): void => {
  const isWanting = (progress: Progress): boolean => progress.sending === undefined && needsSnapshot(leader, progress)
  if (outbox.heartbeatDue && leader.progress.some(isWanting)) outbox.snapshots.push({ type: 'take' })
}

/** Whether the log can help the follower from there on, and the snapshot has what the follower lacks. */
const isUseful = ({ log }: Leader, { lacks }: Progress, { index }: Snapshot): boolean => index >= log.base.index && index >= lacks

/** Whether the follower has nothing of what was sent, and so may as well begin again with a newer one, which needs less of the log. */
const isOutdated = (leader: Leader, { snapshot, awaited, round }: Sending): boolean =>
  awaited === 0 && round > 0 && leader.snapshot !== undefined && leader.snapshot.index > snapshot.index

const newSending = (snapshot: Snapshot, movedAt: Millis): Sending => ({ snapshot, received: 0, movedAt, awaited: undefined, read: undefined, round: 0, chunkBytes: 0 })

/** The chunk that the follower awaits, once it is here. */
const awaitedChunk = ({ awaited, read }: Sending): Uint8Array | undefined => awaited !== undefined && read?.offset === awaited ? read.chunk : undefined

/** Where chunks are held back to a rate, it is the turn of whoever has waited longest since its last one: else one follower would get all of them. */
const isNext = (leader: Leader, { round }: Sending): boolean =>
  leader.progress.every(other => other.sending === undefined || other.sending.round >= round || awaitedChunk(other.sending) === undefined || isResting(leader, other))

const chunkToSend = (leader: Leader, progress: Progress, sending: Sending): Uint8Array | undefined =>
  leader.now >= leader.chunkDue && !isResting(leader, progress) && isNext(leader, sending) ? awaitedChunk(sending) : undefined

const readAwaited = (leader: Leader, progress: Progress, sending: Sending, outbox: Outbox): void => {
  if (sending.awaited !== undefined && sending.read?.offset !== sending.awaited) read(leader, progress, sending, sending.awaited, outbox)
}

/** So large that no other follower waits longer than an election timeout for it where chunks are held back to a rate. */
const chunkBytes = ({ snapshotChunkBytes, snapshotBytesPerSecond, electionTimeoutMs }: Leader['settings'], { windowBytes }: Progress): number =>
  Math.min(snapshotChunkBytes, windowBytes, Math.max(1, Math.floor(snapshotBytesPerSecond * electionTimeoutMs / 1000)))

const read = ({ settings }: Leader, progress: Progress, sending: Sending, offset: number, outbox: Outbox): void => {
  const { snapshot } = sending
  sending.read = { offset, chunk: undefined }
  outbox.snapshots.push({ type: 'read', to: progress.id, snapshot, offset, maxBytes: chunkBytes(settings, progress) })
}

const sendChunk = (leader: Leader, progress: Progress, sending: Sending, chunk: Uint8Array, outbox: Outbox): void => {
  const { now, settings: { heartbeatMs, snapshotBytesPerSecond } } = leader
  sending.round = roundOf(leader, outbox)
  sending.chunkBytes = chunk.length
  rest(leader, progress)
  send(leader, progress, sending, chunk, outbox)
  const next = sending.awaited! + chunk.length
  sending.awaited = undefined
  // Nobody looks between two ticks: what the rate allowed meanwhile leaves after this one, or of small chunks only one would leave with each tick.
  leader.chunkDue = Math.max(now - heartbeatMs / 2, leader.chunkDue) + chunk.length * 1000 / snapshotBytesPerSecond
  if (next < sending.snapshot.bytes) read(leader, progress, sending, next, outbox)
}

const send = (leader: Leader, { id }: Progress, { snapshot, received, awaited }: Sending, chunk: Uint8Array, outbox: Outbox): void => {
  const { settings, term } = leader
  const round = roundOf(leader, outbox)
  outbox.messages.push({ type: 'installSnapshot', from: settings.id, to: id, term, snapshot, offset: awaited ?? received, chunk, round })
}
