/** Wishes that other members pass on to this one: each is granted or not, and answered once while its link lasts. */
import type { LeaderWish, WishFate, WishRequest } from '../../lib/requests.js'
import type { Term } from '../../lib/types.js'
import type { LinkLife, Linked } from '../transport/linked.js'
import type { Sender } from '../transport/send.js'
import { type WishKind, kindOf } from './post.js'

export interface WishDesk {
  requested(link: LinkLife, request: WishRequest): void
  /** What is open has an unknown fate. */
  halt(): void
}

interface WishDeskOptions {
  readonly linked: Pick<Linked, 'listen'>
  readonly sender: Pick<Sender, 'to'>
  /** Does what is wished if this member leads in this term, and says what came of it, possibly before this returns. */
  readonly grant: (wish: LeaderWish, term: Term, told: (fate: WishFate) => void) => void
}

export const createWishDesk = ({ linked, sender, grant }: WishDeskOptions): WishDesk => {
  /** By link and kind: how the open ones are answered. */
  const open = new Map<string, Map<WishKind, (fate: WishFate) => void>>()
  linked.listen({
    opened: ({ key }) => { open.set(key, new Map()) },
    closed: key => { open.delete(key) },
    led: () => undefined,
  })
  return {
    requested: ({ key, party }, { id, term, wish }) => {
      const kind = kindOf(wish)
      const ofLink = open.get(key)
      const reply = (fate: WishFate): void => sender.to(party, { type: 'wishReply', id, fate })
      if (ofLink === undefined || ofLink.has(kind)) return reply({ type: 'notTaken' })
      ofLink.set(kind, reply)
      grant(wish, term, fate => {
        if (open.get(key)?.get(kind) !== reply) return
        ofLink.delete(kind)
        reply(fate)
      })
    },
    halt: () => {
      for (const ofLink of open.values()) {
        for (const reply of ofLink.values()) reply({ type: 'lost' })
        ofLink.clear()
      }
    },
  }
}
