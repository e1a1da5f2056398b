// A job that the leader alone does, for a world outside the cluster: its term is the fencing token, and what comes late from an earlier leader is refused.
import { setTimeout as pause } from 'node:timers/promises'
import * as t from 'io-ts'
import { ReplaySubject, filter, firstValueFrom, interval, map, mergeMap } from 'rxjs'
import { memoryCluster, orThrow, reducerMachine, whileLeader } from 'rxraft'

// The cluster's own state does not matter here: it is there to decide who leads.
const machine = reducerMachine({ command: t.strict({}), result: t.null, state: t.null, initial: null, reduce: state => [state, null] })
const cluster = orThrow(await memoryCluster({ machine, members: ['n1', 'n2', 'n3'] }))

type Letter = { term: number; number: number; from: string }

/** A mailbox somewhere else, which knows nothing of Raft: it remembers the highest term, and refuses what comes with a lower one. */
const createMailbox = () => {
  let highest = 0
  return ({ term, number, from }: Letter): void => {
    console.log(`${term < highest ? 'refused' : 'delivered'}: letter ${number} from ${from}, term ${term}`)
    highest = Math.max(highest, term)
  }
}

/** The way there. The first letter with the number 3 is snowed in until it thaws, whoever leads by then. */
const snow$ = new ReplaySubject<Letter>(1)
const thaw$ = new ReplaySubject<void>(1)
let isSnowing = true
const way = async (letter: Letter): Promise<void> => {
  if (letter.number !== 3 || !isSnowing) return pause(5)
  isSnowing = false
  snow$.next(letter)
  return firstValueFrom(thaw$)
}

const deliver = createMailbox()
const delivered$ = new ReplaySubject<Letter>(100)
for (const [id, { leadership$ }] of Object.entries(cluster)) {
  // Begins where a member is ready to lead, and is unsubscribed with its term. What is on its way by then, nobody can call back.
  leadership$.pipe(whileLeader(({ term, signal }) => {
    console.log(`${id} leads term ${term}, and begins`)
    signal.addEventListener('abort', () => console.log(`${id} leads term ${term} no longer, and stops`))
    return interval(50).pipe(map(n => ({ term, number: n + 1, from: id })))
  }), mergeMap(async letter => {
    await way(letter)
    deliver(letter)
    delivered$.next(letter)
  })).subscribe()
}

const late = await firstValueFrom(snow$)
console.log(`letter 3 is snowed in; handed over to ${orThrow(await cluster.n1.transferLeadership())}`) // any member may be asked
await firstValueFrom(delivered$.pipe(filter(({ term, number }) => term > late.term && number === 3)))
thaw$.next()
await firstValueFrom(delivered$.pipe(filter(letter => letter === late)))
await Promise.all(Object.values(cluster).map(member => member.stop()))
