import { bytesOf } from '../../lib/batch.js'
import { Tagged } from '../../lib/errors.js'
import type { Batch, RaftEvent } from '../../lib/events.js'
import type { RaftState } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'
import type { Recording } from '../recorder/port.js'

/** A step threw: a member's own state contradicts itself, and the member has stopped. Carries what is needed to replay it. */
export class StepFailed extends Tagged<'StepFailed'> {
  readonly _tag = 'StepFailed'
  constructor(
    override readonly cause: unknown,
    /** The state on which the last batch was folded. */
    readonly state: RaftState,
    /** The last batches, oldest first. */
    readonly batches: readonly Batch[],
  ) {
    super(`A step of this member failed, and the member was stopped: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

/** The batches kept for the report of a broken invariant, and the most that the entries in them may take up. */
const RECORDED_BATCHES = 64
const RECORDED_BYTES = 8 * 1024 * 1024

const entryBytes = (event: RaftEvent): number => {
  if (event.type === 'proposed') return event.body.bytes.length
  const batches = event.type === 'entriesRead' ? event.batches : event.type === 'received' && event.message.type === 'appendEntries' ? event.message.batches : []
  return batches.reduce((sum, batch) => sum + bytesOf(batch), 0)
}

/** The reducer of a member: total, pure, and called once per batch. */
export type Fold = (previous: Step, batch: Batch) => Step

/** The last batches, in memory: they go with the error when a step throws. */
const lastBatches = () => {
  const batches: Batch[] = []
  const weights: number[] = []
  let weight = 0
  const record = (batch: Batch): void => {
    const bytes = batch.events.reduce((sum, event) => sum + entryBytes(event), 0)
    batches.push(batch)
    weights.push(bytes)
    weight += bytes
    while (batches.length > RECORDED_BATCHES || (weight > RECORDED_BYTES && batches.length > 1)) {
      batches.shift()
      weight -= weights.shift()!
    }
  }
  return { batches, record }
}

/** The same fold, remembering its last batches, and telling `recording` of every one before it is folded. */
export const recorded = (fold: Fold, recording?: Pick<Recording, 'record'>): Fold => {
  const { batches, record } = lastBatches()
  return (previous, batch) => {
    record(batch)
    recording?.record(previous.state, batch)
    try {
      return fold(previous, batch)
    } catch (cause) {
      throw new StepFailed(cause, previous.state, batches)
    }
  }
}
