/** What a long run knows of itself: seeds done, so that it can go on later, and sums to show. */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Outcome } from './trial.js'

/** One line per seed that is done. */
export type Line = { readonly seed: number; readonly failure?: string } & Partial<Omit<Outcome, 'seed'>>

export interface Ledger {
  readonly done: ReadonlyMap<number, Line>
  readonly add: (line: Line) => void
}

/** A file of lines, read when it is there already; a last line that was cut short does not count. */
export const openLedger = (file: string): Ledger => {
  const done = new Map<number, Line>()
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  for (const line of text.split('\n').slice(0, -1)) {
    const read = JSON.parse(line) as Line
    done.set(read.seed, read)
  }
  mkdirSync(dirname(file), { recursive: true })
  if (text !== '' && !text.endsWith('\n')) appendFileSync(file, '\n')
  return {
    done,
    add: line => {
      done.set(line.seed, line)
      appendFileSync(file, `${JSON.stringify(line)}\n`)
    },
  }
}

const WIDTH = 30

export const bar = (done: number, all: number, failed: number, secondsLeft: number): string => {
  const filled = Math.round(WIDTH * done / Math.max(1, all))
  return `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done} of ${all} seeds, ${failed} failed, ${Math.ceil(secondsLeft / 60)} min left`
}

/** What all these seeds come to. */
export const summaryOf = (lines: readonly Line[], seconds: number, simulatedMs: number): string => {
  const sum = (of: (line: Line) => number | undefined): number => lines.reduce((total, line) => total + (of(line) ?? 0), 0)
  const faults = new Map<string, number>()
  for (const { faults: struck = {} } of lines) for (const [name, count] of Object.entries(struck)) faults.set(name, (faults.get(name) ?? 0) + count)
  const failed = lines.filter(({ failure }) => failure !== undefined)
  return [
    `${lines.length} seeds, ${(sum(({ simulatedMs }) => simulatedMs) / 3_600_000).toFixed(2)} simulated hours, ${failed.length} violations`,
    `${sum(({ calls }) => calls)} operations, ${sum(({ acknowledged }) => acknowledged)} of them acknowledged; ${sum(({ committed }) => committed)} entries, ${sum(({ elections }) => elections)} elections, ${sum(({ steps }) => steps)} steps`,
    `faults: ${[...faults].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`).join(', ')}`,
    ...(seconds > 0 ? [`this run: ${(simulatedMs / 1000 / seconds).toFixed(1)} simulated seconds a second`] : []),
    ...failed.flatMap(({ seed, failure }) => [`seed ${seed}: ${failure}`, `  npm run simulate -- --seed ${seed} --trace`]),
  ].join('\n')
}
