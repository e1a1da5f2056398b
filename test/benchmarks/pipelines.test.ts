/** The pipelines that are measured alone lose nothing. */
import test from 'ava'
import { until } from '../../benchmarks/aids.js'
import { startPipelines } from '../../benchmarks/cluster/pipelines.js'
import { COMMAND } from '../../benchmarks/cluster/workloads.js'

for (const isFramed of [false, true]) {
  test(`what is proposed is applied by all three, ${isFramed ? 'through frames' : 'as it is'}`, async t => {
    const { propose, done, close } = await startPipelines({ isFramed })
    const commands = Array.from({ length: 512 }, () => COMMAND)
    for (let i = 0; i < 300; i++) propose(commands)
    await until(() => done() === 300 * 512, 'the followers to hear of the last commit')
    close()
    t.is(done(), 300 * 512)
  })
}
