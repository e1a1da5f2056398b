import { type StoredLog, membershipsFrom, openLog } from '../../lib/log.js'
import { isAlone } from '../../lib/membership.js'
import type { Index, MemberId } from '../../lib/types.js'

/**
 * Whether a member is the one voter, by all that counts in its log: no other can lead, and so none can send a snapshot. While a membership that others vote in
 * may be the committed one, they still can. One judgement for those who start and those who look.
 */
export const decidesAlone = (log: Omit<StoredLog, 'tail'>, commitIndex: Index, id: MemberId): boolean =>
  membershipsFrom(openLog({ ...log, tail: [] }), commitIndex).every(membership => isAlone(membership, id))
