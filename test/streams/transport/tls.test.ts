/** Who may speak once there is TLS: only who shows a certificate of the right authority that names whom it claims to be. */
import { createServer, TLSSocket } from 'node:tls'
import test from 'ava'
import * as types from 'io-ts'
import { firstValueFrom } from 'rxjs'
import { connect } from '../../../client/connect.js'
import { keepAliveFrame } from '../../../codecs/frames.js'
import { isLeft, right } from '../../../lib/prelude.js'
import type { LinkLimits } from '../../../streams/transport/port.js'
import { dialClient } from '../../../streams/transport/tcp/dial.js'
import { nodeSockets } from '../../../streams/transport/tcp/node-sockets.js'
import type { TlsMaterial } from '../../../streams/transport/tcp/sockets.js'
import { count, member, messagesOf, noticed, noticesOf, type Watched } from '../../../testing/watch.js'
import {
  ANYWHERE, CLUSTER_NAME, closeAll, dial, dialTls, heldTimers, hello, joinAs, leaveOpen, LIMITS, material, open, raw, serve, spied, tryOpen, vote,
} from './wire.js'

test.after.always(closeAll)

const openTls = (id: string, limits: Partial<LinkLimits> = {}): Promise<Watched> => open(id, { options: { tls: material(id) }, limits })

/** That a member with its own certificate still gets in. */
const serves = async (n2: Watched): Promise<void> => {
  await joinAs(n2.links.address, {}, address => dialTls(address, material('n1')))
  await n2.until('a proper link', count('connected', 'n1', 1))
}

const unwelcome: Record<string, { readonly tls: Partial<TlsMaterial>; readonly reason: RegExp }> = {
  'no certificate': { tls: {}, reason: /certificate refused/ },
  'a certificate of another authority': { tls: material('stranger'), reason: /certificate refused: UNABLE/ },
  'an expired certificate': { tls: material('expired'), reason: /certificate refused: CERT_HAS_EXPIRED/ },
  'another member\'s certificate': { tls: material('n3'), reason: /does not name n1/ },
  'a client\'s certificate': { tls: material('client'), reason: /does not name n1/ },
}
for (const [what, { tls, reason }] of Object.entries(unwelcome)) {
  test(`${what} does not pass for a member`, async t => {
    const n2 = await openTls('n2')
    const end = dialTls(n2.links.address, tls)
    void end.opened.then(() => end.socket.write(hello()))
    await Promise.all([end.closed, n2.until('a refusal', noticed('handshakeRefused'))])
    t.regex(noticesOf(n2.events, 'handshakeRefused')[0]?.reason ?? '', reason)
    t.false(n2.events.some(event => event.type === 'connected'))
    await serves(n2)
  })
}

test('a client\'s certificate does not pass for a member of its own name, named or not, where others are let in that are not named; clients are served with it', async t => {
  const n2 = await open('n2', { options: { tls: material('n2') }, isOpen: true })
  const asMember = async (name: string): Promise<void> => {
    const end = dialTls(n2.links.address, material(name))
    await end.opened
    end.socket.write(hello({ from: name, incarnation: `${name}-1` }))
    await (name === 'client' ? end.closed : end.hears(1))
    end.socket.write(keepAliveFrame())
  }
  await asMember('client')
  n2.links.update({ addresses: { n2: ANYWHERE, client: '127.0.0.1:1' }, isOpen: true })
  await asMember('client')
  await n2.until('two refusals', events => noticesOf(events, 'handshakeRefused').length === 2)
  const reason = 'the certificate of client is a client\'s: it is not good for server authentication'
  t.deepEqual(noticesOf(n2.events, 'handshakeRefused').map(notice => notice.reason), [reason, reason])
  await asMember('n4')
  // Without extended key usage.
  await asMember('n3')
  await n2.until('members', events => count('connected', 'n4', 1)(events) && count('connected', 'n3', 1)(events))
  await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, from: 'client', incarnation: '' }, address => dialTls(address, material('client')))
  await n2.until('a client', events => events.some(event => event.type === 'connected' && event.party.type === 'client'))
})

