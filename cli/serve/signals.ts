import type { Millis } from '../../lib/types.js'
import { INTERRUPTED } from '../program.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** How often a process that npm began looks whether what began it is still there. */
const PARENT_EVERY_MS: Millis = 500

/** What the system asks of this process. */
export interface Signals {
  /** Called with the first one, also where that has come before this was called. A second one ends the process at once. */
  onFirst(act: (signal: string) => void): void
}

/** `npx` and `npm exec` put a shell between, which ends of the signals that npm hands on and tells nobody. Scripts may begin what shall outlive them. */
const isBegunByNpx = ({ npm_command: command }: NodeJS.ProcessEnv): boolean => command === 'exec'

/** Listens from now on. The end of what began this process counts as a first signal where npm did. */
export const watchSignals = (): Signals => {
  let first: string | undefined
  let act: ((signal: string) => void) | undefined
  const come = (signal: string): void => {
    first = signal
    act?.(signal)
  }
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (first !== undefined) process.exit(INTERRUPTED)
      come(signal)
    })
  }
  if (isBegunByNpx(process.env)) {
    const parent = process.ppid
    const looking = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(looking)
      if (first === undefined) come('the end of npm, which began it')
    }, PARENT_EVERY_MS).unref()
  }
  return {
    onFirst: given => {
      act = given
      if (first !== undefined) given(first)
    },
  }
}
