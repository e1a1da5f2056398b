/** Members of two versions of a machine side by side, as they are while they are restarted one after the other. */
import test, { type ExecutionContext } from 'ava'
import * as t from 'io-ts'
import { type Observable, filter, firstValueFrom } from 'rxjs'
import { freePort } from '../../../cli/demo/ports.js'
import { ApplyFailed, type Ended, type Machine, type Raft, createRaft, memoryStorage, orThrow, reducerMachine, tcpTransport } from '../../../streams/index.js'

const Put = t.strict({ put: t.number })
const Clear = t.strict({ clear: t.literal(true) })
type Command = t.TypeOf<typeof Put> | t.TypeOf<typeof Clear>
type Cell = Machine<Command, null, number>
type Member = Raft<Command, null, number>

const cell = (version: number, command: t.Type<Command, unknown>): Cell => reducerMachine<Command, null, number>({
  version, command, result: t.null, state: t.number, initial: 0, reduce: (_, command) => ['put' in command ? command.put : 0, null],
})
/** What only knows `put` refuses all else, and says so. */
const old = cell(1, new t.Type<Command, unknown>('Put', (value): value is Command => Put.is(value), (value, context) => Put.validate(value, context), t.identity))
const wide = cell(2, t.union([Put, Clear]))

/** Three members with real sockets, each of which can be started anew with another machine. */
const cluster = async (c: ExecutionContext) => {
  const members = Object.fromEntries(await Promise.all(['n1', 'n2', 'n3'].map(async id => [id, `127.0.0.1:${await freePort()}`] as const)))
  const storages = new Map(Object.keys(members).map(id => [id, memoryStorage()]))
  const running = new Map<string, Member>()
  c.teardown(() => Promise.all([...running.values()].map(raft => raft.stop())))
  const start = async (id: string, machine: Cell): Promise<Member> => {
    await running.get(id)?.stop()
    const raft = orThrow(await createRaft({ cluster: 'upgrade', id, members, machine, storage: storages.get(id)!, transport: tcpTransport(), electionTimeoutMs: 300, heartbeatMs: 50 }))
    running.set(id, raft)
    return raft
  }
  return { start, of: (id: string): Member => running.get(id)! }
}

const lowestIs = ({ status$ }: Member, lowest: number): Promise<unknown> => firstValueFrom(status$.pipe(filter(({ lowestMachineVersion }) => lowestMachineVersion === lowest)))
const differing = ({ diagnostics$ }: Member): Promise<unknown> => firstValueFrom(diagnostics$.pipe(filter(({ type }) => type === 'machineVersionDiffers')))
const failed = async (ended$: Observable<Ended>): Promise<Error | undefined> => {
  const how = await firstValueFrom(ended$)
  return how._tag === 'Failed' ? how.error : undefined
}

test('members of two versions link and work, say so to each other, and know when all have the newer', async c => {
  const { start, of } = await cluster(c)
  for (const id of ['n1', 'n2', 'n3']) await start(id, old)
  orThrow(await of('n1').propose({ put: 1 }))
  await lowestIs(of('n1'), 1)
  const told = differing(of('n1'))
  await start('n2', wide)
  c.like(await told, { peer: 'n2', theirs: 2, ours: 1, severity: 'warning' })
  await lowestIs(of('n2'), 1)
  orThrow(await of('n2').propose({ put: 2 }, { timeoutMs: 30_000 }))
  for (const id of ['n1', 'n2', 'n3']) c.is(orThrow(await of(id).read(state => state, { timeoutMs: 30_000 })), 2)
  for (const id of ['n1', 'n3']) await start(id, wide)
  await Promise.all(['n1', 'n2', 'n3'].map(id => lowestIs(of(id), 2)))
  orThrow(await of('n2').propose({ clear: true }, { timeoutMs: 30_000 }))
  for (const id of ['n1', 'n2', 'n3']) c.is(orThrow(await of(id).read(state => state, { timeoutMs: 30_000 })), 0)
})

test('a member that is given what only a newer version reads says that it may be that, and goes on once it is upgraded', async c => {
  const { start, of } = await cluster(c)
  for (const id of ['n1', 'n2']) await start(id, wide)
  const late = await start('n3', old)
  const ended = failed(late.ended$)
  // Whoever leads with the old machine would refuse it.
  while (orThrow(await of('n1').read(() => true, { timeoutMs: 30_000 })) && (await firstValueFrom(of('n1').status$)).leader === 'n3') await late.transferLeadership('n1')
  orThrow(await of('n1').propose({ clear: true }, { timeoutMs: 30_000 }))
  const error = await ended
  c.true(error instanceof ApplyFailed)
  c.regex(error?.message ?? '', /does not decode with this member's codec: it may come from a newer version of the machine \(upgrade this member\)/)
  await start('n3', wide)
  orThrow(await of('n3').propose({ put: 5 }, { timeoutMs: 30_000 }))
  c.is(orThrow(await of('n3').read(state => state, { timeoutMs: 30_000 })), 5)
})
