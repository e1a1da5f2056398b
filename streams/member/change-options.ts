/** What users say of a change, and what is wrong with it. */
import { Membership as MembershipCodec, MembershipWish as WishCodec } from '../../codecs/membership.js'
import { decodeWith } from '../../codecs/report.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { MemberId, Membership, MembershipWish, Millis } from '../../lib/types.js'
import { optionFaults } from '../proposer/option-faults.js'

/** Whom a membership gets and loses; who is not named stays what it is. */
export interface MembershipChange {
  /** Shall vote, each at its address `host:port`: newcomers, learners, or voters that have moved. */
  readonly voters?: Readonly<Record<MemberId, string>> | undefined
  /** Shall receive the log and decide nothing: newcomers, voters, or learners that have moved. */
  readonly learners?: Readonly<Record<MemberId, string>> | undefined
  readonly remove?: readonly MemberId[] | undefined
}

export interface ChangeOptions {
  /** Only if the membership is still this one, as `membership$` showed it: two operators do not undo each other's work unseen. */
  readonly from?: Membership | undefined
  /** How long to wait until the change is through, for a new voter to catch up included; 60 000 unless told otherwise. */
  readonly timeoutMs?: Millis | undefined
  /** Gives up waiting. A change that was begun goes on. */
  readonly signal?: AbortSignal | undefined
}

const PARTS: readonly string[] = ['voters', 'learners', 'remove'] satisfies readonly (keyof MembershipChange)[]
const OPTIONS: readonly string[] = ['from', 'timeoutMs', 'signal'] satisfies readonly (keyof ChangeOptions)[]

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const strangers = (what: string, value: object, known: readonly string[]): readonly string[] =>
  Object.keys(value).filter(name => !known.includes(name)).map(name => `${what}.${name}: is not an option`)

/** The wish that a change is, or every fault by name. Plain JavaScript may hand over anything. */
export const wishOf = (change: MembershipChange): Either<readonly string[], MembershipWish> => {
  if (!isObject(change)) return left(['change: must be an object'])
  const faults = strangers('change', change, PARTS)
  const { voters = {}, learners = {}, remove = [] } = change
  const wish = decodeWith<MembershipWish>(WishCodec, { type: 'change', voters, learners, remove })
  return faults.length > 0 || isLeft(wish) ? left([...faults, ...isLeft(wish) ? wish.left : []]) : wish
}

export const decodeChangeOptions = (options: ChangeOptions): Either<readonly string[], ChangeOptions> => {
  if (!isObject(options)) return left(['options: must be an object'])
  const { from, timeoutMs, signal } = options
  const membership = from === undefined ? right(undefined) : decodeWith<Membership>(MembershipCodec, from)
  const faults = [...strangers('options', options, OPTIONS), ...optionFaults(timeoutMs ?? 0, signal), ...isLeft(membership) ? membership.left.map(fault => `options.from: ${fault}`) : []]
  return faults.length > 0 || isLeft(membership) ? left(faults) : right({ from: membership.right, timeoutMs, signal })
}
