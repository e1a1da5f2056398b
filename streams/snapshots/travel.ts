/** What two consecutive states tell of snapshots on their way from member to member. */
import type { Progress } from '../../lib/progress.js'
import { isSameSnapshot } from '../../lib/snapshot-id.js'
import { type Leader, type RaftState, progressOf } from '../../lib/state.js'
import { type SnapshotEvent, TELL_EVERY_BYTES } from './events.js'

const hasPassed = (before: number, after: number): boolean => Math.floor(after / TELL_EVERY_BYTES) > Math.floor(before / TELL_EVERY_BYTES)

const NONE: readonly SnapshotEvent[] = []

const isSending = ({ sending }: Progress): boolean => sending !== undefined

/** Hardly ever is anything on its way, and this is asked after every step. */
const sentBetween = (before: Leader, after: Leader): readonly SnapshotEvent[] =>
  before.progress.some(isSending) || after.progress.some(isSending) ? after.progress.flatMap(progress => sentTo(before, progress)) : NONE

const sentTo = (before: Leader, { id: to, sending, matchIndex }: Progress): readonly SnapshotEvent[] => {
  const was = progressOf(before, to)?.sending
  if (sending === undefined) return was !== undefined && matchIndex >= was.snapshot.index ? [{ type: 'sent', to, snapshot: was.snapshot }] : []
  const { snapshot, received: bytes } = sending
  const isSame = was !== undefined && isSameSnapshot(was.snapshot, snapshot)
  return !isSame || hasPassed(was.received, bytes) ? [{ type: 'sending', to, snapshot, bytes }] : []
}

const receivedBetween = ({ receiving: was }: RaftState, { receiving }: RaftState): readonly SnapshotEvent[] => {
  if (receiving === undefined) return was?.phase === 'restoring' ? [{ type: 'restored', snapshot: was.snapshot }] : []
  const { snapshot, phase, received: bytes } = receiving
  const isSame = was !== undefined && isSameSnapshot(was.snapshot, snapshot)
  if (phase === 'restoring') return isSame && was.phase === 'restoring' ? [] : [{ type: 'received', snapshot }]
  return !isSame || hasPassed(was.received, bytes) ? [{ type: 'receiving', snapshot, bytes }] : []
}

/** The events of one step. */
export const travelBetween = (before: RaftState, after: RaftState): readonly SnapshotEvent[] => [
  ...before.role === 'leader' && after.role === 'leader' && before.term === after.term ? sentBetween(before, after) : [],
  ...receivedBetween(before, after),
]
