import { membershipsFrom, openLog } from '../../lib/log.js'
import { isLeft, left, right } from '../../lib/prelude.js'
import type { Incarnation, Index, MemberId } from '../../lib/types.js'
import type { MemberNotice } from '../outputs/diagnostics.js'
import type { Store } from '../storage/port.js'
import type { Endpoint } from '../transport/port.js'

/** Whom this member takes for who they say they are. */
export interface Admission {
  readonly admit: Endpoint['admit']
  readonly isUnproven: Endpoint['isUnproven']
  /** From now on these are the members: others are let in without being remembered, or whoever likes could fill the disk. */
  named(addresses: Readonly<Record<MemberId, string>>): void
  /** Up to here this member knows who belongs. */
  knows(commitIndex: Index): void
  /**
   * A membership without these is committed; or none named them but an uncommitted one that was overwritten; or what was committed meanwhile is not in this log, and they may have
   * left and come back as others.
   */
  left(peers: readonly MemberId[]): void
}

/** Peers that neither the committed membership names nor one behind it: only a crash can have left them behind, before it was durable that they were forgotten. Whom another membership names by then stays, and has to be removed to come back as another. */
const strangersIn = ({ peers, hardState, ...log }: Store['recovered']): readonly MemberId[] => {
  const named = new Set(membershipsFrom(openLog(log), hardState.commitIndex).flatMap(({ addresses }) => Object.keys(addresses)))
  return Object.keys(peers).filter(peer => !named.has(peer))
}

/**
 * Where those peers left last that had come back by what this member had committed when it started: whom it knows may be who left, for a crash can have come before it was
 * durable that it was forgotten. Of what precedes the log only its base is known.
 */
const leavingsIn = ({ peers, hardState: { commitIndex }, base, memberships }: Store['recovered']): ReadonlyMap<MemberId, Index> => {
  const passed = [base, ...memberships.filter(({ index }) => index <= commitIndex)]
  const isNamed = (at: number, peer: MemberId): boolean => passed[at] === undefined ? base.index > 0 : Object.hasOwn(passed[at].membership.addresses, peer)
  return new Map(Object.keys(peers).flatMap(peer => {
    const at = passed.findLastIndex((_, at) => !isNamed(at, peer) && isNamed(at - 1, peer))
    return at < 0 ? [] : [[peer, passed[at]!.index] as const]
  }))
}

/**
 * Knows each peer by its incarnation as long as it belongs: a peer that comes back with an empty folder is a stranger, for it has forgotten its votes
 * and what it acknowledged. The first incarnation met is durable before the peer is let in.
 *
 * A peer is forgotten once a membership without it is committed, and not before: every majority from then on is one of memberships after that one, so
 * nothing that it voted or acknowledged in that life is counted on any more, and as another it is counted only after an entry that names it again. An
 * uncommitted membership can be overwritten, and then the peer is counted as if it had never been left out. One that was only named by what is overwritten never
 * belonged: who shall vote waits for the commit of an entry that names it, so nothing that it said was counted, and it need not be removed to come back as another. Where a
 * snapshot stands for memberships that this member never saw, each peer may have left in between, and is met anew. Else one that came back as another were refused for ever.
 *
 * So it would be, too, for whoever is merely behind: who comes back says which committed membership names it, and where that is news the one that was known may have left before.
 * Its own log has that membership, so it votes for nobody whose log has not. After a start the same goes for what this member knew already, where the one that it knew left before that:
 * until one of them says that it was named since.
 *
 * And so it would be where the link of a process that is no more, let in when nothing named it or from before it left, were taken for who is named now: nobody is
 * remembered who has not presented itself since.
 */
export const createAdmission = (
  store: Pick<Store, 'recovered' | 'remember' | 'forget'>, addresses: Readonly<Record<MemberId, string>>, notice: (notice: MemberNotice) => void,
): Admission => {
  const { recovered } = store
  const known = new Map(Object.entries(recovered.peers))
  const claimed = new Map<MemberId, Incarnation>(known)
  /** The newest membership by which each peer has said that it belongs: who says no more than that is no news. */
  const vouched = new Map<MemberId, Index>()
  /** Where each has left that may be known from before that. */
  const doubtful = new Map(leavingsIn(recovered))
  let members = addresses
  let knownTo = recovered.hardState.commitIndex

  const forget = (peers: readonly MemberId[]): void => {
    const met = peers.filter(peer => claimed.has(peer))
    if (met.length === 0) return
    for (const peer of met) {
      known.delete(peer)
      claimed.delete(peer)
    }
    store.forget(met, outcome => {
      if (isLeft(outcome)) for (const peer of met) notice({ type: 'rememberFailed', peer, reason: outcome.left.message })
    })
  }
  forget(strangersIn(recovered))

  return {
    named: addresses => { members = addresses },
    knows: commitIndex => { knownTo = commitIndex },
    left: forget,
    // While no membership names it, its link is how it is told that it has left.
    isUnproven: (peer, incarnation) => Object.hasOwn(members, peer) && claimed.get(peer) !== incarnation,
    admit: (peer, incarnation, decide, named = 0) => {
      const claim = claimed.get(peer)
      const newest = Math.max(doubtful.get(peer) ?? knownTo, vouched.get(peer) ?? 0)
      if (claim !== undefined && claim !== incarnation) {
        if (named <= newest) return decide(left(`member ${peer} is known by another data folder than the one it comes with now`))
        forget([peer])
      }
      if (named > newest) {
        vouched.set(peer, named)
        doubtful.delete(peer)
      }
      if (known.get(peer) === incarnation || !Object.hasOwn(members, peer)) return decide(right(undefined))
      claimed.set(peer, incarnation)
      store.remember(peer, incarnation, outcome => {
        if (isLeft(outcome)) {
          if (claimed.get(peer) === incarnation) claimed.delete(peer)
          notice({ type: 'rememberFailed', peer, reason: outcome.left.message })
          return decide(left(`member ${peer} could not be remembered: ${outcome.left.message}`))
        }
        if (claimed.get(peer) === incarnation) known.set(peer, incarnation)
        decide(right(undefined))
      })
    },
  }
}
