/** The two ends of a connection, and what befalls them. */
import type { MemberId } from '../../../lib/types.js'
import type { StreamEvents } from '../../../streams/transport/tcp/sockets.js'
import type { Dice } from './dice.js'
import { framesOnWire } from './frames-on-wire.js'
import type { Lane } from './lanes.js'
import type { Loop } from './loop.js'
import type { NetworkMix } from './network-mix.js'

export interface End {
  readonly id: MemberId
  loop: Loop | undefined
  readonly out: Lane
  readonly peer: () => End
  readonly dice: Dice
  events: StreamEvents | undefined
  /** Anything has arrived. */
  hasHeard: boolean
  /** `ending`: everything is written, and the other end has not closed yet. */
  phase: 'opening' | 'open' | 'ending' | 'closed'
}

/** What an end is told when the other one is gone without a word. */
export const BROKEN = 'ECONNRESET'
export const CLOSED = 'the connection was closed'

/** It is over, and whoever listens hears of it. */
export const close = (end: End, reason: string): void => {
  if (end.phase === 'closed') return
  end.phase = 'closed'
  end.loop?.enter(() => end.events?.closed(reason))
}

/** It is over without a word, and the other end will hear of it. */
export const abandon = (end: End, reason: string): void => {
  if (end.phase === 'closed') return
  end.out.post({ type: 'close', reason })
  end.phase = 'closed'
}

/** Bytes arrive. */
export const take = (end: End, bytes: Uint8Array): void => {
  if (end.phase === 'closed') return end.out.post({ type: 'close', reason: BROKEN })
  end.hasHeard = true
  end.loop?.enter(() => {
    end.peer().out.taken(bytes.length)
    if (end.phase === 'open' || end.phase === 'ending') end.events?.received(bytes)
  })
}

const flipped = (bytes: Uint8Array, dice: Dice): Uint8Array => {
  const copy = new Uint8Array(bytes)
  const at = dice.integer(0, copy.length - 1)
  copy[at] = copy[at]! ^ (1 << dice.integer(0, 7))
  return copy
}

/** What of a write leaves: messages between cores may be lost, doubled, or lose their way. */
const leaving = (end: End, bytes: Uint8Array, { drop, duplicate, stray }: NetworkMix, strayed: (bytes: Uint8Array) => void): Uint8Array => {
  if (drop + duplicate + stray === 0) return bytes
  return Buffer.concat(framesOnWire(bytes).flatMap(frame => {
    if (!frame.isFromCore) return [frame.bytes]
    if (end.dice.chance(drop)) return []
    const strays = end.dice.chance(stray)
    if (strays) strayed(new Uint8Array(frame.bytes))
    if (strays && end.dice.chance(0.3)) return []
    return end.dice.chance(duplicate) ? [frame.bytes, frame.bytes] : [frame.bytes]
  }))
}

/** Sends what the mix leaves of it, in one piece or two. */
export const send = (end: End, chunks: readonly Uint8Array[], mix: NetworkMix, on: { strayed(bytes: Uint8Array): void; broken(): void }): void => {
  if (end.phase !== 'open') return
  const { corrupt, reset, split } = mix
  if (reset > 0 && end.dice.chance(reset)) return on.broken()
  // Who writes never changes a buffer that it has handed over.
  const whole = leaving(end, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), mix, on.strayed)
  if (whole.length === 0) return
  const bytes = corrupt > 0 && end.dice.chance(corrupt) ? flipped(whole, end.dice) : whole
  const at = split > 0 && end.dice.chance(split) ? end.dice.integer(0, bytes.length) : 0
  if (at > 0) end.out.post({ type: 'bytes', bytes: bytes.subarray(0, at) })
  if (at < bytes.length) end.out.post({ type: 'bytes', bytes: bytes.subarray(at) })
}
