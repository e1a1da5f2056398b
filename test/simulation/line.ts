/** One seed and the line that is kept of it; whatever it throws is how it failed. */
import { createHash } from 'node:crypto'
import { messageOf } from '../../codecs/report.js'
import type { Line } from './record.js'
import { type Outcome, trial } from './trial.js'

/** How a seed is run. */
export interface Ways {
  readonly isSoak: boolean
  readonly isTwice: boolean
}

/** Runs a seed that went well once more, and compares every line of its trace. */
const again = async (outcome: Outcome, first: readonly string[], isSoak: boolean): Promise<Line> => {
  const digest = createHash('sha256')
  const differs = (reason: string): Line => ({ ...outcome, failure: 'differs', reason })
  let at = 0
  let difference: string | undefined
  try {
    await trial(outcome.seed, { isSoak, replays: 0, trace: line => {
      digest.update(`${line}\n`)
      if (line !== first[at]) difference ??= `line ${at + 1} of its traces: ${first[at] ?? 'none'}\n  and the second time: ${line}`
      at++
    } })
  } catch (error) {
    return differs(`it failed the second time, and not the first: ${messageOf(error)}`)
  }
  if (at < first.length) difference ??= `line ${at + 1} of its traces: ${first[at]!}\n  and the second time: none`
  return difference === undefined ? { ...outcome, digest: digest.digest('hex') } : differs(difference)
}

const run = async (seed: number, { isSoak, isTwice }: Ways): Promise<Line> => {
  const lines: string[] = []
  try {
    const outcome = await trial(seed, { isSoak, ...isTwice && { trace: line => { lines.push(line) } } })
    return isTwice ? await again(outcome, lines, isSoak) : outcome
  } catch (error) {
    return { seed, failure: 'broken', reason: messageOf(error) }
  }
}

export const lineOf = async (seed: number, ways: Ways): Promise<Line> => ({ ...await run(seed, ways), ...ways.isSoak && { isSoak: true } })
