/** Who is linked to this member, and which way leads from its outlet to the leader. */
import type { KnownLeader, ProposeReply, ProposeRequest } from '../../lib/requests.js'
import { type RaftState, membership } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import type { MemberId, Term } from '../../lib/types.js'
import type { Origin, Intake } from './intake.js'
import type { Outlet } from './outlet.js'
import type { Route } from './route.js'
import { type Links, type Party, partyKey } from '../transport/port.js'

export interface Routes {
  connected(party: Party): void
  disconnected(party: Party): void
  /** A request for the leader that came over a link. */
  requested(from: Party, request: ProposeRequest): void
  /** What became of a request that left over a link. */
  replied(from: Party, reply: ProposeReply): void
  /** A state says who leads; one that is older than the last changes nothing. */
  follow(state: RaftState): void
  /** Who leads and where, as far as is known here. */
  leader(): KnownLeader | undefined
  /** Whether this member is linked. */
  hasMember(id: MemberId): boolean
  /** Every link is dropped, and no way leads anywhere any more. */
  halt(): void
}

/** One life of a connection: the next one to the same party is another route. */
interface Link {
  readonly party: Party
  readonly key: string
  readonly origin: Origin
}

interface RoutesOptions<C, R> {
  readonly outlet: Pick<Outlet<C, R>, 'reroute' | 'settle' | 'replied' | 'gone'>
  readonly intake: Pick<Intake<R>, 'openSelf' | 'openLink'>
  readonly links: Pick<Links, 'send'>
  reply(to: Party, reply: ProposeReply): void
}

const leaderOf = (state: RaftState | undefined): ReturnType<Routes['leader']> => {
  const id = state?.leader
  const address = state === undefined || id === undefined ? undefined : membership(state).addresses[id]
  return state === undefined || id === undefined || address === undefined ? undefined : { id, address, term: state.term }
}

/** The ways out of the outlet. */
const waysOf = <C, R>({ outlet, intake, links }: RoutesOptions<C, R>) => ({
  toSelf: (key: string, term: Term): Route => {
    const origin = intake.openSelf(fate => outlet.settle(key, fate))
    return { key, term, send: requests => requests.forEach(request => origin.receive({ ...request, term })) }
  },
  toMember: (key: string, id: MemberId, term: () => Term): Route =>
    ({ key, term: undefined, send: requests => links.send({ type: 'member', id }, requests.map(request => ({ ...request, term: term() }))) }),
})

/** Every link has an origin at the intake, and the way to the leader follows the newest state. */
export const createRoutes = <C, R>(options: RoutesOptions<C, R>): Routes => {
  const { outlet, intake, reply } = options
  const { toSelf, toMember } = waysOf(options)
  const linked = new Map<string, Link>()
  let made = 0
  let newest: RaftState | undefined
  let present: { readonly leader: MemberId | undefined; readonly key: string | undefined } = { leader: undefined, key: undefined }

  const reroute = (): void => {
    if (newest === undefined) return
    const { leader, settings, term } = newest
    const link = leader === undefined || leader === settings.id ? undefined : linked.get(partyKey({ type: 'member', id: leader }))
    const key = isReady(newest) ? `self ${term}` : link?.key
    if (key === present.key && leader === present.leader) return
    present = { leader, key }
    if (key === undefined || leader === undefined) outlet.reroute(undefined, leader)
    else outlet.reroute(link === undefined ? toSelf(key, term) : toMember(key, leader, () => newest?.term ?? term), leader)
  }

  const drop = (party: Party): void => {
    const link = linked.get(partyKey(party))
    if (link === undefined) return
    linked.delete(partyKey(party))
    link.origin.close()
    outlet.gone(link.key)
  }

  return {
    connected: party => {
      drop(party)
      const key = `${partyKey(party)} ${++made}`
      linked.set(partyKey(party), { party, key, origin: intake.openLink(partyKey(party), answer => reply(party, answer)) })
      reroute()
    },
    disconnected: party => {
      drop(party)
      reroute()
    },
    requested: (from, request) => linked.get(partyKey(from))?.origin.receive(request),
    replied: (from, answer) => {
      const link = linked.get(partyKey(from))
      if (link !== undefined) outlet.replied(link.key, answer)
    },
    follow: state => {
      const former = newest
      if (former !== undefined && state.turn < former.turn) return
      newest = state
      if (former === undefined || former.leader !== state.leader || former.term !== state.term || isReady(former) !== isReady(state)) reroute()
    },
    leader: () => leaderOf(newest),
    hasMember: id => linked.has(partyKey({ type: 'member', id })),
    halt: () => {
      newest = undefined
      for (const { party } of [...linked.values()]) drop(party)
      outlet.reroute(undefined, undefined)
    },
  }
}
