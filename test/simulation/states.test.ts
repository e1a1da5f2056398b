/** What trials hold against snapshots can fail: bytes that are not what was saved, and one that was not due. */
import test from 'ava'
import { step } from '../../lib/step.js'
import { orThrow } from '../../streams/index.js'
import { around } from '../../testing/around.js'
import { simulate } from '../../testing/index.js'
import { type Counters, counter } from './counters.js'
import { createSpending } from './spending.js'
import { withBallast } from './states.js'

const BALLAST_BYTES = 50_000

const add = async (cluster: Counters, times: number): Promise<void> => {
  await cluster.until(() => cluster.leader() !== undefined)
  for (let i = 0; i < times; i++) orThrow(await cluster.settle(cluster.propose({ add: 1 }, { at: cluster.leader()!, timeoutMs: 10_000 })))
  await cluster.run(1000)
}

/** Stands for other bytes than were saved, from so many on. */
async function* flipped(chunks: AsyncIterable<Uint8Array>, at: number): AsyncGenerator<Uint8Array> {
  let before = 0
  for await (const chunk of chunks) {
    yield chunk.map((byte, i) => before + i === at ? byte ^ 1 : byte)
    before += chunk.length
  }
}

for (const at of [undefined, 20_000]) {
  test(`what a snapshot holds besides its state is ${at === undefined ? 'what it was' : 'looked at byte by byte'}`, async t => {
    const spoilt: string[] = []
    const laden = withBallast(counter, BALLAST_BYTES, claim => spoilt.push(claim))
    const cluster = simulate({
      limits: { snapshotEntries: 5, snapshotKeepEntries: 100 },
      machine: at === undefined ? laden : around(laden, running => ({ restore: chunks => running.restore(flipped(chunks, at)) })),
    })
    const sizes: number[] = []
    const told: string[] = []
    cluster.member('n3').snapshots$.subscribe(event => { if (event.type === 'captured') sizes.push(event.snapshot.bytes) })
    cluster.member('n3').diagnostics$.subscribe(({ type }) => told.push(type))
    await add(cluster, 12)
    t.true(sizes.length > 1 && sizes.every(bytes => bytes > BALLAST_BYTES / 2) && new Set(sizes).size > 1, sizes.join())
    cluster.crash('n3')
    cluster.start('n3')
    await cluster.recover()
    t.deepEqual([spoilt.length, told.includes('snapshotUnusable'), cluster.member('n3').state], at === undefined ? [0, false, 12] : [1, true, 12])
  })
}

test('a snapshot that was not due is told of, and one that was due by bytes or by entries is not', async t => {
  for (const limits of [{ snapshotBytes: 2000, snapshotEntries: 1_000_000 }, { snapshotEntries: 4 }]) {
    const spending = createSpending(step, limits)
    const cluster = simulate({ machine: withBallast(counter, 4000, t.fail), limits, fold: spending.fold })
    await add(cluster, 60)
    t.true(spending.counts.taken > 3)
    t.is(spending.complaint(), undefined)
    for (let asked = 0; asked < 2; asked++) {
      await add(cluster, 1)
      orThrow(await cluster.settle(cluster.member('n2').raft!.snapshot()))
    }
    await cluster.run(100)
    t.regex(spending.complaint() ?? '', /^n2 took a snapshot at \d+, \d+ bytes of log behind one of \d+ at \d+$/)
  }
})
