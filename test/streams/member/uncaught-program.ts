/** A program of its own: a cluster with a subscriber that throws. Once its members are stopped, nothing keeps the process alive. */
import { filter, firstValueFrom } from 'rxjs'
import { type Counter, counter } from './world.js'
import { memoryCluster } from '../../../streams/memory-cluster.js'
import { orThrow } from '../../../streams/or-throw.js'

const uncaught: string[] = []
process.on('uncaughtException', error => uncaught.push(error.message))
process.on('unhandledRejection', () => uncaught.push('a rejection'))

const rafts: readonly Counter[] = Object.values(orThrow(await memoryCluster({ machine: counter, members: ['n1', 'n2', 'n3'], electionTimeoutMs: 500, heartbeatMs: 50 })))
const [n1] = rafts
if (n1 === undefined) throw new Error('no member')
let seen = 0
n1.commits$.subscribe(() => { throw new Error('thrown by a subscriber') })
n1.commits$.subscribe(() => { seen++ })
const first = orThrow(await n1.propose({ add: 1 }))
await new Promise(resolve => setTimeout(resolve, 10))
const second = orThrow(await n1.propose({ add: 2 }))
await firstValueFrom(n1.state$.pipe(filter(({ state }) => state === 3)))
await Promise.all(rafts.map(raft => raft.stop()))
process.on('exit', () => console.log(JSON.stringify({ first, second, seen, uncaught })))
