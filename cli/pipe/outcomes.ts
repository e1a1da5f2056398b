/** What became of each line, as a line. */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { ProposeError } from '../../lib/errors.js'
import { type Either, isLeft } from '../../lib/prelude.js'
import type { Refusal } from '../control/member-status.js'
import { printable } from '../words.js'

const refusalOf = (error: ProposeError): Refusal => ({
  tag: error._tag, message: error.message, appended: error.appended, ...(error._tag === 'Rejected' && { report: error.report }),
})

/** How many lines ended how. */
export interface Tally {
  readonly applied: number
  /** Not in the log, and never will be; or the machine failed on them. */
  readonly refused: number
  /** They may be applied, once, or never. */
  readonly unknown: number
}

export interface OutcomeWriter {
  write(outcome: Either<ProposeError, unknown>): void
  /** Whoever reads has not taken what was written; resolves when that is over. Undefined where there is room. */
  isFull(): Promise<void> | undefined
  tally(): Tally
  /** Resolves when all of it has left. */
  finish(): Promise<void>
}

/** What one turn brings is written at once. */
export const createOutcomeWriter = (out: Writable): OutcomeWriter => {
  const tally = { applied: 0, refused: 0, unknown: 0 }
  let lines: string[] = []
  let draining: Promise<void> | undefined
  let leaving: Promise<void> | undefined
  const flush = (): void => {
    if (lines.length === 0) return
    const text = lines.join('')
    lines = []
    leaving = new Promise(resolve => {
      if (!out.write(text, () => resolve())) draining ??= once(out, 'drain').then(() => { draining = undefined })
    })
  }
  return {
    write: outcome => {
      if (isLeft(outcome)) tally[outcome.left.appended === 'unknown' ? 'unknown' : 'refused']++
      else tally.applied++
      lines.push(`${printable(JSON.stringify(isLeft(outcome) ? { error: refusalOf(outcome.left) } : { result: outcome.right }))}\n`)
      if (lines.length === 1) setImmediate(flush)
    },
    isFull: () => draining,
    tally: () => tally,
    finish: async () => {
      flush()
      await Promise.all([leaving, draining])
    },
  }
}
