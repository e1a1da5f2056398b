/** The control endpoint over real HTTP, before members in memory. */
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import * as types from 'io-ts'
import { NEVER, type Observable, Subject, concat, filter, firstValueFrom, of } from 'rxjs'
import { failed } from '../../cli/control/answers.js'
import { refuse, unread } from '../../cli/control/answers.js'
import type { ControlLimits } from '../../cli/control/limits.js'
import { type ControlServer, controlServer } from '../../cli/control/index.js'
import { proposeTo } from '../../cli/control/proposing.js'
import { controlRoutes } from '../../cli/control/routes.js'
import { keyValueMachine } from '../../cli/machine/key-value.js'
import { NotLeader, TransferFailed } from '../../lib/errors.js'
import { NO_MEMBERSHIP } from '../../lib/membership.js'
import { isLeft } from '../../lib/prelude.js'
import type { Tracked } from '../../streams/tracking/track.js'
import { type Machine, type Raft, memoryCluster, orThrow, reducerMachine } from '../../streams/index.js'

const MAX_COMMAND_BYTES = 4096
const MAX_COMMAND_VALUES = 500

interface Said {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly value: Readonly<Record<string, unknown>>
}

interface World<C, R, S> {
  readonly rafts: Readonly<Record<'n1' | 'n2' | 'n3', Raft<C, R, S>>>
  /** The endpoint of n1. */
  readonly control: ControlServer
  ask(path: string, options?: { method?: string; body?: string | Buffer; headers?: Record<string, string> }): Promise<Said>
}

const ask = (address: string): World<never, never, never>['ask'] => (path, { method = 'GET', body, headers = {} } = {}) => new Promise((resolve, reject) => {
  const [host, port] = address.split(':')
  const asked = request({ host, port, path, method, headers, agent: false }, response => {
    let text = ''
    response.setEncoding('utf8').on('data', (piece: string) => { text += piece }).once('end', () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text, value: JSON.parse(text) as Said['value'] }))
  })
  asked.once('error', reject)
  asked.end(body)
})

const worldOf = async <C, R, S>(context: ExecutionContext, machine: Machine<C, R, S>, limits: Partial<ControlLimits> = {}): Promise<World<C, R, S>> => {
  const rafts = orThrow(await memoryCluster({ machine, members: ['n1', 'n2', 'n3'], electionTimeoutMs: 1_000, heartbeatMs: 100 }))
  const control = orThrow(await controlServer(rafts.n1, {
    cluster: 'memory', machine, listen: '127.0.0.1:0', names: ['Orders.example'], limits: { maxCommandBytes: MAX_COMMAND_BYTES, maxCommandValues: MAX_COMMAND_VALUES, ...limits },
  }))
  context.teardown(async () => {
    await Promise.all(Object.values(rafts).map(raft => raft.stop()))
    await control.close()
  })
  await firstValueFrom(rafts.n1.status$.pipe(filter(({ leader }) => leader !== undefined)))
  return { rafts, control, ask: ask(control.address) }
}

