import { type Recycled, recycled } from '../../../codecs/recycled.js'
import type { Write } from '../../../lib/events.js'
import { isSameVote } from '../../../lib/hard-state.js'
import { type Either, isLeft, left, right, unreachable } from '../../../lib/prelude.js'
import type { HardState, Index, LogBase, Turn } from '../../../lib/types.js'
import type { Cancel, Clock } from '../../time/clock.js'
import { type Act, chain, inOrder, map, orUndo } from '../../act/act.js'
import { type Group, type Queued, type Written, encodeGroup, encodeItem, planGroup } from './append-group.js'
import type { HardStateFile } from '../files/hard-state-file.js'
import type { SegmentDropper } from './drop-segments.js'
import { type LogEnd, baseOf } from './log-end.js'
import type { LogIndex } from './log-index.js'
import { writeFully } from '../disk/file-access.js'
import { baseRecordBytes } from './segment.js'
import type { Segment, SegmentSupply } from './segment-files.js'
import type { SegmentNotes } from './segment-notes.js'

/** The ordered write queue of a store: what arrives while a sync is under way goes out together with the next one. */
export interface GroupCommit {
  write(turn: Turn, writes: readonly Write[]): void
  /** Calls `work` once everything that was queued before is durable, or never will be; at once if nothing is queued that concerns `to`. */
  whenWritten(to: Index, work: () => void): void
  /** Ends the store as a failed write does. */
  fail(error: Error): void
  hasFailed(): boolean
  /** Writes what is queued, then a mark that vouches for it, and closes the segment. */
  close(done: () => void): void
}

export interface GroupCommitOptions {
  readonly clock: Pick<Clock, 'after' | 'endOfTurn'>
  /** How long nothing may be written before a mark vouches for what was. */
  readonly idleMs: number
  readonly index: LogIndex
  readonly hardStateFile: HardStateFile
  readonly hardState: HardState
  readonly supply: SegmentSupply
  readonly notes: SegmentNotes
  readonly dropper: SegmentDropper
  readonly current: Segment
  /** Where the log begins and where it ends. */
  readonly base: Index
  readonly end: LogEnd
  /** Whether the last record of the log vouches for everything before it. */
  readonly isMarked: boolean
  readonly persisted: (turn: Turn) => void
  readonly writeFailed: (turn: Turn, error: Error) => void
}

interface Writing extends Written {
  readonly options: GroupCommitOptions
  /** Where a group is put together: the next one is when this one is on the disk. */
  readonly room: Recycled
  queue: Queued[]
  /** Items of the queue before this are done. */
  head: number
  segment: Segment
  /** What the log and the hard-state file say, durably, of the commitIndex. */
  commitIndex: Index
  end: LogEnd
  /** The hard state, the indices between which the log lies, and the turn as they will be when the queue is written. */
  queuedHardState: HardState
  queuedBase: Index
  queuedLast: Index
  queuedTurn: Turn
  /** The lowest index that something in the queue replaces or adds. */
  lowest: Index
  isBusy: boolean
  hasFailed: boolean
  /** Whether the last record vouches for everything before it. */
  isMarked: boolean
  idle: Cancel | undefined
  /** Groups written: what idleness is measured by. */
  groups: number
  closing: (() => void) | undefined
}

const fail = (writing: Writing, error: Error): void => {
  if (writing.hasFailed) return
  writing.hasFailed = true
  writing.options.dropper.close(() => undefined)
  const rest = writing.queue.slice(writing.head)
  writing.queue = []
  writing.head = 0
  writing.options.writeFailed(rest.find(item => item.turn > 0)?.turn ?? writing.queuedTurn, error)
  for (const item of rest) if (item.type === 'then') item.work()
}

/** Tells what `taken` more items being done means to those who wait for it. */
const complete = (writing: Writing, taken: number): void => {
  const end = writing.head + taken
  let turn = 0
  const works: (() => void)[] = []
  for (let i = writing.head; i < end; i++) {
    const item = writing.queue[i]!
    if (item.type === 'end') turn = item.turn
    else if (item.type === 'then') works.push(item.work)
    else if (item.type === 'install') writing.options.dropper.drop(0)
    else if (item.type === 'compact') {
      writing.options.index.forget(item.index)
      writing.options.dropper.drop(item.index)
    }
  }
  writing.head = end
  if (end === writing.queue.length) {
    writing.queue = []
    writing.head = 0
    writing.lowest = Number.POSITIVE_INFINITY
  } else if (end > 1024 && end * 2 > writing.queue.length) {
    writing.queue = writing.queue.slice(end)
    writing.head = 0
  }
  // The next group is under way before anybody hears of this one: the disk does not wait for listeners.
  pump(writing)
  if (turn > 0) writing.options.persisted(turn)
  for (const work of works) work()
}

