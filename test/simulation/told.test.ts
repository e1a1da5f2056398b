/** Claims and stories have words for whatever an application calls a command, a result or a state. */
import test from 'ava'
import * as t from 'io-ts'
import { reducerMachine } from '../../streams/index.js'
import { around } from '../../testing/around.js'
import { SimulationFailed, simulate } from '../../testing/index.js'
import { told } from '../../testing/simulation/watch/told.js'

const Big = new t.Type<bigint, string>('Big', (value): value is bigint => typeof value === 'bigint',
  (value, context) => typeof value === 'bigint' ? t.success(value) : typeof value === 'string' && /^\d+$/.test(value) ? t.success(BigInt(value)) : t.failure(value, context), String)
const big = reducerMachine({ command: Big, result: Big, state: Big, initial: 0n, reduce: (sum, add) => [sum + add, sum + add] })

test('no value is without words', c => {
  const circle: { self?: unknown } = {}
  circle.self = circle
  c.is(told({ add: 1n, was: undefined }), '{"add":"1"}')
  c.is(told(undefined), 'undefined')
  c.regex(told(circle), /^something that cannot be told \(Converting circular structure to JSON\)$/)
  c.regex(told({ toJSON: () => { throw new Error('not a word') } }), /not a word/)
  c.regex(told('x'.repeat(1e6)), /more than \d+ bytes/)
})

test('a wait in vain is told of with commands that are no JSON', async c => {
  const cluster = simulate({ machine: big, seed: 3 })
  await cluster.until(() => cluster.leader() !== undefined)
  await cluster.settle(cluster.propose(1n))
  const error = await c.throwsAsync(cluster.until(() => false, 100), { instanceOf: SimulationFailed })
  c.regex(error?.message ?? '', /a client proposes "1" at n1/)
})

test('machines that differ in what is no JSON are told of', async c => {
  let made = 0n
  const cluster = simulate({ machine: around(big, () => ({ apply: entries => [entries.map(() => made++)] })), seed: 3, replays: 0 })
  await cluster.until(() => cluster.leader() !== undefined)
  void cluster.propose(1n)
  await c.throwsAsync(cluster.run(1000), { instanceOf: SimulationFailed, message: /applied \d as "1" with the result "1", others as "1" with the result "0"/ })
})