test('a member tells nothing to one that it dials and that shows a client\'s certificate', async t => {
  const { address, heard } = await impostor(material('client'))
  const members = { n1: ANYWHERE, client: address }
  const n1 = await open('n1', { options: { tls: material('n1') }, members })
  await n1.until('word of it', noticed('unreachable'))
  t.deepEqual(noticesOf(n1.events, 'unreachable').map(({ reason }) => reason), ['INVALID_PURPOSE'])
  // And by itself, whatever else TLS lets pass.
  const dial: typeof nodeSockets.dial = (to, tls) => Object.defineProperty(nodeSockets.dial(to, tls && material('n1')), 'certificate', { value: { names: ['client'], isForMembers: false } })
  const believer = await open('n1', { options: { tls: material('n1') }, members: { ...members, client: (await impostor(material('n3'))).address }, sockets: { ...nodeSockets, dial } })
  await believer.until('a refusal', noticed('handshakeRefused'))
  t.regex(noticesOf(believer.events, 'handshakeRefused')[0]?.reason ?? '', /is a client's/)
  t.is(heard(), 0)
})

test('who does not speak TLS is refused, and one that says nothing meets the deadline', async t => {
  const clock = heldTimers()
  const n2 = await open('n2', { options: { tls: material('n2') }, clock, limits: { maxHandshakes: 4 } })
  const plain = dial(n2.links.address)
  plain.socket.write(hello())
  await Promise.all([plain.closed, n2.until('a refusal', noticed('handshakeRefused'))])
  t.regex(noticesOf(n2.events, 'handshakeRefused')[0]?.reason ?? '', /^it speaks without TLS/)
  const silent = [1, 2, 3].map(() => dial(n2.links.address))
  await Promise.all(silent.map(one => one.opened))
  await dial(n2.links.address).closed
  t.deepEqual(noticesOf(n2.events, 'tooManyLinks').map(({ bound }) => bound), ['maxHandshakes'], 'they are counted before TLS is up')
  clock.advance(LIMITS.handshakeTimeoutMs)
  await Promise.all(silent.map(one => one.closed))
  await serves(n2)
})

test('who only looks whether anyone listens is not told of, also before TLS', async t => {
  const n2 = await openTls('n2')
  const end = dial(n2.links.address)
  await end.opened
  end.socket.end()
  await end.closed
  await serves(n2)
  t.deepEqual([...noticesOf(n2.events, 'handshakeRefused'), ...noticesOf(n2.events, 'tooManyLinks')], [])
})

test('a reset in the middle of the TLS handshake harms nobody', async t => {
  const n2 = await openTls('n2')
  for (const bytes of [0, 1, 5, 40]) {
    const end = dial(n2.links.address)
    await end.opened
    // The beginning of a real greeting, as a TLS client says it.
    if (bytes > 0) end.socket.write(Buffer.from('160301020001'.padEnd(80, '0'), 'hex').subarray(0, bytes))
    end.socket.resetAndDestroy()
    await end.closed
  }
  await serves(n2)
  t.pass()
})

/** A server that shows this certificate and counts what is said to it. */
const impostor = (tls: TlsMaterial): Promise<{ readonly address: string; readonly heard: () => number }> => new Promise(resolve => {
  let heard = 0
  const bytes = Object.fromEntries(Object.entries(tls).map(([name, value]) => [name, Buffer.from(value)]))
  const server = createServer({ ...bytes, requestCert: true, rejectUnauthorized: false }, socket => {
    raw(socket)
    socket.on('data', chunk => { heard += chunk.length })
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1', () => {
    const bound = server.address()
    leaveOpen({ close: () => new Promise(done => server.close(() => done())) })
    resolve({ address: `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`, heard: () => heard })
  })
})

test('a member tells nothing to one that shows another member\'s certificate', async t => {
  const { address, heard } = await impostor(material('n3'))
  const n1 = await open('n1', { options: { tls: material('n1') }, members: { n1: ANYWHERE, n2: address } })
  await n1.until('a refusal', noticed('handshakeRefused'))
  t.deepEqual(noticesOf(n1.events, 'handshakeRefused'), [{ type: 'handshakeRefused', remote: address, reason: 'the certificate does not name n2' }])
  t.is(heard(), 0)
})

test('a member tells nothing to one that another authority vouches for', async t => {
  const { address, heard } = await impostor(material('stranger'))
  const n1 = await open('n1', { options: { tls: material('n1') }, members: { n1: ANYWHERE, n2: address } })
  await n1.until('word of it', noticed('unreachable'))
  t.regex(noticesOf(n1.events, 'unreachable')[0]?.reason ?? '', /UNABLE_TO_VERIFY|SELF_SIGNED|ISSUER/)
  t.is(heard(), 0)
})

test.serial('no variable of the environment makes it believe another authority', async t => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  const { address, heard } = await impostor(material('stranger'))
  const link = dialClient({ clusterNameId: CLUSTER_NAME, name: 'c', member: 'n1', address, tls: material('client'), limits: LIMITS })
  const event = await firstValueFrom(link.events$)
  t.regex(event.type === 'refused' ? event.reason : '', /UNABLE_TO_VERIFY|SELF_SIGNED|ISSUER/)
  t.is(heard(), 0)
})