/** Does `act`; its failure is the store's, told in a turn of its own: not during the call of whoever writes, nor before what was written until then. */
const busyWith = <A>(writing: Writing, act: Act<A, Error>, then: (answer: A) => void): void => {
  writing.isBusy = true
  act((outcome: Either<Error, A>) => {
    if (isLeft(outcome)) writing.options.clock.endOfTurn(() => {
      writing.isBusy = false
      fail(writing, outcome.left)
      pump(writing)
    })
    else {
      writing.isBusy = false
      if (writing.hasFailed) pump(writing)
      else then(outcome.right)
    }
  })
}

/** Fails where the store has by now. */
const unlessFailed = (writing: Writing): Act<void, Error> => done => done(writing.hasFailed ? left(new Error('the store has failed')) : right(undefined))

/** The newest of the hard states that follow each other at the front of the queue; those before it need not be written. */
const writeVote = (writing: Writing): void => {
  let hardState = writing.options.hardStateFile.found
  let end = writing.head
  for (; end < writing.queue.length; end++) {
    const item = writing.queue[end]!
    if (item.type === 'batch' || item.type === 'mark' || item.type === 'install') break
    if (item.type === 'vote') hardState = item.hardState
    if (item.type === 'commit') hardState = { ...hardState, commitIndex: item.commitIndex }
  }
  busyWith(writing, writing.options.hardStateFile.write(hardState), () => {
    writing.commitIndex = hardState.commitIndex
    complete(writing, end - writing.head)
  })
}

const appended = (writing: Writing, group: Group): void => {
  const { index, notes } = writing.options
  const { number } = writing.segment.header
  for (const { header: { type, firstIndex, offset, payloadBytes }, lastIndex } of group.records) {
    if (type === 'base' || type === 'install') notes.began(number, lastIndex, type === 'install')
    if (type === 'install') index.restart(lastIndex)
    if (type !== 'append') continue
    notes.appended(number, firstIndex)
    index.add(firstIndex, lastIndex, { segment: number, offset }, payloadBytes)
  }
  const { header, key, file } = writing.segment
  writing.segment = { header, key, file, tail: group.tail }
  writing.commitIndex = group.commitIndex
  writing.end = group.end
  writing.isMarked = group.records.every(({ header: { type } }) => type !== 'append' && type !== 'install')
  writing.groups++
}

const writeRecords = (writing: Writing, group: Group): Act<void> => {
  const { file, tail, key } = writing.segment
  return inOrder(writeFully(file, encodeGroup(group, tail, key.seed, writing.room), tail), file.datasync)
}

/** With room for its base, however many members there are, and for as much again. */
const prepareNext = ({ options: { supply }, segment, end }: Writing): void => supply.prepare(segment.header, 2 * baseRecordBytes(baseOf(end)))

/**
 * Writes the rest of a segment, and answers with the one that follows, which is closed again where the store does not go over to it. The seal says that it
 * exists: that is durable first.
 */
const sealSegment = (writing: Writing, group: Group, bytes: number): Act<Segment, Error> =>
  chain(writing.options.supply.next(writing.segment.header, bytes), (next): Act<Segment, Error> => {
    const written = inOrder<Error>(unlessFailed(writing), writeRecords(writing, group), unlessFailed(writing))
    return orUndo(map(written, () => next), next.file.close)
  })

const writeGroup = (writing: Writing, group: Group): void => {
  if (group.next === undefined) return busyWith(writing, writeRecords(writing, group), () => {
    appended(writing, group)
    // Not before: while a member starts the disk is for what it reads, and a start from a cold disk takes half as long again beside it. Not after what
    // follows has begun, either, which may be in the next segment.
    if (writing.groups === 1) prepareNext(writing)
    complete(writing, group.taken)
  })
  busyWith(writing, sealSegment(writing, group, group.next.bytes), next => {
    appended(writing, group)
    const full = writing.segment
    writing.segment = next
    full.file.close(() => undefined)
    complete(writing, group.taken)
    prepareNext(writing)
  })
}

const finishClosing = (writing: Writing): void => {
  const done = writing.closing
  if (done === undefined) return
  writing.closing = undefined
  writing.idle?.()
  writing.segment.file.close(() => done())
}

