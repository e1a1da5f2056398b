import * as t from 'io-ts'
import { InvalidOptions } from '../lib/errors.js'
import { MAX_MEMBERS } from '../lib/membership.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { Settings } from '../lib/state.js'
import type { Compression as SnapshotCompression, MemberId as Id, Millis } from '../lib/types.js'
import { Protocol, closed, having, optional } from './judging.js'
import { Address, MAX_TIMER_MS, MemberId, TimerMs, byMember, checked, guard, integer } from './primitives.js'
import { decodeWith } from './report.js'
import { Compression, MAX_CHUNK_BYTES, MAX_PLACE_BYTES } from './snapshots.js'

/**
 * Every bound of a member, each with its name. `docs/options.md` has them in a table, with what happens at each.
 */
export interface Limits extends Pick<Settings,
  'maxAppendBytes' | 'maxInflightMessages' | 'maxInflightBytes' | 'maxUncommittedBytes' | 'logCacheBytes' | 'maxApplyBytes' | 'stallMs'
  | 'snapshotKeepEntries' | 'snapshotChunkBytes' | 'snapshotBytesPerSecond' | 'giveWayMs' | 'maxPendingReads'> {
  /** The largest encoded command, in bytes. Default 8 MiB. */
  readonly maxCommandBytes: number
  /** The values of a command that is JSON, lists and objects among them: each takes the codecs of all members a while. Default 250 000. */
  readonly maxCommandValues: number
  /** Commands of one turn are packed together up to so many bytes, each with 4 of its own; at least one. Default 256 KiB. */
  readonly maxBatchBytes: number
  /** What may enter a member within one turn; messages beyond it are dropped, proposals and reads refused as busy. Default 16 384. */
  readonly maxInboxEvents: number
  /** Turns whose messages wait for a term or a vote to be durable; beyond it the disk is taken for failed and the member ends. Default 16 384. */
  readonly maxHeldTurns: number
  /** Proposals of this member's own callers that have no outcome yet. Default 100 000. */
  readonly maxPendingProposals: number
  /** The commands of these proposals, in bytes. Default 64 MiB. */
  readonly maxPendingBytes: number
  /** The largest frame that is sent or read, in bytes, header included. Default 16 MiB. */
  readonly maxFrameBytes: number
  /** Bytes waiting to leave over one link; one message may go beyond it. Default 64 MiB. */
  readonly maxSendBufferBytes: number
  /** Bytes waiting to leave over a member's link to a client; one message may go beyond it. Default 8 MiB. */
  readonly maxClientBufferBytes: number
  /** Links at once. Every member that the log names has its place; others, and clients, share the rest. Default 256. */
  readonly maxLinks: number
  /** Accepted connections that are not yet links, three quarters of them from one host at most. Default 32. */
  readonly maxHandshakes: number
  /** How long from connecting or accepting to the link. Default 5 000. */
  readonly handshakeTimeoutMs: Millis
  /** A link that had nothing to send for so long sends a sign of life; one that heard nothing five times as long is cut. Default 400. */
  readonly keepAliveMs: Millis
  /** The least wait before a peer is dialled again: doubled each time, and half of it random. Default 20. */
  readonly reconnectMinMs: Millis
  /** The longest wait before a peer is dialled again. Default 1 000. */
  readonly reconnectMaxMs: Millis
  /** How long the machine may run before other work gets a turn. Default 10. */
  readonly applyBudgetMs: Millis
  /** Once so many bytes of log, or as many as the last snapshot has if it has more, are applied since that one, the member takes the next (dissertation §5.1.2). Default 64 MiB. */
  readonly snapshotBytes: number
  /** Once so many entries are applied since the last snapshot, whatever their size, the member takes the next. Default 1 000 000. */
  readonly snapshotEntries: number
  /** How long a machine may take over the next chunk of a snapshot, or of restoring one. Default 60 000. */
  readonly snapshotStallMs: Millis
  /** The wait before a snapshot that failed is tried again: doubled each time. Default 1 000. */
  readonly snapshotRetryMs: Millis
  /** The longest wait before a snapshot that failed is tried again. Default 60 000. */
  readonly snapshotRetryMaxMs: Millis
  /** How long `stop` waits for accepted proposals. Default 5 000. */
  readonly stopTimeoutMs: Millis
}

