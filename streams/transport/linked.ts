/** Who is linked to this member, and where the leader is from here. */
import type { KnownLeader } from '../../lib/requests.js'
import { type RaftState, membership } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import type { Index, MemberId, Term } from '../../lib/types.js'
import { outsideClause } from './outside.js'
import { type Party, type Unanswered, partyKey } from './port.js'

/** One life of a connection: the next one to the same party has another key. */
export interface LinkLife {
  readonly key: string
  readonly party: Party
}

/** That this member leads: in which term, and the session that the entry has opened with which that began. */
export interface Office {
  readonly term: Term
  readonly session: Index
}

/** Where the leader is: this member, or at the other end of a link. `key` names the term of office, or that life of the link. */
export type LeaderPlace =
  | { readonly type: 'here'; readonly key: string; readonly office: Office }
  | { readonly type: 'linked'; readonly key: string; readonly id: MemberId }

/** What parts may hear that talk over links, and ask the leader. */
export interface LinkEars {
  opened(link: LinkLife): void
  closed(key: string, unanswered: Unanswered): void
  /** Where the leader is from now on, unless no way leads there, and who it is as far as is known here. */
  led(where: LeaderPlace | undefined, leader: MemberId | undefined): void
}

export interface Linked {
  /** To be called before anything happens. */
  listen(ears: Partial<LinkEars>): void
  connected(party: Party): void
  disconnected(party: Party, unanswered: Unanswered): void
  /** A state says who leads; one that is older than the last changes nothing. */
  follow(state: RaftState): void
  /** The link to this party, while there is one. */
  at(party: Party): LinkLife | undefined
  /** Who leads and where, as far as is known here. */
  leader(): KnownLeader | undefined
  /** The newest term that is known here. */
  term(): Term
  /** `outsideClause` of the newest state. */
  outside(): string
  /** Every link is dropped, and no way leads anywhere any more. */
  halt(): void
}

const knownLeader = (state: RaftState): KnownLeader | undefined => {
  const { leader, term } = state
  const address = leader === undefined ? undefined : membership(state).addresses[leader]
  return leader === undefined || address === undefined ? undefined : { id: leader, address, term }
}

const leaderPlace = (state: RaftState, links: ReadonlyMap<string, LinkLife>): LeaderPlace | undefined => {
  const { leader, term, settings } = state
  if (state.role === 'leader' && isReady(state)) return { type: 'here', key: `self ${term}`, office: { term, session: state.noopIndex } }
  if (leader === undefined || leader === settings.id) return undefined
  const link = links.get(partyKey({ type: 'member', id: leader }))
  return link && { type: 'linked', key: link.key, id: leader }
}

export const createLinked = (): Linked => {
  const links = new Map<string, LinkLife>()
  const all: Partial<LinkEars>[] = []
  let made = 0
  let newest: RaftState | undefined
  let told: { readonly key: string | undefined; readonly leader: MemberId | undefined } = { key: undefined, leader: undefined }

  const lead = (): void => {
    const where = newest && leaderPlace(newest, links)
    const leader = newest?.leader
    if (where?.key === told.key && leader === told.leader) return
    told = { key: where?.key, leader }
    for (const ears of all) ears.led?.(where, leader)
  }
  const drop = (party: Party, unanswered: Unanswered): void => {
    const link = links.get(partyKey(party))
    if (link === undefined) return
    links.delete(partyKey(party))
    for (const ears of all) ears.closed?.(link.key, unanswered)
  }

  return {
    listen: ears => { all.push(ears) },
    connected: party => {
      drop(party, 'unknown')
      const link = { key: `${partyKey(party)} ${++made}`, party }
      links.set(partyKey(party), link)
      for (const ears of all) ears.opened?.(link)
      lead()
    },
    disconnected: (party, unanswered) => {
      drop(party, unanswered)
      lead()
    },
    follow: state => {
      const former = newest
      if (former !== undefined && state.turn < former.turn) return
      newest = state
      if (former === undefined || former.leader !== state.leader || former.term !== state.term || isReady(former) !== isReady(state)) lead()
    },
    at: party => links.get(partyKey(party)),
    leader: () => newest && knownLeader(newest),
    term: () => newest?.term ?? 0,
    outside: () => newest === undefined ? '' : outsideClause(newest),
    halt: () => {
      newest = undefined
      for (const { party } of [...links.values()]) drop(party, 'unknown')
      lead()
    },
  }
}
