import test from 'ava'
import fc from 'fast-check'
import { checksumOf, viewOf } from '../../codecs/bytes.js'
import { type FrameReader, MAX_HANDSHAKE_FRAME_BYTES, frameReader, handshakeReader } from '../../codecs/frame-reader.js'
import { type Frame, type FrameFault, FRAME_HEADER_BYTES, MAX_PART_BYTES, PROTOCOL_VERSION, encodeFrame, encodeFrames, farewellFrame, framed, isFarewell, isReceipt, keepAliveFrame, partHeader, receiptFrame } from '../../codecs/frames.js'
import { decodeMessage } from '../../codecs/messages.js'
import { type Either, isLeft, isRight } from '../../lib/prelude.js'
import type { LinkMessage } from '../../lib/requests.js'
import { linkMessage } from './arbitraries.js'
import { messages } from './samples.js'

const maxFrameBytes = 1 << 20
const samples = Object.entries<LinkMessage>(messages)
const joined = (buffers: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(buffers))
const frameOf = (message: LinkMessage): Uint8Array => joined(encodeFrame(message))

const rightOf = <A>(outcome: Either<unknown, A>): A => {
  if (isLeft(outcome)) throw new Error(`refused: ${JSON.stringify(outcome.left)}`)
  return outcome.right
}
const messagesOf = (frames: readonly Frame[]): readonly LinkMessage[] => frames.map(({ payload }) => rightOf(decodeMessage(payload)))
/** What all of `bytes` says to a reader of its own: a fault, or how many of its frames hold a message. */
const verdictOn = (bytes: Uint8Array): FrameFault | number => {
  const frames = frameReader({ maxFrameBytes }).push(bytes)
  return isLeft(frames) ? frames.left.fault : frames.right.filter(({ payload }) => isRight(decodeMessage(payload))).length
}
/** The frame with its header changed and the header's checksum made to fit again: a peer with a mind of its own. */
const forged = (frame: Uint8Array, change: (header: DataView) => void): Uint8Array => {
  const copy = frame.slice()
  change(viewOf(copy))
  viewOf(copy).setUint32(20, checksumOf(copy.subarray(0, 20)), true)
  return copy
}
const arrayBuffersAfter = (work: () => unknown): number => {
  const before = process.memoryUsage().arrayBuffers
  const kept = work()
  const after = process.memoryUsage().arrayBuffers
  return kept === undefined ? 0 : after - before
}

test('a stream of frames comes out as it went in, whatever the chunks', is => {
  fc.assert(fc.property(fc.array(linkMessage, { maxLength: 8 }), fc.array(fc.nat(200), { minLength: 1, maxLength: 20 }), (sent, sizes) => {
    const bytes = joined(encodeFrames(sent))
    const reader = frameReader({ maxFrameBytes })
    const received: LinkMessage[] = []
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const end = at + 1 + sizes[turn % sizes.length]!
      // Once its frames have been read the chunk's memory is used again, as a socket may do.
      const chunk = bytes.slice(at, end)
      received.push(...messagesOf(rightOf(reader.push(chunk))))
      chunk.fill(0xee)
      at = end
    }
    is.deepEqual(received, sent)
    is.is(reader.pendingBytes(), 0)
  }), { numRuns: 300 })
})

test('the bytes of entries and chunks are handed to the socket uncopied', is => {
  const buffers = encodeFrame(messages.propose)
  is.is(buffers.length, 2)
  is.is(buffers[1], messages.propose.body.bytes)
  const ofChunk = encodeFrame(messages.installSnapshot)
  is.is(ofChunk.length, 2)
  is.is(ofChunk[1], messages.installSnapshot.chunk)
})

test('what carries entries travels on the bulk lane, chunks on the snapshot lane, the rest on the control lane', is => {
  const lanes = samples.map(([name, message]) => [name, rightOf(frameReader({ maxFrameBytes }).push(frameOf(message)))[0]?.lane] as const)
  is.deepEqual(lanes.filter(([, lane]) => lane === 'bulk').map(([name]) => name), ['appendEntries', 'appendPart', 'propose', 'proposeNumbered', 'openSession', 'committed'])
  is.deepEqual(lanes.filter(([, lane]) => lane === 'snapshot').map(([name]) => name), ['installSnapshot'])
})

