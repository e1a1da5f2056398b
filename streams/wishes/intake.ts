/** Wishes that other members forward to this one: each is granted or not, and answered once while its link lasts. None is open for long: the core answers a change in its next step, and takes one transfer. */
import type { LeaderWish, WishFate, WishRequest } from '../../lib/requests.js'
import type { Term } from '../../lib/types.js'
import type { LinkLife, Linked } from '../transport/linked.js'
import type { Sender } from '../transport/send.js'
import type { FateListener } from './outlet.js'

export interface WishIntake {
  requested(link: LinkLife, request: WishRequest): void
  /** What is open has an unknown fate. */
  halt(): void
}

interface WishIntakeOptions {
  readonly linked: Pick<Linked, 'listen'>
  readonly sender: Pick<Sender, 'to'>
  /** Does what is wished if this member leads in this term, and says what came of it, possibly before this returns. */
  readonly grant: (wish: LeaderWish, term: Term, told: FateListener) => void
}

/** So many of one link may be open: an honest outlet has one of each type, and those that it gave up. */
const MAX_OPEN = 16

export const createWishIntake = ({ linked, sender, grant }: WishIntakeOptions): WishIntake => {
  /** By link: how the open ones are answered. */
  const open = new Map<string, Set<FateListener>>()
  linked.listen({
    opened: ({ key }) => { open.set(key, new Set()) },
    closed: key => { open.delete(key) },
  })
  return {
    requested: ({ key, party }, { id, term, wish }) => {
      const ofLink = open.get(key)
      const reply = (fate: WishFate): void => sender.to(party, { type: 'wishReply', id, fate })
      if (ofLink === undefined || ofLink.size >= MAX_OPEN) return reply({ type: 'notTaken' })
      ofLink.add(reply)
      grant(wish, term, fate => {
        if (open.get(key) === ofLink && ofLink.delete(reply)) reply(fate)
      })
    },
    halt: () => {
      for (const ofLink of open.values()) {
        for (const reply of ofLink) reply({ type: 'lost' })
        ofLink.clear()
      }
    },
  }
}
