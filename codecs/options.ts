import * as t from 'io-ts'
import { InvalidOptions } from '../lib/errors.js'
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { MemberId as Id, Millis } from '../lib/types.js'
import { Address, MAX_MEMBERS, MemberId, TimerMs, byMember, checked, guard, integer } from './primitives.js'
import { decodeWith } from './report.js'

/** Every bound of a member, each with its name; what happens at one is documented where it is enforced. */
export interface Limits {
  /** The largest encoded command. */
  readonly maxCommandBytes: number
  /** Commands of one turn are packed together up to this, at least one. */
  readonly maxBatchBytes: number
  /** Entries in one AppendEntries, at least one batch. */
  readonly maxAppendBytes: number
  /** AppendEntries without an answer, per follower. */
  readonly maxInflightMessages: number
  readonly maxInflightBytes: number
  /** Entries appended here and not yet committed; beyond it proposals are refused as busy. */
  readonly maxUncommittedBytes: number
  /** The newest entries kept in memory; older ones are read from disk. */
  readonly logCacheBytes: number
  /** Committed entries handed to the machine at a time. */
  readonly maxApplyBytes: number
  readonly maxInboxEvents: number
  /** Proposals of this member's own callers that have no outcome yet. */
  readonly maxPendingProposals: number
  readonly maxPendingBytes: number
  /** The largest frame, header included, that is sent or read. */
  readonly maxFrameBytes: number
  /** What waits for one peer to read it. */
  readonly maxSendBufferBytes: number
  readonly maxLinks: number
  /** Connections whose handshake is not complete. */
  readonly maxHandshakes: number
  readonly handshakeTimeoutMs: Millis
  readonly keepAliveMs: Millis
  readonly reconnectMinMs: Millis
  readonly reconnectMaxMs: Millis
  /** How long the machine may run before other work gets a turn. */
  readonly applyBudgetMs: Millis
  /** A tick later than this restarts the election wait. */
  readonly stallMs: Millis
  /** How long `stop` waits for accepted proposals. */
  readonly stopTimeoutMs: Millis
}

const KiB = 1024
const MiB = 1024 * KiB

/** How long a follower waits for its leader at least before it campaigns. */
export const DEFAULT_ELECTION_TIMEOUT_MS: Millis = 1000
/** How often a leader without news says that it leads. */
export const DEFAULT_HEARTBEAT_MS: Millis = 100

/** What holds where `limits` says nothing. `stallMs` follows the election timeout: half of it. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxCommandBytes: 1 * MiB,
  maxBatchBytes: 256 * KiB,
  maxAppendBytes: 1 * MiB,
  maxInflightMessages: 64,
  maxInflightBytes: 8 * MiB,
  maxUncommittedBytes: 64 * MiB,
  logCacheBytes: 32 * MiB,
  maxApplyBytes: 8 * MiB,
  maxInboxEvents: 16_384,
  maxPendingProposals: 100_000,
  maxPendingBytes: 64 * MiB,
  maxFrameBytes: 16 * MiB,
  maxSendBufferBytes: 64 * MiB,
  maxLinks: 256,
  maxHandshakes: 32,
  handshakeTimeoutMs: 5000,
  keepAliveMs: 1000,
  reconnectMinMs: 20,
  reconnectMaxMs: 1000,
  applyBudgetMs: 10,
  stallMs: DEFAULT_ELECTION_TIMEOUT_MS / 2,
  stopTimeoutMs: 5000,
})

/** The options that are data, complete and consistent. */
export interface CheckedOptions {
  readonly cluster: string
  readonly id: Id
  readonly members: Readonly<Record<Id, string>>
  readonly electionTimeoutMs: Millis
  readonly heartbeatMs: Millis
  readonly limits: Limits
}

/** What a frame needs beyond the entries it carries: headers, ids and the ends of entries. */
export const FRAME_SLACK_BYTES = 64 * KiB

const Bound = integer('Bound', 1, 2 ** 30)

/** Unlike a union with undefined, it reports only what is wrong with a value that is there. */
const optional = <A>(codec: t.Type<A, unknown>): t.Type<A | undefined, unknown> => new t.Type<A | undefined, unknown>(
  codec.name,
  (value): value is A | undefined => value === undefined || codec.is(value),
  (value, context) => (value === undefined ? t.success(undefined) : codec.validate(value, context)),
  t.identity,
)

/** An object that has these keys and no others: a misspelt option must not pass for one that was left out. */
const closed = <P extends t.Props>(props: P): t.Type<t.TypeOfProps<P>, unknown> => {
  const open = t.type(props)
  return new t.Type<t.TypeOfProps<P>, unknown>('options', open.is, (value, context) => {
    if (!t.UnknownRecord.is(value)) return t.failure(value, context, 'must be an object')
    const known = open.validate(value, context)
    const faults = Object.keys(value).filter(key => !Object.hasOwn(props, key)).map(key =>
      ({ value: value[key], context: t.appendContext(context, key, t.never), message: 'is not an option' }))
    return faults.length === 0 ? known : t.failures([...faults, ...(isLeft(known) ? known.left : [])])
  }, t.identity)
}

