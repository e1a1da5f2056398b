/** What is handed out by reference, a simulated cluster hands out so that nobody changes a member by it unseen. */
import test from 'ava'
import * as t from 'io-ts'
import { type Machine, orThrow, reducerMachine } from '../../streams/index.js'
import { type SimulatedCluster, simulate } from '../../testing/index.js'

const Item = t.type({ n: t.number, tags: t.array(t.string) })
type Item = t.TypeOf<typeof Item>
type Items = readonly Item[]
const items = reducerMachine<Item, Item, Items>({ command: Item, result: Item, state: t.readonlyArray(Item), initial: [], reduce: (all, item) => [[...all, item], item] })

const begun = async <R, S>(machine: Machine<Item, R, S>): Promise<readonly [cluster: SimulatedCluster<Item, R, S>, leader: string]> => {
  const cluster = simulate({ machine, replays: 0 })
  await cluster.until(() => cluster.leader() !== undefined)
  return [cluster, cluster.leader()!]
}
const item = (): Item => ({ n: 1, tags: ['z', 'a'] })

test('a result that is part of a state cannot be written to', async c => {
  const [cluster, at] = await begun(items)
  const result = orThrow(await cluster.settle(cluster.propose(item(), { at })))
  c.throws(() => { result.n = 7 }, { instanceOf: TypeError, message: /read only property 'n'/ })
  c.throws(() => result.tags.sort(), { instanceOf: TypeError, message: /read only property '0'/ })
  c.deepEqual(cluster.member(at).state, [item()])
})

test('a command that subscribers are shown cannot be written to', async c => {
  const [cluster, at] = await begun(items)
  const errors: unknown[] = []
  cluster.member(at).commits$.subscribe(event => {
    try {
      if (event._tag === 'Applied') event.commits[0]!.command.tags.push('mine')
    } catch (thrown) {
      errors.push(thrown)
    }
  })
  orThrow(await cluster.settle(cluster.propose(item(), { at })))
  c.deepEqual(errors.map(String), ['TypeError: Cannot add property 2, object is not extensible'])
})

test('a list may be as long as a command may have values', async c => {
  const sizes = reducerMachine<readonly number[], number, number>({ command: t.readonlyArray(t.number), result: t.number, state: t.number, initial: 0, reduce: (sum, list) => [sum + list.length, list.length] })
  const cluster = simulate({ machine: sizes, members: 1, replays: 0 })
  await cluster.until(() => cluster.leader() !== undefined)
  c.is(orThrow(await cluster.settle(cluster.propose(new Array<number>(200_000).fill(1), { at: cluster.leader()! }))), 200_000)
})

test('a machine that writes to its command says so', async c => {
  const writing = reducerMachine<Item, number, Items>({ ...items, state: t.readonlyArray(Item), initial: [], result: t.number, reduce: (all, one) => [[...all, one], one.n++] })
  const [cluster, at] = await begun(writing)
  const outcome = await cluster.settle(cluster.propose(item(), { at }))
  c.like(outcome, { left: { _tag: 'MachineFailed', reason: "Cannot assign to read only property 'n' of object '#<Object>'" } })
})

for (const [what, result, seen] of [['a number that JSON has not', t.number, Number.NaN], ['what its codec leaves out', t.strict({ n: t.number }), { n: 1, secret: 'x' }]] as const) {
  test(`a result that does not come back from its bytes is noticed: ${what}`, async c => {
    const machine = reducerMachine<Item, unknown, null>({ command: Item, result: result as t.Type<unknown>, state: t.null, initial: null, reduce: () => [null, seen] })
    const [cluster, at] = await begun(machine)
    await c.throwsAsync(() => cluster.settle(cluster.propose(item(), { at })), { message: /the result at 2 does not come back from its bytes/ })
  })
}
