/** Every mistake in the list is noticed by the check that is there for it, which has nothing to say where there is none. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../run.js'
import { MUTATIONS } from './mutations.js'
import { tryMutation, tryWithout } from './run.js'

test('every mistake has its place in the code', t => {
  const astray = MUTATIONS.filter(({ file, from }) => readFileSync(join(root, file), 'utf8').split(from).length !== 2)
  t.deepEqual(astray.map(({ name }) => name), [])
})

/** Those that run whole files, and those that run some of their tests. */
const killers = MUTATIONS.map(({ killer }) => killer)
const whole = new Set(killers.flatMap(([file, match]) => match === undefined ? [file] : []))
const partly = killers.filter(([file]) => !whole.has(file))

for (const [what, files, matches] of [
  ['that is a whole file', [...whole], ['*']],
  ['that is some of a file', [...new Set(partly.map(([file]) => file))], [...new Set(partly.flatMap(([, match]) => match ?? []))]],
] as const) {
  test(`without a mistake every killer ${what} is content`, async t => {
    t.timeout(600_000)
    const { verdict, out } = await tryWithout(files, matches)
    if (verdict !== 'passed') t.log(out)
    t.is(verdict, 'passed')
  })
}

for (const mutation of MUTATIONS) {
  test(`noticed: ${mutation.name}`, async t => {
    t.timeout(600_000)
    const { verdict, out } = await tryMutation(mutation)
    if (verdict !== 'failed') t.log(out)
    t.is(verdict, 'failed')
  })
}
