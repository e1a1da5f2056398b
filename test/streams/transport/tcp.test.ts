/** What the TCP transport does with strangers, garbage and resets: refuse, tell, and go on serving. */
import { connect } from 'node:net'
import test from 'ava'
import { checksumOf, viewOf } from '../../../codecs/bytes.js'
import { encodeFrame, framed, FRAME_HEADER_BYTES, keepAliveFrame } from '../../../codecs/frames.js'
import { isLeft, left, right } from '../../../lib/prelude.js'
import type { TransportEvent } from '../../../streams/transport/port.js'
import { nodeSockets } from '../../../streams/transport/tcp/node-sockets.js'
import { count, isAbout, member, messagesOf, noticed, noticesOf } from '../../../testing/watch.js'
import { ANYWHERE, closeAll, CLUSTER_NAME, dial, hello, heldTimers, joinAs, LIMITS, open, placeOf, type Raw, raw, serve, tryOpen, vote } from './wire.js'

test.after.always(closeAll)

/** A header that claims so many bytes of payload, with a checksum that vouches for it. */
const claim = (payloadBytes: number): Uint8Array => {
  const header = framed(new Uint8Array(0))
  const view = viewOf(header)
  view.setUint32(8, payloadBytes, true)
  view.setUint32(FRAME_HEADER_BYTES - 4, checksumOf(header.subarray(0, FRAME_HEADER_BYTES - 4)), true)
  return header
}

const reasons = (events: readonly TransportEvent[]): readonly string[] => noticesOf(events, 'handshakeRefused').map(({ reason }) => reason)

/** That the member still takes a proper link, whatever happened before. */
const serves = async (n2: Awaited<ReturnType<typeof open>>): Promise<void> => {
  const ups = n2.events.filter(isAbout('connected', 'n1')).length
  const end = await joinAs(n2.links.address)
  await n2.until('a proper link', count('connected', 'n1', ups + 1))
  end.socket.destroy()
  await n2.until('its end', count('disconnected', 'n1', ups + 1))
}

const unwelcome: Record<string, { readonly bytes: Uint8Array; readonly reason: RegExp }> = {
  'garbage': { bytes: Buffer.from('GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n'), reason: /not a frame/ },
  'a hello that claims four gigabytes': { bytes: claim(0xffff_ffff), reason: /limit is 4096/ },
  'a hello of more than 4 KiB': { bytes: claim(4096), reason: /limit is 4096/ },
  'a frame that is no hello': { bytes: framed(Buffer.from('{"type":"hello"}')), reason: /role|must/ },
  'a hello of another cluster': { bytes: hello({ clusterId: 'another' }), reason: /another cluster: its name differs, or the ids of its first members do. A member that is to be added starts with join/ },
  'a hello of a member that knows no more than the cluster\'s name': { bytes: hello({ clusterId: CLUSTER_NAME }), reason: /another cluster/ },
  'a hello for another member': { bytes: hello({ to: 'n3' }), reason: /this is n2, not n3/ },
  'a hello of a stranger': { bytes: hello({ from: 'n0' }), reason: /n0 is not a member/ },
  'a hello in the member\'s own name': { bytes: hello({ from: 'n2' }), reason: /n2/ },
  'a hello in a newer protocol only': { bytes: hello({ versions: [7, 9] }), reason: /7 to 9/ },
  'a hello of a machine with half a version': { bytes: hello({ machineVersion: 0.5 }), reason: /machineVersion: must be an integer from 0/ },
  'a hello with more behind it': { bytes: Buffer.concat([hello(), keepAliveFrame()]), reason: /before it was answered/ },
}
for (const [what, { bytes, reason }] of Object.entries(unwelcome)) {
  test(`${what} is refused, told of, and changes nothing`, async t => {
    const n2 = await open('n2', { members: { n1: ANYWHERE, n2: ANYWHERE } })
    const end = dial(n2.links.address)
    end.socket.write(bytes)
    await end.closed
    await n2.until('a notice', noticed('handshakeRefused'))
    t.regex(reasons(n2.events)[0] ?? '', reason)
    t.false(n2.events.some(event => event.type === 'connected'))
    await serves(n2)
  })
}

