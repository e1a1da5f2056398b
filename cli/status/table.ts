/** What members say of themselves, one row each. */
import { type Either, isLeft } from '../../lib/prelude.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import type { MemberStatus } from '../control/member-status.js'
import { columns, sizeInWords } from '../words.js'

/** One endpoint, and how its member is or why it does not say. */
export interface Row {
  readonly at: Address
  readonly status: Either<string, MemberStatus>
}

/** How much is committed, by the leader of the newest term or, without one, by whoever knows most. */
const committed = (statuses: readonly MemberStatus[]): number => Math.max(0, ...statuses.map(({ commitIndex }) => commitIndex))

const cellsOf = ({ id, role, term, leader, ready, commitIndex, appliedIndex, lastIndex, snapshot, machineVersion }: MemberStatus, most: number): readonly string[] => [
  id, role, String(term), leader ?? '-', String(commitIndex), String(appliedIndex), String(lastIndex), String(Math.max(0, most - appliedIndex)),
  snapshot === null ? '-' : `${snapshot.index} (${sizeInWords(snapshot.bytes)})`, String(machineVersion), ready ? 'ready' : 'not ready',
]

const HEAD = ['endpoint', 'member', 'role', 'term', 'leader', 'commit', 'applied', 'last', 'lag', 'snapshot', 'machine', '']

const endpointsOf = (rows: readonly Row[], cluster: string): readonly string[] =>
  rows.flatMap(({ at, status }) => isLeft(status) || status.right.cluster !== cluster ? [] : [formatAddress(at)])

/** The table with its head; who does not answer is in it with the reason, and who is of another cluster is told, and compared with nobody of this one. */
export const tableOf = (rows: readonly Row[]): readonly string[] => {
  const statuses = rows.flatMap(({ status }) => isLeft(status) ? [] : [status.right])
  const clusters = [...new Set(statuses.map(({ cluster }) => cluster))]
  const most = new Map(clusters.map(name => [name, committed(statuses.filter(({ cluster }) => cluster === name))]))
  const silent = rows.flatMap(({ at, status }) => isLeft(status) ? [`${formatAddress(at)} does not answer: ${status.left}`] : [])
  const mixed = clusters.length < 2 ? [] : [`these are ${clusters.length} clusters: ${clusters.map(name => `${name} at ${endpointsOf(rows, name).join(', ')}`).join('; ')}`]
  const table = columns([HEAD, ...rows.flatMap(({ at, status }) => isLeft(status) ? [] : [[formatAddress(at), ...cellsOf(status.right, most.get(status.right.cluster) ?? 0)]])])
  return [...(statuses.length > 0 ? table : []), ...mixed, ...silent]
}

/** The same for programs, in one object. */
export const rowsAsJson = (rows: readonly Row[]): string => JSON.stringify({
  members: rows.map(({ at, status }) => ({ at: formatAddress(at), ...(isLeft(status) ? { error: status.left } : status.right) })),
})

/** All of one cluster, all there, and all of them know who leads. */
export const isWell = (rows: readonly Row[]): boolean => {
  const statuses = rows.flatMap(({ status }) => isLeft(status) ? [] : [status.right])
  return statuses.length === rows.length && statuses.every(({ ready }) => ready) && new Set(statuses.map(({ cluster }) => cluster)).size === 1
}
