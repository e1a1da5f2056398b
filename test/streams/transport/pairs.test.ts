/** Two members that both dial: in virtual time, so that their dials meet in every way there is. */
import test from 'ava'
import type { Roll, TransportEvent } from '../../../streams/transport/port.js'
import { CALM_NETWORK } from '../../../testing/simulation/world/network-mix.js'
import { count, member, messagesOf, noticed, noticesOf } from '../../../testing/watch.js'
import { ADDRESSES, AWAY, HASTY, couple } from './couple.js'
import { ANYWHERE, append, closeAll, heldTimers, hello, joinAs, LIMITS, open, dial as dialRaw, serve, vote } from './wire.js'

test.after.always(closeAll)

/** One word for each change of the link, in order. */
const changes = (events: readonly TransportEvent[]): readonly string[] => events.flatMap(({ type }) => type === 'connected' || type === 'disconnected' ? [type] : [])
const isUp = (events: readonly TransportEvent[]): boolean => changes(events).at(-1) === 'connected'

const BOTH: Roll = { addresses: ADDRESSES, isOpen: false }
const STRANGE: Roll = { addresses: {}, isOpen: true }

for (const [what, rolls] of Object.entries({
  'both know each other': { n1: BOTH, n2: BOTH }, 'only the smaller knows the other': { n1: BOTH, n2: STRANGE }, 'only the larger knows the other': { n1: STRANGE, n2: BOTH },
})) {
  test(`where ${what} they are linked once, in whatever order their dials meet`, t => {
    for (let seed = 1; seed <= 300; seed++) {
      const { n1, n2, run } = couple(seed, rolls)
      run(500)
      t.deepEqual([changes(n1.events), changes(n2.events)], [['connected'], ['connected']], `seed ${seed}`)
      for (const { events } of [n1, n2]) t.deepEqual([...noticesOf(events, 'handshakeRefused'), ...noticesOf(events, 'refusedByPeer')], [], `seed ${seed}`)
      n1.links().send(member('n2'), [vote('n1', 'n2')])
      n2.links().send(member('n1'), [vote('n2', 'n1')])
      run(20)
      t.deepEqual([n1, n2].map(({ events }) => messagesOf(events).length), [1, 1], `seed ${seed}`)
    }
  })

  test(`where ${what} a link that breaks is made good, and never are there two`, t => {
    for (let seed = 1; seed <= 60; seed++) {
      const { n1, n2, network, dice, run } = couple(seed, rolls)
      network.set({ ...CALM_NETWORK, delayMs: dice.between(0.2, 5), loss: 0.1, resendMs: 5 })
      for (let n = 0; n < 15; n++) {
        run(dice.between(0, 30))
        if (dice.chance(0.5)) network.reset('n1', 'n2')
        else network.cut(new Set(dice.chance(0.5) ? ['n1>n2'] : ['n2>n1']))
        run(dice.between(0, 150))
        network.cut(new Set())
      }
      run(2000)
      for (const { events } of [n1, n2]) {
        t.true(isUp(events), `seed ${seed}`)
        t.true(changes(events).every((change, at) => change === (at % 2 === 0 ? 'connected' : 'disconnected')), `seed ${seed}`)
      }
      const before = changes(n1.events).length + changes(n2.events).length
      n1.links().send(member('n2'), [vote('n1', 'n2')])
      n2.links().send(member('n1'), [vote('n2', 'n1')])
      run(1000)
      t.deepEqual([n1, n2].map(({ events }) => messagesOf(events).length), [1, 1], `seed ${seed}`)
      t.is(changes(n1.events).length + changes(n2.events).length, before, 'what is up stays up')
    }
  })
}

test('who has the larger id dials only where it was not dialled for reconnectMaxMs', async t => {
  let dialled = 0
  const n1 = await serve(socket => {
    dialled++
    socket.destroy()
  })
  const clock = heldTimers()
  const n2 = await open('n2', { clock, members: { n1, n2: ANYWHERE } })
  clock.advance(LIMITS.reconnectMaxMs - 1)
  t.is(n2.events.length, 0)
  clock.advance(1)
  while (dialled === 0) await new Promise(resolve => setImmediate(resolve))
  t.is(dialled, 1)
})

