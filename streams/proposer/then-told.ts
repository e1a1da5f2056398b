/** Makes of each `done` one that calls `told`, if there is any, after it: whoever looks on hears of an outcome behind the one who waited for it. */
export const thenTold = (told: (() => void) | undefined) => <A>(done: (outcome: A) => void): (outcome: A) => void =>
  told === undefined ? done : outcome => {
    done(outcome)
    told()
  }
