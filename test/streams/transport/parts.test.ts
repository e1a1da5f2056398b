/** What would keep life signs waiting and comes in parts, as a bare socket would have it. */
import test from 'ava'
import { checksumOf } from '../../../codecs/bytes.js'
import { encodeFrame, encodeFrames, FRAME_HEADER_BYTES, farewellFrame, framed, MAX_PART_BYTES, partHeader, receiptFrame } from '../../../codecs/frames.js'
import { frameReader } from '../../../codecs/frame-reader.js'
import { decodeMessage } from '../../../codecs/messages.js'
import { isRight } from '../../../lib/prelude.js'
import type { LinkMessage } from '../../../lib/requests.js'
import { openLink } from '../../../streams/transport/tcp/link.js'
import type { StreamEvents } from '../../../streams/transport/tcp/sockets.js'
import { count, isAbout, member, messagesOf, noticed, noticesOf, unansweredBy } from '../../../testing/watch.js'
import { append, closeAll, CLUSTER_NAME, heldTimers, joinAs, KIB, LIMITS, MIB, open, type Raw, request, spied, vote } from './wire.js'

test.after.always(closeAll)

const ROOMY = { maxCommandBytes: 8 * MIB, maxFrameBytes: 16 * MIB, maxSendBufferBytes: 64 * MIB }
/** Whether they are the same, looked at as bytes. */
const areSame = (some: readonly LinkMessage[], others: readonly LinkMessage[]): boolean => Buffer.concat(encodeFrames(some)).equals(Buffer.concat(encodeFrames(others)))

/** A frame in parts of these sizes, and the rest in a last one. */
const inParts = (frame: Uint8Array, ...sizes: readonly number[]): readonly Uint8Array[] => {
  const parts: Uint8Array[] = []
  let at = 0
  for (const size of [...sizes, frame.length]) {
    const part = frame.subarray(at, at + size)
    if (part.length > 0) parts.push(Buffer.concat([partHeader(part.length), part]))
    at += size
  }
  return parts
}
const frameOf = (message: LinkMessage): Uint8Array => Buffer.concat(encodeFrame(message))
const [first, second, third] = inParts(frameOf(request(1, 3000)), 1000, 1000)
const onLane = (frame: Uint8Array, lane: number): Uint8Array => {
  const other = Buffer.from(frame)
  other[3] = lane
  other.writeUInt32LE(checksumOf(other.subarray(0, 20)), 20)
  return other
}
const claim = (payloadBytes: number, lane: number): Uint8Array => {
  const header = Buffer.from(framed(new Uint8Array(0)))
  header.writeUInt32LE(payloadBytes, 8)
  return onLane(header, lane)
}

const hostile: Readonly<Record<string, { readonly bytes: readonly Uint8Array[]; readonly reason: RegExp }>> = {
  'a part beyond the largest': { bytes: [claim(MAX_PART_BYTES + 1, 3)], reason: /the limit is 1048600/ },
  'parts of a frame beyond maxFrameBytes': { bytes: inParts(claim(16 * MIB, 1)), reason: /in parts: .*the limit is 16777216/ },
  'parts of nothing': { bytes: inParts(Buffer.alloc(64, 7)), reason: /in parts: .*not a frame/ },
  'a second part without a first': { bytes: [second!, third!], reason: /in parts: .*not a frame/ },
  'parts in another order': { bytes: [first!, third!, second!], reason: /propose: the body does not match its checksum/ },
  'a part that comes twice': { bytes: [first!, first!, second!, second!], reason: /in parts: .*not a frame/ },
  'a part that is left out': { bytes: [first!, third!, first!, first!], reason: /propose: the body does not match its checksum/ },
  'what a core says': { bytes: inParts(frameOf(vote('n1', 'n2')), 10), reason: /a requestVote came in parts/ },
  'a part of a part': { bytes: inParts(first!, 10), reason: /a frame on the lane part came in parts/ },
  'memory that is used again': { bytes: inParts(onLane(frameOf(request(1, 9)), 2), 10), reason: /a frame on the lane snapshot came in parts/ },
  'a farewell in parts': { bytes: inParts(farewellFrame(), 10), reason: /shorter than its kind/ },
  'a request that overtakes one in parts': { bytes: [first!, frameOf(request(2, 9))], reason: /a propose overtook what comes in parts/ },
  'a receipt for nothing': { bytes: [receiptFrame()], reason: /a receipt came for no part/ },
}
for (const [what, { bytes, reason }] of Object.entries(hostile)) {
  test(`${what}: the link is cut, and nothing of it is heard`, async t => {
    const n2 = await open('n2', { limits: ROOMY })
    const end = await joinAs(n2.links.address)
    await n2.until('a link', count('connected', 'n1', 1))
    end.socket.write(Buffer.concat(bytes))
    await Promise.all([end.closed, n2.until('the cut', count('disconnected', 'n1', 1))])
    t.regex(noticesOf(n2.events, 'badFrame')[0]?.reason ?? '', reason)
    t.deepEqual(messagesOf(n2.events), [])
  })
}