test('proposals, reads and status are answered by any member, as JSON', async t => {
  const { ask, rafts } = await worldOf(t, keyValueMachine)
  t.deepEqual((await ask('/propose', { method: 'POST', body: '{"put":"motd","value":{"text":"hello","list":[1,2]}}' })).value, { result: null })
  t.deepEqual((await ask('/propose?timeoutMs=9000', { method: 'POST', body: '{"put":"a.b","value":1}' })).value, { result: null })
  const reads: readonly (readonly [path: string, status: number, value: unknown])[] = [
    ['motd.text', 200, { value: 'hello' }], ['motd.list.1', 200, { value: 2 }], ['a\\.b', 200, { value: 1 }],
    ['', 200, { value: { motd: { text: 'hello', list: [1, 2] }, 'a.b': 1 } }],
    ['motd.nothing', 404, undefined], ['motd.__proto__', 404, undefined], ['constructor', 404, undefined], ['motd.text.length', 404, undefined],
  ]
  for (const [path, status, value] of reads) {
    const said = await ask(`/read?${new URLSearchParams({ path })}`)
    t.is(said.status, status, path)
    t.regex(String(said.headers['content-type']), /^application\/json/)
    if (value === undefined) t.is(said.value['tag'], 'NotFound')
    else t.deepEqual(said.value, value as Said['value'])
  }
  const status = (await ask('/status')).value
  t.like(status, { cluster: 'memory', id: 'n1', ready: true, snapshot: null, tls: false, members: { n2: 'localhost:2' } })
  t.deepEqual((await ask('/ready')).value, { ready: true })
  t.like((await ask('/health')).value, { id: 'n1', isInTouch: true })
  const health = ask('/health')
  let isAnswered = false
  void health.finally(() => { isAnswered = true })
  while (!isAnswered) await rafts.n1.propose({ put: 'busy', value: 1 })
  t.true((Reflect.get(Object((await health).value['bounds']), 'maxInboxEvents') as { readonly used: number }).used > 0, 'what has entered while it was looked at')

  const taken = (await ask('/snapshot', { method: 'POST' })).value
  t.true(Number(taken['index']) >= 3)
  t.deepEqual((await ask('/status')).value['snapshot'], taken)

  const leader = (await firstValueFrom(rafts.n1.status$)).leader
  if (leader !== 'n1') orThrow(await rafts[leader as 'n2'].transferLeadership('n1'))
  await firstValueFrom(rafts.n1.leadership$.pipe(filter(leadership => leadership !== undefined)))
  const changed = await ask('/members', { method: 'POST', body: '{"learners":{"n4":"localhost:4"}}' })
  t.like(changed.value, { voters: ['n1', 'n2', 'n3'], learners: ['n4'], outgoing: [] })
  t.deepEqual((await ask('/membership')).value, { ...changed.value, isCommitted: true })
  t.like(await ask('/members', { method: 'POST', body: '{"abandon":true}' }), { status: 409, value: { tag: 'ChangeFailed', appended: 'never' } })
  t.deepEqual((await ask('/transfer', { method: 'POST', body: '{"to":"n3"}' })).value, { leader: 'n3' })
  t.deepEqual((await ask('/transfer', { method: 'POST', body: '{"to":"n2"}' })).value, { leader: 'n2' }, 'forwarded to n3')
  t.like((await ask('/members', { method: 'POST', body: '{"remove":["n4"]}' })).value, { voters: ['n1', 'n2', 'n3'], learners: [] }, 'forwarded to n2')
  t.like(await ask('/transfer', { method: 'POST', body: '{"to":"n4"}' }), { status: 409, value: { tag: 'TransferFailed' } }, 'no voter')
  t.like(await ask('/transfer', { method: 'POST', body: '{"to":"n2"}' }), { status: 409, value: { tag: 'TransferFailed' } }, 'leads already, as n2 tells n1')
})

test('who has other members to ask learns in time that this one has nobody who leads', async t => {
  const { ask, rafts } = await worldOf(t, keyValueMachine)
  const command = { method: 'POST', body: '{"put":"a","value":1}' }
  t.deepEqual((await ask('/propose?timeoutMs=60000&leaderMs=20000', command)).value, { result: null })
  await Promise.all([rafts.n2.stop(), rafts.n3.stop()])
  await firstValueFrom(rafts.n1.status$.pipe(filter(({ leader }) => leader === undefined)))
  t.like(await ask('/propose?timeoutMs=60000&leaderMs=300', command), { status: 503, value: { tag: 'NotLeader', appended: 'never' } })
  t.like(await ask('/members?timeoutMs=60000&leaderMs=300', { method: 'POST', body: '{"remove":["n3"]}' }), { status: 503, value: { tag: 'TimedOut', appended: 'never' } })
})

test('a command that has left for the leader has all the time, and one that was sent back only what it had for a leader', async t => {
  const stages = new Subject<Tracked<string>>()
  const propose = (stages: Observable<Tracked<string>>) =>
    proposeTo({ track: () => stages, propose: () => { throw new Error('not this way') } }, 'x', { leaderMs: 50, timeoutMs: 60_000, signal: new AbortController().signal })
  let outcome: unknown
  const proposed = propose(stages).then(came => { outcome = came })
  stages.next({ type: 'queued' })
  stages.next({ type: 'sent', to: 'n2' })
  t.true(isLeft(await propose(concat(of<Tracked<string>>({ type: 'queued' }), NEVER))), 'one that begins later, and waits for a leader throughout')
  t.is(outcome, undefined)
  stages.next({ type: 'queued' })
  await proposed
  t.like(outcome, { left: { _tag: 'NotLeader', appended: 'never' } })
  t.false(stages.observed, 'it is not sent later')
})