const KiB = 1024
const MiB = 1024 * KiB

export const DEFAULT_ELECTION_TIMEOUT_MS: Millis = 1000
export const DEFAULT_HEARTBEAT_MS: Millis = 100
/** How long a proposal that names no time waits for its result, a leader included, and a new client for a member that answers. */
export const DEFAULT_PROPOSE_TIMEOUT_MS: Millis = 5000
/** How long a change of the membership that names no time is waited for: a new voter has to catch up. */
export const DEFAULT_CHANGE_TIMEOUT_MS: Millis = 60_000

/** What holds where `limits` says nothing. `stallMs` follows the election timeout: half of it. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxCommandBytes: 8 * MiB,
  maxCommandValues: 250_000,
  maxBatchBytes: 256 * KiB,
  maxAppendBytes: 1 * MiB,
  maxInflightMessages: 64,
  maxInflightBytes: 8 * MiB,
  maxUncommittedBytes: 64 * MiB,
  logCacheBytes: 32 * MiB,
  maxApplyBytes: 8 * MiB,
  maxInboxEvents: 16_384,
  maxHeldTurns: 16_384,
  maxPendingProposals: 100_000,
  maxPendingBytes: 64 * MiB,
  maxPendingReads: 100_000,
  maxFrameBytes: 16 * MiB,
  maxSendBufferBytes: 64 * MiB,
  maxClientBufferBytes: 8 * MiB,
  maxLinks: 256,
  maxHandshakes: 32,
  handshakeTimeoutMs: 5000,
  keepAliveMs: 400,
  reconnectMinMs: 20,
  reconnectMaxMs: 1000,
  applyBudgetMs: 10,
  stallMs: DEFAULT_ELECTION_TIMEOUT_MS / 2,
  snapshotBytes: 64 * MiB,
  snapshotEntries: 1_000_000,
  snapshotKeepEntries: 10_000,
  snapshotChunkBytes: 1 * MiB,
  snapshotBytesPerSecond: 1024 * MiB,
  giveWayMs: 30_000,
  snapshotStallMs: 60_000,
  snapshotRetryMs: 1000,
  snapshotRetryMaxMs: 60_000,
  stopTimeoutMs: 5000,
})

/** The options of a member that are data, complete and consistent. */
export interface CheckedOptions {
  readonly cluster: string
  readonly id: Id
  readonly members: Readonly<Record<Id, string>>
  /** Where this member is reached, that has yet to be added. */
  readonly join: string | undefined
  readonly electionTimeoutMs: Millis
  readonly heartbeatMs: Millis
  readonly readLeaseMs: Millis
  readonly snapshotCompression: SnapshotCompression
  readonly limits: Limits
}

/** The same for a client, whose bounds are a member's. */
export interface CheckedClientOptions extends Pick<CheckedOptions, 'cluster' | 'members' | 'limits'> {
  /** How long to look for a member at first, and how long a proposal waits that names no time of its own. */
  readonly timeoutMs: Millis
}

/** What a frame needs beyond the entries or the chunk it carries: headers, ids and the ends of entries. */
export const FRAME_SLACK_BYTES = 64 * KiB

/** The largest frame that a client may send: every request has room in it, and nothing that is much larger. */
export const requestFrameBytes = ({ maxCommandBytes, maxBatchBytes }: Pick<Limits, 'maxCommandBytes' | 'maxBatchBytes'>): number =>
  maxBatchBytes + maxCommandBytes + FRAME_SLACK_BYTES

const MAX_BOUND = 2 ** 30
const Bound = integer('Bound', 1, MAX_BOUND)

const MAX_CLUSTER_CHARACTERS = 128
const Cluster = guard<string>('Cluster', value =>
  typeof value === 'string' && value.trim() !== '' && value.length <= MAX_CLUSTER_CHARACTERS
    ? undefined
    : `must be a string of 1 to ${MAX_CLUSTER_CHARACTERS} characters`)

