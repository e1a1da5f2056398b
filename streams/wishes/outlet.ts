/** Wishes on their way to another member that leads: each until it is answered, or the link over which it went has ended. */
import type { LeaderWish, WishFate, WishReply } from '../../lib/requests.js'
import type { LeaderPlace, LinkLife, Linked } from '../transport/linked.js'
import type { Links } from '../transport/port.js'

export type Sending = 'sent' | 'busy' | 'noWay'

/** Hears of the fate of one wish. */
export type FateListener = (fate: WishFate) => void

export interface WishOutlet {
  /** Sends a wish to whoever leads, unless no link leads there, or another one of its type is on its way. `told` hears of its fate once, and not during this call. */
  send(wish: LeaderWish, told: FateListener): Sending
  /** Nobody waits any longer for what `told` was to hear: the next wish of its type may be sent. */
  giveUp(told: FateListener): void
  replied(link: LinkLife, reply: WishReply): void
}

interface Sent {
  readonly id: number
  readonly key: string
  readonly told: FateListener
}

export const createWishOutlet = (linked: Pick<Linked, 'listen' | 'term'>, links: Pick<Links, 'send'>): WishOutlet => {
  /** One of each type is on its way at a time; whether one that is not has an end, the leader knows. */
  const open = new Map<LeaderWish['type'], Sent>()
  let leader: LeaderPlace | undefined
  let lastId = 0

  /** Those of which this holds are open no longer. */
  const take = (isMeant: (sent: Sent) => boolean): readonly Sent[] => {
    const taken = [...open].filter(([, sent]) => isMeant(sent))
    for (const [type] of taken) open.delete(type)
    return taken.map(([, sent]) => sent)
  }
  const end = (isMeant: (sent: Sent) => boolean, fate: WishFate): void => {
    for (const { told } of take(isMeant)) told(fate)
  }

  linked.listen({
    closed: (key, unanswered) => end(sent => sent.key === key, { type: unanswered === 'unseen' ? 'notTaken' : 'lost' }),
    led: where => { leader = where },
  })
  return {
    send: (wish, told) => {
      if (open.has(wish.type)) return 'busy'
      if (leader?.type !== 'linked') return 'noWay'
      const { key, id: member } = leader
      const id = ++lastId
      open.set(wish.type, { id, key, told })
      links.send({ type: 'member', id: member }, [{ type: 'wish', id, term: linked.term(), wish }])
      return 'sent'
    },
    giveUp: told => void take(sent => sent.told === told),
    replied: ({ key }, { id, fate }) => end(sent => sent.id === id && sent.key === key, fate),
  }
}