test('a member tells nothing to one that does not speak TLS', async t => {
  let heard = Buffer.alloc(0)
  const address = await serve(socket => socket.on('data', bytes => {
    heard = Buffer.concat([heard, bytes])
    socket.write(keepAliveFrame())
  }))
  const n1 = await open('n1', { options: { tls: material('n1') }, members: { n1: ANYWHERE, n2: address } })
  await n1.until('word of it', noticed('unreachable'))
  t.false(heard.includes('hello'))
})

test('a member without TLS says so of one that comes with it', async t => {
  const n2 = await open('n2')
  const end = dialTls(n2.links.address, material('n1'))
  await Promise.all([end.closed, n2.until('a refusal', noticed('handshakeRefused'))])
  t.is(noticesOf(n2.events, 'handshakeRefused')[0]?.reason, 'it speaks TLS, and this end does not')
})

test('older versions than TLS 1.2 are not spoken', async t => {
  const n2 = await openTls('n2')
  const end = dialTls(n2.links.address, material('n1'), { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
  void end.opened.then(() => t.fail())
  await Promise.all([end.closed, n2.until('a refusal', noticed('handshakeRefused'))])
  t.regex(noticesOf(n2.events, 'handshakeRefused')[0]?.reason ?? '', /PROTOCOL|VERSION/)
})

test('TLS 1.2 is spoken, and messages pass', async t => {
  const n2 = await openTls('n2')
  const end = await joinAs(n2.links.address, {}, address => dialTls(address, material('n1'), { maxVersion: 'TLSv1.2' }))
  await n2.until('a link', count('connected', 'n1', 1))
  const before = end.heard().length
  n2.links.send(member('n1'), [vote('n2', 'n1')])
  await end.hears(before + 50)
  t.deepEqual(messagesOf(n2.events), [])
})

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`nobody goes on with an earlier session, for which no certificate would be judged: ${maxVersion}`, async t => {
    let shown = material('n2')
    const n2 = await open('n2', { options: { tls: () => shown } })
    const sessions: Buffer[] = []
    const come = async (): Promise<boolean> => {
      const session = sessions.at(-1)
      const end = dialTls(n2.links.address, material('n1'), { maxVersion, ...session && { session } })
      end.socket.on('session', (next: Buffer) => sessions.push(next))
      await end.opened
      end.socket.write(hello())
      await end.hears(1)
      const isReused = end.socket instanceof TLSSocket && end.socket.isSessionReused()
      end.socket.destroy()
      await end.closed
      return isReused
    }
    t.false(await come())
    t.true(sessions.length > 0, 'a session that could be gone on with')
    t.false(await come())
    shown = { ...shown, ca: String(shown.ca) + String(material('next-n1', 'next-ca').ca) }
    t.false(await come(), 'what is renewed does not change it')
    t.false(await come())
  })
}

