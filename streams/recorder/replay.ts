import { type RecordedTurn, type Segment, type SegmentFault, differences, digestOf } from '../../codecs/recording/index.js'
import { Callback, having, misuse } from '../../codecs/judging.js'
import { messageOf } from '../../codecs/report.js'
import { InvariantBroken } from '../../lib/invariants.js'
import { isLeft } from '../../lib/prelude.js'
import { nothingAsked } from '../../lib/ready.js'
import type { RaftState } from '../../lib/state.js'
import { type Step, step } from '../../lib/step.js'
import type { Turn } from '../../lib/types.js'

/** What a replay finds, turn by turn. All but `stepped` end it. */
export type Replayed =
  | { readonly type: 'stepped'; readonly recorded: RecordedTurn; readonly before: RaftState; readonly step: Step }
  /** The state after this turn is not the one that was recorded: another build wrote the recording, or a step is not a function of its inputs. */
  | { readonly type: 'differed'; readonly turn: Turn; readonly lines: readonly string[] }
  /** The step contradicts itself, or threw something else. */
  | { readonly type: 'broken'; readonly recorded: RecordedTurn; readonly before: RaftState; readonly reasons: readonly string[] }
  /** The recording is damaged from here on. */
  | { readonly type: 'unreadable'; readonly fault: SegmentFault }

/** Folds the turns of a segment again. A state is compared with what was recorded before the turn after it. Throws `InvalidOptions` where it is no segment. */
export function* replay(segment: Segment, fold: typeof step = step): Generator<Replayed, void> {
  const fault = misuse({ segment: having('turns'), fold: Callback }, { segment, fold })
  if (fault !== undefined) throw fault
  const { first, turns, damage } = segment
  let previous: Step = { state: first, ready: nothingAsked(first.turn) }
  for (const turn of turns()) {
    if (isLeft(turn)) return yield { type: 'unreadable', fault: turn.left }
    const recorded = turn.right
    const before = previous.state
    const lines = differences(recorded.before, digestOf(before))
    if (lines.length > 0) return yield { type: 'differed', turn: before.turn, lines }
    try {
      previous = fold(previous, recorded.batch)
    } catch (thrown) {
      return yield { type: 'broken', recorded, before, reasons: thrown instanceof InvariantBroken ? thrown.broken : [messageOf(thrown)] }
    }
    yield { type: 'stepped', recorded, before, step: previous }
  }
  if (damage !== undefined) yield { type: 'unreadable', fault: damage }
}
