import type { MemberId, Millis } from '../../../lib/types.js'
import type { Cluster } from '../cluster/cluster.js'
import type { Wiring } from '../cluster/wiring.js'
import type { Strike } from '../schedule.js'

/** What a fault can lay hands on. */
export interface Stage {
  readonly cluster: Cluster
  readonly wiring: Wiring
  readonly electionTimeoutMs: Millis
  leader(): MemberId | undefined
  /** A member that is up and still not to be counted on, until `over` is called. */
  disturb(id: MemberId): () => void
  /** Starts a member that is down, unless the strike that holds it down is still going on; reports whatever refuses to start. */
  revive(id: MemberId): Promise<void>
  /** Keeps the supervisor from reviving a member, until `over` is called. */
  holdDown(id: MemberId): () => void
  isHeldDown(id: MemberId): boolean
  /** A member may end by itself, for this reason, until it is started again. */
  expectEnd(id: MemberId): void
  /** Something worth counting beside the faults. */
  count(what: string): void
  /** A promise is broken. */
  violated(message: string): void
  /** The store of a folder as it would be opened. */
  look(id: MemberId, folder: string): Promise<{ readonly term: number; readonly lastIndex: number }>
}

/** Undoes a strike. */
export type Mend = () => void | Promise<void>

/** Strikes, and answers whom and how to undo it; nothing if there was nothing to strike. */
export type Fault = (stage: Stage, strike: Strike) => Promise<{ readonly whom: string; readonly mend: Mend } | undefined>

const majorityOf = (ids: readonly MemberId[]): number => Math.floor(ids.length / 2) + 1

/** Whom a strike hits. */
export type Choice = (stage: Stage, strike: Strike) => readonly MemberId[]

export const one: Choice = (_, { order }) => order.slice(0, 1)
export const leader: Choice = stage => [stage.leader()].filter(id => id !== undefined)
export const majority: Choice = ({ cluster }, { order }) => order.slice(0, majorityOf(cluster.ids))
export const all: Choice = ({ cluster }) => cluster.ids
