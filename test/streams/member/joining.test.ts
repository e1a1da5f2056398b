/** Members that come to a cluster that runs, and one that lost its disk. */
import test, { type ExecutionContext } from 'ava'
import { filter, firstValueFrom } from 'rxjs'
import { freePort } from '../../../cli/demo/ports.js'
import { isLeft } from '../../../lib/prelude.js'
import { type Raft, type Storage, type Transport, createRaft, memoryNetwork, memoryStorage, memoryTransport, orThrow, tcpTransport } from '../../../streams/index.js'
import { type Add, counter } from './world.js'

type Counter = Raft<Add, number, number>

const MEMBERS = { n1: 'localhost:1', n2: 'localhost:2', n3: 'localhost:3' }

interface Place {
  readonly members: Readonly<Record<string, string>>
  readonly transport: () => Transport
}
const inMemory = (): Place => {
  const network = memoryNetwork()
  return { members: MEMBERS, transport: () => memoryTransport(network) }
}
const freeAddress = async (): Promise<string> => `127.0.0.1:${await freePort()}`

const world = async (t: ExecutionContext, { members, transport }: Place = inMemory()) => {
  const start = async (id: string, join?: string, storage: Storage = memoryStorage()): Promise<Counter> => {
    const raft = orThrow(await createRaft({
      cluster: 'joining', id, members, machine: counter, storage, transport: transport(), electionTimeoutMs: 300, heartbeatMs: 50, ...(join !== undefined && { join }),
    }))
    t.teardown(() => raft.stop())
    return raft
  }
  const rafts = [await start('n1'), await start('n2'), await start('n3')] as const
  const leader = await Promise.any(rafts.map(async raft => {
    await firstValueFrom(raft.leadership$.pipe(filter(leadership => leadership !== undefined)))
    return raft
  }))
  return { start, rafts, leader, others: rafts.filter(raft => raft !== leader) }
}
const idOf = async (raft: Counter): Promise<string> => (await firstValueFrom(raft.status$)).id

test('a member that joins gets the log, votes, and takes proposals; it may be started before or after it is added', async t => {
  const { start, leader } = await world(t)
  t.is(orThrow(await leader.propose({ add: 5 })), 5)
  const early = await start('n4', 'localhost:4')
  t.deepEqual((await firstValueFrom(early.membership$)).voters, [])
  t.deepEqual(orThrow(await leader.members.add('n4', 'localhost:4')).voters, ['n1', 'n2', 'n3', 'n4'])
  t.is(orThrow(await early.propose({ add: 1 })), 6)
  const adding = leader.members.add('n0', 'localhost:5')
  const late = await start('n0', 'localhost:5')
  t.deepEqual(orThrow(await adding).voters, ['n0', 'n1', 'n2', 'n3', 'n4'])
  t.is(orThrow(await late.read(total => total)), 6)
  t.is(orThrow(await late.propose({ add: 1 })), 7)
})

test('a slip moves no voter and leaves nobody out: who is to be added must not vote yet, whoever is asked', async t => {
  const { rafts } = await world(t)
  for (const { members } of rafts) {
    t.like(await members.add('n1', 'localhost:4'), { _tag: 'Left', left: { _tag: 'ChangeFailed', appended: 'never', reason: '"n1" is a voter already' } })
    t.like(await members.replace('n1', 'n2', 'localhost:2'), { _tag: 'Left', left: { _tag: 'ChangeFailed', reason: '"n2" is a voter already' } })
  }
  const nobody = await rafts[0].members.add('', 'nowhere')
  t.regex(nobody._tag === 'Left' ? nobody.left.message : '', /id: must be a string .*address: must be an address/s)
  const { n2, n3 } = MEMBERS
  t.like(orThrow(await rafts[0].members.change({ voters: { n1: 'localhost:4' } })), { voters: ['n1', 'n2', 'n3'], addresses: { n1: 'localhost:4', n2, n3 } }, 'who means it says so')
})

test('over TCP the same, whoever has the smaller id', async t => {
  const place: Place = { members: { n1: await freeAddress(), n2: await freeAddress(), n3: await freeAddress() }, transport: () => tcpTransport() }
  const { start, leader } = await world(t, place)
  orThrow(await leader.propose({ add: 5 }))
  for (const id of ['n4', 'n0']) {
    const address = await freeAddress()
    const newcomer = await start(id, address)
    t.true(orThrow(await leader.members.add(id, address)).voters.includes(id))
    t.is(orThrow(await newcomer.read(total => total)), 5)
  }
})

test('a member that lost its disk is let in again under its name once it was removed', async t => {
  const { start, leader, others: [lost] } = await world(t)
  const id = await idOf(lost!)
  await lost!.stop()
  orThrow(await leader.members.remove(id))
  const again = await start(id, MEMBERS[id as keyof typeof MEMBERS])
  orThrow(await leader.members.add(id, MEMBERS[id as keyof typeof MEMBERS]))
  orThrow(await leader.propose({ add: 3 }))
  t.is(orThrow(await again.read(total => total)), 3)
})

test('a member that is removed and added again at once is known by its folder as before: without that it is let in by nobody', async t => {
  const { start, leader, others: [again, other] } = await world(t)
  const id = await idOf(again!)
  const address = MEMBERS[id as keyof typeof MEMBERS]
  orThrow(await leader.members.remove(id))
  orThrow(await leader.members.add(id, address))
  orThrow(await again!.propose({ add: 1 }))
  await other!.read(() => undefined)
  await again!.stop()
  const refused = Promise.all([leader, other!].map(raft => firstValueFrom(raft.diagnostics$.pipe(filter(({ type }) => type === 'handshakeRefused')))))
  await start(id, address)
  for (const notice of await refused) t.regex(JSON.stringify(notice), /another data folder/)
})

test('one takes the place of another, whoever leads', async t => {
  const { start, leader, others } = await world(t)
  const old = await idOf(leader)
  const newcomer = await start('n9', 'localhost:9')
  t.true(orThrow(await leader.members.replace(old, 'n9', 'localhost:9')).voters.includes('n9'))
  t.is(orThrow(await newcomer.propose({ add: 2 })), 2)
  t.is(orThrow(await others[0]!.read(total => total)), 2)
  t.not((await firstValueFrom(newcomer.status$.pipe(filter(({ leader: leads }) => leads !== undefined)))).leader, old)
})

test('a folder that was made without join, and holds nothing, is refused with it: who lost its disk was started as if it had not', async t => {
  const storage = memoryStorage()
  const options = { cluster: 'joining', id: 'n2', members: MEMBERS, machine: counter, storage, electionTimeoutMs: 300, heartbeatMs: 50 }
  await orThrow(await createRaft({ ...options, transport: memoryTransport(memoryNetwork()) })).stop()
  const refused = await createRaft({ ...options, join: 'localhost:2', transport: memoryTransport(memoryNetwork()) })
  t.like(refused, { _tag: 'Left', left: { _tag: 'InvalidOptions' } })
  t.regex(isLeft(refused) ? refused.left.message : '', /join: .* remove the folder/)
  const again = orThrow(await createRaft({ ...options, transport: memoryTransport(memoryNetwork()) }))
  t.teardown(() => again.stop())
  t.deepEqual((await firstValueFrom(again.membership$)).voters, ['n1', 'n2', 'n3'], 'the folder is as it was, and closed')
})