test('a member that is not added yet has no membership to tell', t => {
  const served = { view: { membership: () => ({ ...NO_MEMBERSHIP, isCommitted: true }) } } as never
  t.deepEqual(controlRoutes(served)['/membership']?.answer({} as never), refuse(503, 'NotAdded', 'This member does not belong to a cluster yet.'))
})

test('a transfer that fails says by its status whether it may be asked again', t => {
  const statusOf = (to: string | undefined, reason: string): unknown => Reflect.get(failed(new TransferFailed(to, reason)), 'status')
  t.is(statusOf(undefined, 'there is no other voter'), 409)
  t.is(statusOf('n3', '"n3" is not connected'), 503)
  t.is(statusOf(undefined, 'the leadership is over, and who leads now is not known'), 504)
})

/** Answers with the command; its state never changes, and it fails on one. */
const echo = reducerMachine({
  command: types.string, result: types.string, state: types.readonly(types.type({ text: types.string })), initial: { text: 'x'.repeat(5000) },
  reduce: (state, command) => {
    if (command === 'fail') throw new Error('not this one')
    return [state, command]
  },
})

test('what is refused says its tag, a sentence, and whether anything was appended', async t => {
  const { ask } = await worldOf(t, echo, { maxReadBytes: 1000 })
  const post = (body: string | Buffer, headers = {}): Parameters<typeof ask>[1] => ({ method: 'POST', body, headers })
  const cases: readonly (readonly [what: string, path: string, options: Parameters<typeof ask>[1], status: number, claim: Record<string, unknown>])[] = [
    ['no JSON', '/propose', post('{'), 400, { tag: 'Rejected', appended: 'never' }],
    ['another shape', '/propose', post('7'), 400, { tag: 'Rejected', appended: 'never' }],
    ['of too many values', '/propose', post(`[${'1,'.repeat(MAX_COMMAND_VALUES)}1]`), 400, { tag: 'Rejected', appended: 'never', message: `The command holds more than maxCommandValues = ${MAX_COMMAND_VALUES} values.` }],
    ['too large', '/propose', post(`"${'x'.repeat(MAX_COMMAND_BYTES)}"`), 413, { tag: 'TooLarge', appended: 'never' }],
    ['the machine fails', '/propose', post('"fail"'), 422, { tag: 'MachineFailed', appended: 'yes' }],
    ['no result that fits', '/propose', post(`"${'x'.repeat(1500)}"`), 500, { tag: 'Untold', appended: 'yes' }],
    ['no time', '/propose?timeoutMs=0', post('"x"'), 400, { tag: 'Rejected' }],
    ['nothing that fits', '/read', {}, 413, { tag: 'TooLarge' }],
    ['too long a path', `/read?path=${'a.'.repeat(64)}a`, {}, 400, { tag: 'Rejected' }],
    ['no position', '/watch?from=0', {}, 400, { tag: 'Rejected' }],
    ['no change', '/members', post('7'), 400, { tag: 'Rejected', appended: 'never' }],
    ['no time for a change', '/members?timeoutMs=0', post('{}'), 400, { tag: 'Rejected' }],
    ['no time for a transfer', '/transfer?timeoutMs=0', post(''), 400, { tag: 'Rejected' }],
    ['no heir', '/transfer', post('{"to":7}'), 400, { tag: 'Rejected' }],
    ['no field of a transfer', '/transfer', post('{"too":"n2"}'), 400, { tag: 'Rejected' }],
    ['no parameter', '/read?pth=text', {}, 400, { tag: 'Rejected', message: '/read takes path and timeoutMs, not "pth"' }],
    ['no parameter of a proposal', '/propose?timeout=5', post('"x"'), 400, { tag: 'Rejected', appended: 'never' }],
    ['no route', '/', {}, 404, { tag: 'NoSuchRoute' }],
    ['no route of ours', '/constructor', {}, 404, { tag: 'NoSuchRoute' }],
    ['no URL', '//[', {}, 404, { tag: 'NoSuchRoute' }],
    ['another method', '/status', { method: 'DELETE' }, 405, { tag: 'WrongMethod' }],
    ['a link that proposes', '/propose', {}, 405, { tag: 'WrongMethod' }],
    ['a page', '/status', { headers: { origin: 'http://example.com' } }, 403, { tag: 'Forbidden' }],
    ['a page without Origin', '/status', { headers: { 'sec-fetch-site': 'cross-site' } }, 403, { tag: 'Forbidden' }],
    ['a rebound name', '/status', { headers: { host: 'evil.example:8001' } }, 403, { tag: 'Forbidden' }],
    ['a name that looks like an address', '/status', { headers: { host: '127.0.0.1.evil.example' } }, 403, { tag: 'Forbidden' }],
  ]
  for (const [what, path, options, status, claim] of cases) {
    const said = await ask(path, options)
    t.is(said.status, status, `${what}: ${said.text}`)
    t.like(said.value, claim, what)
    t.is(typeof said.value['message'], 'string', what)
  }
  t.deepEqual(unread(new NotLeader('n2', 'none')), refuse(503, 'NotLeader', 'none', { leader: 'n2' }), 'nothing was to be appended')
  for (const host of ['localhost', '[::1]:8001', '10.0.0.7', 'ORDERS.example:1']) t.is((await ask('/status', { headers: { host } })).status, 200, host)
  t.is((await ask('/status', { method: 'DELETE' })).headers.allow, 'GET')
})

