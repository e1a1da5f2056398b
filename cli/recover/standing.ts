/**
 * Whether the member of a folder belongs to its cluster. It is judged as for an election: by the committed membership and by all after it, of which each may be
 * the last that the others ever had.
 */
import { membershipsFrom, openLog } from '../../lib/log.js'
import { membersOf } from '../../lib/membership.js'
import type { Index, MemberId, Membership } from '../../lib/types.js'
import type { Survey, SurveyedLog } from '../../streams/storage/survey.js'

export interface Standing {
  /** What is certain to have been committed: all that a start would take for it. */
  readonly committed: Index
  /** The newest membership, committed or not. */
  readonly newest: Membership
  readonly others: readonly MemberId[]
  /** Where the member is, by the newest membership that counts and names it; undefined where the committed one leaves it out, and so do those after it. */
  readonly address: string | undefined
  /** Where any membership of this log had it last. */
  readonly lastAddress: string | undefined
}

const addressIn = (memberships: readonly Membership[], id: MemberId): string | undefined => memberships.filter(({ addresses }) => Object.hasOwn(addresses, id)).at(-1)?.addresses[id]

export const standingIn = ({ identity: { id }, hardState, snapshots }: Survey, log: SurveyedLog): Standing => {
  const committed = Math.min(Math.max(log.commitIndex, hardState?.commitIndex ?? 0, snapshots[0]?.index ?? 0, log.base.index), log.lastIndex)
  const counted = membershipsFrom(openLog({ ...log, tail: [] }), committed)
  const all = [log.base.membership, ...log.memberships.map(({ membership }) => membership)]
  const others = [...new Set(counted.flatMap(membersOf))].filter(member => member !== id)
  return { committed, newest: all.at(-1)!, others, address: addressIn(counted, id), lastAddress: addressIn(all, id) }
}
