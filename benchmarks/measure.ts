/**
 * `node measure.js NAME SETTINGS`: one round of one measure in a process of its own, whose samples are told to the parent.
 *
 * This is what `--compare FOLDER` runs of another checkout, which may be older or newer: the place of this file, what it is called with, JSON of
 * `MeasureSettings`, the names of measures and the shape of a `Sample` must stay as they are, or both sides are not measured alike.
 */
import { Mistake } from '../cli/mistake.js'
import { runProgram } from '../cli/program.js'
import { MEASURES } from './measures/index.js'
import type { MeasureSettings } from './measures/measure.js'

// Without a parent nobody wants to know.
process.once('disconnect', () => process.exit())

await runProgram(async () => {
  const [name, settings = '{"seconds":1}'] = process.argv.slice(2)
  const measure = MEASURES.find(one => one.name === name)
  if (measure === undefined) throw new Mistake(`there is no measure "${name}"`)
  const samples = await measure.run(JSON.parse(settings) as MeasureSettings)
  if (process.send === undefined) process.stdout.write(`${JSON.stringify(samples)}\n`)
  else await new Promise<void>(resolve => process.send!(samples, () => resolve()))
  return 0
})
// Whatever became of it: the channel would keep this process alive.
process.disconnect?.()
