/** Calls `told`, if there is one, after each `done`: an onlooker hears of an outcome after whoever waited for it. */
export const thenTold = (told: (() => void) | undefined) => <A>(done: (outcome: A) => void): (outcome: A) => void =>
  told === undefined ? done : outcome => {
    done(outcome)
    told()
  }
