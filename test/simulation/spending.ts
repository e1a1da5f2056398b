/** What snapshots cost the disks of a cluster: whatever a member takes on its own account was due, by the log that it had applied. */
import { bytesOf } from '../../lib/batch.js'
import type { Step } from '../../lib/step.js'
import type { EntryBatch, Index, MemberId, Snapshot } from '../../lib/types.js'
import type { Limits } from '../../streams/index.js'
import type { Fold } from '../../streams/pipeline/fold.js'

/** One life of a member. */
interface Life {
  last: Step
  /** What the next one follows: what it took itself, or was set to. */
  before: Snapshot | undefined
  /** What each entry that was handed to the machine takes of the log. */
  readonly weights: Map<Index, number>
  /** Where those stand that others sent. */
  readonly received: Set<Index>
  /** A follower needed one, whatever the log. */
  isAsked: boolean
}

const weigh = ({ weights }: Life, batch: EntryBatch): void => {
  const weight = batch.kind === 'command' ? bytesOf(batch) / batch.body.count : bytesOf(batch)
  for (let at = 0; at < batch.count; at++) weights.set(batch.firstIndex + at, weight)
}

const appliedBetween = ({ weights }: Life, after: Index, last: Index): number => {
  let bytes = 0
  for (let index = after + 1; index <= last; index++) bytes += weights.get(index) ?? 0
  return bytes
}

export interface Spending {
  /** The same, looked on. */
  readonly fold: Fold
  /** Snapshots that members took, that they began to receive, and that they received to the end. */
  readonly counts: { taken: number; begun: number; received: number }
  /** The first that was not due. */
  readonly complaint: () => string | undefined
}

/** Shares of a batch are no whole numbers. */
const ROUNDING = 0.01

/**
 * The log between two snapshots that a member took has as many bytes as the former, and as `snapshotBytes`: all of them together are no larger than what it applied and
 * the last of them. But for those that are due by the number of their entries, or because a follower needs one.
 */
export const createSpending = (fold: Fold, { snapshotBytes = Number.POSITIVE_INFINITY, snapshotEntries = Number.POSITIVE_INFINITY }: Partial<Limits>): Spending => {
  const lives = new Map<MemberId, Life>()
  const counts = { taken: 0, begun: 0, received: 0 }
  let complaint: string | undefined
  const lifeOf = (step: Step): Life => {
    const { settings: { id }, snapshot } = step.state
    const known = lives.get(id)
    if (known?.last === step) return known
    const begun: Life = { last: step, before: snapshot, weights: new Map(), received: new Set(), isAsked: false }
    lives.set(id, begun)
    return begun
  }
  const stored = (id: MemberId, life: Life, snapshot: Snapshot): void => {
    const { index } = snapshot
    const { index: earlier, bytes: size } = life.before ?? { index: 0, bytes: 0 }
    if (life.received.has(index)) return void counts.received++
    if (index <= earlier) return
    counts.taken++
    const applied = appliedBetween(life, earlier, index)
    if (!life.isAsked && index - earlier < snapshotEntries && applied + ROUNDING < Math.max(snapshotBytes, size)) {
      complaint ??= `${id} took a snapshot at ${index}, ${Math.round(applied)} bytes of log behind one of ${size} at ${earlier}`
    }
    life.before = snapshot
  }
  return {
    counts, complaint: () => complaint,
    fold: (previous, batch) => {
      const life = lifeOf(previous)
      const { id } = previous.state.settings
      for (const event of batch.events) if (event.type === 'snapshotStored') stored(id, life, event.snapshot)
      const next = fold(previous, batch)
      for (const committed of next.ready.committed) weigh(life, committed)
      for (const work of next.ready.snapshots) {
        if (work.type === 'receive') {
          counts.begun++
          life.received.add(work.snapshot.index)
        } else if (work.type === 'restore') life.before = work.snapshot
        else if (work.type === 'take') life.isAsked = true
      }
      life.last = next
      return next
    },
  }
}
