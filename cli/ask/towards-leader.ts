import { setTimeout as wait } from 'node:timers/promises'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import { type Outcome, type Question, STATUS_TIMEOUT_MS, askInTurn, askStatus, mayPass } from './ask.js'

/** How long until the endpoints are asked again. */
const AGAIN_MS: Millis = 300

/**
 * The endpoints whose members know who leads, that of the leader first where it is among them, and then by how new the term is that they know; each of
 * them forwards what is for the leader. One that says nothing is not waited for longer than for any status.
 */
export const towardsLeader = async (endpoints: readonly Address[], timeoutMs = STATUS_TIMEOUT_MS): Promise<Either<string, readonly Address[]>> => {
  const asked = await Promise.all(endpoints.map(async at => ({ at, status: await askStatus(at, timeoutMs) })))
  const knowing = asked.flatMap(({ at, status }) => isLeft(status) || status.right.leader === null ? [] : [{ at, status: status.right }])
  const rankOf = ({ role, term }: { readonly role: string; readonly term: number }): number => 2 * term + (role === 'leader' ? 1 : 0)
  if (knowing.length > 0) return right(knowing.sort((a, b) => rankOf(b.status) - rankOf(a.status)).map(({ at }) => at))
  const silent = asked.flatMap(({ at, status }) => isLeft(status) ? [`${formatAddress(at)}: ${status.left}`] : [])
  return left(`No leader is known to the members that were asked${silent.length > 0 ? `; ${silent.join('; ')}` : ''}.`)
}

const nobodyLeads = (endpoints: readonly Address[], message: string): Outcome => ({ type: 'refused', refusal: { tag: 'NotLeader', message, appended: 'never' }, at: endpoints[0]! })

/** Has whoever leads, or somebody who knows it, do something. */
export const askTowardsLeader = async (endpoints: readonly Address[], question: Question): Promise<Outcome> => {
  const found = await towardsLeader(endpoints)
  return isLeft(found) ? nobodyLeads(endpoints, found.left) : askInTurn(found.right, question)
}

/**
 * Asks whoever leads, again and again until somebody does and answers, for `timeoutMs` in all. Of those who know the leader only the first is asked each time, since it
 * may take all the time that is left. `refused` hears why it was not done yet.
 */
export const askOnceLed = async (endpoints: readonly Address[], timeoutMs: Millis, question: (leftMs: Millis) => Question, refused: (why: string) => void): Promise<Outcome> => {
  const until = performance.now() + timeoutMs
  const leftMs = (): Millis => Math.max(1, Math.ceil(until - performance.now()))
  for (;;) {
    // One that is silent must leave time for the question itself.
    const found = await towardsLeader(endpoints, Math.min(STATUS_TIMEOUT_MS, Math.ceil(leftMs() / 2)))
    const outcome = isLeft(found) ? nobodyLeads(endpoints, found.left) : await askInTurn(found.right.slice(0, 1), question(leftMs()))
    if (outcome.type === 'done' || !mayPass(outcome.refusal) || leftMs() <= AGAIN_MS) return outcome
    refused(outcome.refusal.message)
    await wait(AGAIN_MS)
  }
}
