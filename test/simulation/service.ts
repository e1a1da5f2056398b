/** Whether a cluster serves: who belongs to it, by the one who leads, and what those are asked. */
import { membersOf } from '../../lib/membership.js'
import { isRight } from '../../lib/prelude.js'
import { quorumValue } from '../../lib/quorum.js'
import type { MemberId, Membership, Millis } from '../../lib/types.js'
import type { Client, Reader, Registers } from './clients.js'
import { membershipAt } from './operators.js'

/** Election timeouts within which a healed cluster serves a new write. */
export const SERVICE = 10

/** The newest membership, by the one who leads, if anybody does. */
const membershipNow = (cluster: Registers): Membership | undefined => {
  const leader = cluster.leader()
  return leader === undefined ? undefined : membershipAt(cluster, leader)
}

/** Who belongs, by the one who leads, if anybody does. */
export const namedIn = (cluster: Registers): readonly MemberId[] => {
  const membership = membershipNow(cluster)
  return membership === undefined ? [] : membersOf(membership)
}

/** Those of them who run. */
export const runningIn = (cluster: Registers): readonly MemberId[] => namedIn(cluster).filter(id => cluster.ids.includes(id) && cluster.member(id).raft !== undefined)

const hasLeft = (cluster: Registers, id: MemberId): boolean => {
  const membership = membershipNow(cluster)
  return membership !== undefined && !membersOf(membership).includes(id)
}

/** The next commands are acknowledged, wherever they are proposed, and every member reads. */
export const serve = async (cluster: Registers, first: number, clients: readonly Client[], reader: Reader, electionTimeoutMs: Millis): Promise<void> => {
  const leader = cluster.leader()
  const membership = membershipNow(cluster)
  if (leader === undefined || membership === undefined) return
  const running = runningIn(cluster)
  if (quorumValue(membership, id => running.includes(id) ? 1 : 0) === 0) return
  const end = cluster.clock.now() + electionTimeoutMs * SERVICE
  // Programs outside know those with whom the cluster began, and can be told of others by them alone.
  const isKnown = running.some(id => cluster.ids.indexOf(id) < first)
  for (const client of clients.filter(({ isOutside }) => isKnown || !isOutside()).slice(0, 3)) {
    let outcome = await cluster.settle(client.propose(leader, electionTimeoutMs * SERVICE))
    // What others proposed before may still take up all the room there is.
    while (!isRight(outcome) && outcome.left._tag === 'Busy' && cluster.clock.now() < end) {
      await cluster.run(electionTimeoutMs / 10)
      outcome = await cluster.settle(client.propose(leader, electionTimeoutMs * SERVICE))
    }
    // A change that waited for somebody may be through only now, and leave out the one that led: whoever leads next serves.
    if (!isRight(outcome) && hasLeft(cluster, leader)) outcome = await cluster.settle(client.propose(cluster.leader()!, electionTimeoutMs * SERVICE))
    if (!isRight(outcome)) throw new Error(`a healed cluster did not serve within ${SERVICE} election timeouts: ${outcome.left.message}`)
  }
  for (const id of running) {
    const outcome = await cluster.settle(reader.read(id, electionTimeoutMs * SERVICE))
    if (!isRight(outcome) && hasLeft(cluster, id)) continue
    if (!isRight(outcome)) throw new Error(`${id} of a healed cluster did not read within ${SERVICE} election timeouts: ${outcome.left.message}`)
  }
}
