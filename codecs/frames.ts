/**
 * A frame, little-endian: a header of 24 bytes, then its payload.
 *
 *     magic u16 | version u8 | lane u8 | group u32 | payload bytes u32 | head bytes u32 | head checksum u32 | header checksum u32
 *
 * The header checksum covers the twenty bytes before it. The head checksum covers the first `head bytes` of the payload;
 * what follows them, batches and bodies, carries its own checksums, so that every byte is summed once and every flipped
 * bit is found. A frame without payload says only that its sender is alive. One whose payload begins with a zero, which is no kind of message, is a word of
 * the link itself: a single zero is the last that its sender says, a one after it says that a part has arrived.
 *
 * A frame that would keep others waiting comes in parts: each is a frame without a head, whose payload is some bytes of that other frame. They follow
 * each other in order, so that the payloads of all parts of a link are frame after frame.
 */
import { type Either, left, right } from '../lib/prelude.js'
import type { LinkMessage } from '../lib/requests.js'
import { checksumBetween, readUint32, writeUint32 } from './bytes.js'
import { encodeMessage } from './messages.js'

/** The newest protocol that this code speaks. */
export const PROTOCOL_VERSION = 1
/** The oldest protocol that this code speaks. */
export const OLDEST_VERSION = 1
/** What precedes a frame's payload. */
export const FRAME_HEADER_BYTES = 24
const CHECKED = 20
const MAGIC = 0x5852
/** The only group of this version; later ones may run several over one connection. */
const GROUP = 0
const LANES = ['control', 'bulk', 'snapshot', 'part'] as const
/** The most that a part has beside its header: whoever receives parts holds one of them and what they make up. */
export const MAX_PART_BYTES = 1024 * 1024

/** Which traffic a frame belongs to: what may overtake entries, what carries them, chunks, which go to the disk and are kept nowhere, and parts of other frames. */
export type Lane = (typeof LANES)[number]

/** One frame, whole and checked as far as its own checksums go. */
export interface Frame {
  readonly version: number
  readonly lane: Lane
  /**
   * A buffer of its own, which nobody else reads or writes; on the snapshot lane only until three more have come. On the control lane it may lie in
   * the chunk that it came in: whoever reads it does so before that memory is used again, and keeps nothing of it.
   */
  readonly payload: Uint8Array
}

/** The kinds of unreadable frames, for those who count them. */
export type FrameFault = 'wrongMagic' | 'unknownVersion' | 'damaged' | 'unknownLane' | 'unknownGroup' | 'tooLong' | 'badLayout'

/** Why a stream of frames cannot be read any further. */
export interface FrameError {
  readonly fault: FrameFault
  readonly reason: string
}

/** A fault with its reason, in words for the log. */
export const frameFailed = (fault: FrameFault, reason: string): Either<FrameError, never> => left({ fault, reason })

/** Into the first bytes of `into`, the rest of which is the head. */
const writeHeader = (into: Uint8Array, lane: Lane, payloadBytes: number): void => {
  into[0] = MAGIC
  into[1] = MAGIC >>> 8
  into[2] = PROTOCOL_VERSION
  into[3] = LANES.indexOf(lane)
  writeUint32(into, 4, GROUP)
  writeUint32(into, 8, payloadBytes)
  writeUint32(into, 12, into.length - FRAME_HEADER_BYTES)
  writeUint32(into, 16, checksumBetween(into, FRAME_HEADER_BYTES, into.length))
  writeUint32(into, CHECKED, checksumBetween(into, 0, CHECKED))
}

/** What precedes a part with so many bytes, which carries no checksum: the frame that it belongs to has its own. */
export const partHeader = (bytes: number): Uint8Array => {
  const header = new Uint8Array(FRAME_HEADER_BYTES)
  writeHeader(header, 'part', bytes)
  return header
}

/** A frame around a payload that is all head. */
export const framed = (payload: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length)
  frame.set(payload, FRAME_HEADER_BYTES)
  writeHeader(frame, 'control', payload.length)
  return frame
}

