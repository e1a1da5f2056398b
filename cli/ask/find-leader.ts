import { isLeft } from '../../lib/prelude.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import { Trouble } from '../mistake.js'
import { STATUS_TIMEOUT_MS, askStatus } from './ask.js'

/** The endpoint whose member leads in the newest term that any of them knows; one that says nothing is not waited for longer than for any status. */
export const findLeader = async (endpoints: readonly Address[]): Promise<Address> => {
  const asked = await Promise.all(endpoints.map(async at => ({ at, status: await askStatus(at, STATUS_TIMEOUT_MS) })))
  const answers = asked.flatMap(({ at, status }) => isLeft(status) ? [] : [{ at, status: status.right }])
  const leader = answers.filter(({ status }) => status.role === 'leader').sort((a, b) => b.status.term - a.status.term)[0]
  if (leader !== undefined) return leader.at
  const known = answers.find(({ status }) => status.leader !== null)?.status.leader
  const silent = asked.flatMap(({ at, status }) => isLeft(status) ? [`${formatAddress(at)}: ${status.left}`] : [])
  throw new Trouble(known === undefined || known === null
    ? `No leader is known to the members that were asked${silent.length > 0 ? `; ${silent.join('; ')}` : ''}.`
    : `${known} leads, whose control endpoint is not among those of --at that answer.`)
}
