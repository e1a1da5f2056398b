import * as t from 'io-ts'
import { type Either, isLeft, unreachable } from '../lib/prelude.js'
import type * as core from '../lib/types.js'
import { MAX_HANDSHAKE_FRAME_BYTES } from './frame-reader.js'
import { OLDEST_VERSION, PROTOCOL_VERSION, framed } from './frames.js'
import { decodeJson, encodeJson } from './json.js'
import { ClusterId, Incarnation, Index, MachineVersion, MemberId, checked, guard, integer } from './primitives.js'

/** The first frame from whoever dials: who it is, whom it means to reach, and what it speaks. */
export interface Hello {
  readonly type: 'hello'
  readonly role: 'member' | 'client'
  /** The oldest and the newest protocol version it speaks. */
  readonly versions: readonly [number, number]
  /** A member's cluster; from a client, which knows it by its name alone, what `clusterNameIdOf` makes of that. */
  readonly clusterId: string
  /** A member's id, or a client's name. */
  readonly from: core.MemberId
  /** The member it means to reach; empty when any will do. */
  readonly to: core.MemberId | ''
  /** A member's incarnation; empty for a client, which has none. */
  readonly incarnation: core.Incarnation | ''
  /** Where the newest committed membership stands that names it as a member; left out where none does but the first. */
  readonly named?: core.Index
  /** Of a member's machine; left out by a client. */
  readonly machineVersion?: number
}

/** The answer to a hello that is accepted: the version both will speak, and who is here. */
export interface Welcome {
  readonly type: 'welcome'
  readonly version: number
  readonly id: core.MemberId
  readonly incarnation: core.Incarnation
  /** As in a hello. */
  readonly named?: core.Index
  /** As in a hello; left out towards a client. */
  readonly machineVersion?: number
}

/** The answer to a hello that is not accepted; the connection is closed after it. */
export interface Refusal {
  readonly type: 'refusal'
  readonly reason: string
  /** It is refused for what this end's log says, which may be behind: once that is not, it may be let in. */
  readonly mayPass?: true
}

/** All that is said before a link is up. */
export type Handshake = Hello | Welcome | Refusal

const MAX_REASON_CHARACTERS = 512
const Version = integer('Version', 1, 255)
const Nothing: t.Type<'', unknown> = t.literal('')
const Reason: t.Type<string, unknown> = guard<string>('Reason', value =>
  typeof value === 'string' && value.length <= MAX_REASON_CHARACTERS ? undefined : `must be a string of at most ${MAX_REASON_CHARACTERS} characters`)

/** What members say of themselves to each other alone. */
const OfMembers = t.partial({ named: Index, machineVersion: MachineVersion })

/** A member says who it is and whom it means; a client has no incarnation and need not mean anybody. */
export const Hello: t.Type<Hello, unknown> = checked(t.exact(t.intersection([t.type({
  type: t.literal('hello'),
  role: t.keyof({ member: null, client: null }),
  versions: t.readonly(t.tuple([Version, Version])),
  clusterId: ClusterId,
  from: MemberId,
  to: t.union([Nothing, MemberId]),
  incarnation: t.union([Nothing, Incarnation]),
}), OfMembers]), 'Hello'), ({ role, versions, incarnation, to }) => {
  if (versions[0] > versions[1]) return 'must name the oldest version before the newest'
  if (role === 'member' && (incarnation === '' || to === '')) return 'must name its incarnation and whom it means to reach'
  return role === 'client' && incarnation !== '' ? 'must not have an incarnation as a client' : undefined
})

/** Names who is here, so that the dialling end can tell whether it reached the one it meant. */
export const Welcome: t.Type<Welcome, unknown> =
  t.exact(t.intersection([t.type({ type: t.literal('welcome'), version: Version, id: MemberId, incarnation: Incarnation }), OfMembers]), 'Welcome')

/** A reason in words, bounded because a stranger sends it. */
export const Refusal: t.Type<Refusal, unknown> = t.exact(t.intersection([t.type({ type: t.literal('refusal'), reason: Reason }), t.partial({ mayPass: t.literal(true) })]), 'Refusal')

/** The answer to a hello: `type` tells which. */
export const HandshakeReply: t.Type<Welcome | Refusal, unknown> = t.union([Welcome, Refusal], 'HandshakeReply')

/** What this code offers in its hello. */
export const VERSIONS: Hello['versions'] = [OLDEST_VERSION, PROTOCOL_VERSION]

/** The newest version that both ends speak, or undefined if there is none. */
export const agreedVersion = ([oldest, newest]: Hello['versions']): number | undefined => {
  const version = Math.min(newest, PROTOCOL_VERSION)
  return version >= Math.max(oldest, OLDEST_VERSION) ? version : undefined
}

/** A refusal whose reason fits: what a peer is told is bounded, whatever went wrong here. */
export const refusal = (reason: string, mayPass = false): Refusal => ({ type: 'refusal', reason: reason.slice(0, MAX_REASON_CHARACTERS), ...(mayPass && { mayPass }) })

/** One whole frame, ready to be written. */
export const encodeHandshake = (message: Handshake): Uint8Array => {
  switch (message.type) {
    case 'hello': return framed(encodeJson(Hello, message))
    case 'welcome': return framed(encodeJson(Welcome, message))
    case 'refusal': return framed(encodeJson(Refusal, message))
    default: return unreachable(message)
  }
}

/** What the accepting end reads from the first frame's payload. */
export const decodeHello = (payload: Uint8Array): Either<string, Hello> => decodeJson(Hello, payload)

/** The reason in the first frame of a link, where that is a refusal after all: whoever dialled takes back its hello. */
export const refusalIn = (payload: Uint8Array): string | undefined => {
  const message = payload.length > MAX_HANDSHAKE_FRAME_BYTES ? undefined : decodeJson(Refusal, payload)
  return message === undefined || isLeft(message) ? undefined : message.right.reason
}

/** What the dialling end reads from the first frame's payload. */
export const decodeHandshakeReply = (payload: Uint8Array): Either<string, Welcome | Refusal> => decodeJson(HandshakeReply, payload)
