import type { Message } from '../../lib/messages.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { Agenda } from './agenda.js'
import type { Dice } from './dice.js'
import type { NetworkMix } from './mix.js'

/** A message on its way, and when its sender decided to send it: on the sender's clock, in which of its lives. */
export interface Letter {
  readonly message: Message
  readonly life: number
  readonly askedAt: Millis
}

/** Loses, doubles, delays and reorders; cut in one direction or both, between any two. */
export interface Network {
  readonly send: (letter: Letter) => void
  /** Replaces the cuts, ordered pairs as `from>to`; they count when a message leaves, unless it strays, and when it arrives. */
  readonly cut: (cuts: ReadonlySet<string>) => void
  readonly heal: () => void
  /** No more faults of its own: what is sent from now on arrives once, and soon; what strays is lost. */
  readonly calm: (delayMs: Millis) => void
}

export const createNetwork = (agenda: Agenda, dice: Dice, troubled: NetworkMix, deliver: (letter: Letter) => void): Network => {
  let mix = troubled
  let cuts: ReadonlySet<string> = new Set()
  const isCut = (from: MemberId, to: MemberId): boolean => cuts.size > 0 && cuts.has(`${from}>${to}`)

  const post = (letter: Letter, detourMs: Millis): void => {
    const { from, to } = letter.message
    // What takes a detour may leave while the link is cut, as a connection sends again what it could not deliver.
    if (detourMs === 0 && (isCut(from, to) || dice.chance(mix.loss))) return
    agenda.after(detourMs + mix.delayMs * 0.3 + dice.exponential(mix.delayMs * 0.7), () => {
      if (!isCut(from, to) && (detourMs === 0 || mix.stray > 0)) deliver(letter)
    })
  }
  return {
    send: letter => {
      const strays = dice.chance(mix.stray)
      if (!strays || dice.chance(0.7)) post(letter, 0)
      if (strays) post(letter, dice.exponential(mix.strayMs))
      if (dice.chance(mix.duplicate)) post(letter, 0)
    },
    cut: next => { cuts = next },
    heal: () => { cuts = new Set() },
    calm: delayMs => { mix = { delayMs, loss: 0, duplicate: 0, stray: 0, strayMs: 0 } },
  }
}
