import type { MemberId, Millis } from '../../../lib/types.js'
import type { Cancel } from '../../time/clock.js'
import type { Endpoint } from '../port.js'

/** Said to whoever dials while it is being dialled: nobody need hear of it, for a link is on its way. */
export const GIVE_WAY = 'of two members that dial each other the one with the smaller id goes on'

/**
 * Who of two dials. Either may, since one of them may not know the other; both at once must not make two links. The one with the smaller id decides, and the
 * other gives way as soon as it has welcomed it. While the one that decides dials it welcomes nobody, but for no longer than `reconnectMaxMs`, as the other waits before it
 * dials: then whoever is there goes before whoever is looked for. It dials on until that link is confirmed, for the other may have given way to it meanwhile, and of the
 * two the one that comes about first ends the other.
 */
export interface Pairs {
  /** This end dials; `giveWay` is called where the other end's dial counts instead. */
  dialling(peer: MemberId, giveWay: Cancel): { linked(): void; over(): void }
  isDialled(peer: MemberId): boolean
  /** Whether this end's dial goes before the other end's. */
  goesFirst(peer: MemberId): boolean
  /** The other end has dialled and was welcomed; `giveWay` is called where this end's dial counts instead. */
  welcomed(peer: MemberId, giveWay: Cancel): { confirmed(): void; over(): void }
  /** Calls once no link is there that the other end dialled; undefined where there is none now. */
  whenLeft(peer: MemberId, call: () => void): Cancel | undefined
}

/** Links that the other end has dialled: for a moment there can be a new one beside the one whose place it takes. */
interface Guests {
  links: number
  /** How those give way that are not confirmed. */
  readonly unconfirmed: Set<Cancel>
  readonly waiting: Set<() => void>
}

export const createPairs = ({ id, clock, limits }: Pick<Endpoint, 'id' | 'clock' | 'limits'>): Pairs => {
  const dialled = new Map<MemberId, { readonly since: Millis; readonly giveWay: Cancel }>()
  const guests = new Map<MemberId, Guests>()

  return {
    dialling: (peer, giveWay) => {
      const dial = { since: clock.now(), giveWay }
      dialled.set(peer, dial)
      const over = (): void => { if (dialled.get(peer) === dial) dialled.delete(peer) }
      return {
        linked: () => {
          over()
          for (const leave of guests.get(peer)?.unconfirmed ?? []) leave()
        },
        over,
      }
    },
    isDialled: peer => dialled.has(peer),
    goesFirst: peer => {
      const dial = dialled.get(peer)
      return dial !== undefined && id < peer && clock.now() - dial.since < limits.reconnectMaxMs
    },
    welcomed: (peer, giveWay) => {
      const here = guests.get(peer) ?? { links: 0, unconfirmed: new Set(), waiting: new Set() }
      here.links++
      here.unconfirmed.add(giveWay)
      guests.set(peer, here)
      if (id > peer) dialled.get(peer)?.giveWay()
      return {
        confirmed: () => {
          here.unconfirmed.delete(giveWay)
          dialled.get(peer)?.giveWay()
        },
        over: () => {
          here.unconfirmed.delete(giveWay)
          if (--here.links > 0) return
          guests.delete(peer)
          for (const call of here.waiting) call()
        },
      }
    },
    whenLeft: (peer, call) => {
      const here = guests.get(peer)
      here?.waiting.add(call)
      return here && (() => here.waiting.delete(call))
    },
  }
}
