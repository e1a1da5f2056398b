/** Every mistake in the list is noticed by the check that is there for it. */
import test from 'ava'
import { MUTATIONS } from './mutations.js'
import { tryMutation } from './run.js'

for (const mutation of MUTATIONS) {
  test.serial(`noticed: ${mutation.name}`, async t => {
    t.timeout(120_000)
    const { isCaught, out } = await tryMutation(mutation)
    if (!isCaught) t.log(out)
    t.true(isCaught)
  })
}