test('material that cannot be used, or is not this member\'s, is refused before anything is opened', async t => {
  const report = async (...args: Parameters<typeof tryOpen>): Promise<readonly string[]> => {
    const outcome = await tryOpen(...args)
    return isLeft(outcome) && outcome.left._tag === 'InvalidOptions' ? outcome.left.report : []
  }
  t.deepEqual(await report('n1', { options: { tls: material('n2') } }), ['transport.tls.cert: names n2, not the member n1'])
  t.deepEqual(await report('client', { options: { tls: material('client') } }), ['transport.tls.cert: is a client\'s, and not good for server authentication'])
  t.deepEqual(await report('n1', { options: { tls: () => material('n2') } }), ['transport.tls.cert: names n2, not the member n1'])
  t.deepEqual(await report('n1', { options: { tls: () => { throw new Error('not now') } } }), ['transport.tls: cannot be used: not now'])
  const misshapen: readonly (readonly [unknown, string])[] = [
    [{ cert: 'c', key: 'k' }, '.ca: is missing; cert, key and ca go together'],
    [{}, '.cert: is missing; cert, key and ca go together'],
    [{ ...material('n1'), key: 7 }, '.key: must be a string or a Uint8Array, in PEM'],
    [null, ': must be an object with cert, key and ca, or a function that returns one'],
    [() => undefined, ': must be an object with cert, key and ca, or a function that returns one'],
    [() => Promise.reject(new Error('too late')), ': returned a promise, and must answer at once'],
  ]
  for (const [tls, line] of misshapen) t.deepEqual(await report('n1', { options: { tls: tls as TlsMaterial } }), [`transport.tls${line}`])
  t.deepEqual(await report('n1', { options: { tls: material('n1'), plaintext: true } }), ['transport.plaintext: contradicts transport.tls'])
  const [line = ''] = await report('n1', { options: { tls: { ...material('n1'), key: 'no key' } } })
  t.regex(line, /^transport\.tls: cannot be used: /)
  t.regex((await report('n1', { options: { tls: { ...material('n1'), key: material('n2').key } } }))[0] ?? '', /^transport\.tls: cannot be used: /)
})

test('material may be an object of any class; what stands there is read once, and judged as it is shown', async t => {
  class Files implements TlsMaterial {
    reads = 0
    get cert() { return this.reads++ === 0 ? material('n1').cert : 'something else' }
    get key() { return material('n1').key }
    get ca() { return material('n1').ca }
  }
  for (const tls of [Object.create(material('n1')) as TlsMaterial, new Files()]) {
    const n1 = await open('n1', { options: { tls } })
    await n1.close()
  }
  const { key, ca } = material('n1')
  t.like(await tryOpen('n1', { options: { tls: Object.create({ key, ca }) as TlsMaterial } }), { left: { report: ['transport.tls.cert: is missing; cert, key and ca go together'] } })
})

/** Sockets that take certificates to be good at other times. */
const goodAt = (times: { readonly validFrom?: number; readonly validTo?: number }): typeof nodeSockets => ({
  ...nodeSockets,
  inspect: tls => {
    const found = nodeSockets.inspect(tls)
    return isLeft(found) ? found : right({ ...found.right, ...times })
  },
})

