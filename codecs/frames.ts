/**
 * A frame, little-endian: a header of 24 bytes, then its payload.
 *
 *     magic u16 | version u8 | lane u8 | group u32 | payload bytes u32 | head bytes u32 | head checksum u32 | header checksum u32
 *
 * The header checksum covers the twenty bytes before it. The head checksum covers the first `head bytes` of the payload;
 * what follows them, batches and bodies, carries its own checksums, so that every byte is summed once and every flipped
 * bit is found. A frame without payload says only that its sender is alive.
 */
import { type Either, left, right } from '../lib/prelude.js'
import type { LinkMessage } from '../lib/requests.js'
import { checksumOf, viewOf } from './bytes.js'
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
const LANES = ['control', 'bulk'] as const

/** Which traffic a frame belongs to: what may overtake entries, and what carries them. */
export type Lane = (typeof LANES)[number]

/** One frame, whole and checked as far as its own checksums go. */
export interface Frame {
  readonly version: number
  readonly lane: Lane
  /** A buffer of its own, which nobody else reads or writes. */
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

const writeHeader = (into: Uint8Array, lane: Lane, payloadBytes: number, head: Uint8Array): void => {
  const view = viewOf(into)
  view.setUint16(0, MAGIC, true)
  view.setUint8(2, PROTOCOL_VERSION)
  view.setUint8(3, LANES.indexOf(lane))
  view.setUint32(4, GROUP, true)
  view.setUint32(8, payloadBytes, true)
  view.setUint32(12, head.length, true)
  view.setUint32(16, checksumOf(head), true)
  view.setUint32(CHECKED, checksumOf(into.subarray(0, CHECKED)), true)
}

/** A frame around a payload that is all head. */
export const framed = (payload: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length)
  frame.set(payload, FRAME_HEADER_BYTES)
  writeHeader(frame, 'control', payload.length, payload)
  return frame
}

/** The frame that says nothing but that its sender is alive. */
export const keepAliveFrame = (): Uint8Array => framed(new Uint8Array(0))

/** Appends one frame to `out` as buffers, none of them copied from a body. Returns the bytes added. */
export const appendFrame = (message: LinkMessage, out: Uint8Array[]): number => {
  const first = out.length
  const payloadBytes = encodeMessage(message, out, FRAME_HEADER_BYTES)
  const front = out[first]!
  const lane = out.length - first > 1 ? 'bulk' : 'control'
  writeHeader(front, lane, payloadBytes, front.subarray(FRAME_HEADER_BYTES))
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

/** Reads a header, and refuses it before anything is allocated for what it announces. */
export const readFrameHeader = (bytes: Uint8Array, maxFrameBytes: number): Either<FrameError, FrameHeader> => {
  const view = viewOf(bytes)
  if (view.getUint16(0, true) !== MAGIC) return frameFailed('wrongMagic', 'what arrives is not a frame of rxraft')
  const version = view.getUint8(2)
  if (version < OLDEST_VERSION || version > PROTOCOL_VERSION) {
    return frameFailed('unknownVersion', `the frame is of protocol version ${version}; this side speaks ${OLDEST_VERSION} to ${PROTOCOL_VERSION}`)
  }
  if (view.getUint32(CHECKED, true) !== checksumOf(bytes.subarray(0, CHECKED))) {
    return frameFailed('damaged', 'the frame header does not match its checksum')
  }
  const lane = LANES[view.getUint8(3)]
  if (lane === undefined) return frameFailed('unknownLane', `the frame is on the unknown lane ${view.getUint8(3)}`)
  const group = view.getUint32(4, true)
  if (group !== GROUP) return frameFailed('unknownGroup', `the frame is for the unknown group ${group}`)
  const payloadBytes = view.getUint32(8, true)
  const frameBytes = FRAME_HEADER_BYTES + payloadBytes
  if (frameBytes > maxFrameBytes) return frameFailed('tooLong', `the frame has ${frameBytes} bytes; the limit is ${maxFrameBytes}`)
  const headBytes = view.getUint32(12, true)
  if (headBytes > payloadBytes) return frameFailed('badLayout', 'the frame is shorter than its head')
  return right({ version, lane, payloadBytes, headBytes, headChecksum: view.getUint32(16, true) })
}
