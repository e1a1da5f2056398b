// A counter learns a new form of a command while three members run it: first all of them read it, and only then somebody proposes it.
import * as t from 'io-ts'
import { filter, firstValueFrom } from 'rxjs'
import { type Machine, createRaft, memoryNetwork, memoryStorage, memoryTransport, orThrow, reducerMachine } from 'rxraft'

const before = reducerMachine({
  version: 1,
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => [total + add, total + add],
})

const Add = t.intersection([t.strict({ add: t.number }), t.exact(t.partial({ twice: t.boolean }))]) // reads what is in the log as well
const after = reducerMachine({
  version: 2, // members with version 1 would leave `twice` out, and add once
  command: Add, result: t.number, state: t.number, initial: 0,
  reduce: (total, { add, twice }) => {
    const next = total + (twice === true ? 2 * add : add)
    return [next, next]
  },
})

type Counter = Machine<t.TypeOf<typeof Add>, number, number>
const ids = ['n1', 'n2', 'n3'] as const
const members = { n1: 'localhost:1', n2: 'localhost:2', n3: 'localhost:3' }
const network = memoryNetwork()
const storages = { n1: memoryStorage(), n2: memoryStorage(), n3: memoryStorage() }
const start = async (id: typeof ids[number], machine: Counter) =>
  orThrow(await createRaft({ cluster: 'upgrade', id, members, machine, transport: memoryTransport(network), storage: storages[id] }))
const rafts = { n1: await start('n1', before), n2: await start('n2', before), n3: await start('n3', before) }

/** What may be proposed is what all members read, whoever leads and whichever member is asked. */
const addTwice = async (add: number): Promise<number> => {
  const { lowestMachineVersion } = await firstValueFrom(rafts.n1.status$)
  return orThrow(await rafts.n1.propose(lowestMachineVersion >= 2 ? { add, twice: true } : { add: 2 * add }))
}

for (const id of ids) {
  await rafts[id].stop()
  rafts[id] = await start(id, after)
  await rafts[id].read(total => total, { timeoutMs: 60_000 }) // has caught up
  console.log(`${id} is of version 2:`, await addTwice(1))
}
await firstValueFrom(rafts.n1.status$.pipe(filter(({ lowestMachineVersion }) => lowestMachineVersion >= 2)))
console.log('and so are all of them:', await addTwice(1))
await Promise.all(ids.map(id => rafts[id].stop()))