for (const size of [1, 100, Number.POSITIVE_INFINITY]) {
  test(`the memory of a chunk is used again once three more have come, in pieces of ${size} bytes`, is => {
    const reader = frameReader({ maxFrameBytes })
    const push = (message: LinkMessage): Frame => {
      const bytes = frameOf(message)
      const frames: Frame[] = []
      for (let at = 0; at < bytes.length; at += size) frames.push(...rightOf(reader.push(bytes.subarray(at, at + size))))
      return frames[0]!
    }
    const sent = Array.from({ length: 9 }, (_, n) => ({ ...messages.installSnapshot, offset: n, chunk: new Uint8Array(300).fill(n) }))
    const came: Frame[] = []
    for (const message of sent) {
      push(messages.appendEntries)
      came.push(push(message))
      is.deepEqual(messagesOf(came.slice(-4)), sent.slice(Math.max(0, came.length - 4), came.length))
    }
    is.is(new Set(came.map(({ payload }) => payload.buffer)).size, 4)
  })
}

test('what may be kept has memory of its own, of exactly its size', is => {
  for (const pieces of [1, 2, 7]) {
    const bytes = joined(encodeFrames([messages.appendEntries, messages.lost]))
    const reader = frameReader({ maxFrameBytes })
    const size = Math.ceil(bytes.length / pieces)
    const frames = Array.from({ length: pieces }, (_, i) => rightOf(reader.push(bytes.subarray(i * size, (i + 1) * size)))).flat()
    is.is(frames.length, 2)
    const [kept] = frames
    is.is(kept?.lane, 'bulk')
    is.is(kept?.payload.buffer.byteLength, kept?.payload.length)
  }
})

for (const [name, message] of samples) {
  test(`every flipped bit is found: ${name}`, is => {
    const frame = frameOf(message)
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = frame.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      const verdict = verdictOn(flipped)
      if (verdict !== 0 && typeof verdict === 'number') is.fail(`bit ${bit} of ${name} went unnoticed`)
      // A header is judged as soon as it is there: a flipped length must not make the reader wait for bytes that never come.
      if (bit < FRAME_HEADER_BYTES * 8) is.is(typeof verdict, 'string', `bit ${bit}`)
    }
    is.is(verdictOn(frame), 1)
  })

  test(`every truncation leaves a frame unfinished: ${name}`, is => {
    const frame = frameOf(message)
    for (let length = 1; length < frame.length; length++) {
      const reader = frameReader({ maxFrameBytes })
      is.deepEqual(rightOf(reader.push(frame.subarray(0, length))), [])
      is.is(reader.pendingBytes(), length)
    }
  })
}

const lost = frameOf(messages.lost)
const hostile: readonly (readonly [name: string, bytes: Uint8Array, fault: FrameFault, reason: RegExp])[] = [
  ['four bytes of 0xff', new Uint8Array(FRAME_HEADER_BYTES).fill(0xff), 'wrongMagic', /not a frame/],
  ['another protocol', new TextEncoder().encode('GET / HTTP/1.1\r\nHost: n1\r\n\r\n'), 'wrongMagic', /not a frame/],
  ['a newer version', forged(lost, header => header.setUint8(2, PROTOCOL_VERSION + 1)), 'unknownVersion', /version 2; this side speaks 1 to 1/],
  ['version 0', forged(lost, header => header.setUint8(2, 0)), 'unknownVersion', /version 0/],
  ['an unknown lane', forged(lost, header => header.setUint8(3, 4)), 'unknownLane', /lane 4/],
  ['another group', forged(lost, header => header.setUint32(4, 7, true)), 'unknownGroup', /group 7/],
  ['a length of 2^32 - 1', forged(lost, header => header.setUint32(8, 0xffff_ffff, true)), 'tooLong', /4294967319 bytes; the limit is 1048576/],
  ['one byte too many', forged(lost, header => header.setUint32(8, maxFrameBytes - FRAME_HEADER_BYTES + 1, true)), 'tooLong', /1048577 bytes/],
  ['a head longer than its frame', forged(lost, header => header.setUint32(12, 1000, true)), 'badLayout', /shorter than its head/],
  ['a head that does not match', forged(lost, header => header.setUint32(16, 1, true)), 'damaged', /does not match its checksum/],
]
for (const [name, bytes, fault, reason] of hostile) {
  test(`Q10 refused by name: ${name}`, is => {
    const outcome = frameReader({ maxFrameBytes }).push(bytes)
    is.true(isLeft(outcome) && outcome.left.fault === fault && reason.test(outcome.left.reason), JSON.stringify(outcome))
  })
}

