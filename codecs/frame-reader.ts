import { type Either, isLeft, right } from '../lib/prelude.js'
import { checksumBetween } from './bytes.js'
import { type Recycled, recycled, roomIn, unwritten } from './recycled.js'
import { FRAME_HEADER_BYTES, type Frame, type FrameError, type FrameHeader, frameFailed, readFrameHeader } from './frames.js'

/** The most that a frame's buffer has at first; beyond it, it grows as bytes arrive: a claimed length alone costs nothing. */
const FIRST_CAPACITY = 64 * 1024

/** What is gathered is copied at each growth: a mebibyte once, and only what came of it first. */
const GROWTH = 16

/** Up to here zeros cost less than what it takes to have none. */
const SMALL_BYTES = 1024

/** Whoever receives a snapshot writes one chunk, holds the next, and is sent the one after it. */
const RECEIVED_CHUNKS_IN_USE = 3

/** The largest frame before the handshake is complete: a stranger may make nobody hold more than this. */
export const MAX_HANDSHAKE_FRAME_BYTES = 4096

const roomFor = (bytes: number): Uint8Array => bytes <= SMALL_BYTES ? new Uint8Array(bytes) : unwritten(bytes)

const NOTHING = new Uint8Array(0)

/** Gathers `wanted` bytes from several chunks into one buffer of exactly that size, or in one that is used again. */
const gathering = (wanted: number, buffers: Recycled | undefined) => {
  let bytes = buffers?.current() ?? NOTHING
  let filled = 0
  return {
    /** Takes what is still wanted of `chunk` from `offset` on and returns where it stopped. */
    take: (chunk: Uint8Array, offset: number): number => {
      const end = Math.min(chunk.length, offset + wanted - filled)
      const needed = filled + end - offset
      if (needed > bytes.length) {
        const larger = roomFor(Math.min(wanted, Math.max(FIRST_CAPACITY, GROWTH * bytes.length, needed)))
        larger.set(bytes.subarray(0, filled))
        bytes = larger
        buffers?.replace(larger)
      }
      bytes.set(chunk.subarray(offset, end), filled)
      filled = needed
      return end
    },
    filled: (): number => filled,
    whole: (): Uint8Array | undefined => (filled === wanted ? bytes.subarray(0, wanted) : undefined),
  }
}

const copyOf = (chunk: Uint8Array, from: number, to: number, buffers: Recycled | undefined): Uint8Array => {
  const copy = buffers === undefined ? roomFor(to - from) : roomIn(buffers, to - from)
  copy.set(chunk.subarray(from, to))
  return copy
}

interface Taken {
  /** Undefined while the frame is incomplete. */
  readonly frame: Frame | undefined
  readonly offset: number
}

