/** What a check of the history takes for proposed, and for answered. */
import test from 'ava'
import * as t from 'io-ts'
import { from, lastValueFrom, toArray } from 'rxjs'
import { right } from '../../lib/prelude.js'
import { MachineFailed, orThrow, reducerMachine } from '../../streams/index.js'
import { around } from '../../testing/around.js'
import { createCalls } from '../../testing/simulation/calls.js'
import { createJudge } from '../../testing/simulation/watch/violation.js'
import { SimulationFailed, simulate } from '../../testing/index.js'
import { type Counters, begun, counter } from './counters.js'

test('what is proposed on a handle of the cluster is in no history, and known to be proposed', async c => {
  const cluster = await begun(7)
  const raft = cluster.member('n2').raft!
  const client = orThrow(await cluster.settle(cluster.connect('ann')))
  orThrow(await cluster.settle(client.propose({ add: 2 })))
  orThrow(await cluster.settle(raft.propose({ add: 3 })))
  await cluster.settle(lastValueFrom(from([{ add: 4 }, { add: 5 }]).pipe(raft.replicate({ window: 2 }), toArray())))
  await cluster.recover()
  await cluster.check()
  c.is(cluster.history().length, 1)
  c.is(cluster.member('n1').state, 15)
})

test('a command that was proposed on a handle as well is not told apart', async c => {
  const cluster = await begun(7)
  orThrow(await cluster.settle(cluster.member('n2').raft!.propose({ add: 1 })))
  await cluster.recover()
  await cluster.check()
  c.is(cluster.member('n1').state, 2)
})

/** What a check says of a log with these results, where a command that adds 1 was proposed and answered with 1. */
const claimOf = (...results: readonly (number | MachineFailed)[]): string => {
  const judge = createJudge(() => 0)
  const calls = createCalls(counter, () => 0, judge, () => [{ add: 1 }])
  calls.begin('ann', 'n1', { add: 1 })(right(1))
  calls.check(new Map(results.map((result, i) => [i + 1, { index: i + 1, term: 1, time: 0, command: { add: i + 1 }, result }])))
  return judge.violation()?.claim ?? ''
}

test('a command that nobody handed over, and a failure that was told as a result, are noticed in the log', c => {
  c.is(claimOf(1), '')
  c.regex(claimOf(1, 3), /"add":2} is in the log, and nobody proposed it/)
  c.regex(claimOf(new MachineFailed('no')), /was answered with .*1, and the machines made of it/)
})

for (const [what, claim] of [['waits by the clock of the cluster', undefined], ['takes for ever', /a copy of the machine has not applied the command at 3 within 60000 ms/]] as const) {
  test(`a history with a read is checked where the machine ${what}`, async c => {
    let isCheck = false
    const cluster: Counters = simulate({
      seed: 5, replays: 0,
      machine: around(counter, running => ({
        apply: async entries => {
          await new Promise<void>(resolve => { if (!isCheck || claim === undefined) cluster.clock.after(5, resolve) })
          return lastValueFrom(from(running.apply(entries)))
        },
      })),
    })
    await cluster.until(() => cluster.leader() !== undefined)
    orThrow(await cluster.settle(cluster.propose({ add: 1 })))
    c.is(orThrow(await cluster.settle(cluster.read(total => total))), 1)
    await cluster.recover()
    isCheck = true
    if (claim === undefined) await c.notThrowsAsync(cluster.check())
    else await c.throwsAsync(cluster.check(), { instanceOf: SimulationFailed, message: claim })
  })
}

const Nothing = new t.Type<undefined, null>('Nothing', (value): value is undefined => value === undefined,
  (value, context) => value === null || value === undefined ? t.success(undefined) : t.failure(value, context), () => null)

test('a result can be undefined', async c => {
  const cluster = simulate({ machine: reducerMachine({ command: t.number, result: Nothing, state: t.number, initial: 0, reduce: (sum, add) => [sum + add, undefined] }), seed: 3 })
  await cluster.until(() => cluster.leader() !== undefined)
  for (const [i, at] of cluster.ids.entries()) c.is(orThrow(await cluster.settle(cluster.propose(i, { at }))), undefined)
  await cluster.recover()
  await c.notThrowsAsync(cluster.check())
})