test('nobody starts with a certificate that has expired, or is not good yet; one that is given later is not shown', async t => {
  const report = async (...args: Parameters<typeof tryOpen>): Promise<unknown> => {
    const outcome = await tryOpen(...args)
    return isLeft(outcome) && outcome.left._tag === 'InvalidOptions' && outcome.left.report
  }
  t.deepEqual(await report('n1', { options: { tls: material('expired') } }), ['transport.tls.cert: has expired, at 2024-02-01T00:00:00.000Z'])
  // A clock may lag a little.
  await open('n1', { options: { tls: material('n1') }, sockets: goodAt({ validFrom: Date.now() + 4 * 60_000 }) })
  t.deepEqual(await report('n1', { options: { tls: material('n1') }, sockets: goodAt({ validFrom: Date.UTC(2100, 0) }) }), ['transport.tls.cert: is not good before 2100-01-01T00:00:00.000Z'])
  const client = await connect({ cluster: 'c', members: { n1: '127.0.0.1:1' }, protocol: { command: types.string, result: types.string }, tls: material('expired') })
  t.deepEqual(isLeft(client) && client.left._tag === 'InvalidOptions' && client.left.report, ['tls.cert: has expired, at 2024-02-01T00:00:00.000Z'])
  let given = material('n1')
  const n1 = await open('n1', { options: { tls: () => given } })
  given = material('expired')
  t.is(await issuerAt(n1, material('n2')), 'CN=rxraft test authority')
  t.deepEqual(noticesOf(n1.events, 'renewalFailed').map(({ reason }) => reason), ['transport.tls.cert: has expired, at 2024-02-01T00:00:00.000Z'])
})

test('that the own certificate expires is told once a day from 30 days before, and in the last quarter of a shorter life', async t => {
  const HOUR = 3_600_000
  const toldOver = async (days: number, life: number): Promise<readonly number[]> => {
    const timers = heldTimers()
    const start = Date.now()
    // So much of a long life is over.
    const aged = Math.max(0, life - 31) * 24 * HOUR
    const validTo = start - aged + life * 24 * HOUR
    const certificate = { names: ['n1'], isForMembers: true, validFrom: start - aged, validTo }
    let passed = 0
    const clock = { ...timers, now: () => passed, wall: () => start + passed }
    const n1 = await open('n1', { options: { tls: material('n1') }, members: { n1: ANYWHERE }, clock, sockets: { ...nodeSockets, inspect: () => right(certificate) } })
    const told: number[] = []
    for (; passed <= days * 24 * HOUR; passed += HOUR) {
      const notices = noticesOf(n1.events, 'certificateExpires')
      if (notices.length > told.length) told.push(passed / HOUR / 24)
      t.true(notices.every(({ notAfter }) => notAfter === new Date(validTo).toISOString()))
      timers.advance(HOUR)
      await new Promise(setImmediate)
    }
    await n1.close()
    return told.map(Math.floor)
  }
  t.deepEqual(await toldOver(3, 150), [1, 2])
  t.deepEqual(await toldOver(2, 30), [])
  t.deepEqual(await toldOver(4, 4), [3])
  t.deepEqual(await toldOver(2, 1), [0, 1], 'and after it has expired')
})

test('a peer that closes right after the TLS handshake may have refused the certificate, and so it is told', async t => {
  const n2 = await openTls('n2')
  const n1 = await open('n1', { options: { tls: material('expired') }, members: { n1: ANYWHERE, n2: n2.links.address }, sockets: goodAt({ validTo: Number.POSITIVE_INFINITY }) })
  await Promise.all([n1.until('word of it', noticed('unreachable')), n2.until('a refusal', noticed('handshakeRefused'))])
  t.regex(noticesOf(n1.events, 'unreachable')[0]?.reason ?? '', /before a word was said; it may have refused this certificate, and its own log says why$/)
})

/** Who vouches for what a member shows to whoever connects now. */
const issuerAt = async ({ links }: Watched, tls: TlsMaterial): Promise<string | undefined> => {
  const { socket, opened, closed } = dialTls(links.address, tls)
  await opened
  const issuer = socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.issuer : undefined
  socket.destroy()
  await closed
  return issuer
}

