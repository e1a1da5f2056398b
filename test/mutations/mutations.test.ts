/** Every mistake in the list is noticed by the check that is there for it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../run.js'
import { MUTATIONS } from './mutations.js'
import { tryMutation } from './run.js'

test('every mistake has its place in the code', t => {
  const astray = MUTATIONS.filter(({ file, from }) => readFileSync(join(root, file), 'utf8').split(from).length !== 2)
  t.deepEqual(astray.map(({ name }) => name), [])
})

for (const mutation of MUTATIONS) {
  test(`noticed: ${mutation.name}`, async t => {
    t.timeout(600_000)
    const { isCaught, out } = await tryMutation(mutation)
    if (!isCaught) t.log(out)
    t.true(isCaught)
  })
}