/** Starts what can be started: one write with its sync is under way at a time. */
const pump = (writing: Writing): void => {
  if (writing.isBusy) return
  if (writing.hasFailed) return finishClosing(writing)
  const first = writing.queue[writing.head]
  if (first === undefined) return rest(writing)
  if (first.type === 'vote') return writeVote(writing)
  const group = planGroup(writing.queue, writing.head, writing)
  if (group.records.length > 0) return writeGroup(writing, group)
  busyWith(writing, done => writing.options.clock.endOfTurn(() => done(right(undefined))), () => complete(writing, group.taken))
}

const enqueueMark = (writing: Writing): void => {
  writing.queue.push({ type: 'mark', turn: 0 })
  pump(writing)
}

/** Nothing is queued: what was written last is vouched for after a while, and at once when the store closes. */
const rest = (writing: Writing): void => {
  if (writing.closing !== undefined) return writing.isMarked ? finishClosing(writing) : enqueueMark(writing)
  if (writing.isMarked || writing.idle !== undefined) return
  const { groups } = writing
  writing.idle = writing.options.clock.after(writing.options.idleMs, () => {
    writing.idle = undefined
    if (writing.isBusy || writing.hasFailed || writing.queue.length > 0) return
    if (writing.groups === groups) enqueueMark(writing)
    else rest(writing)
  })
}

const enqueueHardState = (writing: Writing, turn: Turn, next: HardState): void => {
  const { queuedHardState: hardState } = writing
  if (!isSameVote(hardState, next)) writing.queue.push({ type: 'vote', turn, hardState: next })
  else if (next.commitIndex !== hardState.commitIndex) writing.queue.push({ type: 'commit', turn, commitIndex: next.commitIndex })
  writing.queuedHardState = next
}

/** Queues an append, or tells why it cannot follow what is there. */
const enqueueAppend = (writing: Writing, turn: Turn, { batches }: Extract<Write, { type: 'append' }>): string | undefined => {
  for (const batch of batches) {
    if (batch.firstIndex > writing.queuedLast + 1) return `an append at ${batch.firstIndex} leaves a gap after ${writing.queuedLast}`
    if (batch.firstIndex <= writing.queuedBase) return `an append at ${batch.firstIndex} would replace what a snapshot at ${writing.queuedBase} holds`
    const item = encodeItem(turn, batch)
    writing.queue.push(item)
    writing.lowest = Math.min(writing.lowest, item.firstIndex)
    writing.queuedLast = item.lastIndex
  }
  return undefined
}

const enqueueCompact = (writing: Writing, turn: Turn, { index }: LogBase): string | undefined => {
  if (index > writing.queuedLast) return `a log that ends at ${writing.queuedLast} cannot begin after ${index}`
  writing.queue.push({ type: 'compact', turn, index })
  writing.queuedBase = Math.max(writing.queuedBase, index)
  return undefined
}

const enqueueInstall = (writing: Writing, turn: Turn, base: LogBase): void => {
  writing.queue.push({ type: 'install', turn, base })
  writing.lowest = 0
  writing.queuedBase = base.index
  writing.queuedLast = base.index
}

const enqueue = (writing: Writing, turn: Turn, write: Write): string | undefined => {
  switch (write.type) {
    case 'append': return enqueueAppend(writing, turn, write)
    case 'hardState': return void enqueueHardState(writing, turn, write.hardState)
    case 'compact': return enqueueCompact(writing, turn, write.base)
    case 'install': return void enqueueInstall(writing, turn, write.base)
    default: return unreachable(write)
  }
}

/** The queue of an open store. */
export const createGroupCommit = (options: GroupCommitOptions): GroupCommit => {
  const { hardState, base, end, current } = options
  const writing: Writing = {
    options, room: recycled(1), queue: [], head: 0, segment: current, commitIndex: hardState.commitIndex, end,
    queuedHardState: hardState, queuedBase: base, queuedLast: end.index, queuedTurn: 0, lowest: Number.POSITIVE_INFINITY,
    isBusy: false, hasFailed: false, isMarked: options.isMarked, idle: undefined, groups: 0, closing: undefined,
  }
  return {
    write: (turn, writes) => {
      if (writing.hasFailed || writing.closing !== undefined) return
      writing.queuedTurn = turn
      for (const write of writes) {
        const fault = enqueue(writing, turn, write)
        if (fault !== undefined) return void options.clock.endOfTurn(() => fail(writing, new Error(fault)))
      }
      writing.queue.push({ type: 'end', turn })
      pump(writing)
    },
    whenWritten: (to, work) => {
      if (writing.hasFailed || to < writing.lowest) work()
      else writing.queue.push({ type: 'then', turn: 0, work })
    },
    fail: error => fail(writing, error),
    hasFailed: () => writing.hasFailed,
    close: done => {
      writing.closing = done
      pump(writing)
    },
  }
}
