/** What a link does once it is up: silence, trickles, what is written how, and a reader that does not read. */
import { Socket } from 'node:net'
import test from 'ava'
import { checksumOf } from '../../../codecs/bytes.js'
import { packEntries } from '../../../codecs/entries.js'
import { encodeFrame, encodeFrames, farewellFrame, FRAME_HEADER_BYTES, keepAliveFrame } from '../../../codecs/frames.js'
import { requestFrameBytes } from '../../../codecs/options.js'
import type { LinkMessage, ProposeRequest } from '../../../lib/requests.js'
import { PROGRESS_BYTES, SILENT_BEATS } from '../../../streams/transport/tcp/link.js'
import type { Unanswered } from '../../../streams/transport/port.js'
import { TURN_MESSAGES } from '../../../streams/transport/turns.js'
import { MAX_WORDS_BYTES } from '../../../streams/transport/writer.js'
import { count, isAbout, member, messagesOf, noticed, noticesOf, unansweredBy } from '../../../testing/watch.js'
import { ANYWHERE, append, closeAll, CLUSTER_NAME, heldTimers, joinAs, KIB, LIMITS, MIB, open, type Raw, request, spied, vote } from './wire.js'

test.after.always(closeAll)

test('a link may carry a frame as large as maxFrameBytes, in pieces of any size', async t => {
  const n2 = await open('n2')
  const end = await joinAs(n2.links.address)
  const overhead = Buffer.concat(encodeFrame({ ...append(0), from: 'n1', to: 'n2' })).length
  const frame = Buffer.concat(encodeFrame({ ...append(2 ** 20 - overhead), from: 'n1', to: 'n2' }))
  t.is(frame.length, 2 ** 20)
  for (const byte of frame.subarray(0, 40)) end.socket.write(Buffer.from([byte]))
  end.socket.write(frame.subarray(40))
  await n2.until('the message', events => messagesOf(events).length === 1)
})

test('a client\'s frame may be as large as the largest request, and no larger', async t => {
  const n2 = await open('n2')
  const end = await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, incarnation: '' })
  const request = (bytes: number): ProposeRequest => ({ type: 'propose', id: 1, epoch: 1, term: 1, body: packEntries([new Uint8Array(bytes)]) })
  const overhead = Buffer.concat(encodeFrame(request(0))).length
  const most = requestFrameBytes(LIMITS)
  t.true(most < LIMITS.maxFrameBytes)
  end.socket.write(Buffer.concat(encodeFrame(request(most - overhead))))
  await n2.until('the largest', events => messagesOf(events).length === 1)
  end.socket.write(Buffer.concat(encodeFrame(request(most - overhead + 1))))
  await Promise.all([end.closed, n2.until('a notice', noticed('badFrame'))])
  t.regex(noticesOf(n2.events, 'badFrame')[0]?.reason ?? '', new RegExp(`the limit is ${most}`))
})

test('what is no chunk of a snapshot does not come on their lane, whose memory is used again', async t => {
  const n2 = await open('n2')
  const end = await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, incarnation: '' })
  const frame = Buffer.concat(encodeFrame({ type: 'propose', id: 1, epoch: 1, term: 1, body: packEntries([new Uint8Array(9)]) }))
  frame[3] = 2
  frame.writeUInt32LE(checksumOf(frame.subarray(0, 20)), 20)
  end.socket.write(frame)
  await Promise.all([end.closed, n2.until('a notice', noticed('badFrame'))])
  t.is(noticesOf(n2.events, 'badFrame')[0]?.reason, 'a propose came on the lane of snapshots')
  t.deepEqual(messagesOf(n2.events), [])
})

test('what has a tail does not come as if it were all head, which is read where it lies and not kept', async t => {
  const n2 = await open('n2')
  const end = await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, incarnation: '' })
  const frame = Buffer.concat(encodeFrame({ type: 'propose', id: 1, epoch: 1, term: 1, body: packEntries([new Uint8Array(9)]) }))
  frame[3] = 0
  frame.writeUInt32LE(frame.length - FRAME_HEADER_BYTES, 12)
  frame.writeUInt32LE(checksumOf(frame.subarray(FRAME_HEADER_BYTES)), 16)
  frame.writeUInt32LE(checksumOf(frame.subarray(0, 20)), 20)
  end.socket.write(frame)
  await Promise.all([end.closed, n2.until('a notice', noticed('badFrame'))])
  t.is(noticesOf(n2.events, 'badFrame')[0]?.reason, 'a propose came on the lane of what is all head')
  t.deepEqual(messagesOf(n2.events), [])
})

const resultOf = (id: number): LinkMessage => ({ type: 'committed', id, firstIndex: 1, term: 1, results: packEntries([new Uint8Array(100_000)]) })

