/** Whether a folder can be made a lone member's, and what that would do. */
import { clusterIdOf } from '../../codecs/cluster-id.js'
import { firstMembership, membersOf } from '../../lib/membership.js'
import type { EntryId, Index, MemberId, Membership, Millis } from '../../lib/types.js'
import type { Survey } from '../../streams/storage/survey.js'
import { Mistake, Trouble } from '../mistake.js'
import { type Standing, standingIn } from './standing.js'

export interface Plan {
  readonly id: MemberId
  readonly clusterId: string
  /** The newest membership of this folder, and who else belongs to the cluster by any that may count. */
  readonly before: Membership
  readonly others: readonly MemberId[]
  /** Whether the cluster decides without this member: unknown where the newest membership leaves it out, and is not known to be committed. */
  readonly leftOut: 'no' | 'unknown' | 'yes'
  readonly after: Membership
  /** What is certain to have been committed, and where the log ends. */
  readonly committed: Index
  readonly last: EntryId
  /** Up to where it was committed, where that is after its end. */
  readonly lostTo: Index | undefined
  /** The time that what is appended may not be older than, as far as a snapshot tells. */
  readonly time: Millis
}

/** Where the member will be. `given` is for one that is left out, and says that it is to be saved all the same. */
const addressFor = (id: MemberId, { address, lastAddress }: Standing, given: string | undefined): string => {
  if (address !== undefined && given !== undefined) throw new Mistake(`${id} is not left out of the cluster for certain, so --although-left-out is not for it; nothing was changed`)
  const chosen = address ?? given
  if (chosen !== undefined) return chosen
  const known = lastAddress === undefined ? '' : `, and its log had it last at ${lastAddress}`
  throw new Trouble(`${id} does not belong to the cluster, by its own log: the committed membership leaves it out. Nothing was changed. What the others acknowledged without it is not here; --although-left-out HOST:PORT makes it the only member all the same${known}.`)
}

/** What is planned for a folder that is whole, or lacks no more than the end of its log; what speaks against it is told. */
export const planFor = (found: Survey, given?: string): Plan => {
  const { identity: { id, clusterId }, hardState, log, snapshots, faults, lost } = found
  const damage = faults.filter(fault => fault !== lost?.fault)
  if (damage.length > 0) throw new Trouble(`The folder is damaged, and nothing was changed: ${damage.map(({ message }) => message).join(' ')}`)
  if (log === undefined || hardState === undefined) throw new Trouble('The folder was never completed, and nothing was changed: it holds nothing that could be saved.')
  if (log.base.index > (snapshots[0]?.index ?? 0)) throw new Trouble(`The log begins after ${log.base.index}, and no snapshot of what precedes it is here: a lone member would have nobody to ask. Nothing was changed.`)
  const standing = standingIn(found, log)
  const { committed, newest, others, address } = standing
  const names = membersOf(newest)
  if (log.lastIndex === 0 && names.length === 0) throw new Trouble(`${id} has joined and was sent nothing yet, and nothing was changed: its folder holds nothing that could be saved.`)
  const after = firstMembership({ [id]: addressFor(id, standing, given) })
  const isNamed = names.includes(id)
  if (isNamed && names.length === 1 && lost === undefined) throw new Trouble(`${id} is the only member already; nothing was changed.`)
  const last = { index: log.lastIndex, term: log.terms.at(-1)?.term ?? log.base.term }
  const leftOut = isNamed ? 'no' : address === undefined ? 'yes' : 'unknown'
  return { id, clusterId, before: newest, others, leftOut, after, committed, last, lostTo: lost?.committed, time: snapshots[0]?.time ?? 0 }
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
