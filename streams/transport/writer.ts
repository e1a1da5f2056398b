/**
 * What leaves over one link, each call in one write and within the bounds. What cores say leaves at once, on every link, and so does all else where nobody's life
 * signs share it. Where they do, proposals and their replies leave as the link's pace allows: whole where they fit, in parts where they do not, and what
 * may not leave yet waits here, in order, where what cores say passes it. Results that find the bound reached do not wait: whoever asked is told, in their place,
 * that they are lost, and asks again once it has what is on its way.
 */
import { FRAME_HEADER_BYTES, MAX_PART_BYTES, appendFrame, partHeader } from '../../codecs/frames.js'
import { type LinkMessage, isFromCore, isOfProposals } from '../../lib/requests.js'
import type { Pace } from './pace.js'
import type { LinkLimits } from './port.js'

const SEND_BOUNDS = ['maxSendBufferBytes', 'maxFrameBytes'] as const

/** Why a message was not sent, by the bound's name in the options. */
export type SendBound = (typeof SEND_BOUNDS)[number]

/** So much of what is short, as all is that no core says but commands and results, may leave while `maxSendBufferBytes` is reached. */
export const MAX_WORDS_BYTES = 1024 * 1024

const isShort = (message: LinkMessage): boolean => !isFromCore(message) && message.type !== 'propose'

/** What may be said while so many bytes wait before it. */
const createRoom = (maxBytes: number) => {
  let words = 0
  return {
    /** So many bytes wait in all. */
    look: (waiting: number): void => { if (waiting < maxBytes) words = 0 },
    /** The message, or that it is lost in its place; undefined where there is no room. */
    sayable: (message: LinkMessage, before: number): LinkMessage | undefined => {
      if (before < maxBytes) return message
      if (!isShort(message) || words >= MAX_WORDS_BYTES) return undefined
      return message.type === 'committed' ? { type: 'lost', id: message.id } : message
    },
    said: (bytes: number, before: number): void => { if (before >= maxBytes) words += bytes },
  }
}

/** Where bytes leave. */
interface Output {
  /** Those that have not left this process. */
  readonly bufferedBytes: number
  write(chunks: readonly Uint8Array[]): void
}

/** A frame that may not leave yet, or of which some has left in parts. */
interface Waiting {
  chunks: readonly Uint8Array[]
  /** What has not left. */
  bytes: number
  hasBegun: boolean
}

export interface Writer {
  /** Why the link must be cut; undefined when nothing was left out but what cores repeat. */
  write(messages: readonly LinkMessage[]): string | undefined
  /** The part that left last has arrived. Whether one was awaited. */
  arrived(): boolean
  /** All that waits leaves, and these after it: the last words. */
  finish(last: readonly Uint8Array[]): void
  /** Tells how many messages were dropped since this was last called. */
  tellDropped(tell: (messages: number, bound: SendBound) => void): void
}

/** The first bytes of what waits, so many or all, which then wait no more. */
const takePart = (frame: Waiting, most: number): readonly Uint8Array[] => {
  const part: Uint8Array[] = [partHeader(Math.min(most, frame.bytes))]
  const rest: Uint8Array[] = []
  let room = most
  for (const chunk of frame.chunks) {
    if (room > 0) part.push(chunk.subarray(0, room))
    if (chunk.length > room) rest.push(chunk.subarray(room))
    room = Math.max(0, room - chunk.length)
  }
  frame.bytes = Math.max(0, frame.bytes - most)
  frame.chunks = rest
  frame.hasBegun = true
  return part
}