test('a client that does not read costs no more than maxClientBufferBytes and one reply; of what has no room it is told that it is lost, and nothing on its way is', async t => {
  const { sockets, streams } = spied()
  const n2 = await open('n2', { sockets, clock: heldTimers() })
  const end = await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, incarnation: '' })
  await n2.until('a client', events => events.some(({ type }) => type === 'connected'))
  const [up] = n2.events
  if (up?.type !== 'connected') return t.fail()
  const welcome = end.heard().length
  end.socket.pause()
  const expected: LinkMessage[] = []
  let most = 0
  for (let id = 1; id <= 200; id++) {
    const isFull = (streams[0]?.bufferedBytes ?? 0) >= LIMITS.maxClientBufferBytes
    expected.push(isFull ? { type: 'lost', id } : resultOf(id))
    n2.links.send(up.party, [resultOf(id)])
    most = Math.max(most, streams[0]?.bufferedBytes ?? 0)
  }
  t.true(most > LIMITS.maxClientBufferBytes && most < LIMITS.maxClientBufferBytes + 110_000, `${most}`)
  const frames = Buffer.concat(encodeFrames(expected))
  end.socket.resume()
  await end.hears(welcome + frames.length)
  t.true(end.heard().subarray(welcome).equals(frames))
  t.true(expected.some(({ type }) => type === 'lost'))
  t.false(n2.events.some(({ type }) => type === 'disconnected'))
})

test('a link that says nothing is cut after five times keepAliveMs, and is told all the while that this end lives', async t => {
  const clock = heldTimers()
  const n2 = await open('n2', { clock })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  const before = end.heard().length
  for (let i = 0; i < SILENT_BEATS; i++) clock.advance(LIMITS.keepAliveMs)
  await end.hears(before + SILENT_BEATS * FRAME_HEADER_BYTES)
  t.false(n2.events.some(isAbout('disconnected', 'n1')))
  clock.advance(LIMITS.keepAliveMs)
  await Promise.all([end.closed, n2.until('the cut', count('disconnected', 'n1', 1))])
})

test('while requests wait for a receipt this end says that it lives: what waits says nothing', async t => {
  const clock = heldTimers()
  const n2 = await open('n2', { clock })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  const before = end.heard().length + FRAME_HEADER_BYTES + 64 * KIB
  n2.links.send(member('n1'), [request(1, 200 * KIB)])
  await end.hears(before)
  clock.advance(LIMITS.keepAliveMs)
  for (let beat = 0; beat < SILENT_BEATS - 1; beat++) {
    n2.links.send(member('n1'), [request(2 + beat, 100)])
    clock.advance(LIMITS.keepAliveMs)
  }
  await end.hears(before + (SILENT_BEATS - 1) * FRAME_HEADER_BYTES)
  t.is(end.heard().length, before + (SILENT_BEATS - 1) * FRAME_HEADER_BYTES)
})

test('the deadline of the handshake is over with the handshake, at both ends', async t => {
  const clock = heldTimers()
  const n2 = await open('n2', { clock })
  const n1 = await open('n1', { clock, members: { n1: ANYWHERE, n2: n2.links.address } })
  await Promise.all([n1.until('a link', count('connected', 'n2', 1)), n2.until('a link', count('connected', 'n1', 1))])
  clock.advance(LIMITS.handshakeTimeoutMs)
  n1.links.send(member('n2'), [vote('n1', 'n2')])
  n2.links.send(member('n1'), [vote('n2', 'n1')])
  await Promise.all([n1, n2].map(one => one.until('a message', events => messagesOf(events).length === 1)))
  t.deepEqual([...n1.events, ...n2.events].filter(({ type }) => type === 'disconnected'), [])
})

test('a link that says only that it lives is kept', async t => {
  const clock = heldTimers()
  const { sockets, say } = spied()
  const n2 = await open('n2', { clock, sockets })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  for (let i = 0; i < 3 * SILENT_BEATS; i++) {
    clock.advance(LIMITS.keepAliveMs)
    if (i % SILENT_BEATS === SILENT_BEATS - 1) await say(end, keepAliveFrame())
  }
  n2.links.send(member('n1'), [vote('n2', 'n1')])
  t.false(n2.events.some(isAbout('disconnected', 'n1')))
})

test('who trickles a frame byte by byte is as good as silent, but a large frame may take its time', async t => {
  const clock = heldTimers()
  const { sockets, say } = spied()
  const n2 = await open('n2', { clock, sockets })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  const frame = Buffer.concat(encodeFrame({ ...append(1_000_000), from: 'n1', to: 'n2' }))
  const piece = Math.ceil(frame.length / 12)
  for (let at = 0; at < frame.length; at += piece) {
    await say(end, frame.subarray(at, at + piece))
    clock.advance(LIMITS.keepAliveMs)
  }
  await n2.until('the large message', events => messagesOf(events).length === 1)
  for (const byte of frame.subarray(0, SILENT_BEATS)) {
    await say(end, Buffer.from([byte]))
    clock.advance(LIMITS.keepAliveMs)
  }
  await Promise.all([end.closed, n2.until('the cut', count('disconnected', 'n1', 1))])
  t.pass()
})