const unreadable: Record<string, { readonly bytes: Uint8Array; readonly reason: RegExp }> = {
  'garbage': { bytes: Buffer.alloc(64, 7), reason: /not a frame/ },
  'a frame that claims four gigabytes': { bytes: claim(0xffff_ffff), reason: /limit is 1048576/ },
  'a frame one byte over maxFrameBytes': { bytes: claim(2 ** 20 - FRAME_HEADER_BYTES + 1), reason: /limit is 1048576/ },
  'a frame that holds no message': { bytes: framed(Buffer.from([99, 0, 0, 0])), reason: /unknown kind/ },
  'a message in another member\'s name': { bytes: Buffer.concat(encodeFrame(vote('n3', 'n2'))), reason: /another name/ },
  'a message for another member': { bytes: Buffer.concat(encodeFrame(vote('n1', 'n3'))), reason: /for another member/ },
}
for (const [what, { bytes, reason }] of Object.entries(unreadable)) {
  test(`${what} cuts the link, and what follows it is not heard`, async t => {
    const n2 = await open('n2')
    const end = await joinAs(n2.links.address)
    await n2.until('a link', count('connected', 'n1', 1))
    end.socket.write(bytes)
    end.socket.write(Buffer.concat(encodeFrame(vote('n1', 'n2'))))
    await Promise.all([end.closed, n2.until('the cut', count('disconnected', 'n1', 1))])
    t.regex(noticesOf(n2.events, 'badFrame')[0]?.reason ?? '', reason)
    t.deepEqual(messagesOf(n2.events), [])
    await serves(n2)
  })
}

test('of those that say nothing only so many may wait, three quarters of them from one host, and none beyond the deadline', async t => {
  const clock = heldTimers()
  const n2 = await open('n2', { clock, limits: { maxHandshakes: 4 } })
  const silent = [1, 2, 3].map(() => dial(n2.links.address))
  await Promise.all(silent.map(one => one.opened))
  const fourth = dial(n2.links.address)
  await fourth.closed
  t.deepEqual(noticesOf(n2.events, 'tooManyLinks').map(({ bound }) => bound), ['maxHandshakes'])
  clock.advance(LIMITS.handshakeTimeoutMs)
  await Promise.all(silent.map(one => one.closed))
  await n2.until('three refusals', noticed('handshakeRefused', 3))
  t.deepEqual(reasons(n2.events), Array(3).fill('the handshake took longer than handshakeTimeoutMs'))
  await serves(n2)
})

test('hosts that take all places between them keep nobody else out: of the one that has most, who has waited longest gives way', async t => {
  const n2 = await open('n2', { clock: heldTimers(), limits: { maxHandshakes: 4 } })
  const from = (localAddress: string): Raw => raw(connect({ ...placeOf(n2.links.address), localAddress }))
  const silent: Raw[] = []
  for (const host of ['127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.2']) {
    const next = from(host)
    await next.opened
    silent.push(next)
  }
  const third = from('127.0.0.3')
  await silent[0]?.closed
  await third.opened
  await from('127.0.0.3').closed
  t.deepEqual(silent.slice(1).map(({ socket }) => socket.closed), [false, false, false], 'no host gives way to one that would have as many')
  await serves(n2)
  await silent[1]?.closed
})

test('who only looks whether anyone listens is not told of, and takes no place', async t => {
  const n2 = await open('n2', { limits: { maxHandshakes: 2 } })
  for (let n = 0; n < 10; n++) {
    const end = dial(n2.links.address)
    await end.opened
    if (n % 2 === 0) end.socket.end()
    else end.socket.resetAndDestroy()
    await end.closed
    await serves(n2)
  }
  t.deepEqual([...reasons(n2.events), ...noticesOf(n2.events, 'tooManyLinks')], [])
})

test('who trickles a hello meets the same deadline', async t => {
  const clock = heldTimers()
  const n2 = await open('n2', { clock })
  const end = dial(n2.links.address)
  await end.opened
  for (const byte of hello().subarray(0, 10)) {
    end.socket.write(Buffer.from([byte]))
    clock.advance(LIMITS.handshakeTimeoutMs / 10)
  }
  await end.closed
  await n2.until('a refusal', noticed('handshakeRefused'))
  t.deepEqual(reasons(n2.events), ['the handshake took longer than handshakeTimeoutMs'])
})

test('who asks and never confirms is no link, and meets the deadline', async t => {
  const clock = heldTimers()
  const n2 = await open('n2', { clock })
  const end = dial(n2.links.address)
  end.socket.write(hello())
  await end.hears(1)
  clock.advance(LIMITS.handshakeTimeoutMs)
  await end.closed
  t.false(n2.events.some(event => event.type === 'connected'))
  await serves(n2)
})

const phases: Record<string, (end: Raw) => Promise<unknown>> = {
  'at once': async end => end.opened,
  'within the hello': async end => end.socket.write(hello().subarray(0, 30)),
  'after the hello': async end => end.socket.write(hello()),
  'after the welcome': async end => {
    end.socket.write(hello())
    await end.hears(1)
  },
  'as a link': async end => {
    end.socket.write(hello())
    await end.hears(1)
    end.socket.write(keepAliveFrame())
  },
  'within a frame': async end => {
    end.socket.write(hello())
    await end.hears(1)
    end.socket.write(Buffer.concat(encodeFrame(vote('n1', 'n2'))).subarray(0, 50))
  },
}
for (const [phase, reach] of Object.entries(phases)) {
  test(`a reset ${phase} harms nobody`, async t => {
    const n2 = await open('n2')
    const end = dial(n2.links.address)
    await end.opened
    await reach(end)
    end.socket.resetAndDestroy()
    await end.closed
    await serves(n2)
    t.pass()
  })
}