const Members: t.Type<CheckedOptions['members'], unknown> = checked(byMember('Members', Address), members => {
  const count = Object.keys(members).length
  if (count === 0 || count > MAX_MEMBERS) return `must name 1 to ${MAX_MEMBERS} members`
  return new Set(Object.values(members)).size === count ? undefined : 'must give each member an address of its own'
})

const GivenLimits = closed({
  maxCommandBytes: optional(Bound),
  maxCommandValues: optional(Bound),
  maxBatchBytes: optional(Bound),
  maxAppendBytes: optional(Bound),
  maxInflightMessages: optional(Bound),
  maxInflightBytes: optional(Bound),
  maxUncommittedBytes: optional(Bound),
  logCacheBytes: optional(Bound),
  maxApplyBytes: optional(Bound),
  maxInboxEvents: optional(Bound),
  maxHeldTurns: optional(Bound),
  maxPendingProposals: optional(Bound),
  maxPendingBytes: optional(Bound),
  maxPendingReads: optional(Bound),
  maxFrameBytes: optional(Bound),
  maxSendBufferBytes: optional(Bound),
  maxClientBufferBytes: optional(Bound),
  maxLinks: optional(Bound),
  maxHandshakes: optional(Bound),
  handshakeTimeoutMs: optional(TimerMs),
  keepAliveMs: optional(TimerMs),
  reconnectMinMs: optional(TimerMs),
  reconnectMaxMs: optional(TimerMs),
  applyBudgetMs: optional(TimerMs),
  stallMs: optional(TimerMs),
  snapshotBytes: optional(Bound),
  snapshotEntries: optional(Bound),
  snapshotKeepEntries: optional(integer('Kept', 0, MAX_BOUND)),
  snapshotChunkBytes: optional(integer('ChunkBytes', 1, MAX_CHUNK_BYTES)),
  snapshotBytesPerSecond: optional(Bound),
  giveWayMs: optional(integer('GiveWayMs', 0, MAX_TIMER_MS)),
  snapshotStallMs: optional(TimerMs),
  snapshotRetryMs: optional(TimerMs),
  snapshotRetryMaxMs: optional(TimerMs),
  stopTimeoutMs: optional(TimerMs),
} satisfies Record<keyof Limits, t.Type<number | undefined, unknown>>)

const Given = closed({
  cluster: Cluster,
  id: MemberId,
  members: Members,
  join: optional(Address),
  machine: having('start'),
  transport: having('open'),
  storage: having('open'),
  recorder: optional(having('open')),
  electionTimeoutMs: optional(TimerMs),
  heartbeatMs: optional(TimerMs),
  readLeaseMs: optional(integer('LeaseMs', 0, MAX_TIMER_MS)),
  snapshotCompression: optional(Compression),
  limits: optional(GivenLimits),
})

/** What is wrong with TLS material shows when it is inspected. */
const GivenToClient = closed({
  cluster: Cluster,
  members: Members,
  protocol: Protocol,
  tls: t.unknown,
  plaintext: optional(t.literal(true)),
  timeoutMs: optional(TimerMs),
  limits: optional(GivenLimits),
})

/** What `given` sets, over the defaults. */
const withDefaults = (given: { readonly [Name in keyof Limits]?: number | undefined }, electionTimeoutMs: Millis): Limits => {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...DEFAULT_LIMITS, stallMs: Math.ceil(electionTimeoutMs / 2), ...set }
}