/** The frame that says nothing but that its sender is alive. */
export const keepAliveFrame = (): Uint8Array => framed(new Uint8Array(0))

const FAREWELL = Uint8Array.of(0)

/** The frame that says, as the last one, that what has not been answered by now was never looked at, and never will be. */
export const farewellFrame = (): Uint8Array => framed(FAREWELL)

/** Whether this is the payload of a farewell. */
export const isFarewell = (payload: Uint8Array): boolean => payload.length === FAREWELL.length && payload[0] === FAREWELL[0]

const RECEIPT = Uint8Array.of(0, 1)

/** The frame that says that the part which came last has arrived, and so has all that left before it. */
export const receiptFrame = (): Uint8Array => framed(RECEIPT)

/** Whether this is the payload of a receipt. */
export const isReceipt = (payload: Uint8Array): boolean => payload.length === RECEIPT.length && payload[0] === RECEIPT[0] && payload[1] === RECEIPT[1]

const laneOf = (message: LinkMessage, buffers: number): Lane => buffers === 1 ? 'control' : message.type === 'installSnapshot' ? 'snapshot' : 'bulk'

/** Appends one frame to `out` as buffers, none of them copied from a body. Returns the bytes added. */
export const appendFrame = (message: LinkMessage, out: Uint8Array[]): number => {
  const first = out.length
  const payloadBytes = encodeMessage(message, out, FRAME_HEADER_BYTES)
  const front = out[first]!
  writeHeader(front, laneOf(message, out.length - first), payloadBytes)
  return FRAME_HEADER_BYTES + payloadBytes
}

/** One frame as the buffers to write, in order. */
export const encodeFrame = (message: LinkMessage): Uint8Array[] => encodeFrames([message])

/** One frame per message, as one list of buffers for one write. */
export const encodeFrames = (messages: readonly LinkMessage[]): Uint8Array[] => {
  const out: Uint8Array[] = []
  for (const message of messages) appendFrame(message, out)
  return out
}

/** What a frame header says, once it is believed. */
export interface FrameHeader {
  readonly version: number
  readonly lane: Lane
  readonly payloadBytes: number
  readonly headBytes: number
  readonly headChecksum: number
}

/** Reads the header at `at`, and refuses it before anything is allocated for what it announces. */
export const readFrameHeader = (bytes: Uint8Array, at: number, maxFrameBytes: number): Either<FrameError, FrameHeader> => {
  if ((bytes[at]! | bytes[at + 1]! << 8) !== MAGIC) return frameFailed('wrongMagic', 'what arrives is not a frame of rxraft')
  const version = bytes[at + 2]!
  if (version < OLDEST_VERSION || version > PROTOCOL_VERSION) {
    return frameFailed('unknownVersion', `the frame is of protocol version ${version}; this side speaks ${OLDEST_VERSION} to ${PROTOCOL_VERSION}`)
  }
  if (readUint32(bytes, at + CHECKED) !== checksumBetween(bytes, at, at + CHECKED)) {
    return frameFailed('damaged', 'the frame header does not match its checksum')
  }
  const lane = LANES[bytes[at + 3]!]
  if (lane === undefined) return frameFailed('unknownLane', `the frame is on the unknown lane ${bytes[at + 3]}`)
  const group = readUint32(bytes, at + 4)
  if (group !== GROUP) return frameFailed('unknownGroup', `the frame is for the unknown group ${group}`)
  const payloadBytes = readUint32(bytes, at + 8)
  const frameBytes = FRAME_HEADER_BYTES + payloadBytes
  const limit = lane === 'part' ? Math.min(maxFrameBytes, FRAME_HEADER_BYTES + MAX_PART_BYTES) : maxFrameBytes
  if (frameBytes > limit) return frameFailed('tooLong', `the frame has ${frameBytes} bytes; the limit is ${limit}`)
  const headBytes = readUint32(bytes, at + 12)
  if (headBytes > payloadBytes) return frameFailed('badLayout', 'the frame is shorter than its head')
  return right({ version, lane, payloadBytes, headBytes, headChecksum: readUint32(bytes, at + 16) })
}
