import { type Frame, MAX_PART_BYTES, farewellFrame, isFarewell, isReceipt, keepAliveFrame, receiptFrame } from '../../../codecs/frames.js'
import { frameReader } from '../../../codecs/frame-reader.js'
import { refusalIn } from '../../../codecs/handshake.js'
import { decodeMessage, hasTail } from '../../../codecs/messages.js'
import { isLeft } from '../../../lib/prelude.js'
import { type LinkMessage, isOfProposals } from '../../../lib/requests.js'
import type { Millis } from '../../../lib/types.js'
import type { Cancel, Clock } from '../../time/clock.js'
import { createPace } from '../pace.js'
import type { LinkLimits, Unanswered } from '../port.js'
import { type Listening, type Turns, inTurns } from '../turns.js'
import { type SendBound, createWriter } from '../writer.js'
import type { ByteStream } from './sockets.js'

/** A link that heard nothing for so many times `keepAliveMs` is cut. */
export const SILENT_BEATS = 5
/**
 * So much of an unfinished frame is a sign of life too, or a large one over a slow line would never arrive: nothing passes it, and what is cut is sent again from its
 * beginning. Each frame needs no deadline beside that rate, since whoever says nothing but that it lives may do so for ever.
 */
export const PROGRESS_BYTES = 4 * 1024
/** The same before the first frame, which confirms the link and is short. */
const FIRST_PROGRESS_BYTES = 64 * 1024
const KEEP_ALIVE = keepAliveFrame()
const FAREWELL = farewellFrame()
const RECEIPT = receiptFrame()

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
  /** Hands messages over in one write, in order. A full buffer drops what cores repeat, tells of results that they are lost, and cuts the link for more requests. */
  send(messages: readonly LinkMessage[]): void
  /** A sign of life, which is also what confirms a link. */
  greet(): void
  /** Says farewell and closes once all that was sent has left, and after `keepAliveMs` at the latest. Nothing is received any more. */
  end(reason: string): void
  /** The same without a farewell, where this end goes on: what it looked at it may yet do. */
  dismiss(reason: string): void
  cut(reason: string): void
}

