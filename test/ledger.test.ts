/** What is kept of a long run survives whatever ends it, and nothing that is something else is written to. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as io from 'io-ts'
import test from 'ava'
import { Mistake } from '../cli/mistake.js'
import { openLedger, readLedger } from './ledger.js'
import { scratch } from './run.js'

const KIND = { codec: io.type({ seed: io.number }), opening: '{"seed":' }

test('a ledger goes on after each of its bytes', t => {
  const file = join(scratch(t), 'folder/ledger')
  const first = openLedger(file, KIND)
  for (const seed of [1, 2, 3]) first.add({ seed })
  first.close()
  const text = readFileSync(file, 'utf8')
  for (let length = 0; length <= text.length; length++) {
    writeFileSync(file, text.slice(0, length))
    const whole = text.slice(0, length).split('\n').length - 1
    t.deepEqual(readLedger(file, KIND).map(({ seed }) => seed), [1, 2, 3].slice(0, whole))
    t.is(readFileSync(file, 'utf8'), text.slice(0, length), 'whoever only reads changes nothing')
    const again = openLedger(file, KIND)
    t.is(again.lines.length, whole)
    again.add({ seed: 4 })
    again.close()
    t.deepEqual(readLedger(file, KIND).map(({ seed }) => seed), [...[1, 2, 3].slice(0, whole), 4], `cut after ${length} bytes`)
  }
})

test('a file that is something else is refused, and stays as it was', t => {
  const folder = scratch(t)
  const file = join(folder, 'notes')
  for (const [text, claim] of [
    ['my notes\n', /its line 1 is something else/], ['my notes', /its last line is something else/], ['{"name":"package"}', /its last line is something else/],
    ['{"seed":1}\n{"seed":"one"}\n', /its line 2 is something else/], ['{"seed":1}\n{"se\n{"seed":2}\n', /its line 2/],
  ] as const) {
    writeFileSync(file, text)
    for (const use of [readLedger, openLedger]) t.throws(() => use(file, KIND), { instanceOf: Mistake, message: claim })
    t.is(readFileSync(file, 'utf8'), text)
  }
  t.throws(() => openLedger(folder, KIND), { instanceOf: Mistake, message: /^the ledger .* cannot be used: EISDIR/ })
  t.throws(() => openLedger(join(file, 'below'), KIND), { instanceOf: Mistake, message: /^the ledger .* cannot be used: ENOTDIR|EEXIST/ })
})
