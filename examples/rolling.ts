// A leadership that is handed over, and three members that are restarted one after the other, while they are written to.
import * as t from 'io-ts'
import { filter, firstValueFrom, map, merge } from 'rxjs'
import { createRaft, memoryNetwork, memoryStorage, memoryTransport, orThrow, reducerMachine } from 'rxraft'

const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => [total + add, total + add],
})
const ids = ['n1', 'n2', 'n3'] as const
const members = { n1: 'localhost:1', n2: 'localhost:2', n3: 'localhost:3' }
const network = memoryNetwork()
const storages = { n1: memoryStorage(), n2: memoryStorage(), n3: memoryStorage() }

/** One member; in a cluster of processes this is what starts the process. */
const start = async (id: typeof ids[number]) =>
  orThrow(await createRaft({ cluster: 'rolling', id, members, machine: counter, transport: memoryTransport(network), storage: storages[id] }))
const rafts = { n1: await start('n1'), n2: await start('n2'), n3: await start('n3') }

// Who leads can hand over, to whoever is ready first or to the one that is named.
const leader = await firstValueFrom(merge(...ids.map(id => rafts[id].leadership$.pipe(filter(leadership => leadership !== undefined), map(() => id)))))
const outcome = await rafts[leader].transferLeadership()
console.log(outcome._tag === 'Right' ? `${leader} handed over to ${outcome.right}` : outcome.left.message)

// One after the other, and the next only when the last has caught up: so a majority is there all the time.
for (const [n, id] of ids.entries()) {
  await rafts[id].stop() // a leader hands over first
  console.log(`without ${id}:`, orThrow(await rafts[ids[(n + 1) % 3]!].propose({ add: 1 })))
  rafts[id] = await start(id)
  console.log(`${id} is back:`, orThrow(await rafts[id].read(total => total, { timeoutMs: 60_000 }))) // has all that was acknowledged before
}
await Promise.all(ids.map(id => rafts[id].stop()))
