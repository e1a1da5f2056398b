/** One turn of a recording: what went into its step, and in few numbers the state on which the step was made. */
import { type Either, left, right } from '../../lib/prelude.js'
import type { Batch, RaftEvent } from '../../lib/events.js'
import type { RaftState } from '../../lib/state.js'
import type { Index, Term, Turn } from '../../lib/types.js'
import type { ByteSink } from '../byte-sink.js'
import type { ByteSource } from '../byte-source.js'
import { readEvent, writeEvent } from './events.js'

const ROLES = ['follower', 'candidate', 'leader'] as const

/** What a replay is compared with, turn by turn. */
export interface Digest {
  readonly role: RaftState['role']
  readonly term: Term
  readonly lastIndex: Index
  readonly persistedIndex: Index
  readonly commitIndex: Index
  readonly appliedIndex: Index
}

export interface RecordedTurn {
  readonly turn: Turn
  readonly batch: Batch
  /** Of the state before the step. */
  readonly before: Digest
}

export const digestOf = ({ role, term, log: { lastIndex }, persistedIndex, commitIndex, appliedIndex }: RaftState): Digest =>
  ({ role, term, lastIndex, persistedIndex, commitIndex, appliedIndex })

/** Where two digests differ, a line for each number. */
export const differences = (recorded: Digest, replayed: Digest): readonly string[] =>
  (['role', 'term', 'lastIndex', 'persistedIndex', 'commitIndex', 'appliedIndex'] as const)
    .filter(name => recorded[name] !== replayed[name])
    .map(name => `recorded ${name} ${recorded[name]}, replayed ${replayed[name]}`)

/** The turn that folds `batch` into `state`. */
export const writeTurn = (sink: ByteSink, state: RaftState, { now, wall, events }: Batch): void => {
  sink.varint(state.turn + 1)
  sink.byte(ROLES.indexOf(state.role))
  sink.varint(state.term)
  sink.varint(state.log.lastIndex)
  sink.varint(state.persistedIndex)
  sink.varint(state.commitIndex)
  sink.varint(state.appliedIndex)
  sink.double(now)
  sink.double(wall)
  sink.varint(events.length)
  for (const event of events) writeEvent(sink, event)
}

export const readTurn = (source: ByteSource): Either<string, RecordedTurn> => {
  const turn = source.varint()
  const role = ROLES[source.byte()]
  if (role === undefined) source.fail('a member is in an unknown role')
  const before = {
    role: role ?? 'follower', term: source.varint(), lastIndex: source.varint(), persistedIndex: source.varint(),
    commitIndex: source.varint(), appliedIndex: source.varint(),
  }
  const now = source.double()
  const wall = source.double()
  if (!Number.isFinite(now) || !Number.isFinite(wall)) source.fail('a clock shows no number')
  const events: RaftEvent[] = []
  source.list(() => {
    const event = readEvent(source)
    if (event !== undefined) events.push(event)
    return event
  })
  if (source.left() > 0) source.fail('it has more bytes than its events')
  const fault = source.fault()
  return fault === undefined ? right({ turn, batch: { now, wall, events }, before }) : left(fault)
}
