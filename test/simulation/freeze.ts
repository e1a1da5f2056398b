/** Proves that a step leaves the state it was given alone. */
import { type Step, step } from '../../lib/step.js'
import type { Batch } from '../../lib/events.js'
const demand = (holds: boolean, claim: () => string): void => {
  if (!holds) throw new Error(claim())
}

/** All views of a log share one array, which grows at its end; what a view shows of it is checked apart. */
const isShared = (key: string): boolean => key === 'batches'

const freezeAll = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return
  for (const [key, inner] of Object.entries(value)) if (!(isShared(key) && 'start' in value)) freezeAll(inner)
  if (!(value instanceof Map)) Object.freeze(value)
}

/** The same as `step`; a write to the previous state throws, or is noticed. */
export const frozenStep = (previous: Step, batch: Batch): Step => {
  freezeAll(previous)
  const { batches, start, end } = previous.state.log.tail
  const shown = batches.slice(start, end)
  const next = step(previous, batch)
  demand(shown.every((batch, at) => batches[start + at] === batch), () => `${previous.state.settings.id} changed what an earlier view of its log shows`)
  return next
}
