import { type Frame, appendFrame, farewellFrame, isFarewell, keepAliveFrame } from '../../../codecs/frames.js'
import { frameReader } from '../../../codecs/frame-reader.js'
import { refusalIn } from '../../../codecs/handshake.js'
import { decodeMessage } from '../../../codecs/messages.js'
import { isLeft } from '../../../lib/prelude.js'
import { type LinkMessage, isFromCore } from '../../../lib/requests.js'
import type { Cancel, Clock } from '../../time/clock.js'
import type { LinkLimits, Unanswered } from '../port.js'
import type { ByteStream } from './sockets.js'

/** A link that heard nothing for so many times `keepAliveMs` is cut. */
export const SILENT_BEATS = 5
/** So much of an unfinished frame is a sign of life too, or a large one over a slow line would never arrive. */
const PROGRESS_BYTES = 64 * 1024
const KEEP_ALIVE = keepAliveFrame()
const FAREWELL = farewellFrame()
const SEND_BOUNDS = ['maxSendBufferBytes', 'maxFrameBytes'] as const

/** Why a message was not sent, by the bound's name in the options. */
export type SendBound = (typeof SEND_BOUNDS)[number]

/** What a link tells. Nothing is told during a call of one of its own functions. */
export interface LinkEvents {
  /** The other end's first frame: it takes the link for open too. */
  confirmed(): void
  /** Instead of that, the other end's first frame refuses this one: the link is cut for the reason that it gives. */
  refused(): void
  received(message: LinkMessage): void
  /** What arrived is no frame, no message, or nothing that the other end may say; the link is cut for it. */
  unreadable(reason: string): void
  /** So many messages, since this was last told, were dropped for want of room. */
  dropped(messages: number, bound: SendBound): void
  /** The last event, told exactly once. */
  closed(reason: string): void
}

/** Frames both ways over a stream on which both ends have agreed. */
export interface Link {
  readonly remote: string
  /** What the end of the link says of what was sent and not answered. */
  readonly unanswered: Unanswered
  /** Hands messages over in one write, in order. A full buffer drops what cores repeat and cuts the link for the rest. */
  send(messages: readonly LinkMessage[]): void
  /** A sign of life, which is also what confirms a link. */
  greet(): void
  /** Says farewell and closes once all that was sent has left, and after `keepAliveMs` at the latest. Nothing is received any more. */
  end(reason: string): void
  /** The same without a farewell, where this end goes on: what it looked at it may yet do. */
  part(reason: string): void
  cut(reason: string): void
}

export interface LinkOptions {
  readonly stream: ByteStream
  readonly limits: Pick<LinkLimits, 'maxFrameBytes' | 'maxSendBufferBytes' | 'keepAliveMs'>
  /** The largest frame that is read. */
  readonly maxReadBytes: number
  readonly clock: Pick<Clock, 'after'>
  /** Why the other end may not say this; undefined when it may. */
  readonly objection: (message: LinkMessage) => string | undefined
  readonly events: LinkEvents
}

/** Sends within the bounds and counts what it has to leave out. */
const createWriter = (stream: ByteStream, { maxFrameBytes, maxSendBufferBytes }: LinkOptions['limits']) => {
  const dropped: Record<SendBound, number> = { maxSendBufferBytes: 0, maxFrameBytes: 0 }
  return {
    /** Why the link must be cut; undefined when nothing was left out but what cores repeat. */
    write: (messages: readonly LinkMessage[]): string | undefined => {
      const chunks: Uint8Array[] = []
      let waiting = stream.bufferedBytes
      let fault: string | undefined
      for (const message of messages) {
        const before = chunks.length
        const isFull = waiting >= maxSendBufferBytes
        const bytes = isFull ? 0 : appendFrame(message, chunks)
        waiting += bytes
        if (!isFull && bytes <= maxFrameBytes) continue
        chunks.length = before
        const bound = isFull ? 'maxSendBufferBytes' : 'maxFrameBytes'
        if (!isFromCore(message)) {
          fault = `a ${message.type} could not be sent: ${bound} is reached`
          break
        }
        dropped[bound]++
      }
      if (chunks.length > 0) stream.write(chunks)
      return fault
    },
    tellDropped: (tell: LinkEvents['dropped']): void => {
      for (const bound of SEND_BOUNDS) {
        if (dropped[bound] > 0) tell(dropped[bound], bound)
        dropped[bound] = 0
      }
    },
  }
}

interface Pulse {
  /** Something was said here. */
  spoke(): void
  /** Something was heard from there. */
  heard(): void
  stop(): void
}

