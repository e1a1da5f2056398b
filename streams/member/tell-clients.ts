/** Clients learn who belongs to the cluster and where: when their link is up, and whenever another membership is committed. */
import { placedMembershipAt } from '../../lib/log.js'
import type { RaftState } from '../../lib/state.js'
import type { Linked } from '../transport/linked.js'
import type { Party } from '../transport/port.js'
import type { Sender } from '../transport/send.js'

interface ToClients {
  readonly linked: Pick<Linked, 'listen'>
  readonly sender: Pick<Sender, 'to'>
}

/** `follow` hears of each state, of which few change anything. Only what is committed is told: what is not may be overwritten, and no index would order that. */
export const tellClients = ({ linked, sender }: ToClients, first: RaftState): { follow(state: RaftState): void } => {
  const clients = new Map<string, Party>()
  let newest = placedMembershipAt(first.log, first.commitIndex)
  const tell = (client: Party): void => {
    const { index, membership } = newest
    // Whoever has yet to be added knows of nobody.
    if (membership.voters.length > 0) sender.to(client, { type: 'members', index, membership })
  }
  linked.listen({
    opened: ({ key, party }) => {
      if (party.type !== 'client') return
      clients.set(key, party)
      tell(party)
    },
    closed: key => { clients.delete(key) },
  })
  const follow = ({ log, commitIndex }: RaftState): void => {
    const committed = placedMembershipAt(log, commitIndex)
    if (committed.membership === newest.membership) return
    newest = committed
    clients.forEach(tell)
  }
  return { follow }
}