/** Something the library calls, of which only the presence of its methods can be checked. */
const having = (...methods: readonly string[]): t.Type<unknown> => guard('having', value =>
  typeof value === 'object' && value !== null && methods.every(name => typeof Reflect.get(value, name) === 'function')
    ? undefined
    : `must be an object with the method ${methods.join(' and ')}`)

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

const Given = closed({
  cluster: Cluster,
  id: MemberId,
  members: Members,
  machine: having('start'),
  transport: having('open'),
  storage: having('open'),
  electionTimeoutMs: optional(TimerMs),
  heartbeatMs: optional(TimerMs),
  limits: optional(closed({
    maxCommandBytes: optional(Bound),
    maxBatchBytes: optional(Bound),
    maxAppendBytes: optional(Bound),
    maxInflightMessages: optional(Bound),
    maxInflightBytes: optional(Bound),
    maxUncommittedBytes: optional(Bound),
    logCacheBytes: optional(Bound),
    maxApplyBytes: optional(Bound),
    maxInboxEvents: optional(Bound),
    maxPendingProposals: optional(Bound),
    maxPendingBytes: optional(Bound),
    maxFrameBytes: optional(Bound),
    maxSendBufferBytes: optional(Bound),
    maxLinks: optional(Bound),
    maxHandshakes: optional(Bound),
    handshakeTimeoutMs: optional(TimerMs),
    keepAliveMs: optional(TimerMs),
    reconnectMinMs: optional(TimerMs),
    reconnectMaxMs: optional(TimerMs),
    applyBudgetMs: optional(TimerMs),
    stallMs: optional(TimerMs),
    stopTimeoutMs: optional(TimerMs),
  } satisfies Record<keyof Limits, t.Type<number | undefined, unknown>>)),
})

/** What `given` sets, over the defaults. */
const withDefaults = (given: { readonly [Name in keyof Limits]?: number | undefined }, electionTimeoutMs: Millis): Limits => {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { ...DEFAULT_LIMITS, stallMs: Math.ceil(electionTimeoutMs / 2), ...set }
}

/** Bounds that only make sense together: each line names the one to change. */
const crossFaults = ({ id, members, electionTimeoutMs, heartbeatMs, limits }: CheckedOptions): readonly string[] => {
  const faults: string[] = []
  const atLeast = (name: keyof Limits, least: number, why: string): void => {
    if (limits[name] < least) faults.push(`limits.${name}: must be at least ${why} = ${least}, not ${limits[name]}`)
  }
  if (!Object.hasOwn(members, id)) faults.push(`members: must name this member, ${id}`)
  if (2 * heartbeatMs > electionTimeoutMs) {
    faults.push(`heartbeatMs: must be at most half of electionTimeoutMs = ${electionTimeoutMs}, not ${heartbeatMs}`)
  }
  const { maxCommandBytes, maxBatchBytes, maxAppendBytes } = limits
  const bodyBytes = maxBatchBytes + maxCommandBytes
  atLeast('maxFrameBytes', maxAppendBytes + bodyBytes + FRAME_SLACK_BYTES, `maxAppendBytes + maxBatchBytes + maxCommandBytes + ${FRAME_SLACK_BYTES}`)
  atLeast('maxSendBufferBytes', limits.maxFrameBytes, 'maxFrameBytes')
  atLeast('maxInflightBytes', maxAppendBytes, 'maxAppendBytes')
  atLeast('maxUncommittedBytes', bodyBytes, 'maxBatchBytes + maxCommandBytes')
  atLeast('maxPendingBytes', bodyBytes, 'maxBatchBytes + maxCommandBytes')
  atLeast('reconnectMaxMs', limits.reconnectMinMs, 'reconnectMinMs')
  if (limits.stallMs > electionTimeoutMs) {
    faults.push(`limits.stallMs: must be at most electionTimeoutMs = ${electionTimeoutMs}, not ${limits.stallMs}`)
  }
  return faults
}

/** The data among a member's options, complete and consistent, or every fault by name. Never throws, whatever it is given. */
export const decodeOptions = (options: unknown): Either<InvalidOptions, CheckedOptions> => {
  const decoded = decodeWith(Given, options)
  if (isLeft(decoded)) return left(new InvalidOptions(decoded.left))
  const { cluster, id, members, electionTimeoutMs = DEFAULT_ELECTION_TIMEOUT_MS, heartbeatMs = DEFAULT_HEARTBEAT_MS, limits = {} } = decoded.right
  const settled: CheckedOptions = { cluster, id, members, electionTimeoutMs, heartbeatMs, limits: withDefaults(limits, electionTimeoutMs) }
  const faults = crossFaults(settled)
  return faults.length > 0 ? left(new InvalidOptions(faults)) : right(settled)
}
