/** What users say of a change, and what is wrong with it. */
import * as t from 'io-ts'
import { NamedAddresses, NamedMembers, Membership as MembershipCodec } from '../../codecs/membership.js'
import { closed, optional } from '../../codecs/judging.js'
import { Address, MemberId as Id } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import { type Either, isLeft, right } from '../../lib/prelude.js'
import type { MemberId, Membership, MembershipWish, Millis } from '../../lib/types.js'
import { callFields } from '../proposer/call-options.js'

/** Whom a membership gets and loses; who is not named stays what it is. */
export interface MembershipChange {
  /** Shall vote, each at its address `host:port`: newcomers, learners, or voters that have moved. */
  readonly voters?: Readonly<Record<MemberId, string>> | undefined
  /** Shall receive the log and decide nothing: newcomers, voters, or learners that have moved. */
  readonly learners?: Readonly<Record<MemberId, string>> | undefined
  readonly remove?: readonly MemberId[] | undefined
  /** Of `voters`, those that must not vote yet: the change is refused where one does, and not taken for a voter that has moved. */
  readonly newcomers?: readonly MemberId[] | undefined
}

export interface ChangeOptions {
  /** Only if the membership is still this one, as `membership$` showed it: two operators do not undo each other's work unseen. */
  readonly from?: Membership | undefined
  /** How long to wait until the change is through, for a new voter to catch up included; 60 000 unless told otherwise. */
  readonly timeoutMs?: Millis | undefined
  /** How much of that to wait until somebody leads who can be asked; all of it unless told otherwise. A change that is given up for this has not begun. */
  readonly leaderMs?: Millis | undefined
  /** Gives up waiting. A change that was begun goes on. */
  readonly signal?: AbortSignal | undefined
}

const Change = t.type({ change: closed({ voters: optional(NamedAddresses), learners: optional(NamedAddresses), remove: optional(NamedMembers), newcomers: optional(NamedMembers) }) })
const Addition = t.type({ id: Id, address: Address })
const Replacement = t.type({ id: Id, newcomer: Id, address: Address })
const Removal = t.type({ id: Id })
const Given = t.type({ options: closed({ ...callFields, leaderMs: callFields.timeoutMs, from: optional(MembershipCodec) }) })

/** What a user wants of the membership, or every fault by name: plain JavaScript may hand over anything. */
export type JudgedWish = Either<readonly string[], MembershipWish>

const NOTHING = { type: 'change', voters: {}, learners: {}, remove: [], newcomers: undefined } as const

export const wishOf = (change: MembershipChange): JudgedWish => {
  const given = decodeWith(Change, { change })
  if (isLeft(given)) return given
  const { voters = {}, learners = {}, remove = [], newcomers } = given.right.change
  return right({ type: 'change', voters, learners, remove, newcomers })
}

export const wishToAdd = (id: MemberId, address: string): JudgedWish => {
  const given = decodeWith(Addition, { id, address })
  return isLeft(given) ? given : right({ ...NOTHING, voters: { [id]: address }, newcomers: [id] })
}

export const wishToReplace = (id: MemberId, newcomer: MemberId, address: string): JudgedWish => {
  const given = decodeWith(Replacement, { id, newcomer, address })
  return isLeft(given) ? given : right({ ...NOTHING, voters: { [newcomer]: address }, remove: [id], newcomers: [newcomer] })
}

export const wishToRemove = (id: MemberId): JudgedWish => {
  const given = decodeWith(Removal, { id })
  return isLeft(given) ? given : right({ ...NOTHING, remove: [id] })
}

export const decodeChangeOptions = (options: ChangeOptions): Either<readonly string[], ChangeOptions> => {
  const given = decodeWith(Given, { options })
  return isLeft(given) ? given : right(given.right.options)
}