/**
 * Watches both directions once every `keepAliveMs`. Silence is counted in beats, not in time: a process that was stopped
 * must not take its own absence for its peer's.
 */
const createPulse = (clock: LinkOptions['clock'], everyMs: number, on: { beat(hasSpoken: boolean): void; silence(): void }): Pulse => {
  let silentBeats = 0
  let hasSpoken = false
  const beat = (): void => {
    if (++silentBeats > SILENT_BEATS) return on.silence()
    cancel = clock.after(everyMs, beat)
    on.beat(hasSpoken)
    hasSpoken = false
  }
  let cancel = clock.after(everyMs, beat)
  return {
    spoke: () => { hasSpoken = true },
    heard: () => { silentBeats = 0 },
    stop: () => cancel(),
  }
}

/** Turns bytes into messages until it is over. */
const createHearer = ({ maxReadBytes, objection, events }: LinkOptions, isOver: () => boolean, on: {
  /** A frame was finished, or a large one made progress. */
  lifeSign(): void
  farewell(): void
  cut(reason: string): void
}) => {
  const reader = frameReader({ maxFrameBytes: maxReadBytes })
  let unfinished = 0
  let isFirst = true
  const fault = (reason: string): void => {
    on.cut(reason)
    events.unreadable(reason)
  }
  const begin = (first: Frame | undefined): void => {
    isFirst = false
    const refused = first && refusalIn(first.payload)
    if (refused === undefined) return events.confirmed()
    on.cut(refused)
    events.refused()
  }
  const judge = ({ lane, payload }: Frame): void => {
    if (isFarewell(payload)) return on.farewell()
    const message = decodeMessage(payload)
    if (isLeft(message)) return fault(message.left)
    // What lies in memory that is used again must be nothing that is kept.
    if (lane === 'snapshot' && message.right.type !== 'installSnapshot') return fault(`a ${message.right.type} came on the lane of snapshots`)
    const objected = objection(message.right)
    if (objected !== undefined) return fault(objected)
    events.received(message.right)
  }
  return (bytes: Uint8Array): void => {
    if (isOver()) return
    const expected = reader.pendingBytes() + bytes.length
    const frames = reader.push(bytes)
    if (isLeft(frames)) return fault(frames.left.reason)
    unfinished += bytes.length
    if (reader.pendingBytes() < expected || unfinished >= PROGRESS_BYTES) {
      unfinished = 0
      on.lifeSign()
      if (isFirst) begin(frames.right[0])
    }
    for (const frame of frames.right) if (!isOver()) judge(frame)
  }
}

/** Opens a link on `stream`, which it takes over. */
export const openLink = (options: LinkOptions): Link => {
  const { stream, limits, clock, events } = options
  const out = createWriter(stream, limits)
  let why: string | undefined
  let unanswered: Unanswered = 'unknown'
  let cancelEnd: Cancel = () => undefined
  const isOver = (): boolean => why !== undefined

  const cut = (reason: string): void => {
    why ??= reason
    stream.destroy()
  }
  const greet = (): void => {
    beats.spoke()
    stream.write([KEEP_ALIVE])
  }
  const beats = createPulse(clock, limits.keepAliveMs, {
    beat: hasSpoken => {
      if (!hasSpoken && stream.bufferedBytes === 0) greet()
      out.tellDropped(events.dropped)
    },
    silence: () => cut(`nothing was heard for ${SILENT_BEATS} times keepAliveMs`),
  })
  const received = createHearer(options, isOver, { lifeSign: beats.heard, farewell: () => { unanswered = 'unseen' }, cut })
  const closed = (reason: string): void => {
    beats.stop()
    cancelEnd()
    out.tellDropped(events.dropped)
    events.closed(why ?? reason)
  }
  /** With these as the last words. */
  const close = (reason: string, last: readonly Uint8Array[]): void => {
    if (isOver()) return
    why = reason
    beats.stop()
    cancelEnd = clock.after(limits.keepAliveMs, () => stream.destroy())
    if (last.length > 0) stream.write(last)
    stream.end()
  }
  stream.attach({ opened: () => undefined, received, closed })

  return {
    remote: stream.remote,
    get unanswered() { return unanswered },
    send: messages => {
      if (isOver()) return
      beats.spoke()
      const fault = out.write(messages)
      if (fault !== undefined) cut(fault)
    },
    greet,
    end: reason => close(reason, [FAREWELL]),
    part: reason => close(reason, []),
    cut,
  }
}