export interface LinkOptions {
  readonly stream: ByteStream
  readonly limits: Pick<LinkLimits, 'maxFrameBytes' | 'maxSendBufferBytes' | 'keepAliveMs'>
  /** The largest frame that is read. */
  readonly maxReadBytes: number
  /**
   * How late what cores say may be for the sake of proposals and their replies, so that these travel in parts where they are more than the link carries
   * in that time. Undefined where no core speaks: nothing comes in parts there.
   */
  readonly promptMs: Millis | undefined
  /** In which all is heard; undefined where it is heard at once. */
  readonly turns: Turns | undefined
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** Why the other end may not say this; undefined when it may. */
  readonly objection: (message: LinkMessage) => string | undefined
  readonly events: LinkEvents
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
const createPulse = (clock: LinkOptions['clock'], everyMs: number, on: { beat(hasSpoken: boolean): void; silence(): void; isWaiting(): boolean }): Pulse => {
  let silentBeats = 0
  let hasSpoken = false
  const beat = (): void => {
    // Whose turn has not come is not silent.
    if (!on.isWaiting() && ++silentBeats > SILENT_BEATS) return on.silence()
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

/** What a link hears beside messages. */
interface Heard {
  /** A frame was finished, or a large one made progress. */
  lifeSign(): void
  farewell(): void
  /** A part has come. Whether whoever waits for receipts can have sent it. */
  part(): boolean
  /** A part has arrived there. Whether one had left. */
  receipt(): boolean
  cut(reason: string): void
}

/** What lies in the chunk that it came in must be nothing that is kept. */
const keptOf = (lane: Frame['lane'], message: LinkMessage): string | undefined =>
  lane === 'control' && hasTail(message) ? `a ${message.type} came on the lane of what is all head` : undefined

/** Turns bytes into messages until it is over. */
const createHearer = ({ maxReadBytes, promptMs, turns, objection, events }: LinkOptions, isOver: () => boolean, on: Heard) => {
  const reader = frameReader({ maxFrameBytes: maxReadBytes })
  const parts = promptMs === undefined ? undefined : frameReader({ maxFrameBytes: maxReadBytes })
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
  const hear = ({ lane, payload }: Frame, misplaced: (message: LinkMessage) => string | undefined): void => {
    const message = decodeMessage(payload)
    if (isLeft(message)) return fault(message.left)
    const objected = keptOf(lane, message.right) ?? misplaced(message.right) ?? objection(message.right)
    if (objected !== undefined) return fault(objected)
    turns?.heard()
    events.received(message.right)
  }
  const judge = (frame: Frame): void => {
    const { lane, payload } = frame
    if (lane === 'part') return gather(payload)
    if (isFarewell(payload)) return on.farewell()
    if (isReceipt(payload)) return on.receipt() ? undefined : fault('a receipt came for no part')
    hear(frame, message => {
      // What lies in memory that is used again must be nothing that is kept.
      if (lane === 'snapshot' && message.type !== 'installSnapshot') return `a ${message.type} came on the lane of snapshots`
      return parts !== undefined && parts.pendingBytes() > 0 && isOfProposals(message) ? `a ${message.type} overtook what comes in parts` : undefined
    })
  }
  const gather = (part: Uint8Array): void => {
    if (parts === undefined) return fault('nothing comes in parts here')
    if (!on.part()) return fault('parts came faster than their receipts were taken')
    const frames = parts.push(part)
    if (isLeft(frames)) return fault(`in parts: ${frames.left.reason}`)
    for (const frame of frames.right) {
      if (isOver()) return
      if (frame.lane !== 'control' && frame.lane !== 'bulk') return fault(`a frame on the lane ${frame.lane} came in parts`)
      hear(frame, message => isOfProposals(message) ? undefined : `a ${message.type} came in parts`)
    }
  }
  return (bytes: Uint8Array): void => {
    if (isOver()) return
    const expected = reader.pendingBytes() + bytes.length
    const frames = reader.push(bytes)
    if (isLeft(frames)) return fault(frames.left.reason)
    unfinished += bytes.length
    if (reader.pendingBytes() < expected || unfinished >= (isFirst ? FIRST_PROGRESS_BYTES : PROGRESS_BYTES)) {
      unfinished = 0
      on.lifeSign()
      if (isFirst) begin(frames.right[0])
    }
    for (const frame of frames.right) if (!isOver()) judge(frame)
  }
}

/**
 * All that this end says. Receipts, which nothing else bounds, are counted: whoever waits for them has one part on its way, and sends without waiting only what is left of
 * one frame, as its last words.
 */
const createVoice = (stream: ByteStream, maxFrameBytes: number, spoke: () => void) => {
  const mostReceipts = Math.ceil(maxFrameBytes / MAX_PART_BYTES) + 2
  let bytes = 0
  /** Receipts since all of them had left, and how much had been said with the last one. */
  let receipts = 0
  let lastReceipt = 0
  const write = (chunks: readonly Uint8Array[]): void => {
    spoke()
    for (const chunk of chunks) bytes += chunk.length
    stream.write(chunks)
  }
  return {
    get bufferedBytes() { return stream.bufferedBytes },
    write,
    /** False where there are too many that have not left. */
    receipt: (): boolean => {
      if (bytes - stream.bufferedBytes >= lastReceipt) receipts = 0
      if (++receipts > mostReceipts) return false
      write([RECEIPT])
      lastReceipt = bytes
      return true
    },
  }
}

/** Opens a link on `stream`, which it takes over. */
export const openLink = (options: LinkOptions): Link => {
  const { stream, limits, promptMs, turns, clock, events } = options
  const voice = createVoice(stream, limits.maxFrameBytes, () => beats.spoke())
  const out = createWriter(voice, limits, promptMs === undefined ? undefined : createPace(clock, promptMs))
  let why: string | undefined
  let unanswered: Unanswered = 'unknown'
  let cancelEnd: Cancel = () => undefined
  const isOver = (): boolean => why !== undefined

  const cut = (reason: string): void => {
    why ??= reason
    stream.destroy()
  }
  const greet = (): void => voice.write([KEEP_ALIVE])
  const beats = createPulse(clock, limits.keepAliveMs, {
    beat: hasSpoken => {
      if (!hasSpoken && stream.bufferedBytes === 0) greet()
      out.tellDropped(events.dropped)
    },
    isWaiting: () => listening.isWaiting(),
    silence: () => cut(`nothing was heard for ${SILENT_BEATS} times keepAliveMs`),
  })
  const hear = createHearer(options, isOver, {
    lifeSign: beats.heard, farewell: () => { unanswered = 'unseen' }, part: voice.receipt, receipt: out.arrived, cut,
  })
  const listening: Listening = turns === undefined ? { received: hear, isWaiting: () => false } : inTurns(turns, stream, hear, isOver)
  const closed = (reason: string): void => {
    // Nothing that waits for its turn is heard any more: whoever is told that this has closed is told nothing of it afterwards.
    why ??= reason
    beats.stop()
    cancelEnd()
    out.tellDropped(events.dropped)
    events.closed(why)
  }
  /** With these as the last words. */
  const close = (reason: string, last: readonly Uint8Array[]): void => {
    if (isOver()) return
    why = reason
    beats.stop()
    cancelEnd = clock.after(limits.keepAliveMs, () => stream.destroy())
    out.finish(last)
    stream.end()
  }
  stream.attach({ opened: () => undefined, received: listening.received, closed })

  return {
    remote: stream.remote,
    get unanswered() { return unanswered },
    send: messages => {
      if (isOver()) return
      const fault = out.write(messages)
      if (fault !== undefined) cut(fault)
    },
    greet,
    end: reason => close(reason, [FAREWELL]),
    dismiss: reason => close(reason, []),
    cut,
  }
}
