import * as t from 'io-ts'
import { closed, optional } from '../codecs/judging.js'
import type { Limits } from '../codecs/options.js'
import { decodeWith, messageOf } from '../codecs/report.js'
import { InvalidOptions, type StartError } from '../lib/errors.js'
import { type SomeOf, isLeft, isRight, left, right } from '../lib/prelude.js'
import type { Compression, MemberId, Millis } from '../lib/types.js'
import { createRaft } from './create-raft.js'
import type { Machine } from './machine/machine.js'
import type { Raft } from './member/member.js'
import type { Eventual } from './proposer/proposer.js'
import type { Recorder } from './recorder/port.js'
import { memoryStorage } from './storage/memory.js'
import { memoryNetwork, memoryTransport } from './transport/memory.js'

export interface MemoryClusterOptions<C, R, S, Id extends MemberId> {
  readonly machine: Machine<C, R, S>
  readonly members: readonly Id[]
  /** 150 unless told otherwise: within one process nobody is far away. */
  readonly electionTimeoutMs?: Millis | undefined
  /** 30 unless told otherwise. */
  readonly heartbeatMs?: Millis | undefined
  /** For how long whoever hears a leader helps elect nobody else, so that reads are answered at once; 0, for no such promise, unless told otherwise. */
  readonly readLeaseMs?: Millis | undefined
  /** How members compress their snapshots; not at all unless told otherwise. */
  readonly snapshotCompression?: Compression | undefined
  readonly limits?: SomeOf<Limits> | undefined
  /** The recorder of each member; none unless told otherwise. */
  readonly recorder?: ((id: Id) => Recorder) | undefined
}

type Cluster<C, R, S, Id extends MemberId> = { readonly [K in Id]: Raft<C, R, S> }

/** A whole cluster in this process, on a network and disks of memory: for first steps and for tests. All members start, or none. Never rejects. */
export const memoryCluster = async <C, R, S, const Id extends MemberId>(
  options: MemoryClusterOptions<C, R, S, Id>,
): Eventual<StartError, Cluster<C, R, S, Id>> => {
  try {
    return await start({ ...options })
  } catch (thrown) {
    return left(new InvalidOptions([`reading the options failed: ${messageOf(thrown)}`]))
  }
}

/** The rest of the options is looked at when each member starts. What the cluster sets for its members itself is none of them. */
const Given = closed({
  machine: t.unknown, electionTimeoutMs: t.unknown, heartbeatMs: t.unknown, readLeaseMs: t.unknown, snapshotCompression: t.unknown, limits: t.unknown,
  members: t.readonlyArray(t.string, 'a list of names'), recorder: optional(t.Function),
} satisfies Record<keyof MemoryClusterOptions<unknown, unknown, unknown, MemberId>, t.Mixed>)

const start = async <C, R, S, Id extends MemberId>(options: MemoryClusterOptions<C, R, S, Id>): Eventual<StartError, Cluster<C, R, S, Id>> => {
  const { recorder, electionTimeoutMs = 150, heartbeatMs = 30 } = options
  const given = decodeWith(Given, options)
  if (isLeft(given)) return left(new InvalidOptions(given.left))
  const ids = new Set(options.members)
  if (ids.size === 0 || ids.size < options.members.length) return left(new InvalidOptions(['members: must be names, at least one and each different']))
  const network = memoryNetwork()
  const members = Object.fromEntries([...ids].map((id, i) => [id, `localhost:${i + 1}`]))
  // All that can throw does so here, before the first member starts.
  const recipes = [...ids].map(id => ({
    ...options, electionTimeoutMs, heartbeatMs,
    cluster: 'memory', id, members, transport: memoryTransport(network), storage: memoryStorage(), recorder: recorder?.(id),
  }))
  const outcomes = await Promise.all(recipes.map(async recipe => ({ id: recipe.id, outcome: await createRaft(recipe) })))
  const rafts = outcomes.flatMap(({ id, outcome }) => isRight(outcome) ? [[id, outcome.right] as const] : [])
  const failed = outcomes.map(({ outcome }) => outcome).find(isLeft)
  if (failed === undefined) return right(Object.fromEntries(rafts) as Cluster<C, R, S, Id>)
  await Promise.all(rafts.map(([, raft]) => raft.stop()))
  return failed
}
