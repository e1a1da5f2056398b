/** All of it has one opinion of its types: sources, tests, examples and benchmarks. A test like others, so that it does not keep them waiting. */
import { join } from 'node:path'
import test from 'ava'
import { root, run } from './run.js'

test('everything type-checks', async t => {
  t.timeout(300_000)
  const { code, out, err } = await run(t, process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit'], { cwd: root })
  t.is(out, '')
  t.is(code, 0, err)
})
