import type { Measure } from '../measures/measure.js'
import { createFigures } from '../reporting/figures.js'
import { tableOfMeasure } from '../reporting/markdown.js'
import { ownTask } from '../reporting/sides.js'
import { report, say } from '../reporting/stats.js'

/** One measure of the report by itself: its samples as they come, and its table. */
export const oneMeasure = async (measure: Measure, { rounds, seconds }: { readonly rounds: number; readonly seconds: number }): Promise<void> => {
  const figures = createFigures()
  const task = ownTask(measure, { seconds })
  for (let round = 0; round < rounds; round++) {
    say(`${measure.name}, round ${round + 1} of ${rounds}`)
    const samples = await task.run()
    figures.add(measure.name, task.side, samples)
    for (const sample of samples) report({ what: measure.name, ...sample })
  }
  say(`\n${measure.title}\n\n${tableOfMeasure(measure, figures.all())}\n`)
}