for (const role of ['member', 'client'] as const) {
  test(`over a slow line a frame of a ${role} arrives, however many beats that takes, at a few KiB in five of them, and at less it does not`, async t => {
    const clock = heldTimers()
    const { sockets, say } = spied()
    const n2 = await open('n2', { clock, sockets })
    const end = await joinAs(n2.links.address, role === 'member' ? {} : { role, clusterId: CLUSTER_NAME, incarnation: '' })
    await n2.until('a link', events => events.some(({ type }) => type === 'connected'))
    const frame = Buffer.concat(encodeFrame(request(1, 60 * KIB)))
    const wait = (): void => { for (let beat = 0; beat < SILENT_BEATS; beat++) clock.advance(LIMITS.keepAliveMs) }
    for (let at = 0; at < frame.length; at += PROGRESS_BYTES) {
      await say(end, frame.subarray(at, at + PROGRESS_BYTES))
      wait()
    }
    await n2.until('the request', events => messagesOf(events).length === 1)
    await say(end, frame.subarray(0, PROGRESS_BYTES - 1))
    wait()
    clock.advance(LIMITS.keepAliveMs)
    await Promise.all([end.closed, n2.until('the cut', events => events.some(({ type }) => type === 'disconnected'))])
    t.pass()
  })
}

test('all messages of one send leave in one write', async t => {
  const { sockets, writes } = spied()
  const n2 = await open('n2', { sockets, limits: { keepAliveMs: 60_000 } })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  const before = writes()
  n2.links.send(member('n1'), [vote('n2', 'n1'), append(100), append(50_000), vote('n2', 'n1', 2)])
  t.is(writes(), before + 1)
  const frames = Buffer.concat([vote('n2', 'n1'), append(100), append(50_000), vote('n2', 'n1', 2)].flatMap(encodeFrame))
  await end.hears(frames.length + 1)
  t.deepEqual(end.heard().subarray(-frames.length), frames)
})

test('who does not read costs no more than maxSendBufferBytes and one frame; messages of cores are dropped and counted', async t => {
  const { sockets, streams } = spied()
  const n2 = await open('n2', { sockets, limits: { keepAliveMs: 50 } })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  end.socket.pause()
  const life = setInterval(() => end.socket.write(keepAliveFrame()), 20)
  const told = n2.events.length
  for (let i = 0; i < 100; i++) n2.links.send(member('n1'), [append(200_000)])
  t.is(n2.events.length, told, 'nothing is told during send')
  t.true((streams[0]?.bufferedBytes ?? Infinity) <= 2 ** 20 + 201_000)
  await n2.until('a notice', noticed('sendBufferFull'))
  const [notice] = noticesOf(n2.events, 'sendBufferFull')
  t.true((notice?.dropped ?? 0) > 10)
  t.false(n2.events.some(isAbout('disconnected', 'n1')), 'the link itself is kept')
  clearInterval(life)
  end.socket.resume()
  await end.hears(1_000_000)
})

test('a result may be larger than the bound and all words beyond it: what comes behind it is lost, and the link is not', async t => {
  const n2 = await open('n2', { clock: heldTimers(), limits: { maxFrameBytes: 16 * MIB } })
  const end = await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, incarnation: '' })
  await n2.until('a client', events => events.some(({ type }) => type === 'connected'))
  const [up] = n2.events
  if (up?.type !== 'connected') return t.fail()
  const large: LinkMessage = { type: 'committed', id: 1, firstIndex: 1, term: 1, results: packEntries([new Uint8Array(12 * MIB)]) }
  const before = end.heard().length
  for (const message of [large, resultOf(2), resultOf(3)]) n2.links.send(up.party, [message])
  const frames = Buffer.concat(encodeFrames([large, { type: 'lost', id: 2 }, { type: 'lost', id: 3 }]))
  await end.hears(before + frames.length)
  t.deepEqual(end.heard().subarray(before), frames)
})

test('what is short may go beyond the bound, and as much of it as nobody waits for cuts the link; a request does so at once', async t => {
  for (const [message, most] of [[{ type: 'lost', id: 1 }, MAX_WORDS_BYTES], [request(1, 1), 0]] as const) {
    const n2 = await open('n2', { clock: heldTimers() })
    const end = await joinAs(n2.links.address)
    await n2.until('a link', count('connected', 'n1', 1))
    end.socket.pause()
    // Until the system takes no more.
    for (let i = 0; i < 200; i++) {
      n2.links.send(member('n1'), [append(200_000)])
      await new Promise(resolve => setImmediate(resolve))
    }
    const bytes = encodeFrame(message).reduce((sum, { length }) => sum + length, 0)
    const room = Math.ceil(most / bytes)
    for (let i = 0; i < room; i++) n2.links.send(member('n1'), [message])
    await new Promise(resolve => setImmediate(resolve))
    t.false(n2.events.some(isAbout('disconnected', 'n1')))
    n2.links.send(member('n1'), [message])
    t.false(n2.events.some(isAbout('disconnected', 'n1')), 'not during send')
    await n2.until('the cut', count('disconnected', 'n1', 1))
    end.socket.destroy()
  }
})

