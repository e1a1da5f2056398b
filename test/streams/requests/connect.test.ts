/** `connect` as its users call it: what it refuses, and how it fares among real members. */
import test from 'ava'
import * as t from 'io-ts'
import { filter, firstValueFrom, map, NEVER } from 'rxjs'
import { isLeft } from '../../../lib/prelude.js'
import { type ClientOptions, connectWith } from '../../../client/connect.js'
import { connect } from '../../../client/index.js'
import { freePort } from '../../../cli/demo/ports.js'
import { createRaft, memoryStorage, orThrow, reducerMachine, tcpTransport } from '../../../streams/index.js'
import { virtualClock } from '../member/world.js'
import { material } from '../transport/wire.js'
import { members, protocol, shown } from './client-world.js'

const wrong: Readonly<Record<string, readonly [object, RegExp]>> = {
  'no cluster': [{ cluster: '' }, /cluster/],
  'no members': [{ members: {} }, /members/],
  'members that are none': [{ members: undefined }, /members/],
  'an address that is none': [{ members: { n1: 'nowhere' } }, /n1/],
  'no protocol': [{ protocol: undefined }, /protocol: must be a pair of io-ts codecs/],
  'a codec that is none': [{ protocol: { ...protocol, result: {} } }, /protocol\.result: must be an io-ts codec/],
  'a misspelt option': [{ timeout: 300 }, /timeout: is not an option/],
  'a bound that is no number': [{ limits: { maxFrameBytes: 'large' } }, /maxFrameBytes/],
  'TLS material that is none': [{ tls: { cert: 'client.pem', key: 'client.key', ca: 'ca.pem' } }, /tls: cannot be used: /],
  'TLS material of another shape': [{ tls: null }, /tls: must be an object with cert, key and ca/],
  'TLS material that is not to be had': [{ tls: () => { throw new Error('not now') } }, /tls: cannot be used: not now/],
  'TLS and the word that none is needed': [{ tls: material('client'), plaintext: true }, /plaintext: contradicts tls/],
  'a plaintext that is not true': [{ plaintext: false }, /plaintext/],
  'members beyond loopback and no TLS': [{ members: { n1: '192.0.2.7:7001', n2: 'db.example:7001', n3: '127.0.0.1:7001' } },
    /members\.n1: 192\.0\.2\.7:7001 is beyond loopback, which takes tls, or plaintext: true .*members\.n2: db\.example:7001 is beyond loopback(?!.*members\.n3)/s],
  'a timeout that is no number': [{ timeoutMs: Number.NaN }, /timeoutMs/],
  'a timeout that no timer can wait': [{ timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs/],
  'bounds that contradict each other': [{ limits: { maxSendBufferBytes: 1000 } }, /maxSendBufferBytes: must be at least maxFrameBytes/],
}
for (const [what, [options, expected]] of Object.entries(wrong)) {
  test(`with ${what} it says so and begins nothing`, async assert => {
    const outcome = await connect({ cluster: 'test', members, protocol, ...options } as ClientOptions<string, string>)
    assert.true(isLeft(outcome) && outcome.left._tag === 'InvalidOptions' && expected.test(outcome.left.message), isLeft(outcome) ? outcome.left.message : 'connected')
  })
}

test('without options it says so too', async assert => {
  const outcome = await Reflect.apply(connect, undefined, []) as Awaited<ReturnType<typeof connect>>
  assert.true(isLeft(outcome) && outcome.left._tag === 'InvalidOptions' && /must be an object/.test(outcome.left.message))
})

test('options that throw when they are read are invalid, whenever it is that they throw', async assert => {
  let [least, outcome] = [0, await connect({ cluster: '', members, protocol })]
  for (; isLeft(outcome) && outcome.left._tag === 'InvalidOptions'; least++) {
    let readings = 0
    const options = { cluster: 'test', members, timeoutMs: 1, get protocol() {
      if (readings++ >= least) throw new Error('not now')
      return protocol
    } }
    outcome = await connect(options)
  }
  assert.true(least > 1 && isLeft(outcome) && outcome.left._tag === 'Unreachable', 'in the end it can read them')
})

test('it asks for its certificate before it dials, each time, and keeps the one from before where it gets none that can be used', assert => {
  const clock = virtualClock()
  const given = ['client', 'client', 'n1']
  const dialled: unknown[] = []
  const dial: Parameters<typeof connectWith>[0]['dial'] = ({ tls }) => {
    dialled.push(tls?.cert)
    return { events$: NEVER, send: () => undefined, close: () => undefined }
  }
  // There is no certificate without a name.
  void connectWith({ clock, random: () => 0, dial }, { cluster: 'test', members, protocol, tls: () => material(given.shift() ?? '') })
  clock.advance(1_000)
  assert.deepEqual(dialled.slice(0, 3), ['client', 'n1', 'n1'].map(name => material(name).cert).map(cert => new Uint8Array(Buffer.from(cert))))
})

const machine = reducerMachine({
  command: t.string, result: t.string, state: t.string, initial: '', reduce: (state, more) => [state + more, state + more],
})
const freeAddresses = async (...ids: readonly string[]): Promise<Record<string, string>> =>
  Object.fromEntries(await Promise.all(ids.map(async id => [id, `127.0.0.1:${await freePort()}`] as const)))
const start = async (id: string, addresses: Readonly<Record<string, string>>, join?: string) => orThrow(await createRaft({
  cluster: 'test', id, members: addresses, machine, transport: tcpTransport(), storage: memoryStorage(), electionTimeoutMs: 300, heartbeatMs: 30, ...(join !== undefined && { join }),
}))

test('over TCP, told of two members: it finds the leader that is the third, and the next one when that stops', async assert => {
  const addresses = await freeAddresses('n1', 'n2', 'n3')
  const rafts = await Promise.all(Object.keys(addresses).map(async id => [id, await start(id, addresses)] as const))
  const [leaderId, leader] = await Promise.any(rafts.map(pair => firstValueFrom(pair[1].leadership$.pipe(filter(held => held !== undefined), map(() => pair)))))
  const others = Object.fromEntries(Object.entries(addresses).filter(([id]) => id !== leaderId))
  const client = orThrow(await connect({ cluster: 'test', members: others, protocol: machine }))
  const several = await Promise.all(['a', 'b', 'c'].map(command => client.propose(command)))
  assert.deepEqual(several.map(shown), ['a', 'ab', 'abc'])
  await leader.stop()
  assert.is(shown(await client.propose('d')), 'abcd')
  await client.close()
  await Promise.all(rafts.map(([, raft]) => raft.stop()))
})

test('over TCP: every member that a client was given is replaced by another elsewhere, and it goes on', async assert => {
  const founders = ['n1', 'n2', 'n3']
  const addresses = await freeAddresses(...founders)
  const newcomers = await freeAddresses('n4', 'n5', 'n6')
  const rafts = await Promise.all(founders.map(id => start(id, addresses)))
  const client = orThrow(await connect({ cluster: 'test', members: addresses, protocol: machine }))
  assert.is(shown(await client.propose('-')), '-')
  for (const [at, [id, address]] of Object.entries(newcomers).entries()) {
    const newcomer = await start(id, addresses, address)
    orThrow(await rafts[at + 1 < founders.length ? at + 1 : at]!.members.replace(founders[at]!, id, address))
    await rafts[at]!.stop()
    rafts.push(newcomer)
    assert.is(shown(await client.propose(id)), `-${Object.keys(newcomers).slice(0, at + 1).join('')}`)
  }
  await client.close()
  await Promise.all(rafts.map(raft => raft.stop()))
})
