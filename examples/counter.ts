// A cluster in one process: three members, one counter.
import * as t from 'io-ts'
import { filter, firstValueFrom } from 'rxjs'
import { memoryCluster, orThrow, reducerMachine } from 'rxraft'

export const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => [total + add, total + add], // [next state, result]
})

const { n1, n2, n3 } = orThrow(await memoryCluster({ machine: counter, members: ['n1', 'n2', 'n3'] }))
n3.state$.subscribe(({ index, state }) => console.log(`n3 at ${index}: ${state}`))
console.log(orThrow(await n1.propose({ add: 2 }))) // 2, whoever leads
await firstValueFrom(n3.state$.pipe(filter(({ state }) => state === 2))) // n3 at 3: 2, after the leader's first entry and the session of n1; at 2 where n1 leads
await Promise.all([n1.stop(), n2.stop(), n3.stop()])
