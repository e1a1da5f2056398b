/** One write as the frames it consists of: what may be lost, doubled or late by itself is told from what may not. */
import { FRAME_HEADER_BYTES, readFrameHeader } from '../../../codecs/frames.js'
import { decodeMessage } from '../../../codecs/messages.js'
import { isLeft } from '../../../lib/prelude.js'
import { isFromCore } from '../../../lib/requests.js'

export interface WireFrame {
  readonly bytes: Uint8Array
  /** Whether one core says it to another, which repeats what is lost and expects nothing in order. */
  readonly isFromCore: boolean
}

const frameAt = (bytes: Uint8Array, from: number): WireFrame | undefined => {
  if (bytes.length - from < FRAME_HEADER_BYTES) return undefined
  const header = readFrameHeader(bytes, from, Number.MAX_SAFE_INTEGER)
  if (isLeft(header)) return undefined
  const start = from + FRAME_HEADER_BYTES
  const end = start + header.right.payloadBytes
  if (end > bytes.length) return undefined
  const message = end === start || header.right.lane === 'part' ? undefined : decodeMessage(bytes.slice(start, end))
  return { bytes: bytes.subarray(from, end), isFromCore: message !== undefined && !isLeft(message) && isFromCore(message.right) }
}

/** The frames of a write, in order; what is no frame comes as one piece that nobody may touch. */
export const framesOnWire = (bytes: Uint8Array): readonly WireFrame[] => {
  const frames: WireFrame[] = []
  for (let from = 0; from < bytes.length;) {
    const frame = frameAt(bytes, from) ?? { bytes: bytes.subarray(from), isFromCore: false }
    frames.push(frame)
    from += frame.bytes.length
  }
  return frames
}