test('who looks for a member where nobody answers is found by it all the same', t => {
  for (let seed = 1; seed <= 100; seed++) {
    const { n1, n2, network, dice, run } = couple(seed, { n1: { ...BOTH, addresses: { ...ADDRESSES, n2: AWAY } }, n2: BOTH })
    network.cut(new Set(['n1>away']))
    run(HASTY.handshakeTimeoutMs / 2)
    t.deepEqual([changes(n1.events), changes(n2.events)], [['connected'], ['connected']], `seed ${seed}`)
    for (let n = 0; n < 5; n++) {
      network.reset('n1', 'n2')
      run(dice.between(HASTY.handshakeTimeoutMs / 2, HASTY.handshakeTimeoutMs))
      t.true([n1, n2].every(({ events }) => isUp(events)), `seed ${seed}`)
    }
    for (const { events } of [n1, n2]) t.deepEqual([...noticesOf(events, 'handshakeRefused'), ...noticesOf(events, 'refusedByPeer')], [], `seed ${seed}`)
  }
})

test('two whose handshakes take longer than reconnectMaxMs do not end each other\'s links', t => {
  for (let seed = 1; seed <= 300; seed++) {
    const { n1, n2, network, dice, run } = couple(seed, { n1: BOTH, n2: BOTH }, { ...HASTY, handshakeTimeoutMs: 400 })
    network.set({ ...CALM_NETWORK, delayMs: dice.between(1, 20) })
    run(2000)
    t.deepEqual(changes(n1.events), ['connected'], `seed ${seed}`)
    t.true(isUp(n2.events), `seed ${seed}`)
  }
})

test('who is dialled and has the larger id is asked to give way, and nobody hears of it; but not for longer than it waits before it dials', async t => {
  let dialled = 0
  // It says nothing, so that the dial goes on.
  const n2 = await serve(socket => {
    socket.resume()
    dialled++
  })
  let now = 0
  const n1 = await open('n1', { members: { n1: ANYWHERE, n2 }, clock: { ...heldTimers(), now: () => now } })
  while (dialled === 0) await new Promise(resolve => setImmediate(resolve))
  now = LIMITS.reconnectMaxMs - 1
  const end = dialRaw(n1.links.address)
  end.socket.write(hello({ from: 'n2', to: 'n1', incarnation: 'n2-1' }))
  await end.closed
  t.true(end.heard().includes('the one with the smaller id goes on'))
  t.deepEqual(n1.events, [])
  now = LIMITS.reconnectMaxMs
  await joinAs(n1.links.address, { from: 'n2', to: 'n1', incarnation: 'n2-1' })
  await n1.until('a link', count('connected', 'n2', 1))
  t.deepEqual(n1.events.map(({ type }) => type), ['connected'])
})

test('members that are not named take the places of clients, and those that are named have their own', async t => {
  const n1 = await open('n1', { members: { n1: ANYWHERE, n4: '127.0.0.1:1' }, isOpen: true, limits: { maxLinks: 2 } })
  await joinAs(n1.links.address, { from: 'n2', to: 'n1', incarnation: 'n2-1' })
  await n1.until('a stranger', count('connected', 'n2', 1))
  const another = dialRaw(n1.links.address)
  another.socket.write(hello({ from: 'n3', to: 'n1', incarnation: 'n3-1' }))
  await another.closed
  await n1.until('a refusal', noticed('handshakeRefused'))
  t.deepEqual(noticesOf(n1.events, 'handshakeRefused').map(({ reason }) => reason), ['there is no place for another member: maxLinks is reached'])
  n1.links.update({ addresses: { n1: ANYWHERE, n2: '127.0.0.1:1' }, isOpen: true })
  await joinAs(n1.links.address, { from: 'n3', to: 'n1', incarnation: 'n3-1' })
  await n1.until('n3 in the place that is free', count('connected', 'n3', 1))
})

test('the link with a member that belongs no more is not cut while anything is on its way', async t => {
  const limits = { keepAliveMs: 60_000, maxSendBufferBytes: 2 ** 24 }
  const n2 = await open('n2', { limits })
  const n1 = await open('n1', { limits, members: { n1: ANYWHERE, n2: n2.links.address } })
  await n2.until('a link', count('connected', 'n1', 1))
  n2.links.send(member('n1'), Array.from({ length: 10 }, () => append(900_000)))
  n2.links.update({ addresses: { n2: ANYWHERE }, isOpen: false })
  await n1.until('the end of the link', count('disconnected', 'n2', 1))
  t.is(messagesOf(n1.events).length, 10)
})
