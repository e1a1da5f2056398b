import * as t from 'io-ts'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type * as core from '../lib/types.js'
import { readPosition, writePosition } from './bytes.js'
import { decodeJson, encodeJson } from './json.js'
import { ClusterId, Incarnation, Index, MemberId, Term, byMember, guard } from './primitives.js'
import { decodeWith } from './report.js'

/**
 * The format of a data folder that this version writes, and the newest that it reads; it reads all from 1 on. It says what must be
 * understood to use the folder. In format 1 a log begins at index 1 for ever, and snapshots are files that its versions ignore. Format 2
 * has bodies that name a session, snapshots with the sessions in front of the machine's bytes, and segments that begin with a base, so that those before them can go: a version that knows only format 1 would take what is left for
 * the whole log, and refuses it by this number, which every new file has.
 */
export const FOLDER_FORMAT = 2

/** Whose a data folder is, and whom its owner has met. */
export interface Identity {
  readonly clusterId: string
  readonly id: core.MemberId
  readonly incarnation: core.Incarnation
  /** The incarnations of peers, by their ids. */
  readonly peers: Readonly<Record<core.MemberId, core.Incarnation>>
}

const Format: t.Type<number> = guard('Format', value => {
  const isNumber = typeof value === 'number' && Number.isInteger(value)
  if (isNumber && value >= 1 && value <= FOLDER_FORMAT) return undefined
  return isNumber && value > FOLDER_FORMAT
    ? `must be at most ${FOLDER_FORMAT}, the newest format that this version reads`
    : `must be a whole number from 1 to ${FOLDER_FORMAT}`
})

const StoredIdentity: t.Type<Identity & { readonly format: number }, unknown> = t.strict({
  format: Format, clusterId: ClusterId, id: MemberId, incarnation: Incarnation, peers: byMember('Peers', Incarnation),
}, 'Identity')

/** JSON, because people look into a data folder to see whose it is. */
export const encodeIdentity = (identity: Identity): Uint8Array => encodeJson(StoredIdentity, { format: FOLDER_FORMAT, ...identity })

/** A newer format is refused by its number, so that nobody takes a newer folder for a damaged one. */
export const decodeIdentity = (bytes: Uint8Array): Either<string, Identity> => {
  const decoded = decodeJson(StoredIdentity, bytes)
  if (isLeft(decoded)) return decoded
  const { clusterId, id, incarnation, peers } = decoded.right
  return right({ clusterId, id, incarnation, peers })
}

const HardState: t.Type<core.HardState, unknown> = t.exact(t.intersection([
  t.type({ term: Term, votedFor: t.union([MemberId, t.undefined]), commitIndex: Index }), t.partial({ isNewcomer: t.literal(true) }),
]), 'HardState')

const VOTE = 16
/** No name has it. */
const NEWCOMER = '\0'

/** Term u64, commitIndex u64, then whom the member voted for: nothing where it did not vote. A zero byte ends that of a newcomer. */
export const encodeHardState = ({ term, votedFor, commitIndex, isNewcomer }: core.HardState): Uint8Array => {
  const vote = Buffer.from(`${votedFor ?? ''}${isNewcomer ? NEWCOMER : ''}`, 'latin1')
  const bytes = new Uint8Array(VOTE + vote.length)
  writePosition(bytes, 0, term)
  writePosition(bytes, 8, commitIndex)
  bytes.set(vote, VOTE)
  return bytes
}

/** Reads what `encodeHardState` wrote, to the last byte; the record around it has the checksum. */
export const decodeHardState = (bytes: Uint8Array): Either<string, core.HardState> => {
  if (bytes.length < VOTE) return left('a hard state is shorter than its fields')
  const text = String.fromCharCode(...bytes.subarray(VOTE, VOTE + 256))
  const isNewcomer = text.endsWith(NEWCOMER)
  const vote = isNewcomer ? text.slice(0, -1) : text
  const decoded = decodeWith(HardState, {
    term: readPosition(bytes, 0), votedFor: vote === '' ? undefined : vote, commitIndex: readPosition(bytes, 8), ...(isNewcomer && { isNewcomer }),
  })
  return isLeft(decoded) ? left(`a hard state: ${decoded.left.join('; ')}`) : decoded
}
