/** Whether a folder can be made a lone member's, and what that would do. */
import { clusterIdOf } from '../../codecs/cluster-id.js'
import { firstMembership, membersOf } from '../../lib/membership.js'
import type { EntryId, Index, MemberId, Membership, Millis } from '../../lib/types.js'
import type { Survey, SurveyedLog } from '../../streams/storage/survey.js'
import { Mistake, Trouble } from '../mistake.js'

export interface Plan {
  readonly id: MemberId
  readonly clusterId: string
  /** Who belongs to the cluster by this folder. */
  readonly before: Membership
  readonly after: Membership
  /** What is certain to have been committed, and where the log ends. */
  readonly committed: Index
  readonly last: EntryId
  /** The time that what is appended may not be older than, as far as a snapshot tells. */
  readonly time: Millis
}

const membershipIn = ({ memberships, base }: SurveyedLog): Membership => memberships.at(-1)?.membership ?? base.membership

/** What is planned for a folder that is whole; what speaks against it is told. */
export const planFor = ({ identity: { id, clusterId }, hardState, log, snapshots, faults }: Survey): Plan => {
  if (faults.length > 0) throw new Trouble(`The folder is damaged, and nothing was changed: ${faults.map(({ message }) => message).join(' ')}`)
  if (log === undefined || hardState === undefined) throw new Trouble('The folder was never completed, and nothing was changed: it holds nothing that could be saved.')
  if (log.base.index > (snapshots[0]?.index ?? 0)) throw new Trouble(`The log begins behind ${log.base.index}, and no snapshot of what precedes it is here: a lone member would have nobody to ask. Nothing was changed.`)
  const before = membershipIn(log)
  const address = Object.hasOwn(before.addresses, id) ? before.addresses[id] : undefined
  if (address === undefined) throw new Trouble(`${id} does not belong to the cluster any more, by its own log; nothing was changed.`)
  if (membersOf(before).length === 1) throw new Trouble(`${id} is the only member already; nothing was changed.`)
  const last = { index: log.lastIndex, term: log.terms.at(-1)?.term ?? log.base.term }
  return { id, clusterId, before, after: firstMembership({ [id]: address }), committed: Math.max(log.commitIndex, hardState.commitIndex, log.base.index), last, time: snapshots[0]?.time ?? 0 }
}

/** Whether this is the name of the folder's cluster: an id is made of the name and of who the first members were. */
export const checkName = ({ clusterId }: Plan, { log }: Survey, name: string, first: readonly MemberId[]): void => {
  const named = first.length === 0 ? [] : [{ voters: first, outgoing: [], learners: [] }]
  const known = log === undefined ? [] : [log.base.membership, ...log.memberships.map(({ membership }) => membership)]
  const candidates = first.length === 0 ? known : named.map(ids => ({ ...ids, addresses: {} }))
  if (candidates.some(membership => clusterIdOf(name, membership) === clusterId)) return
  const tried = [...new Set(candidates.map(({ voters }) => voters.join(', ')))].join(' or ')
  const advice = first.length === 0 ? 'either it has another name, or they were others than this log has, and --first names them as --members of rxraft serve does' : 'either the name or --first is wrong'
  throw new Mistake(`a cluster "${name}" whose first members were ${tried} is not that of this folder: ${advice}; nothing was changed`)
}