/** Lines of a stream, one after the other. */
const openWatch = async (control: ControlServer, path: string) => {
  const [host, port] = control.address.split(':')
  const asked = request({ host, port, path, agent: false })
  asked.end()
  const [response] = await once(asked, 'response') as [AsyncIterable<string> & { setEncoding(encoding: string): void; statusCode: number }]
  response.setEncoding('utf8')
  const lines = (async function* () {
    let open = ''
    for await (const piece of response) {
      const pieces = `${open}${piece}`.split('\n')
      open = pieces.pop() ?? ''
      for (const line of pieces) yield JSON.parse(line) as Readonly<Record<string, unknown>>
    }
  })()
  const nextCommit = async (): Promise<Readonly<Record<string, unknown>> | undefined> => {
    for (;;) {
      const next = await lines.next()
      if (next.done === true) return undefined
      if (next.value['type'] === 'commit') return next.value
    }
  }
  return { asked, response, lines, nextCommit }
}

/** Says this on one connection, however much comes back. */
const say = (control: ControlServer, text: string) => {
  const socket = connect(Number(control.address.split(':')[1]), '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(text)
  return socket
}
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

test('of the requests on one connection one is at work, and the next when its answer was taken', async t => {
  let reads = 0
  const large = reducerMachine({
    command: types.string, result: types.string, state: types.unknown, reduce: (state, command) => [state, command],
    initial: { get text() { reads++; return 'x'.repeat(7 * 1024 * 1024) } },
  })
  const { control, ask } = await worldOf(t, large)
  const socket = say(control, get('/read?path=text').repeat(12))
  socket.pause()
  while (reads === 0) await ask('/status')
  for (let i = 0; i < 20; i++) await ask('/status')
  t.true(reads < 5, `${reads} have begun, of which the system has taken some`)
  let bytes = 0
  socket.on('data', piece => { bytes += piece.length }).resume()
  while (bytes < 12 * 7 * 1024 * 1024) await once(socket, 'data')
  t.is(reads, 12)
  socket.destroy()
})

test('whoever has too many requests wait behind one is cut off', async t => {
  const { control, ask } = await worldOf(t, keyValueMachine, { maxPipelined: 2 })
  const answers = async (requests: number): Promise<string> => {
    let text = ''
    const socket = say(control, get('/status').repeat(requests - 1) + get('/status').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    socket.setEncoding('utf8').on('data', (piece: string) => { text += piece })
    await once(socket, 'close')
    return text
  }
  t.is((await answers(3)).match(/HTTP\/1.1 200/g)?.length, 3)
  t.is(await answers(4), '')
  await once(say(control, get('/watch').repeat(100)).resume(), 'close')
  t.is((await ask('/ready')).status, 200)
})

test('what waits behind a watcher takes no place, and is gone with it', async t => {
  const { control } = await worldOf(t, keyValueMachine, { maxWatchers: 2 })
  const socket = say(control, get('/watch').repeat(3))
  await once(socket, 'data')
  const other = await openWatch(control, '/watch')
  t.is(other.response.statusCode, 200)
  const third = await openWatch(control, '/watch')
  t.is(third.response.statusCode, 503)
  third.asked.destroy()
  socket.destroy()
  for (let status = 503; status !== 200;) {
    const next = await openWatch(control, '/watch')
    status = next.response.statusCode
    next.asked.destroy()
  }
  other.asked.destroy()
  t.pass()
})

test('a watcher is told everything from its position on, and its end; there are so many and no more', async t => {
  const { control, ask, rafts } = await worldOf(t, keyValueMachine, { maxWatchers: 1 })
  for (const value of [1, 2]) orThrow(await rafts.n2.propose({ put: 'a', value }))
  const watching = await openWatch(control, '/watch?from=1')
  t.deepEqual((await watching.lines.next()).value, { type: 'watching', from: 1 })
  t.like((await watching.lines.next()).value, { type: 'leadership' })
  t.like(await watching.nextCommit(), { command: { put: 'a', value: 1 } })
  const last = await watching.nextCommit()
  t.like(last, { command: { put: 'a', value: 2 } })
  t.like((await ask('/watch')).value, { tag: 'Busy' })
  watching.asked.destroy()
  // Its place is free as soon as the endpoint has noticed.
  for (let status = 503; status === 503;) {
    const next = await openWatch(control, `/watch?from=${String(last?.['index'])}`)
    status = next.response.statusCode
    if (status === 503) continue
    t.deepEqual(await next.nextCommit(), last)
    await rafts.n1.stop()
    t.is(await next.nextCommit(), undefined, 'the stream ends with the member')
  }
})

test('a watcher that takes nothing is cut off, and holds up nobody', async t => {
  const { control, rafts, ask } = await worldOf(t, keyValueMachine, { stallMs: 50, maxWatchers: 1 })
  const socket = connect(Number(control.address.split(':')[1]), '127.0.0.1')
  socket.pause()
  socket.write('GET /watch?from=1 HTTP/1.1\r\nhost: localhost\r\n\r\n')
  const value = 'x'.repeat(4 * 1024 * 1024)
  for (let i = 0; i < 4; i++) orThrow(await rafts.n1.propose({ put: `k${i}`, value }))
  let status = 503
  while (status === 503) {
    const { asked, response } = await openWatch(control, '/watch')
    status = response.statusCode
    asked.destroy()
  }
  t.is(status, 200, 'the place of the one who was cut off is free')
  t.is((await ask('/ready')).status, 200)
  socket.destroy()
})

// More than the system takes, in pieces and whole.
for (const [kib, requests] of [[7 * 1024, 4], [60, 250]] as const) {
  test(`whoever takes nothing of ${requests} answers of ${kib} KiB is cut off, and its connection is somebody else's`, async t => {
    const large = reducerMachine({
      command: types.string, result: types.string, state: types.readonly(types.type({ text: types.string })), initial: { text: 'x'.repeat(kib * 1024) },
      reduce: (state, command) => [state, command],
    })
    const { control, ask } = await worldOf(t, large, { stallMs: 50, maxConnections: 1, maxPipelined: requests })
    const isReady = (): Promise<boolean> => ask('/ready').then(({ status }) => status === 200, () => false)
    const socket = say(control, get('/read?path=text').repeat(requests))
    socket.pause()
    await once(socket, 'connect')
    t.false(await isReady())
    while (!await isReady());
    socket.destroy()
  })
}

test('what is no HTTP, bodies that never end and a member that stops are met', async t => {
  const { control, ask } = await worldOf(t, keyValueMachine)
  const port = Number(control.address.split(':')[1])
  const nonsense = connect(port, '127.0.0.1')
  nonsense.end('nonsense\r\n\r\n')
  const [answer] = await once(nonsense, 'data') as [Buffer]
  t.regex(answer.toString(), /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*"tag":"BadRequest"/)

  const endless = connect(port, '127.0.0.1')
  endless.on('error', () => undefined)
  endless.write(`POST /propose HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${2 ** 40}\r\n\r\n`)
  endless.write(Buffer.alloc(16 * MAX_COMMAND_BYTES, 0x20))
  await once(endless, 'close')
  t.is((await ask('/status')).status, 200)

  const half = connect(port, '127.0.0.1')
  half.write('POST /propose HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"put"')
  half.destroy()
  control.leave()
  t.like((await ask('/ready')).value, { tag: 'NotReady', message: 'Not ready: the member is stopping.' })
  t.like((await ask('/propose', { method: 'POST', body: '{"delete":"a"}' })).value, { tag: 'Stopped', appended: 'never' })
})
