import { isLeft } from '../../lib/prelude.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import { Trouble } from '../mistake.js'
import { STATUS_TIMEOUT_MS, askStatus } from './ask.js'

/**
 * The endpoints whose members know who leads, that of the leader first where it is among them, and then by how new the term is that they know; each of
 * them forwards what is for the leader. One that says nothing is not waited for longer than for any status.
 */
export const towardsLeader = async (endpoints: readonly Address[]): Promise<readonly Address[]> => {
  const asked = await Promise.all(endpoints.map(async at => ({ at, status: await askStatus(at, STATUS_TIMEOUT_MS) })))
  const knowing = asked.flatMap(({ at, status }) => isLeft(status) || status.right.leader === null ? [] : [{ at, status: status.right }])
  const rankOf = ({ role, term }: { readonly role: string; readonly term: number }): number => 2 * term + (role === 'leader' ? 1 : 0)
  if (knowing.length > 0) return knowing.sort((a, b) => rankOf(b.status) - rankOf(a.status)).map(({ at }) => at)
  const silent = asked.flatMap(({ at, status }) => isLeft(status) ? [`${formatAddress(at)}: ${status.left}`] : [])
  throw new Trouble(`No leader is known to the members that were asked${silent.length > 0 ? `; ${silent.join('; ')}` : ''}.`)
}
