/** What a simulated cluster is made of: complete and consistent, or every fault by name before anything starts. */
import * as t from 'io-ts'
import { closed, having, machineFaults, optional } from '../../codecs/judging.js'
import { DEFAULT_ELECTION_TIMEOUT_MS, DEFAULT_HEARTBEAT_MS, type Limits, decodeOptions } from '../../codecs/options.js'
import { Count, Millis as Span, integer } from '../../codecs/primitives.js'
import { MAX_MEMBERS } from '../../lib/membership.js'
import { decodeWith } from '../../codecs/report.js'
import { InvalidOptions } from '../../lib/errors.js'
import { isLeft } from '../../lib/prelude.js'
import { step } from '../../lib/step.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { Machine } from '../../streams/machine/machine.js'
import type { Fold } from '../../streams/pipeline/fold.js'
import type { Recipe } from './member.js'

export interface SimulationOptions<C, R, S> {
  readonly machine: Machine<C, R, S>
  /** Members that run another one instead, as in the midst of an upgrade; `machine` is then the one of the newest version, with which clients speak. None unless told otherwise. */
  readonly machines?: Readonly<Record<MemberId, Machine<NoInfer<C>, NoInfer<R>, NoInfer<S>>>>
  /** How many members, which are then called n1, n2 and so on; 3 unless told otherwise. */
  readonly members?: number
  /** All chance comes from it: the same seed, the same run. 1 unless told otherwise. */
  readonly seed?: number
  /** 1 000 unless told otherwise, as for a real member. */
  readonly electionTimeoutMs?: Millis
  /** 100 unless told otherwise. */
  readonly heartbeatMs?: Millis
  /** 0, so that no reads are answered by a promise of others, unless told otherwise. */
  readonly readLeaseMs?: Millis
  readonly limits?: Partial<Limits>
  /** What of a state is compared, where the state itself cannot be. Members of objects that are undefined count as absent. */
  readonly view?: (state: S) => unknown
  /** The size of a segment of the log: small ones bring more of what happens between two. 64 KiB unless told otherwise. */
  readonly segmentBytes?: number
  /** Mean time that a turn of an event loop takes; 0 unless told otherwise. */
  readonly turnMs?: Millis
  /** Hears of every step of every member and of every fault, line by line. */
  readonly trace?: (line: string) => void
  /** How many replays may be spent on a shorter story when a promise is broken; 80 unless told otherwise. */
  readonly replays?: number
  /** What a member folds with, for those who want to see whether a faulty core is noticed. */
  readonly fold?: Fold
}

const REPLAYS = 80
const MEMBERS = 3
const SEGMENT_BYTES = 64 * 1024

/** The rest is looked at as a real member does. */
const Given = closed({
  machine: t.unknown, electionTimeoutMs: t.unknown, heartbeatMs: t.unknown, readLeaseMs: t.unknown, limits: t.unknown,
  machines: optional(t.record(t.string, having('start'))),
  members: optional(integer('Members', 1, MAX_MEMBERS)),
  seed: optional(Count),
  // The bounds of `fileStorage`.
  segmentBytes: optional(integer('Bytes', 4 * 1024, 1024 ** 3)),
  turnMs: optional(Span),
  view: optional(t.Function),
  trace: optional(t.Function),
  replays: optional(Count),
  fold: optional(t.Function),
} satisfies Record<keyof SimulationOptions<unknown, unknown, unknown>, t.Mixed>)

const addressesOf = (members: number): Readonly<Record<MemberId, string>> =>
  Object.fromEntries(Array.from({ length: members }, (_, at) => [`n${at + 1}`, `10.0.0.${at + 1}:7000`]))

const NO_PORT = { open: () => undefined }

/** What a real member would say to its part of the options. */
const faultsOfMember = ({ machine, machines, electionTimeoutMs, heartbeatMs, readLeaseMs, limits }: Readonly<Record<string, unknown>>): readonly string[] => {
  const checked = decodeOptions({
    cluster: 'simulation', id: 'n1', members: addressesOf(MEMBERS), machine, transport: NO_PORT, storage: NO_PORT, electionTimeoutMs, heartbeatMs, readLeaseMs, limits,
  })
  const others = t.UnknownRecord.is(machines) ? Object.entries(machines) : []
  return isLeft(checked) ? checked.left.report : [['machine', machine] as const, ...others.map(([id, other]) => [`machines.${id}`, other] as const)].flatMap(([name, given]) => machineFaults(name, given))
}

/** Throws `InvalidOptions`. */
export const recipeOf = <C, R, S>(options: SimulationOptions<C, R, S>): { readonly recipe: Recipe<C, R, S>; readonly replays: number } => {
  const given = decodeWith(Given, options)
  const faults = [...isLeft(given) ? given.left : [], ...t.UnknownRecord.is(options) ? faultsOfMember(options) : []]
  if (faults.length > 0) throw new InvalidOptions(faults)
  const {
    machine, machines = {}, members = MEMBERS, seed = 1, electionTimeoutMs = DEFAULT_ELECTION_TIMEOUT_MS, heartbeatMs = DEFAULT_HEARTBEAT_MS, readLeaseMs = 0, limits = {},
    segmentBytes = SEGMENT_BYTES, turnMs = 0, replays = REPLAYS, fold = step, view = state => state,
  } = options
  return { recipe: { machine, machines, addresses: addressesOf(members), seed, electionTimeoutMs, heartbeatMs, readLeaseMs, limits, segmentBytes, turnMs, fold, view }, replays }
}
