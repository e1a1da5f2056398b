/** A promise was broken: what the simulation exists to find. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** `claim` is only put into words when it does not hold: checks run after every step. */
export const demand = (holds: boolean, claim: () => string): void => {
  if (!holds) throw new Violation(claim())
}
