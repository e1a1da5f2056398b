/** Wishes on their way to another member that leads: each until it is answered, or the link over which it went has ended. */
import type { LeaderWish, WishFate, WishReply } from '../../lib/requests.js'
import type { LinkLife, Linked, Whereabouts } from '../transport/linked.js'
import type { Links } from '../transport/port.js'

/** One of each kind is open at a time, over one link: who wishes and who is asked both keep to that. */
export type WishKind = 'transfer' | 'change' | 'abandon'

export const kindOf = (wish: LeaderWish): WishKind => wish.type === 'transfer' ? wish.type : wish.change.type

export interface WishPost {
  /** Sends a wish to whoever leads; says false where no link leads there, or another wish of its kind is open. `told` hears of its fate once, and not during this call. */
  send(wish: LeaderWish, told: (fate: WishFate) => void): boolean
  replied(link: LinkLife, reply: WishReply): void
}

interface Sent {
  readonly id: number
  readonly key: string
  readonly told: (fate: WishFate) => void
}

export const createWishPost = (linked: Pick<Linked, 'listen' | 'term'>, links: Pick<Links, 'send'>): WishPost => {
  const open = new Map<WishKind, Sent>()
  let leader: Whereabouts | undefined
  let lastId = 0

  /** That are open and of which this holds, and their fate. */
  const end = (isMeant: (sent: Sent) => boolean, fate: WishFate): void => {
    for (const [kind, sent] of [...open]) {
      if (!isMeant(sent)) continue
      open.delete(kind)
      sent.told(fate)
    }
  }

  linked.listen({
    opened: () => undefined,
    closed: (key, unanswered) => end(sent => sent.key === key, { type: unanswered === 'unseen' ? 'notTaken' : 'lost' }),
    led: where => { leader = where },
  })
  return {
    send: (wish, told) => {
      const kind = kindOf(wish)
      if (leader?.type !== 'linked' || open.has(kind)) return false
      const { key, id: member } = leader
      const id = ++lastId
      open.set(kind, { id, key, told })
      links.send({ type: 'member', id: member }, [{ type: 'wish', id, term: linked.term(), wish }])
      return true
    },
    replied: ({ key }, { id, fate }) => end(sent => sent.id === id && sent.key === key, fate),
  }
}
