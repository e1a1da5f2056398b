/** `rxraft/streams`: the pipeline itself, for whoever wants to drive or watch it in a world of their own. */
export type { Clock } from '../time/clock.js'
export { type Ticked, ticks } from '../time/ticks.js'
export { StepFailed } from './fold.js'
export { DiskStalled, gate } from './gate.js'
export type { Completion, Inputs, Proposed, Received } from './inbox.js'
export { perTurn } from './per-turn.js'
export { pipeline } from './pipeline.js'
