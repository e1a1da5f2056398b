import { INTERRUPTED } from '../program.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** What the system asks of this process. */
export interface Signals {
  /** Called with the first one, also where that has come before this was called. A second one ends the process at once. */
  onFirst(act: (signal: string) => void): void
}

/** Listens from now on. */
export const watchSignals = (): Signals => {
  let first: string | undefined
  let act: ((signal: string) => void) | undefined
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (first !== undefined) process.exit(INTERRUPTED)
      first = signal
      act?.(signal)
    })
  }
  return {
    onFirst: given => {
      act = given
      if (first !== undefined) given(first)
    },
  }
}