test('what a client says comes in no parts, and it is owed no receipt', async t => {
  for (const [bytes, reason] of [[first!, 'nothing comes in parts here'], [receiptFrame(), 'a receipt came for no part']] as const) {
    const n2 = await open('n2')
    const end = await joinAs(n2.links.address, { role: 'client', clusterId: CLUSTER_NAME, incarnation: '' })
    end.socket.write(bytes)
    await Promise.all([end.closed, n2.until('a notice', noticed('badFrame'))])
    t.is(noticesOf(n2.events, 'badFrame')[0]?.reason, reason)
    await n2.close()
  }
})

test('what comes in parts is heard when it is whole, behind what cores say between them; each part has its receipt', async t => {
  const { sockets, say } = spied()
  const n2 = await open('n2', { sockets, clock: heldTimers() })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  const before = end.heard().length
  for (const part of [first!, frameOf(vote('n1', 'n2')), second!]) await say(end, part)
  t.deepEqual(messagesOf(n2.events), [vote('n1', 'n2')])
  await say(end, third!)
  t.deepEqual(messagesOf(n2.events), [vote('n1', 'n2'), request(1, 3000)])
  await end.hears(before + 3 * receiptFrame().length)
  t.deepEqual(end.heard().subarray(before), Buffer.concat([receiptFrame(), receiptFrame(), receiptFrame()]))
})

test('of a link that ends in the middle of a request nothing is heard, and the next begins anew', async t => {
  const { sockets, say } = spied()
  const n2 = await open('n2', { sockets, clock: heldTimers() })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  await say(end, Buffer.concat([first!, second!]))
  end.socket.resetAndDestroy()
  await n2.until('its end', count('disconnected', 'n1', 1))
  const next = await joinAs(n2.links.address)
  await n2.until('the next', count('connected', 'n1', 2))
  await say(next, Buffer.concat([first!, second!, third!]))
  t.deepEqual(messagesOf(n2.events), [request(1, 3000)])
})

/** A link whose other end says parts, and takes what it is told when the test says so. */
const untaken = () => {
  let told: StreamEvents | undefined
  let receipts = 0
  const faults: string[] = []
  const stream = {
    remote: 'somewhere', certificate: undefined, hasSpoken: true, bufferedBytes: 0,
    attach: (events: StreamEvents) => { told = events },
    write: (chunks: readonly Uint8Array[]) => {
      receipts += chunks.filter(chunk => Buffer.compare(chunk, receiptFrame()) === 0).length
      stream.bufferedBytes += chunks.reduce((sum, { length }) => sum + length, 0)
    },
    pause: () => undefined, resume: () => undefined, end: () => undefined, destroy: () => undefined,
  }
  const link = openLink({
    stream, limits: { ...LIMITS, ...ROOMY }, maxReadBytes: ROOMY.maxFrameBytes, promptMs: 100, turns: undefined, clock: heldTimers(), objection: () => undefined,
    events: { confirmed: () => undefined, refused: () => undefined, received: () => undefined, unreadable: reason => { faults.push(reason) }, dropped: () => undefined, closed: () => undefined },
  })
  const parts = inParts(frameOf(request(1, 3000)), ...Array.from({ length: 299 }, () => 10))
  return { stream, link, faults, receipts: () => receipts, say: (from: number, to: number) => { for (const part of parts.slice(from, to)) told?.received(part) } }
}

test('who sends parts and takes no receipt is cut when there are more than a frame has parts; its last words are within that', t => {
  const { faults, receipts, say } = untaken()
  // The one that is on its way, and what is left of the largest frame.
  say(0, 17)
  t.deepEqual(faults, [])
  say(17, 300)
  t.deepEqual([faults, receipts()], [['parts came faster than their receipts were taken'], 18])
})