/** Reads frame after frame, each in as many pieces as it comes; what comes in one piece is copied once and gathered nowhere. */
const frameTaker = (maxFrameBytes: number) => {
  let header: FrameHeader | undefined
  let partial: ReturnType<typeof gathering> | undefined
  let refused: Either<FrameError, never> | undefined
  const chunks = recycled(RECEIVED_CHUNKS_IN_USE + 1)

  /** `wanted` bytes, gathered over several calls where the chunk ends before. */
  const gathered = (chunk: Uint8Array, from: number, wanted: number, buffers?: Recycled): { readonly bytes: Uint8Array | undefined; readonly offset: number } => {
    if (partial === undefined && chunk.length - from >= wanted) return { bytes: copyOf(chunk, from, from + wanted, buffers), offset: from + wanted }
    partial ??= gathering(wanted, buffers)
    const offset = partial.take(chunk, from)
    const bytes = partial.whole()
    if (bytes !== undefined) partial = undefined
    return { bytes, offset }
  }

  /** On the control lane all is head, of which nothing is kept: where it came in one piece it is read where it lies. */
  const payloadIn = (of: FrameHeader, chunk: Uint8Array, from: number): ReturnType<typeof gathered> => {
    const end = from + of.payloadBytes
    return of.lane === 'control' && of.headBytes === of.payloadBytes && partial === undefined && end <= chunk.length
      ? { bytes: chunk.subarray(from, end), offset: end }
      : gathered(chunk, from, of.payloadBytes, of.lane === 'snapshot' ? chunks : undefined)
  }

  const takePayload = (of: FrameHeader, chunk: Uint8Array, from: number): Either<FrameError, Taken> => {
    const { bytes, offset } = payloadIn(of, chunk, from)
    header = bytes === undefined ? of : undefined
    if (bytes === undefined) return right({ frame: undefined, offset })
    if (of.lane === 'snapshot') chunks.pass()
    if (checksumBetween(bytes, 0, of.headBytes) !== of.headChecksum) return frameFailed('damaged', 'the frame does not match its checksum')
    return right({ frame: { version: of.version, lane: of.lane, payload: bytes }, offset })
  }

  const takeFrame = (chunk: Uint8Array, from: number): Either<FrameError, Taken> => {
    if (header !== undefined) return takePayload(header, chunk, from)
    const isWhole = partial === undefined && chunk.length - from >= FRAME_HEADER_BYTES
    const { bytes, offset } = isWhole ? { bytes: chunk, offset: from + FRAME_HEADER_BYTES } : gathered(chunk, from, FRAME_HEADER_BYTES)
    if (bytes === undefined) return right({ frame: undefined, offset })
    const read = readFrameHeader(bytes, isWhole ? from : 0, maxFrameBytes)
    return isLeft(read) ? read : takePayload(read.right, chunk, offset)
  }

  return {
    /** The next frame of `chunk` from `from` on. The first refusal is the last word: where the next frame begins is unknown then. */
    take: (chunk: Uint8Array, from: number): Either<FrameError, Taken> => {
      if (refused !== undefined) return refused
      const taken = takeFrame(chunk, from)
      if (isLeft(taken)) refused = taken
      return taken
    },
    pendingBytes: (): number => (header === undefined ? 0 : FRAME_HEADER_BYTES) + (partial?.filled() ?? 0),
  }
}

/** A parser of a byte stream: chunks in, frames out. Keeps no chunk. */
export interface FrameReader {
  /**
   * The frames that `chunk` completes, in order, without those that are empty. After a Left the stream is unreadable for good and its
   * connection must be cut; frames before the fault in the same chunk are lost with it.
   */
  push(chunk: Uint8Array): Either<FrameError, readonly Frame[]>
  /** What has arrived of a frame that is not yet complete; 0 between frames. */
  pendingBytes(): number
}

/** Reads frames up to `maxFrameBytes`, header included; the bound is checked before anything is allocated. */
export const frameReader = ({ maxFrameBytes }: { readonly maxFrameBytes: number }): FrameReader => {
  const taker = frameTaker(maxFrameBytes)
  return {
    push: chunk => {
      const frames: Frame[] = []
      for (let offset = 0; offset < chunk.length;) {
        const taken = taker.take(chunk, offset)
        if (isLeft(taken)) return taken
        const { frame } = taken.right
        if (frame !== undefined && frame.payload.length > 0) frames.push(frame)
        offset = taken.right.offset
      }
      return right(frames)
    },
    pendingBytes: taker.pendingBytes,
  }
}

/** The one frame of a handshake, and the bytes after it, which belong to the reader that takes over. */
export interface FirstFrame {
  readonly payload: Uint8Array
  /** A view of the chunk that was pushed last. */
  readonly rest: Uint8Array
}

/** Reads exactly one frame of at most `MAX_HANDSHAKE_FRAME_BYTES`; undefined while it is incomplete. */
export const handshakeReader = (): { push(chunk: Uint8Array): Either<FrameError, FirstFrame | undefined> } => {
  const taker = frameTaker(MAX_HANDSHAKE_FRAME_BYTES)
  return {
    push: chunk => {
      const taken = taker.take(chunk, 0)
      if (isLeft(taken)) return taken
      const { frame, offset } = taken.right
      return right(frame && { payload: frame.payload, rest: chunk.subarray(offset) })
    },
  }
}