test('a member that is reset at any moment dials again until it is linked', async t => {
  const limits = { keepAliveMs: 10 }
  const n2 = await open('n2', { limits })
  let times = 0
  // The first connections are reset after ever more bytes, the last one is passed through.
  const between = await serve(socket => {
    const cutAfter = [0, 1, 100, 300, 400][times++]
    if (cutAfter === 0) return socket.resetAndDestroy()
    const onward = raw(connect(placeOf(n2.links.address)))
    let passed = 0
    const pass = (from: typeof socket, to: typeof socket): unknown => from.on('data', bytes => {
      passed += bytes.length
      if (cutAfter === undefined || passed < cutAfter) return to.write(bytes)
      onward.socket.resetAndDestroy()
      return socket.resetAndDestroy()
    })
    pass(socket, onward.socket)
    pass(onward.socket, socket)
    socket.once('close', () => onward.socket.destroy())
    onward.socket.once('close', () => socket.destroy())
  })
  const n1 = await open('n1', { limits, members: { n1: ANYWHERE, n2: between } })
  await n1.until('the fifth reset', () => times > 5)
  await n2.until('a link', events => events.filter(isAbout('connected', 'n1')).length > events.filter(isAbout('disconnected', 'n1')).length)
  n1.links.send(member('n2'), [vote('n1', 'n2')])
  await n2.until('a message', events => messagesOf(events).length > 0)
  t.pass()
})

test('a second link of the same incarnation takes the first one\'s place once it is confirmed', async t => {
  const n2 = await open('n2', { clock: heldTimers() })
  const first = await joinAs(n2.links.address)
  await n2.until('the first link', count('connected', 'n1', 1))
  const second = dial(n2.links.address)
  second.socket.write(hello())
  await second.hears(1)
  t.false(n2.events.some(isAbout('disconnected', 'n1')), 'a hello alone replaces nobody')
  second.socket.write(keepAliveFrame())
  await Promise.all([first.closed, n2.until('the second link', count('connected', 'n1', 2))])
  t.deepEqual(n2.events.map(({ type }) => type), ['connected', 'disconnected', 'connected'])
  const before = second.heard().length
  n2.links.send(member('n1'), [vote('n2', 'n1')])
  await second.hears(before + 50)
})

test('a second link of another incarnation is refused while the first one lives', async t => {
  const n2 = await open('n2', { clock: heldTimers() })
  const first = await joinAs(n2.links.address)
  await n2.until('the first link', count('connected', 'n1', 1))
  const second = dial(n2.links.address)
  second.socket.write(hello({ incarnation: 'n1-2' }))
  await second.closed
  await n2.until('a refusal', noticed('handshakeRefused'))
  t.deepEqual(reasons(n2.events), ['n1 is linked as another incarnation'])
  t.true(second.heard().includes('another incarnation'), 'it is told why')
  t.false(n2.events.some(isAbout('disconnected', 'n1')))
  first.socket.destroy()
})

test('a member that is refused says so once, not at every attempt', async t => {
  let attempts = 0
  const n2 = await open('n2', {
    admit: (_, __, decide) => {
      attempts++
      decide({ _tag: 'Left', left: 'it lost its folder' })
    },
  })
  const n1 = await open('n1', { members: { n1: ANYWHERE, n2: n2.links.address } })
  await n2.until('five refusals', noticed('handshakeRefused', 5))
  t.true(attempts >= 5)
  t.deepEqual(noticesOf(n1.events, 'refusedByPeer'), [{ type: 'refusedByPeer', peer: 'n2', reason: 'it lost its folder' }])
})

test('a member that is dialled and refused learns why in the other\'s words, once, and again after a link', async t => {
  let refusal: string | undefined = 'it lost its folder'
  let attempts = 0
  const n2 = await open('n2')
  const n1 = await open('n1', {
    members: { n1: ANYWHERE, n2: n2.links.address },
    admit: (_, __, decide) => {
      attempts++
      decide(refusal === undefined ? right(undefined) : left(refusal))
    },
  })
  const refusals = (): readonly string[] => noticesOf(n2.events, 'refusedByPeer').map(({ peer, reason }) => `${peer}: ${reason}`)
  const moreAttempts = async (): Promise<void> => {
    const enough = attempts + 5
    while (attempts < enough) await new Promise(resolve => setImmediate(resolve))
  }
  await n2.until('word of it', noticed('refusedByPeer'))
  await moreAttempts()
  t.deepEqual(refusals(), ['n1: it lost its folder'])
  t.deepEqual(n1.events.map(event => event.type === 'noticed' ? event.notice.type : event.type), ['handshakeRefused'], 'the other end says so once too')
  refusal = undefined
  await n2.until('a link', count('connected', 'n1', 1))
  refusal = 'it lost its folder'
  n2.links.send(member('n1'), [vote('n2', 'n3')])
  await n2.until('word of it', noticed('refusedByPeer', 2))
  await moreAttempts()
  t.deepEqual(refusals(), ['n1: it lost its folder', 'n1: it lost its folder'])
  t.deepEqual(noticesOf(n2.events, 'badFrame'), [])
})