test('a part has no head, is bounded however large frames may be, and is told from what it belongs to by its lane', is => {
  const part = joined([partHeader(lost.length), lost])
  const frames = rightOf(frameReader({ maxFrameBytes }).push(joined([part, lost])))
  is.deepEqual(frames.map(({ lane }) => lane), ['part', 'control'])
  is.deepEqual(frames[0]?.payload, lost)
  const readerOf = (limit: number) => frameReader({ maxFrameBytes: limit })
  is.true(isRight(readerOf(2 ** 30).push(partHeader(MAX_PART_BYTES))))
  for (const [limit, bytes, told] of [[2 ** 30, MAX_PART_BYTES + 1, MAX_PART_BYTES + FRAME_HEADER_BYTES], [4096, 4096, 4096]] as const) {
    const outcome = readerOf(limit).push(partHeader(bytes))
    is.true(isLeft(outcome) && outcome.left.fault === 'tooLong' && outcome.left.reason.endsWith(`the limit is ${told}`), JSON.stringify(outcome))
  }
})

test('a receipt and a farewell are words of the link: neither is taken for the other, and no message for either', is => {
  const payloadOf = (frame: Uint8Array): Uint8Array => rightOf(frameReader({ maxFrameBytes }).push(frame))[0]!.payload
  const words = [receiptFrame(), farewellFrame()].map(payloadOf)
  is.deepEqual(words.map(word => [isReceipt(word), isFarewell(word), isLeft(decodeMessage(word))]), [[true, false, true], [false, true, true]])
  for (const message of Object.values(messages)) is.false([isReceipt, isFarewell].some(isWord => isWord(payloadOf(frameOf(message)))))
})

test('Q10 an unknown kind of message in a sound frame leaves the stream readable', is => {
  const reader = frameReader({ maxFrameBytes })
  const frames = rightOf(reader.push(joined([framed(Uint8Array.of(200, 0, 0, 0)), ...encodeFrame(messages.lost)])))
  is.deepEqual(frames.map(({ payload }) => isRight(decodeMessage(payload))), [false, true])
})

test('a fault is the last word of a stream', is => {
  const reader = frameReader({ maxFrameBytes })
  is.true(isLeft(reader.push(new Uint8Array(FRAME_HEADER_BYTES))))
  is.true(isLeft(reader.push(frameOf(messages.lost))))
})

test('the limit admits a frame of exactly its size', is => {
  const frame = frameOf(messages.appendEntries)
  is.true(isRight(frameReader({ maxFrameBytes: frame.length }).push(frame)))
  is.true(isLeft(frameReader({ maxFrameBytes: frame.length - 1 }).push(frame)))
})

test('empty frames keep a link alive and say nothing', is => {
  const reader = frameReader({ maxFrameBytes })
  is.deepEqual(messagesOf(rightOf(reader.push(joined([keepAliveFrame(), frameOf(messages.lost), keepAliveFrame()])))), [messages.lost])
  is.is(reader.pendingBytes(), 0)
})

test('a farewell is no message, and no message is a farewell', is => {
  const [farewell] = rightOf(frameReader({ maxFrameBytes }).push(farewellFrame()))
  is.true(farewell !== undefined && isFarewell(farewell.payload) && isLeft(decodeMessage(farewell.payload)))
  for (const message of Object.values(messages)) for (const { payload } of rightOf(frameReader({ maxFrameBytes }).push(frameOf(message)))) is.false(isFarewell(payload))
  is.deepEqual([[], [1], [0, 0]].map(bytes => isFarewell(Uint8Array.from(bytes))), [false, false, false])
})

test('a claimed length costs nothing before its bytes arrive', is => {
  const large = 512 << 20
  const claim = forged(frameOf(messages.lost), header => header.setUint32(8, large, true)).subarray(0, FRAME_HEADER_BYTES + 1)
  const grown = arrayBuffersAfter(() => Array.from({ length: 16 }, () => {
    const reader = frameReader({ maxFrameBytes: 1 << 30 })
    rightOf(reader.push(claim))
    return reader
  }))
  is.true(grown < 16 << 20, `${grown} bytes for 16 claims of ${large}`)
})