test('who waits for each receipt is not cut, however much else waits to leave', t => {
  const { stream, link, faults, receipts, say } = untaken()
  for (let at = 0; at < 250; at++) {
    link.send([append(10_000)])
    say(at, at + 1)
    // All is taken but the half of what was said behind the receipt.
    link.send([append(10_000)])
    stream.bufferedBytes = 5_000
  }
  t.deepEqual([faults, receipts()], [[], 250])
})

/** What the other end has heard: frames as they came, and the messages in them. */
const heardBy = (end: Raw) => {
  const whole = frameReader({ maxFrameBytes: 16 * MIB })
  const parts = frameReader({ maxFrameBytes: 16 * MIB })
  const messages: LinkMessage[] = []
  const sizes: number[] = []
  let at = 0
  const hear = (payload: Uint8Array): void => {
    const message = decodeMessage(payload)
    if (isRight(message)) messages.push(message.right)
  }
  return () => {
    const frames = whole.push(end.heard().subarray(at))
    at = end.heard().length
    for (const { lane, payload } of isRight(frames) ? frames.right : []) {
      if (lane !== 'part') hear(payload)
      else {
        sizes.push(payload.length)
        const inner = parts.push(payload)
        for (const frame of isRight(inner) ? inner.right : []) hear(frame.payload)
      }
    }
    return { messages, sizes }
  }
}

const until = async (holds: () => boolean): Promise<void> => { while (!holds()) await new Promise(resolve => setImmediate(resolve)) }

/** What a bare socket is sent. */
const LARGE = request(1, MIB - 100)

/** n2, which has sent a large request and a small one to an n1 that hears it and says no word. */
const forwarding = async () => {
  // Whatever arrives has arrived at once, by this clock.
  const n2 = await open('n2', { clock: { ...heldTimers(), now: () => 0 }, limits: ROOMY })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  const heard = heardBy(end)
  heard()
  const before = end.heard().length
  n2.links.send(member('n1'), [LARGE, request(2, 10)])
  await end.hears(before + FRAME_HEADER_BYTES + 64 * KIB)
  return { n2, end, heard }
}

test('the next part leaves when the one before has arrived; what cores say leaves at once, and later requests behind it all', async t => {
  const { n2, end, heard } = await forwarding()
  n2.links.send(member('n1'), [vote('n2', 'n1')])
  await end.hears(end.heard().length + frameOf(vote('n2', 'n1')).length)
  t.deepEqual([heard().messages.map(({ type }) => type), heard().sizes], [['requestVote'], [64 * KIB]])
  // Each is twice as large as the one before, since that has arrived at once; the last is what remains.
  for (let left = frameOf(LARGE).length - 64 * KIB, part = 128 * KIB; left > 0; left -= part, part *= 2) {
    const before = end.heard().length
    end.socket.write(receiptFrame())
    await end.hears(before + FRAME_HEADER_BYTES + Math.min(left, part))
  }
  await until(() => heard().messages.length === 3)
  const { messages, sizes } = heard()
  t.true(areSame(messages.slice(1), [LARGE, request(2, 10)]))
  t.deepEqual(sizes.slice(0, 4), [64, 128, 256, 512].map(kib => kib * KIB))
})

test('whoever closes in the middle says all that it has said, the farewell behind it', async t => {
  const { n2, end, heard } = await forwarding()
  n2.links.send(member('n1'), [{ type: 'lost', id: 7 }])
  await Promise.all([n2.close(), end.closed])
  t.true(areSame(heard().messages, [LARGE, request(2, 10), { type: 'lost', id: 7 }]))
  t.deepEqual(end.heard().subarray(-farewellFrame().length), Buffer.from(farewellFrame()))
})

test('what waits counts as what waits to leave: beyond maxSendBufferBytes the next request cuts the link, and what cores say does not', async t => {
  const n2 = await open('n2', { clock: heldTimers(), limits: { ...ROOMY, maxFrameBytes: MIB, maxSendBufferBytes: MIB } })
  const end = await joinAs(n2.links.address)
  await n2.until('a link', count('connected', 'n1', 1))
  for (let id = 1; id <= 3; id++) n2.links.send(member('n1'), [request(id, 512 * KIB)])
  n2.links.send(member('n1'), [vote('n2', 'n1')])
  await end.hears(64 * KIB + frameOf(vote('n2', 'n1')).length)
  t.false(n2.events.some(isAbout('disconnected', 'n1')))
  n2.links.send(member('n1'), [request(4, 1)])
  await n2.until('the cut', count('disconnected', 'n1', 1))
  t.deepEqual(unansweredBy(n2.events, 'n1'), ['unknown'])
})
