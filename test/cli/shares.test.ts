/** One time for all endpoints: who does not answer has a share of it, and only what nobody can have taken goes on to the next. */
import { once } from 'node:events'
import { type RequestListener, createServer } from 'node:http'
import { type Socket, createServer as createSilence } from 'node:net'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { type Errand, type Outcome, askInTurn } from '../../cli/ask/ask.js'
import { shareOf, timeOf } from '../../cli/ask/shares.js'
import { askOnceLed, askTowardsLeader } from '../../cli/ask/towards-leader.js'
import type { Address } from '../../streams/transport/tcp/addresses.js'
import { serving } from './serving.js'

const POST: Errand = { method: 'POST', path: ({ leftMs, memberMs }) => `/members?timeoutMs=${leftMs}&leaderMs=${memberMs}`, body: '"the change"' }
const GET: Errand = { method: 'GET', path: ({ memberMs }) => `/read?timeoutMs=${memberMs}` }

/** A process that is stopped: its system takes connections and what comes over them, and nothing is said. */
const stopped = async (t: ExecutionContext): Promise<Address & { heard(): string }> => {
  const sockets: Socket[] = []
  let heard = ''
  const server = createSilence(socket => sockets.push(socket.on('data', piece => { heard += String(piece) }).on('error', () => undefined))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { host: '127.0.0.1', port: (server.address() as { port: number }).port, heard: () => heard }
}

const STATUS = { cluster: 'c', id: 'n1', role: 'follower', term: 2, leader: 'n2', ready: true, commitIndex: 1, appliedIndex: 1, lastIndex: 1, snapshot: null, capturing: null, members: {}, machineVersion: 0, lowestMachineVersion: 0, tls: false }

/** A member that says how it is, and does with the rest as a test likes. */
const member = (t: ExecutionContext, own: object, listener: RequestListener): Promise<Address> => serving(t, (request, response) => {
  if (request.url === '/status') response.end(JSON.stringify({ ...STATUS, ...own }))
  else listener(request, response)
})

/** One that is cut off: it waits for a leader as long as it may. */
const cutOff = (t: ExecutionContext, asked: URLSearchParams[], own: object = {}): Promise<Address> => member(t, own, (request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://member')
  asked.push(searchParams)
  const timer = setTimeout(() => response.writeHead(503).end(JSON.stringify({ tag: 'NotLeader', message: 'nobody', appended: 'never' })), Number(searchParams.get('leaderMs') ?? searchParams.get('timeoutMs')))
  t.teardown(() => clearTimeout(timer))
})

const done: RequestListener = (_request, response) => void response.end('{}')

const timed = async (outcome: Promise<Outcome>): Promise<Outcome & { readonly tookMs: number }> => {
  const since = performance.now()
  const came = await outcome
  return { ...came, tookMs: performance.now() - since }
}

test('what one leaves of its share the others have, and the last one has all', t => {
  const [first, last] = [shareOf(timeOf(9_000), 2), shareOf(timeOf(9_000), 0)]
  t.true(first.silentMs <= 3_000 && first.memberMs < first.silentMs && first.leftMs > 8_000, 'its answer is here before the next one is asked')
  t.true(last.memberMs > 8_000 && last.silentMs > last.memberMs)
  t.true(shareOf({ ...timeOf(9_000), mostMs: 500 }, 0).memberMs <= 500)
  t.true(shareOf(timeOf(0), 1).silentMs >= 1)
})

test('a process that is stopped is passed by in its share, and has nothing of the change when it goes on', async t => {
  const [silent, well] = [await stopped(t), await serving(t, done)]
  for (const errand of [POST, GET]) {
    const outcome = await timed(askInTurn([silent, well], timeOf(2_000), errand))
    t.like(outcome, { type: 'done', at: well })
    t.true(outcome.tookMs < 2_000, String(outcome.tookMs))
  }
  t.regex(silent.heard(), /^POST \/members\?\S+ HTTP/)
  t.notRegex(silent.heard(), /the change/)
  t.like(await askInTurn([silent, silent], timeOf(200), { ...POST, path: () => '/' }), { refusal: { tag: 'Unreachable', appended: 'never' } }, 'nobody can have taken it')
})

test('one that stops when it has the change may have taken it: no other is asked, and it has all the time', async t => {
  const heard: string[] = []
  const stopping = await member(t, {}, request => void text(request).then(body => heard.push(body)).catch(() => undefined))
  const other = await serving(t, (_request, response) => {
    heard.push('the other')
    response.end('{}')
  })
  const outcome = await timed(askInTurn([stopping, other], timeOf(3_000), POST))
  t.deepEqual(heard, ['"the change"'])
  t.like(outcome, { type: 'refused', at: stopping, refusal: { tag: 'OutcomeUnknown', appended: 'unknown' } })
  t.true(outcome.tookMs > 3_000)
})

test('a member that believes in a leader who is gone has its share of the time for a change, and the next one the rest', async t => {
  const asked: URLSearchParams[] = []
  const [stale, well] = [await cutOff(t, asked), await member(t, {}, done)]
  const outcome = await timed(askOnceLed([stale, well], timeOf(4_000), POST, () => undefined))
  t.like(outcome, { type: 'done', at: well })
  t.true(outcome.tookMs < 4_000, String(outcome.tookMs))
  t.true(Number(asked[0]?.get('timeoutMs')) > 2_000, 'where it does find a leader it has all the time')
  t.true(Number(asked[0]?.get('leaderMs')) < 2_000)
  t.like(await askInTurn([stale, well], timeOf(2_000), GET), { type: 'done', at: well }, 'a question, too')
})

const withoutPort = async (): Promise<Address> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return { host: '127.0.0.1', port }
}

test('where nobody listens at any endpoint that is said soon, with what happened at each', async t => {
  const [one, other] = [await withoutPort(), await withoutPort()]
  const claim = { type: 'refused', refusal: { tag: 'Unreachable', appended: 'never', message: `No member could be asked: 127.0.0.1:${one.port}: nobody listens there (ECONNREFUSED); 127.0.0.1:${other.port}: nobody listens there (ECONNREFUSED).` } } as const
  const outcome = await timed(askOnceLed([one, other], timeOf(60_000), POST, () => undefined))
  t.like(outcome, claim)
  t.true(outcome.tookMs > 1_000 && outcome.tookMs < 20_000, 'a member may be restarting')
  t.like(await askTowardsLeader([one, other], timeOf(60_000), POST), claim)
})

for (const [what, atFirst] of [['knows no leader', { ...STATUS, leader: null }], ['does not say how it is', {}]] as const) {
  test(`a member that restarts is waited for, and so is one that is there and ${what}`, async t => {
    const at = await withoutPort()
    let looks = 0
    const server = createServer((request, response) => void response.end(JSON.stringify(request.method === 'POST' ? {} : looks++ < 10 ? atFirst : STATUS)))
    t.teardown(() => server.close())
    const outcome = await askOnceLed([at, await withoutPort()], timeOf(60_000), POST, why => {
      if (/ECONNREFUSED.*ECONNREFUSED/.test(why)) server.listen(at.port, at.host)
    })
    t.like(outcome, { type: 'done', at })
    t.true(looks > 10, 'for longer than where nobody is')
  })
}
