/**
 * Whether a message can be meant: its fields are what the types say, and its numbers make sense. The codecs of the wire see to that, and to more; whoever hands messages
 * over by other ways, already decoded, has them checked here before anything looks at them, so that nonsense is reported and changes nothing.
 */
import { isPosition, isTime } from './bounds.js'
import { listFault, membershipFault } from './membership.js'
import type { Message } from './messages.js'
import { isAddress, isMemberId } from './names.js'
import type { SnapshotId } from './snapshot-id.js'
import type { BatchHead, EntryBatch, EntryBody, MemberId, Membership, Snapshot } from './types.js'

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isName = (value: unknown): boolean => typeof value === 'string'
const isFlag = (value: unknown): boolean => typeof value === 'boolean'
/** Whether four bytes hold it, as its place on the disk has. */
const isUint32 = (value: unknown): value is number => isPosition(value) && value <= 0xffff_ffff
const isChecksum = isUint32
const isCount = (value: unknown): boolean => isUint32(value) && value > 0
export const areBytes = (value: unknown): boolean => value instanceof Uint8Array

/** By index, which finds what a hole in a list leaves out, too. */
export const isListOf = <A>(list: readonly A[], holds: (one: A) => boolean): boolean => {
  if (!Array.isArray(list)) return false
  for (let i = 0; i < list.length; i++) if (!holds(list[i] as A)) return false
  return true
}

const isList = (ids: readonly MemberId[]): boolean => isListOf(ids, isMemberId) && listFault(ids) === undefined
const areLists = ({ voters, learners }: Pick<Membership, 'voters' | 'learners'>): boolean => isList(voters) && isList(learners)

export const isMembership = (membership: Membership): boolean =>
  isObject(membership) && areLists(membership) && isList(membership.outgoing)
  && isObject(membership.addresses) && Object.values(membership.addresses).every(isAddress)
  && (membership.next === undefined || (isObject(membership.next) && areLists(membership.next)))
  && membershipFault(membership) === undefined

/** A body's outside: what is in its bytes is looked at when it is applied, and whether its checksum is theirs is for whoever took them in, as it costs a look at all of them. */
export const isBody = (body: EntryBody): boolean => isObject(body) && isCount(body.count) && areBytes(body.bytes) && isChecksum(body.checksum)

const isPlaced = ({ firstIndex, term, count, time }: EntryBatch | BatchHead): boolean =>
  firstIndex > 0 && isPosition(firstIndex) && term > 0 && isPosition(term) && isCount(count) && isPosition(firstIndex + count - 1) && isTime(time)

const liesWithin = (skip: number, count: number, all: number): boolean => isPosition(skip) && skip + count <= all

const isBatch = (batch: EntryBatch): boolean => {
  if (!isObject(batch) || !isPlaced(batch)) return false
  switch (batch.kind) {
    case 'command': return isBody(batch.body) && liesWithin(batch.skip, batch.count, batch.body.count)
    case 'noop': return batch.count === 1
    // No change leads to nobody: only what a member that joins begins with names nobody, and a snapshot that it takes before it reads of others.
    case 'membership': return batch.count === 1 && isMembership(batch.membership) && batch.membership.voters.length > 0
    default: return false
  }
}
export const areBatches = (batches: readonly EntryBatch[]): boolean => isListOf(batches, isBatch)

const isHead = (head: BatchHead): boolean =>
  isObject(head) && head.kind === 'command' && isPlaced(head) && isObject(head.body)
  && isPosition(head.body.count) && isPosition(head.body.bytes) && isChecksum(head.body.checksum) && liesWithin(head.skip, head.count, head.body.count)

const isSnapshotId = (id: SnapshotId): boolean => isObject(id) && isPosition(id.index) && isPosition(id.term) && isPosition(id.bytes) && isChecksum(id.checksum)

const COMPRESSIONS: readonly unknown[] = ['none', 'gzip', 'zstd'] satisfies Snapshot['compression'][]

export const isSnapshot = (snapshot: Snapshot): boolean =>
  isSnapshotId(snapshot) && isTime(snapshot.time) && COMPRESSIONS.includes(snapshot.compression) && isMembership(snapshot.membership)

/** Whether it is of a known type, and all that this type has is there and makes sense. */
export const isWellFormed = (message: Message): boolean => {
  if (!isObject(message) || !isName(message.from) || !isName(message.to) || !isPosition(message.term) || !isPosition(message.round)) return false
  switch (message.type) {
    case 'appendEntries':
      return isPosition(message.prevLogIndex) && isPosition(message.prevLogTerm) && isPosition(message.leaderCommit) && isFlag(message.asks) && areBatches(message.batches)
    case 'appendPart': return isPosition(message.prevLogTerm) && isPosition(message.offset) && isHead(message.head) && areBytes(message.part) && message.part.length > 0
    case 'appendAccepted':
      return isPosition(message.verified) && isPosition(message.durable) && isPosition(message.lacks) && isPosition(message.held) && isTime(message.promisedMs) && isFlag(message.isNewcomer)
    case 'appendRefused': return isPosition(message.prevLogIndex) && isPosition(message.hintIndex) && isPosition(message.hintTerm) && isFlag(message.isNewcomer)
    case 'requestVote': return isPosition(message.lastLogIndex) && isPosition(message.lastLogTerm) && isFlag(message.preVote) && isFlag(message.transfer)
    case 'requestVoteReply': return isFlag(message.preVote) && isFlag(message.voteGranted)
    case 'timeoutNow': return isPosition(message.lastIndex)
    case 'installSnapshot': return isPosition(message.offset) && isSnapshot(message.snapshot) && areBytes(message.chunk)
    case 'chunkAccepted': return isPosition(message.received) && isSnapshotId(message.snapshot) && isFlag(message.awaited) && isFlag(message.isNewcomer)
    default: return false
  }
}
