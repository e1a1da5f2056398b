import type { Batch } from '../../lib/events.js'
import type { RaftState } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'

/** A step threw: a member's own state contradicts itself, and the member has stopped. Carries what is needed to replay it. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed'
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

/** The batches kept for the report of a broken invariant. */
const RECORDED_BATCHES = 64

type Fold = (previous: Step, batch: Batch) => Step

/** The same fold, remembering its last batches; when it throws, they go with the error. */
export const recorded = (fold: Fold): Fold => {
  const batches: Batch[] = []
  return (previous, batch) => {
    batches.push(batch)
    if (batches.length > RECORDED_BATCHES) batches.shift()
    try {
      return fold(previous, batch)
    } catch (cause) {
      throw new StepFailed(cause, previous.state, batches)
    }
  }
}