test('only a farewell says that what is unanswered was never looked at, however the link ends behind it', async t => {
  const ends: Readonly<Record<string, (end: Raw) => void>> = {
    'unknown: it ends': end => end.socket.end(),
    'unknown: it is reset': end => end.socket.resetAndDestroy(),
    'unknown: half a farewell': end => end.socket.end(farewellFrame().subarray(0, -1)),
    'unseen: a farewell': end => end.socket.end(farewellFrame()),
    'unseen: a farewell behind answers': end => end.socket.end(Buffer.concat([...encodeFrame({ type: 'lost', id: 1 }), farewellFrame()])),
  }
  for (const [name, finish] of Object.entries(ends)) {
    const n2 = await open('n2', { clock: heldTimers() })
    const end = await joinAs(n2.links.address)
    await n2.until('a link', count('connected', 'n1', 1))
    finish(end)
    await n2.until('its end', count('disconnected', 'n1', 1))
    t.deepEqual(unansweredBy(n2.events, 'n1'), [name.split(':')[0] as Unanswered], name)
    t.is(messagesOf(n2.events).length, name.includes('answers') ? 1 : 0)
  }
  const { sockets, say } = spied()
  const n2 = await open('n2', { sockets, clock: heldTimers() })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  await say(end, farewellFrame())
  end.socket.resetAndDestroy()
  await n2.until('its end', count('disconnected', 'n1', 1))
  t.deepEqual(unansweredBy(n2.events, 'n1'), ['unseen'], 'a farewell, then a reset')
})

test('a link that another one replaces after its farewell keeps that word', async t => {
  const { sockets, say } = spied()
  const n2 = await open('n2', { sockets, clock: heldTimers() })
  const first = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  await say(first, farewellFrame())
  await joinAs(n2.links.address)
  await n2.until('the next', count('connected', 'n1', 2))
  t.deepEqual(unansweredBy(n2.events, 'n1'), ['unseen'])
})

test.serial('one write of a stream is one write to the system, however many chunks it has', async t => {
  const { sockets, streams } = spied()
  const n2 = await open('n2', { sockets, clock: heldTimers() })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  const { _write: write, _writev: writev } = Socket.prototype
  let writes = 0
  Socket.prototype._write = function (...args) {
    if (this.localPort !== end.socket.localPort) writes++
    return write.apply(this, args)
  }
  Socket.prototype._writev = function (...args) {
    if (this.localPort !== end.socket.localPort) writes++
    return writev?.apply(this, args)
  }
  const before = end.heard().length
  streams[0]?.write([1, 2, 3].map(n => new Uint8Array(n)))
  streams[0]?.write([10_000, 20_000, 1].map(n => new Uint8Array(n)))
  await end.hears(before + 30_007)
  Object.assign(Socket.prototype, { _write: write, _writev: writev })
  t.is(writes, 2)
})

test('a member that closes says farewell, behind all else', async t => {
  const n2 = await open('n2')
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  n2.links.send(member('n1'), [vote('n2', 'n1')])
  await Promise.all([n2.close(), end.closed])
  t.deepEqual(end.heard().subarray(-farewellFrame().length), Buffer.from(farewellFrame()))
})

test('a client that floods is heard so much at a time, a turn of the event loop for each, and in order', async t => {
  const n2 = await open('n2', { clock: heldTimers() })
  const end = await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, incarnation: '' })
  await n2.until('a link', events => events.some(({ type }) => type === 'connected'))
  let most = 0
  let inThisTurn = 0
  const heard: number[] = []
  n2.links.events$.subscribe(event => {
    if (event.type !== 'received' || event.message.type !== 'propose') return
    if (inThisTurn === 0) setImmediate(() => { inThisTurn = 0 })
    most = Math.max(most, ++inThisTurn)
    heard.push(event.message.id)
  })
  const ids = Array.from({ length: 10_000 }, (_, at) => at)
  end.socket.write(Buffer.concat(ids.flatMap(id => encodeFrame(request(id, 1)))))
  while (heard.length < ids.length) await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(heard, ids)
  // What is heard at the end of a turn may meet what comes at the beginning of the next.
  t.true(most <= 2 * (TURN_MESSAGES + 200), `${most}`)
})