test('a large frame in small pieces is gathered whole', is => {
  const payload = Uint8Array.from({ length: 300_000 }, (_, i) => i * 31)
  const frame = framed(payload)
  const reader = frameReader({ maxFrameBytes })
  const frames: Frame[] = []
  for (let at = 0; at < frame.length; at += 1000) frames.push(...rightOf(reader.push(frame.subarray(at, at + 1000))))
  is.deepEqual(frames.map(({ payload: { length } }) => length), [payload.length])
  is.true(Buffer.from(frames[0]!.payload).equals(payload))
})

test('the first frame is read alone and bounded, and what follows is left to the next reader', is => {
  const hello = framed(new TextEncoder().encode('{"type":"hello"}'))
  const rest = frameOf(messages.appendEntries)
  const whole = rightOf(handshakeReader().push(joined([hello, rest])))
  is.deepEqual(whole, { payload: hello.slice(FRAME_HEADER_BYTES), rest })

  const reader = handshakeReader()
  for (let at = 0; at < hello.length - 1; at++) is.is(rightOf(reader.push(hello.subarray(at, at + 1))), undefined)
  is.deepEqual(rightOf(reader.push(joined([hello.subarray(-1), rest]))), whole)

  const tooLong = handshakeReader().push(framed(new Uint8Array(MAX_HANDSHAKE_FRAME_BYTES)))
  is.true(isLeft(tooLong) && tooLong.left.fault === 'tooLong')
})

/** Integers below a bound, the same for the same seed. */
const dice = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Frames as they should be, damaged, cut, spliced, and with their checksums made to fit again. */
const fuzzed = (roll: (below: number) => number, pool: readonly Uint8Array[]): Uint8Array => {
  const frame = pool[roll(pool.length)]!.slice()
  switch (roll(6)) {
    case 0: return frame
    case 1: return frame.with(roll(frame.length), roll(256))
    case 2: return frame.subarray(0, roll(frame.length))
    case 3: return joined([frame.subarray(0, roll(frame.length)), pool[roll(pool.length)]!])
    case 4: return forged(frame, header => header.setUint32(4 * (1 + roll(4)), roll(2) === 0 ? roll(100) : roll(2 ** 32), true))
    default: {
      const payload = frame.slice(FRAME_HEADER_BYTES)
      for (let n = roll(4); n >= 0; n--) payload[roll(roll(2) === 0 ? 40 : payload.length) % payload.length] = roll(256)
      return framed(payload)
    }
  }
}

test('20 000 fuzzed frames in chunks of any size: no exception, bounded memory, only sound messages', is => {
  const seed = Date.now()
  const roll = dice(seed)
  const pool = samples.map(([, message]) => frameOf(message))
  const counts = { messages: 0, refusedMessages: 0, faults: 0 }
  let reader: FrameReader = frameReader({ maxFrameBytes })
  for (let n = 0; n < 20_000; n++) {
    const bytes = fuzzed(roll, pool)
    for (let at = 0, end = 0; at < bytes.length; at = end) {
      end = at + 1 + roll(roll(2) === 0 ? 16 : bytes.length)
      const frames = reader.push(bytes.subarray(at, end))
      is.true(reader.pendingBytes() <= maxFrameBytes, `seed ${seed}`)
      if (isLeft(frames)) {
        counts.faults++
        reader = frameReader({ maxFrameBytes })
        break
      }
      for (const { payload } of frames.right) {
        const message = decodeMessage(payload)
        if (isLeft(message)) counts.refusedMessages++
        else if (message.right.type !== 'appendEntries' && joined(encodeFrame(message.right)).length !== FRAME_HEADER_BYTES + payload.length) {
          is.fail(`a message is not what its frame holds, seed ${seed}`)
        } else counts.messages++
      }
    }
  }
  // Each way out was taken often, or the fuzz has lost its bite.
  is.true(counts.messages > 1000 && counts.refusedMessages > 500 && counts.faults > 1000, JSON.stringify({ seed, ...counts }))
})
