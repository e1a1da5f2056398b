/** A report as it is kept: `report.json`, which a later run can be compared with. */
import { readFileSync } from 'node:fs'
import * as t from 'io-ts'
import { asMistake } from '../../cli/arguments.js'
import { Mistake } from '../../cli/mistake.js'
import { decodeWith } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'
import { Figure } from './figures.js'
import { MachineDescription } from './machine.js'
import { type Summary, summaryOf } from './noise.js'

/** What was left out or did not work, by name. */
const Absence = t.readonly(t.strict({ what: t.string, why: t.string }))
export type Absence = t.TypeOf<typeof Absence>

export const Report = t.readonly(t.strict({
  format: t.literal(1),
  /** ISO 8601, in UTC. */
  when: t.string,
  tookSeconds: t.number,
  machine: MachineDescription,
  rounds: t.number,
  /** How long a stage was measured. */
  seconds: t.number,
  figures: t.readonlyArray(Figure),
  skipped: t.readonlyArray(Absence),
  /** Measures that ended with an error, in whichever round. */
  failed: t.readonlyArray(Absence),
}))
export type Report = t.TypeOf<typeof Report>

/** The file's text: each figure with what its samples come to, which is not read back. */
export const reportText = (report: Report): string => {
  const figures = report.figures.map(figure => ({ ...figure, ...summaryOf(figure.samples) satisfies Summary }))
  return `${JSON.stringify({ ...report, figures }, undefined, 1)}\n`
}

export const readReport = (path: string): Report => {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Mistake(`${path} cannot be read as a report: ${asMistake(error).message}`)
  }
  const report = decodeWith(Report, value)
  if (isLeft(report)) throw new Mistake(`${path} is no report: ${report.left.slice(0, 3).join('; ')}`)
  return report.right
}
