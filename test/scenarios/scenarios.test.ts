/** Every story in this folder, told again and compared; `npm run scenarios -- --update` writes down what is told instead. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../run.js'
import { retell } from './script.js'
import { createStage } from './stage.js'

const folder = join(root, 'test/scenarios')
const isUpdating = process.argv.includes('--update')

for (const file of readdirSync(folder).filter(name => name.endsWith('.txt')).sort()) {
  const path = join(folder, file)
  const written = readFileSync(path, 'utf8')

  test(`${file.replace('.txt', '')}: ${written.split('\n')[0]!.replace(/^# /, '')}`, t => {
    const { text, failure } = retell(written, createStage())
    // What fails is not written down: an update accepts other words, and no broken promise.
    if (isUpdating && failure === undefined) writeFileSync(path, text)
    if (failure !== undefined) t.log(text)
    t.is(failure, undefined)
    if (!isUpdating) t.is(text, written)
    t.regex(written, /^# .+\n#\n# .+/, 'a story begins with its title and what it tells')
    t.regex(written, /^> expect /m, 'a story ends with a fact')
  })
}
