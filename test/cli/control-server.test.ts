/** A control server beside a member of a program's own, and the commands of `rxraft` against it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Observable, filter, firstValueFrom } from 'rxjs'
import * as types from 'io-ts'
import { freePort } from '../../cli/demo/ports.js'
import { type ControlServerOptions, controlServer } from '../../cli/control/index.js'
import { DEFAULT_CONTROL_LIMITS } from '../../cli/control/limits.js'
import { createRoom } from '../../cli/control/room.js'
import { createRaft, fileStorage, memoryCluster, memoryStorage, orThrow, reducerMachine, tcpTransport } from '../../streams/index.js'
import { built, root, run, scratch } from '../run.js'

const texts = reducerMachine({
  command: types.string, result: types.string, state: types.readonly(types.type({ text: types.string })), initial: { text: '' }, reduce: (_, text) => [{ text }, text],
})

const memberOf = async (t: ExecutionContext) => {
  const { n1 } = orThrow(await memoryCluster({ machine: texts, members: ['n1'] }))
  t.teardown(() => n1.stop())
  await firstValueFrom(n1.leadership$.pipe(filter(leadership => leadership !== undefined)))
  return n1
}
const options = { cluster: 'memory', machine: texts, listen: '127.0.0.1:0' } as const

test('what makes no sense is InvalidOptions with every fault by its name, and nothing is thrown', async t => {
  const raft = await memberOf(t)
  const cases: readonly (readonly [given: unknown, report: readonly RegExp[]])[] = [
    [undefined, [/must be an object/]],
    [{}, [/^cluster: must be/, /^machine: must be/, /^listen: must be an address/]],
    [{ ...options, listen: '0.0.0.0:8600' }, [/^listen: 0\.0\.0\.0:8600 is beyond loopback.*withoutAuthentication: true/]],
    [{ ...options, listen: '8600' }, [/^listen: must be an address "host:port", not "8600"/]],
    [{ ...options, withoutAuthentication: 1, names: [''], tls: 'no', lmits: {} }, [/^lmits: is not an option/, /^withoutAuthentication: /, /^names\.0: /, /^tls: /]],
    [{ ...options, names: ['n1.example', '::1', 'n1.example:8601', '[::1]:8601'] }, [/^names\.2: must be a name without a port, not "n1\.example:8601"/, /^names\.3: must be a name without/]],
    [{ ...options, limits: { maxWatchers: 0, maxAnswers: 1, stallMs: Number.NaN } }, [/^limits\.maxAnswers: is not an option/, /^limits\.maxWatchers: /, /^limits\.stallMs: /]],
    [{ ...options, machine: { command: types.string } }, [/^machine\.result: must be an io-ts codec/]],
    [{ ...options, get cluster(): string { throw new Error('no') } }, [/^cluster: cannot be read: no/]],
  ]
  for (const [given, report] of cases) {
    const outcome = await controlServer(raft, given as ControlServerOptions<string, string, { readonly text: string }>)
    if (outcome._tag === 'Right' || outcome.left._tag !== 'InvalidOptions') return t.fail(String(given))
    t.is(outcome.left.report.length, report.length, outcome.left.message)
    report.forEach((line, at) => t.regex(outcome.left instanceof Error && outcome.left._tag === 'InvalidOptions' ? outcome.left.report[at] ?? '' : '', line))
  }
  t.like(await controlServer({} as typeof raft, options), { left: { _tag: 'InvalidOptions' } })
  t.like(await controlServer(undefined as never, options), { left: { _tag: 'InvalidOptions' } })
})

test('an address that is taken is PortInUse, and one that is nobody\'s ListenFailed; the member goes on', async t => {
  const raft = await memberOf(t)
  const first = orThrow(await controlServer(raft, options))
  t.like(await controlServer(raft, { ...options, listen: first.address }), { left: { _tag: 'PortInUse', address: first.address } })
  t.like(await controlServer(raft, { ...options, listen: '192.0.2.1:8600', withoutAuthentication: true }), { left: { _tag: 'ListenFailed' } })
  t.is(orThrow(await raft.propose('x')), 'x')
  await first.close()
})

test('it closes by close(), twice is once and the member goes on, and with its member', async t => {
  const raft = await memberOf(t)
  const first = orThrow(await controlServer(raft, options))
  const status = (address: string): Promise<number> => fetch(`http://${address}/status`).then(response => response.status, () => 0)
  t.is(await status(first.address), 200)
  await Promise.all([first.close(), first.close()])
  t.is(await status(first.address), 0)
  t.is(orThrow(await raft.propose('x')), 'x')
  const second = orThrow(await controlServer(raft, options))
  second.leave()
  t.is((await fetch(`http://${second.address}/ready`)).status, 503)
  await raft.stop()
  while (await status(second.address) !== 0);
  await second.close()
  const late = orThrow(await controlServer(raft, options))
  await late.close()
  t.is(await status(late.address), 0, 'of a member that has ended')
})

test('one that is closed looks at its member no more', async t => {
  const member = await memberOf(t)
  let looking = 0
  const counted = <A>(source$: Observable<A>): Observable<A> => new Observable(observer => {
    looking++
    const subscription = source$.subscribe(observer)
    return () => {
      looking--
      subscription.unsubscribe()
    }
  })
  const raft = new Proxy(member, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      return value instanceof Observable ? counted(value) : value
    },
  })
  const control = orThrow(await controlServer(raft, options))
  t.true(looking > 0)
  await control.close()
  t.is(looking, 0)
})

test('a request that has not come in within requestTimeoutMs is cut off', async t => {
  const { address } = orThrow(await controlServer(await memberOf(t), { ...options, limits: { requestTimeoutMs: 200 } }))
  const [host = '', port] = address.split(':')
  for (const begun of ['POST /propose HTTP/1.1\r\nHost: localhost\r\n', 'POST /propose HTTP/1.1\r\nHost: localhost\r\ncontent-length: 10\r\n\r\n1']) {
    const socket = connect(Number(port), host)
    const began = performance.now()
    socket.write(begun)
    socket.resume()
    await once(socket, 'close')
    t.true(performance.now() - began < 15_000, begun)
  }
})

test('the commands of rxraft work against it, and members come in by them', async t => {
  const folder = scratch(t)
  const ports = await Promise.all([freePort(), freePort()])
  const [first = '', second = ''] = ports.map(port => `127.0.0.1:${port}`)
  const member = async (id: string, join?: string) => {
    const raft = orThrow(await createRaft({
      cluster: 'orders', id, members: { n1: first }, machine: texts, transport: tcpTransport(), storage: id === 'n1' ? fileStorage(folder) : memoryStorage(), ...(join !== undefined && { join }),
    }))
    t.teardown(() => raft.stop())
    return { raft, control: orThrow(await controlServer(raft, { ...options, cluster: 'orders' })) }
  }
  const [n1, n2] = [await member('n1'), await member('n2', second)]
  const rxraft = (...words: readonly string[]) => run(t, process.execPath, [built('cli/rxraft.js'), ...words, '--at', `${n1.control.address},${n2.control.address}`])
  t.regex((await rxraft('members')).out, new RegExp(`^n1 +${first} +voter\n$`))
  const added = await rxraft('members', '--voter', `n2=${second}`)
  t.is(added.code, 0, added.err)
  t.regex(added.out, new RegExp(`^n1 +${first} +voter\nn2 +${second} +voter\n$`))
  await firstValueFrom(n2.raft.status$.pipe(filter(({ leader }) => leader !== undefined)))
  const status = await rxraft('status', '--once')
  t.is(status.code, 0, status.err)
  t.regex(status.out, /n1 +.*ready[\s\S]*n2 +.*ready/)
  t.is((await rxraft('propose', '"hello"')).out, '"hello"\n')
  t.is((await rxraft('read', 'text')).out, '"hello"\n')
  t.regex((await rxraft('snapshot')).out, /^a snapshot at \d+/)
  const [leader = ''] = /^n\d(?= leads\n$)/.exec((await rxraft('transfer')).out) ?? []
  const again = await run(t, process.execPath, [built('cli/rxraft.js'), 'transfer', leader, '--at', `http://${n1.control.address}/`])
  t.deepEqual([again.code, again.out], [0, `${leader} leads\n`], again.err)
  const head = await fetch(`http://${n1.control.address}/ready`, { method: 'HEAD' })
  t.deepEqual([head.status, await head.text()], [200, ''])
})

test('room is counted until it is given back, once, and whoever waits has it then', async t => {
  const room = createRoom(10)
  const [first, second, waiting] = [new AbortController(), new AbortController(), new AbortController()]
  const release = room.hold(9, first.signal)
  t.false(room.isFull)
  room.hold(9, second.signal)
  t.true(room.isFull, 'the last one goes beyond')
  let came = 0
  const left = room.left(waiting.signal).then(() => { came++ })
  void room.left(second.signal).then(() => { came++ })
  second.abort()
  await left
  t.is(came, 1, 'not the one who has gone')
  release()
  release()
  first.abort()
  room.hold(9, waiting.signal)
  t.false(room.isFull)
  waiting.abort()
  room.hold(20, waiting.signal)
  t.false(room.isFull, 'nobody is there to take it')
})

test('answers that nobody takes leave no room for reads and results, are waited for by watchers, and give it back when they are taken', async t => {
  const raft = await memberOf(t)
  const text = 'x'.repeat(7 * 1024 * 1024)
  orThrow(await raft.propose(text))
  const control = orThrow(await controlServer(raft, { ...options, limits: { maxAnswerBytes: 10 * 1024 * 1024 } }))
  const port = Number(control.address.split(':')[1])
  const idle = [1, 2].map(() => {
    const socket = connect(port, '127.0.0.1')
    socket.pause()
    socket.write('GET /read?path=text HTTP/1.1\r\nHost: localhost\r\n\r\n')
    return socket
  })
  const read = async (): Promise<{ status: number; text: string }> => {
    const response = await fetch(`http://${control.address}/read?path=text`)
    return { status: response.status, text: await response.text() }
  }
  let refused = await read()
  while (refused.status === 200) refused = await read()
  t.is(refused.status, 503)
  t.like(JSON.parse(refused.text), { tag: 'Busy', message: 'This was refused because the answers that were not taken yet reach the bound "maxAnswerBytes"; try again later.' })
  const proposed = await fetch(`http://${control.address}/propose`, { method: 'POST', body: '"y"' })
  t.like(await proposed.json(), { tag: 'Untold', appended: 'yes' })
  t.is((await fetch(`http://${control.address}/status`)).status, 200)
  const watching = await fetch(`http://${control.address}/watch?from=1`)
  const pieces = watching.body!.getReader()
  let seen = ''
  const decoder = new TextDecoder()
  while (!seen.includes('leadership')) seen += decoder.decode((await pieces.read()).value, { stream: true })
  t.false(seen.includes('commit'), 'what is told of the log waits')
  idle.forEach(socket => socket.resume())
  while (!seen.includes('"y"')) seen = seen.slice(-100) + decoder.decode((await pieces.read()).value, { stream: true })
  await pieces.cancel()
  while ((await read()).status !== 200);
  for (const socket of idle) {
    socket.destroy()
    await once(socket, 'close')
  }
  await control.close()
})

test('docs/control.md has every limit with its default, and no other', t => {
  const units: Readonly<Record<string, number>> = { '': 1, ' MiB': 1024 ** 2 }
  const [, section = ''] = readFileSync(join(root, 'docs/control.md'), 'utf8').split('\n## Limits\n')
  const rows = section.matchAll(/^\| `(\w+)` \| (\d[\d ]*?)( MiB|) \|/gm)
  t.deepEqual(Object.fromEntries(Array.from(rows, ([, name = '', digits = '', unit = '']) => [name, Number(digits.replaceAll(' ', '')) * (units[unit] ?? Number.NaN)])), { ...DEFAULT_CONTROL_LIMITS })
})
