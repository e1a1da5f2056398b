/** One direction of one connection: bytes arrive in order, late, and wait where the way is cut until it is mended. */
import type { MemberId, Millis } from '../../../lib/types.js'
import type { Agenda } from './agenda.js'
import type { Dice } from './dice.js'
import type { NetworkMix } from './network-mix.js'

export type Parcel =
  | { readonly type: 'bytes'; readonly bytes: Uint8Array }
  | { readonly type: 'dial' }
  | { readonly type: 'accept' }
  | { readonly type: 'close'; readonly reason: string }

export interface Lane {
  readonly from: MemberId
  readonly to: MemberId
  readonly post: (parcel: Parcel) => void
  /** Bytes posted and not delivered. */
  readonly underWay: () => number
  /** The receiver has taken so many bytes. */
  readonly taken: (bytes: number) => void
  /** What waits goes on its way, in order, after `ms`. */
  readonly mend: (ms: Millis) => void
  /** What waits is lost. */
  readonly forget: () => void
}

export interface LaneOptions {
  readonly agenda: Agenda
  readonly dice: Dice
  readonly mix: () => NetworkMix
  readonly isCut: () => boolean
  readonly deliver: (parcel: Parcel) => void
}

/** What goes over a thin way goes in pieces, each of which arrives when it has. */
const PIECE_BYTES = 16 * 1024

interface Numbered {
  readonly parcel: Parcel
  readonly number: number
}

export const createLane = (from: MemberId, to: MemberId, { agenda, dice, mix, isCut, deliver }: LaneOptions): Lane => {
  let waiting: Numbered[] = []
  let posted = 0
  let lastArrival = 0
  let freeAt = 0
  let underWay = 0

  const arrive = (item: Numbered): void => {
    if (waiting.length > 0 || isCut()) waiting.push(item)
    else deliver(item.parcel)
  }
  const delayMs = (): Millis => {
    const { delayMs, loss, resendMs } = mix()
    const usual = delayMs * 0.3 + dice.exponential(delayMs * 0.7)
    return loss > 0 && dice.chance(loss) ? usual + resendMs * dice.between(0.5, 1.5) : usual
  }
  /** Puts it on the way, after all that is on it already; when it has been carried. */
  const carry = (parcel: Parcel): Millis => {
    const bytes = parcel.type === 'bytes' ? parcel.bytes.length : 0
    freeAt = Math.max(freeAt, agenda.now()) + (bytes * 1000) / mix().bytesPerSecond
    return freeAt
  }
  const post = (parcel: Parcel): void => {
    const item = { parcel, number: posted++ }
    if (parcel.type === 'bytes') underWay += parcel.bytes.length
    if (waiting.length > 0 || isCut()) return void waiting.push(item)
    lastArrival = Math.max(lastArrival, carry(parcel) + delayMs())
    agenda.after(lastArrival - agenda.now(), () => arrive(item))
  }
  return {
    from, to,
    post: parcel => {
      if (parcel.type !== 'bytes' || mix().bytesPerSecond === Number.POSITIVE_INFINITY) return post(parcel)
      for (let at = 0; at < parcel.bytes.length; at += PIECE_BYTES) post({ type: 'bytes', bytes: parcel.bytes.subarray(at, at + PIECE_BYTES) })
    },
    underWay: () => underWay,
    taken: bytes => { underWay -= bytes },
    mend: ms => {
      if (waiting.length === 0) return
      agenda.after(ms, () => {
        if (isCut()) return
        const items = waiting.sort((a, b) => a.number - b.number)
        waiting = []
        for (const { parcel } of items) deliver(parcel)
      })
    },
    forget: () => { waiting = [] },
  }
}
