import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import { type Outcome, type Question, STATUS_TIMEOUT_MS, askInTurn, askStatus } from './ask.js'

/**
 * The endpoints whose members know who leads, that of the leader first where it is among them, and then by how new the term is that they know; each of
 * them forwards what is for the leader. One that says nothing is not waited for longer than for any status.
 */
export const towardsLeader = async (endpoints: readonly Address[]): Promise<Either<string, readonly Address[]>> => {
  const asked = await Promise.all(endpoints.map(async at => ({ at, status: await askStatus(at, STATUS_TIMEOUT_MS) })))
  const knowing = asked.flatMap(({ at, status }) => isLeft(status) || status.right.leader === null ? [] : [{ at, status: status.right }])
  const rankOf = ({ role, term }: { readonly role: string; readonly term: number }): number => 2 * term + (role === 'leader' ? 1 : 0)
  if (knowing.length > 0) return right(knowing.sort((a, b) => rankOf(b.status) - rankOf(a.status)).map(({ at }) => at))
  const silent = asked.flatMap(({ at, status }) => isLeft(status) ? [`${formatAddress(at)}: ${status.left}`] : [])
  return left(`No leader is known to the members that were asked${silent.length > 0 ? `; ${silent.join('; ')}` : ''}.`)
}

/** Has whoever leads, or somebody who knows it, do something. */
export const askTowardsLeader = async (endpoints: readonly Address[], question: Question): Promise<Outcome> => {
  const found = await towardsLeader(endpoints)
  return isLeft(found) ? { type: 'refused', refusal: { tag: 'NotLeader', message: found.left, appended: 'never' }, at: endpoints[0]! } : askInTurn(found.right, question)
}
