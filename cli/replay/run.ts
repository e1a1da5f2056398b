import { unreachable } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import { type Segment, replay, unreadable } from '../../streams/recorder/index.js'
import type { Narrator, OutcomeType, ReplayOptions, Stepped } from './narrator.js'

/** How the replay of one segment ended, and where. */
export interface Outcome {
  readonly type: OutcomeType
  readonly state: RaftState
}

/** How often the progress is shown. */
const TURNS_PER_SIGN = 1_000

const isChange = ({ before, step: { state } }: Stepped): boolean =>
  before.role !== state.role || before.term !== state.term || before.leader !== state.leader

const isWanted = (stepped: Stepped, { from, to }: ReplayOptions): boolean =>
  from === undefined && to === undefined ? isChange(stepped) : stepped.recorded.turn >= (from ?? 1)

/** Replays one segment and tells what there is to tell; `progress` hears how much of it is done, from 0 to 1. */
export const replaySegment = (file: string, segment: Segment, options: ReplayOptions, narrator: Narrator, progress: (done: number) => void): Outcome => {
  const { first, lastTurn, end } = segment
  const { to = Number.POSITIVE_INFINITY } = options
  let state = first
  if (state.turn >= to) {
    narrator.note(`turn ${to} is not in what follows turn ${state.turn}`)
    return { type: 'enough', state }
  }
  for (const found of replay(segment)) {
    switch (found.type) {
      case 'stepped':
        ({ state } = found.step)
        if (isWanted(found, options)) narrator.turn(found)
        if (state.turn >= to) return { type: 'enough', state }
        if (state.turn % TURNS_PER_SIGN === 0) progress((state.turn - first.turn) / (lastTurn - first.turn))
        break
      case 'broken': narrator.broken(found); return { type: 'found', state }
      case 'differed': narrator.differed(found.turn, found.lines); return { type: 'found', state }
      case 'unreadable': narrator.unreadable(unreadable(file, found.fault)); return { type: 'unreadable', state }
      default: return unreachable(found)
    }
  }
  if (end !== undefined) narrator.ended(end)
  return { type: 'passed', state }
}