/** Bounds that only make sense together: each line names the one to change. */
const limitFaults = (limits: Limits, electionTimeoutMs: Millis): readonly string[] => {
  const faults: string[] = []
  const atLeast = (name: keyof Limits, least: number, why: string): void => {
    if (limits[name] < least) faults.push(`limits.${name}: must be at least ${why} = ${least}, not ${limits[name]}`)
  }
  const { maxCommandBytes, maxBatchBytes, maxAppendBytes } = limits
  const bodyBytes = maxBatchBytes + maxCommandBytes
  atLeast('maxFrameBytes', maxAppendBytes + bodyBytes + FRAME_SLACK_BYTES, `maxAppendBytes + maxBatchBytes + maxCommandBytes + ${FRAME_SLACK_BYTES}`)
  const placeBytes = MAX_PLACE_BYTES + FRAME_SLACK_BYTES
  atLeast('maxFrameBytes', limits.snapshotChunkBytes + placeBytes, `snapshotChunkBytes + ${placeBytes}`)
  atLeast('maxSendBufferBytes', limits.maxFrameBytes, 'maxFrameBytes')
  atLeast('maxInflightBytes', maxAppendBytes, 'maxAppendBytes')
  atLeast('maxUncommittedBytes', bodyBytes, 'maxBatchBytes + maxCommandBytes')
  atLeast('maxPendingBytes', bodyBytes, 'maxBatchBytes + maxCommandBytes')
  atLeast('reconnectMaxMs', limits.reconnectMinMs, 'reconnectMinMs')
  atLeast('snapshotRetryMaxMs', limits.snapshotRetryMs, 'snapshotRetryMs')
  if (limits.stallMs > electionTimeoutMs) {
    faults.push(`limits.stallMs: must be at most electionTimeoutMs = ${electionTimeoutMs}, not ${limits.stallMs}`)
  }
  return faults
}

const crossFaults = ({ id, members, join, electionTimeoutMs, heartbeatMs, readLeaseMs, limits }: CheckedOptions): readonly string[] => {
  const faults: string[] = []
  if (join === undefined && !Object.hasOwn(members, id)) faults.push(`members: must name this member, ${id}, unless it is to join`)
  const other = Object.keys(members).find(member => member !== id && members[member] === join)
  if (other !== undefined) faults.push(`join: must be an address of its own, not that of ${other}`)
  if (2 * heartbeatMs > electionTimeoutMs) {
    faults.push(`heartbeatMs: must be at most half of electionTimeoutMs = ${electionTimeoutMs}, not ${heartbeatMs}`)
  }
  // Each heartbeat is to renew the promises, and nobody stands for election before its own are over.
  if (readLeaseMs > 0 && (readLeaseMs < 2 * heartbeatMs || readLeaseMs > electionTimeoutMs)) {
    faults.push(`readLeaseMs: must be 0, or from twice heartbeatMs = ${2 * heartbeatMs} to electionTimeoutMs = ${electionTimeoutMs}, not ${readLeaseMs}`)
  }
  return [...faults, ...limitFaults(limits, electionTimeoutMs)]
}

/** The data among a member's options, complete and consistent, or every fault by name. Never throws, whatever it is given. */
export const decodeOptions = (options: unknown): Either<InvalidOptions, CheckedOptions> => {
  const decoded = decodeWith(Given, options)
  if (isLeft(decoded)) return left(new InvalidOptions(decoded.left))
  const { cluster, id, members, join, limits = {}, ...timing } = decoded.right
  const { electionTimeoutMs = DEFAULT_ELECTION_TIMEOUT_MS, heartbeatMs = DEFAULT_HEARTBEAT_MS, readLeaseMs = 0, snapshotCompression = 'none' } = timing
  const checked: CheckedOptions = {
    cluster, id, members, join, electionTimeoutMs, heartbeatMs, readLeaseMs, snapshotCompression, limits: withDefaults(limits, electionTimeoutMs),
  }
  const faults = crossFaults(checked)
  return faults.length > 0 ? left(new InvalidOptions(faults)) : right(checked)
}

/** The same for a client's options. */
export const decodeClientOptions = (options: unknown): Either<InvalidOptions, CheckedClientOptions> => {
  const decoded = decodeWith(GivenToClient, options)
  if (isLeft(decoded)) return left(new InvalidOptions(decoded.left))
  const { cluster, members, timeoutMs = DEFAULT_PROPOSE_TIMEOUT_MS, limits: given = {} } = decoded.right
  const limits = withDefaults(given, DEFAULT_ELECTION_TIMEOUT_MS)
  const faults = limitFaults(limits, DEFAULT_ELECTION_TIMEOUT_MS)
  return faults.length > 0 ? left(new InvalidOptions(faults)) : right({ cluster, members, timeoutMs, limits })
}