test('members move to another authority while they run: links that are up stay, and what is renewed counts from the next one on', async t => {
  // One is handed the same object again, with other contents, the other one a new object each time.
  const held: TlsMaterial = { ...material('n1') }
  let given = material('n2')
  const { sockets, streams } = spied()
  const n2 = await open('n2', { options: { tls: () => ({ ...given }) }, sockets })
  const n1 = await open('n1', { options: { tls: () => held }, members: { n1: ANYWHERE, n2: n2.links.address } })
  const linked = (times: number): Promise<unknown> => Promise.all([n1.until('a link', count('connected', 'n2', times)), n2.until('a link', count('connected', 'n1', times))])
  await linked(1)

  const both = Buffer.concat([material('n1').ca, material('next-n1', 'next-ca').ca].map(ca => Buffer.from(ca)))
  Object.assign(held, { ca: both })
  given = { ...given, ca: both }
  t.is(await issuerAt(n2, material('n1')), 'CN=rxraft test authority')
  given = { ...material('next-n2'), ca: both }
  t.is(await issuerAt(n2, material('n1')), 'CN=next authority', 'one that has moved takes those who have not')
  t.is(await issuerAt(n2, material('next-n1')), 'CN=next authority')
  Object.assign(held, material('next-n1', 'next-ca'))
  given = material('next-n2', 'next-ca')
  t.is(await issuerAt(n1, given), 'CN=next authority')

  n1.links.send(member('n2'), [vote('n1', 'n2')])
  await n2.until('a message over the link from before', events => messagesOf(events).length === 1)
  t.true(count('connected', 'n1', 1)(n2.events))
  streams.forEach(stream => stream.destroy())
  await linked(2)
  const isRefused = (events: Watched['events']): boolean => noticesOf(events, 'handshakeRefused').some(({ reason }) => /certificate refused: (UNABLE|SELF_SIGNED)/.test(reason))
  t.false(isRefused(n2.events))
  await Promise.all([dialTls(n2.links.address, material('n1')).closed, n2.until('a refusal of who has not moved', isRefused)])
  t.deepEqual([n1, n2].flatMap(({ events }) => noticesOf(events, 'renewalFailed')), [])
})

test('what is renewed and cannot be used is told, once until the reason changes, and what was shown before goes on', async t => {
  const good = material('n2')
  let give = (): TlsMaterial => good
  const n2 = await open('n2', { options: { tls: () => give() } })
  const shows = async (next: typeof give): Promise<void> => {
    give = next
    t.is(await issuerAt(n2, material('n1')), 'CN=rxraft test authority')
  }
  const unreadable = (): TlsMaterial => { throw new Error('no such file') }
  const anotherKey = (): TlsMaterial => ({ ...good, key: material('n1').key })
  const ca = String(good.ca)
  const halves = ['', 'rubbish', ca.slice(0, ca.length / 2), ca + ca.slice(0, ca.length / 2)].map(half => () => ({ ...good, ca: half }))
  for (const next of [unreadable, unreadable, anotherKey, () => good, anotherKey, () => material('n3'), Object, ...halves]) await shows(next as typeof give)
  const reasons = noticesOf(n2.events, 'renewalFailed').map(({ reason }) => reason)
  t.is(reasons.length, 7)
  t.is(reasons[5], 'transport.tls: cannot be used: ca holds no certificate')
  t.regex(reasons[6] ?? '', /^transport\.tls: cannot be used: .*PEM/)
  t.is(reasons[0], 'transport.tls: cannot be used: no such file')
  t.regex(reasons[1] ?? '', /^transport\.tls: cannot be used: .*KEY/)
  t.is(reasons[2], reasons[1])
  t.is(reasons[3], 'transport.tls.cert: names third member, n3, not the member n2')
  t.is(reasons[4], 'transport.tls.cert: is missing; cert, key and ca go together')
  await serves(n2)
})
