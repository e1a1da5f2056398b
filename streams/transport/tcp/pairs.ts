import type { MemberId } from '../../../lib/types.js'
import type { Cancel } from '../../time/clock.js'

/** Said to whoever dials while it is being dialled: nobody need hear of it, for a link is on its way. */
export const GIVE_WAY = 'of two members that dial each other the one with the smaller id goes on'

/**
 * Who of two dials. Either may, since one of them may not know the other; both at once must not make two links. The one with the smaller id decides: while it
 * dials it welcomes nobody, and while it has welcomed the other it does not dial. The other one gives way where it is dialled.
 */
export interface Pairs {
  /** This end dials; `giveWay` is called where the other end's dial counts instead. The result says that it is over. */
  dialling(peer: MemberId, giveWay: Cancel): () => void
  isDialled(peer: MemberId): boolean
  /** The other end has dialled and was welcomed; the result says that its link, or what was to become one, is over. */
  welcomed(peer: MemberId): () => void
  /** Calls once no link is there that the other end dialled; undefined where there is none now. */
  whenLeft(peer: MemberId, call: () => void): Cancel | undefined
}

export const createPairs = (): Pairs => {
  const dialled = new Map<MemberId, Cancel>()
  /** Links that the other end has dialled: for a moment there can be a new one beside the one whose place it takes. */
  const guests = new Map<MemberId, { links: number; readonly waiting: Set<() => void> }>()

  return {
    dialling: (peer, giveWay) => {
      dialled.set(peer, giveWay)
      return () => { if (dialled.get(peer) === giveWay) dialled.delete(peer) }
    },
    isDialled: peer => dialled.has(peer),
    welcomed: peer => {
      const here = guests.get(peer) ?? { links: 0, waiting: new Set() }
      here.links++
      guests.set(peer, here)
      dialled.get(peer)?.()
      return () => {
        if (--here.links > 0) return
        guests.delete(peer)
        for (const call of here.waiting) call()
      }
    },
    whenLeft: (peer, call) => {
      const here = guests.get(peer)
      here?.waiting.add(call)
      return here && (() => here.waiting.delete(call))
    },
  }
}
