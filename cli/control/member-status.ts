/** What a member says of itself at its control endpoint, and what is read of it there. */
import * as t from 'io-ts'
import { Address, Index, MachineVersion, MemberId, Term, byMember } from '../../codecs/primitives.js'

const Nullable = <A>(codec: t.Type<A, unknown>): t.Type<A | null, unknown> => t.union([codec, t.null], codec.name)

export const MemberStatus = t.readonly(t.strict({
  cluster: t.string,
  id: MemberId,
  role: t.union([t.literal('follower'), t.literal('candidate'), t.literal('leader')]),
  term: Term,
  /** Who leads `term`, as far as is known there. */
  leader: Nullable(MemberId),
  /** Whether a leader is known that takes proposals, as far as this member can tell. */
  ready: t.boolean,
  commitIndex: Index,
  appliedIndex: Index,
  lastIndex: Index,
  /** The newest snapshot since the start, or the one that the start began from. */
  snapshot: Nullable(t.readonly(t.strict({ index: Index, term: Term, bytes: t.number }))),
  /** One that is being taken, and how much of it is written. */
  capturing: Nullable(t.readonly(t.strict({ index: Index, bytes: t.number }))),
  /** Where clients and members reach each member. */
  members: byMember('Members', Address),
  /** Of its machine, and the version that each member's machine has at least, as far as it knows. */
  machineVersion: MachineVersion,
  lowestMachineVersion: MachineVersion,
  /** Whether it takes certificates to speak to members. */
  tls: t.boolean,
}), 'MemberStatus')

export type MemberStatus = t.TypeOf<typeof MemberStatus>

/** Why nothing came of a request; `appended` says of a command whether it may be in the log. */
export const Refusal = t.readonly(t.intersection([
  t.strict({ tag: t.string, message: t.string }),
  t.partial({ appended: t.union([t.literal('never'), t.literal('unknown'), t.literal('yes')]), leader: MemberId, report: t.readonlyArray(t.string) }),
]), 'Refusal')

export type Refusal = t.TypeOf<typeof Refusal>
