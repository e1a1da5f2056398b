/** Processes that die, and processes that are not scheduled. */
import type { MemberId } from '../../../lib/types.js'
import type { Choice, Fault, Stage } from './fault.js'

/** Ends lives by `end`, and lets others begin when the strike is over. */
const ending = (choose: Choice, end: (stage: Stage, id: MemberId, at: { readonly amount: number; readonly seed: number }) => Promise<void>): Fault => async (stage, strike) => {
  const whom = choose(stage, strike).filter(id => stage.cluster.isRunning(id))
  if (whom.length === 0) return undefined
  const releases = whom.map(stage.holdDown)
  await Promise.all(whom.map(id => end(stage, id, strike)))
  return {
    whom: whom.join(' '),
    mend: async () => {
      releases.forEach(release => release())
      await Promise.all(whom.map(stage.revive))
    },
  }
}

export const kill = (choose: Choice): Fault => ending(choose, ({ cluster }, id) => cluster.kill(id))

/** Half of the cuts lose everything that was not synced, the others a part of it. */
export const cutPower = (choose: Choice): Fault => ending(choose, ({ cluster }, id, { amount, seed }) =>
  cluster.end(id, { type: 'powerCut', keep: amount < 0.5 ? 0 : amount, seed }))

export const pause = (choose: Choice): Fault => async (stage, strike) => {
  const whom = choose(stage, strike).filter(id => stage.cluster.isAwake(id))
  if (whom.length === 0) return undefined
  whom.forEach(stage.cluster.pause)
  return { whom: whom.join(' '), mend: () => whom.forEach(stage.cluster.resume) }
}
