import { setTimeout as wait } from 'node:timers/promises'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import { type Address, formatAddress } from '../../streams/transport/tcp/addresses.js'
import type { Refusal } from '../control/member-status.js'
import { type Errand, type Outcome, STATUS_TIMEOUT_MS, askInTurn, lookAt, mayPass, nobody } from './ask.js'
import { type Time, leftOf } from './shares.js'

/** How long until the endpoints are asked again. */
const AGAIN_MS: Millis = 300
/** A member is given up that has found no leader within this, longer than most elections: by then others may know better. */
const LEADERLESS_MS: Millis = 5_000
/** Whoever restarts listens again within this. */
const DESERTED_MS: Millis = 2_000

/** Why nobody can be asked who knows of a leader. */
interface Leaderless {
  readonly refusal: Refusal
  /** Whether nobody listens at any of the endpoints. */
  readonly isDeserted: boolean
}

/**
 * The endpoints whose members know who leads, that of the leader first where it is among them, and then by how new the term is that they know; each of
 * them forwards what is for the leader. One that says nothing is not waited for longer than for any status.
 */
export const towardsLeader = async (endpoints: readonly Address[], timeoutMs = STATUS_TIMEOUT_MS): Promise<Either<Leaderless, readonly Address[]>> => {
  const asked = await Promise.all(endpoints.map(async at => ({ at, status: await lookAt(at, timeoutMs) })))
  const knowing = asked.flatMap(({ at, status }) => isLeft(status) || status.right.leader === null ? [] : [{ at, status: status.right }])
  const rankOf = ({ role, term }: { readonly role: string; readonly term: number }): number => 2 * term + (role === 'leader' ? 1 : 0)
  if (knowing.length > 0) return right(knowing.sort((a, b) => rankOf(b.status) - rankOf(a.status)).map(({ at }) => at))
  const silent = asked.flatMap(({ at, status }) => isLeft(status) ? [{ at, ...status.left }] : [])
  const reasons = silent.map(({ at, reason }) => `${formatAddress(at)}: ${reason}`)
  if (silent.length === asked.length) return left({ refusal: nobody(reasons, 'POST'), isDeserted: silent.every(({ isDeserted }) => isDeserted) })
  return left({ refusal: { tag: 'NotLeader', message: `No leader is known to the members that were asked${reasons.map(each => `; ${each}`).join('')}.`, appended: 'never' }, isDeserted: false })
}

/** Looks for whoever leads, or knows it; one that is silent must leave time for the errand itself. */
const look = (endpoints: readonly Address[], time: Time): ReturnType<typeof towardsLeader> => towardsLeader(endpoints, Math.min(STATUS_TIMEOUT_MS, Math.ceil(leftOf(time) / 2)))

/** Has whoever leads, or somebody who knows it, do something. */
export const askTowardsLeader = async (endpoints: readonly Address[], time: Time, errand: Errand): Promise<Outcome> => {
  const found = await look(endpoints, time)
  return isLeft(found) ? { type: 'refused', refusal: found.left.refusal, at: endpoints[0]! } : askInTurn(found.right, time, errand)
}

/**
 * The same again and again until somebody leads and answers, until the time is up, or until nobody has listened anywhere for as long as a restart takes. `refused` hears
 * why it was not done yet.
 */
export const askOnceLed = async (endpoints: readonly Address[], time: Time, errand: Errand, refused: (why: string) => void): Promise<Outcome> => {
  let desertedSince: Millis | undefined
  for (;;) {
    const found = await look(endpoints, time)
    const outcome: Outcome = isLeft(found) ? { type: 'refused', refusal: found.left.refusal, at: endpoints[0]! } : await askInTurn(found.right, { ...time, mostMs: LEADERLESS_MS }, errand)
    if (outcome.type === 'done' || !mayPass(outcome.refusal) || leftOf(time) <= AGAIN_MS) return outcome
    desertedSince = isLeft(found) && found.left.isDeserted ? desertedSince ?? performance.now() : undefined
    if (desertedSince !== undefined && performance.now() - desertedSince >= DESERTED_MS) return outcome
    refused(outcome.refusal.message)
    await wait(AGAIN_MS)
  }
}
