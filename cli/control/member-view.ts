/** What a control endpoint shows of its member: the newest of several streams, in one value. */
import { Subscription } from 'rxjs'
import { NO_MEMBERSHIP } from '../../lib/membership.js'
import type { Raft } from '../../streams/member/member.js'
import type { MembershipState, Status } from '../../streams/outputs/outputs.js'
import type { MemberStatus } from './member-status.js'
import { type Tally, countAt } from './tally.js'

/** What the member does not say of itself. */
export interface Known {
  readonly cluster: string
  readonly tls: boolean
}

export interface MemberView {
  status(): MemberStatus
  /** Who belongs, by the newest membership in its log. */
  membership(): MembershipState
  /** Why it is not ready; undefined where it is. */
  unready(): string | undefined
  /** What has happened since it is looked at. */
  tally(): Tally
  /** The member is on its way to its end. */
  stopping(): void
  close(): void
}

type Watched<C, R, S> = Pick<Raft<C, R, S>, 'status$' | 'leadership$' | 'membership$' | 'snapshots$' | 'diagnostics$'>

export const viewMember = <C, R, S>(raft: Watched<C, R, S>, known: Known): MemberView => {
  // What is current is replayed at once.
  let latest: Status = { id: '', role: 'follower', term: 0, leader: undefined, commitIndex: 0, appliedIndex: 0, lastIndex: 0, machineVersion: 0, lowestMachineVersion: 0 }
  let leads = false
  let isStopping = false
  let membership: MembershipState = { ...NO_MEMBERSHIP, isCommitted: true }
  let snapshot: MemberStatus['snapshot'] = null
  let capturing: MemberStatus['capturing'] = null
  const counting = countAt(raft)
  const all = new Subscription(counting.close)
  all.add(raft.status$.subscribe(status => { latest = status }))
  all.add(raft.leadership$.subscribe(leadership => { leads = leadership !== undefined }))
  all.add(raft.snapshots$.subscribe(event => {
    if (event.type === 'capturing') capturing = { index: event.index, bytes: event.bytes }
    if (event.type === 'captured' || event.type === 'captureFailed') capturing = null
    if (event.type === 'captured' || event.type === 'received' || event.type === 'restored') {
      const { index, term, bytes } = event.snapshot
      snapshot = { index, term, bytes }
    }
  }))
  all.add(raft.membership$.subscribe(now => { membership = now }))

  const unready = (): string | undefined => {
    if (isStopping) return 'the member is stopping'
    if (latest.role === 'leader') return leads ? undefined : 'this member leads, and has not applied yet what earlier terms committed'
    return latest.leader === undefined ? 'no leader is known' : undefined
  }
  return {
    status: () => {
      const { id, role, term, leader = null, commitIndex, appliedIndex, lastIndex, machineVersion, lowestMachineVersion } = latest
      const { cluster, tls } = known
      return { cluster, id, role, term, leader, ready: unready() === undefined, commitIndex, appliedIndex, lastIndex, snapshot, capturing, members: membership.addresses, machineVersion, lowestMachineVersion, tls }
    },
    membership: () => membership,
    unready,
    tally: counting.now,
    stopping: () => { isStopping = true },
    close: () => all.unsubscribe(),
  }
}
