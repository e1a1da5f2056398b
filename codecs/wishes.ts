/** Wishes of operators and what becomes of them, as the block of their messages: rare and small, so they are JSON. */
import * as t from 'io-ts'
import { type Either, isLeft, left } from '../lib/prelude.js'
import type * as requests from '../lib/requests.js'
import { decodeJson, encodeJson } from './json.js'
import { Membership, membershipWishes } from './membership.js'
import { mayLack, optional } from './judging.js'
import { EntryIndex, EntryTerm, MemberId, guard } from './primitives.js'
import { MAX_PLACE_BYTES } from './snapshots.js'

/** A wish names no more than two memberships, and so does what becomes of it. */
const MAX_BYTES = 2 * MAX_PLACE_BYTES
/** A reason may name every member twice. */
const MAX_REASON_CHARACTERS = 32 * 1024
const Reason = guard<string>('Reason', value => typeof value === 'string' && value.length <= MAX_REASON_CHARACTERS ? undefined : `must be a string of at most ${MAX_REASON_CHARACTERS} characters`)

export const LeaderWish: t.Type<requests.LeaderWish, unknown> = t.union([
  mayLack(t.strict({ type: t.literal('transfer'), to: optional(MemberId) }), 'to'),
  mayLack(t.strict({ ...membershipWishes.change, from: optional(Membership) }), 'newcomers', 'from'),
  mayLack(t.strict({ ...membershipWishes.abandon, from: optional(Membership) }), 'from'),
], 'LeaderWish')

export const WishFate: t.Type<requests.WishFate, unknown> = t.union([
  t.strict({ type: t.literal('handedOver'), leader: MemberId }),
  t.strict({ type: t.literal('notHandedOver'), reason: Reason }),
  t.strict({ type: t.literal('changeTaken'), index: EntryIndex, term: EntryTerm, goal: Membership }),
  t.strict({ type: t.literal('changeRefused'), reason: Reason }),
  t.strict({ type: t.literal('notTaken') }),
  t.strict({ type: t.literal('lost') }),
], 'WishFate')

/** Reads nothing but what `encodeJson` writes, so that a wish has one spelling. */
const decodeSpelled = <A>(codec: t.Type<A, unknown>, bytes: Uint8Array): Either<string, A> => {
  if (bytes.length > MAX_BYTES) return left(`a ${codec.name} has at most ${MAX_BYTES} bytes`)
  const decoded = decodeJson(codec, bytes)
  if (isLeft(decoded)) return decoded
  const spelled = encodeJson(codec, decoded.right)
  return spelled.length === bytes.length && spelled.every((byte, at) => byte === bytes[at]) ? decoded : left(`a ${codec.name} is spelled otherwise`)
}

export const encodeWish = (wish: requests.LeaderWish): Uint8Array => encodeJson(LeaderWish, wish)
export const decodeWish = (bytes: Uint8Array): Either<string, requests.LeaderWish> => decodeSpelled(LeaderWish, bytes)
export const encodeFate = (fate: requests.WishFate): Uint8Array => encodeJson(WishFate, fate)
export const decodeFate = (bytes: Uint8Array): Either<string, requests.WishFate> => decodeSpelled(WishFate, bytes)