test('who is gone before it has confirmed the link has not refused anybody', async t => {
  const n2 = await open('n2')
  const end = dial(n2.links.address)
  end.socket.write(hello())
  await end.hears(1)
  end.socket.destroy()
  await n2.until('a notice', noticed('handshakeRefused'))
  t.regex(reasons(n2.events)[0] ?? '', /^n1 did not confirm the link/)
  t.deepEqual(noticesOf(n2.events, 'refusedByPeer'), [])
})

test('what does not fit together is refused before anything is opened', async t => {
  const report = async (...args: Parameters<typeof tryOpen>): Promise<readonly string[]> => {
    const outcome = await tryOpen(...args)
    return isLeft(outcome) && outcome.left._tag === 'InvalidOptions' ? outcome.left.report : []
  }
  const beyond = 'is beyond loopback, which takes tls, or plaintext: true where the network itself is trusted'
  t.deepEqual(await report('n1', { options: { listen: '0.0.0.0:0' } }), [`transport.listen: 0.0.0.0:0 ${beyond}`])
  t.deepEqual(await report('n1', { options: { listen: '[::]:0' } }), [`transport.listen: [::]:0 ${beyond}`])
  t.deepEqual(await report('n1', { members: { n1: 'localhost:0', n2: '10.0.0.2:7000' } }), [`members.n2: 10.0.0.2:7000 ${beyond}`])
  t.deepEqual(await report('n1', { members: { n1: '127.evil.example:0' } }), [`members.n1: 127.evil.example:0 ${beyond}`])
  t.deepEqual(await report('n1', { members: { n1: 'nowhere' } }), ['members.n1: "nowhere" is not an address "host:port"'])
  t.deepEqual(await report('n1', { address: '10.0.0.1:7000', join: '10.0.0.1:7000', members: { n2: ANYWHERE } }), [`join: 10.0.0.1:7000 ${beyond}`])
  t.deepEqual(await report('n1', { address: '10.0.0.1:7000' }), [`storage.address: 10.0.0.1:7000 ${beyond}`])
  const taken = await open('n1')
  const second = await tryOpen('n1', { options: { listen: taken.links.address } })
  t.is(isLeft(second) && second.left._tag, 'PortInUse')
  t.notRegex(String(isLeft(second) && second.left.message), /data folder/)
  const nowhere = await tryOpen('n1', { options: { listen: '203.0.113.1:0', plaintext: true } })
  t.is(isLeft(nowhere) && nowhere.left._tag, 'ListenFailed')
})

test('what the log names beyond loopback keeps no member from starting: it is not dialled, and no such change is made', async t => {
  const n1 = await open('n1', { roll: { addresses: { n1: ANYWHERE, n8: '192.0.2.7:7001' }, isOpen: false } })
  t.regex(n1.links.objection!('192.0.2.7:7001')!, /is beyond loopback/)
  t.is(n1.links.objection!('127.0.0.1:7001'), undefined)
})

test('plaintext: true opens beyond loopback', async t => {
  const n1 = await open('n1', { options: { listen: '0.0.0.0:0', plaintext: true }, members: { n1: '192.0.2.1:7000' } })
  t.regex(n1.links.address, /^0\.0\.0\.0:[1-9]/)
})

test('a hello that comes in pieces may have in it what a TLS handshake begins with', async t => {
  const start = Buffer.from([0x16, 0x03])
  let greeting = Buffer.alloc(0)
  for (let i = 0; !greeting.includes(start); i++) greeting = Buffer.from(hello({ incarnation: `n1-${i}` }))
  const at = greeting.indexOf(start)
  const listen: typeof nodeSockets.listen = (address, tls, onStream, done) => nodeSockets.listen(address, tls, stream => {
    const { attach } = stream
    stream.attach = events => attach({
      ...events,
      received: bytes => [bytes.subarray(0, at), bytes.subarray(at)].forEach(piece => events.received(piece)),
    })
    onStream(stream)
  }, done)
  const n2 = await open('n2', { sockets: { ...nodeSockets, listen } })
  const end = dial(n2.links.address)
  end.socket.write(greeting)
  await end.hears(1)
  t.true(end.heard().includes('welcome'))
})
