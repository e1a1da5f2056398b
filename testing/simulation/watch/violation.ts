import type { Millis } from '../../../lib/types.js'

/** What was broken, and when. */
export interface Violation {
  readonly claim: string
  readonly at: Millis
}

/** Where checks report. Only the first violation counts: what follows from it says little. */
export interface Judge {
  /** `claim` is only put into words when it does not hold: checks run after every step. */
  readonly demand: (holds: boolean, claim: () => string) => boolean
  readonly violation: () => Violation | undefined
}

export const createJudge = (now: () => Millis): Judge => {
  let first: Violation | undefined
  return {
    demand: (holds, claim) => {
      if (!holds) first ??= { claim: claim(), at: now() }
      return holds
    },
    violation: () => first,
  }
}