/** Frames in the order in which they came, until they leave. */
const createQueue = (maxPartBytes: number) => {
  let frames: Waiting[] = []
  /** Those before it have left. An array that is shifted is moved each time. */
  let head = 0
  let bytes = 0
  const shift = (): void => {
    if (frames[head]?.bytes === 0) head++
    if (head * 2 < frames.length) return
    frames = frames.slice(head)
    head = 0
  }
  /** Into `out`; returns the bytes of the frame that they hold. */
  const part = (frame: Waiting, most: number, out: Uint8Array[]): number => {
    const before = frame.bytes
    for (const chunk of takePart(frame, Math.min(most, maxPartBytes))) out.push(chunk)
    bytes -= before - frame.bytes
    shift()
    return before - frame.bytes
  }
  const whole = (frame: Waiting, out: Uint8Array[]): void => {
    for (const chunk of frame.chunks) out.push(chunk)
    bytes -= frame.bytes
    frame.bytes = 0
    shift()
  }
  return {
    bytes: (): number => bytes,
    push: (chunks: readonly Uint8Array[], frameBytes: number): void => {
      frames.push({ chunks, bytes: frameBytes, hasBegun: false })
      bytes += frameBytes
    },
    /** What may leave now. */
    leave: (pace: Pace, out: Uint8Array[]): void => {
      for (let frame = frames[head]; frame !== undefined; frame = frames[head]) {
        const most = pace.partBytes()
        if (!frame.hasBegun && pace.fits(frame.bytes)) {
          pace.left(frame.bytes)
          whole(frame, out)
        } else if (most > 0) pace.asked(part(frame, most, out))
        else return
      }
    },
    /** Everything, whatever the pace. */
    leaveAll: (out: Uint8Array[]): void => {
      for (let frame = frames[head]; frame !== undefined; frame = frames[head]) {
        if (frame.hasBegun) part(frame, maxPartBytes, out)
        else whole(frame, out)
      }
    },
  }
}

/** Counts what was dropped until that is told. */
const createTally = () => {
  const dropped: Record<SendBound, number> = { maxSendBufferBytes: 0, maxFrameBytes: 0 }
  return {
    add: (bound: SendBound): void => { dropped[bound]++ },
    tell: (tell: (messages: number, bound: SendBound) => void): void => {
      for (const bound of SEND_BOUNDS) {
        if (dropped[bound] > 0) tell(dropped[bound], bound)
        dropped[bound] = 0
      }
    },
  }
}

/** `pace` is that of a link which life signs share. */
export const createWriter = (stream: Output, { maxFrameBytes, maxSendBufferBytes }: Pick<LinkLimits, 'maxFrameBytes' | 'maxSendBufferBytes'>, pace: Pace | undefined): Writer => {
  const dropped = createTally()
  const room = createRoom(maxSendBufferBytes)
  const queue = createQueue(Math.min(MAX_PART_BYTES, maxFrameBytes - FRAME_HEADER_BYTES))

  /** The last frame of `out`, which begins there, leaves with it or waits. */
  const admit = (by: Pace, out: Uint8Array[], from: number, bytes: number): void => {
    if (queue.bytes() === 0 && by.fits(bytes)) return by.left(bytes)
    queue.push(out.splice(from), bytes)
    queue.leave(by, out)
  }
  return {
    write: messages => {
      const out: Uint8Array[] = []
      let waiting = stream.bufferedBytes + queue.bytes()
      room.look(waiting)
      let fault: string | undefined
      for (const message of messages) {
        const before = out.length
        const paced = isOfProposals(message) ? pace : undefined
        // What passes the queue does not wait behind it.
        const ahead = waiting - (paced === undefined ? queue.bytes() : 0)
        const said = room.sayable(message, ahead)
        const bytes = said === undefined ? 0 : appendFrame(said, out)
        if (said !== undefined && bytes <= maxFrameBytes) {
          room.said(bytes, ahead)
          if (paced !== undefined) admit(paced, out, before, bytes)
          waiting += bytes
          continue
        }
        out.length = before
        const bound = said === undefined ? 'maxSendBufferBytes' : 'maxFrameBytes'
        if (!isFromCore(message)) {
          fault = `a ${message.type} could not be sent: ${bound} is reached`
          break
        }
        dropped.add(bound)
      }
      if (out.length > 0) stream.write(out)
      return fault
    },
    arrived: () => {
      if (pace?.arrived() !== true) return false
      const out: Uint8Array[] = []
      queue.leave(pace, out)
      if (out.length > 0) stream.write(out)
      return true
    },
    finish: last => {
      const out: Uint8Array[] = []
      queue.leaveAll(out)
      out.push(...last)
      if (out.length > 0) stream.write(out)
    },
    tellDropped: dropped.tell,
  }
}
