/** Whoever lies in wait for snapshots on their way, and strikes at those who send and receive them, in the middle. */
import type { MemberId, Millis } from '../../lib/types.js'
import type { SimulatedCluster, SimulatedMember } from '../../testing/simulation/cluster.js'
import type { Fault } from '../../testing/simulation/faults/fault.js'
import type { Dice } from '../../testing/simulation/world/dice.js'

type Cluster = Pick<SimulatedCluster<never, unknown, unknown>, 'clock' | 'ids' | 'inflict'> & {
  member(id: MemberId): Pick<SimulatedMember<never, unknown, unknown>, 'snapshotChunks$'>
}

/** How many clusters with a large state have one, and how likely each chunk is to be the one. */
const SHARE = 0.7
const LIKELY = [0.02, 0.3] as const
/** How long whoever was struck stays away, in election timeouts. */
const AWAY = 0.7

/** What may happen between two chunks. */
const drawStrike = (dice: Dice, from: MemberId, to: MemberId, bytes: number): Fault => {
  const id = dice.chance(0.5) ? from : to
  switch (dice.pick(['crash', 'kill', 'reset', 'pause', 'fillDisk', 'handOver'] as const)) {
    case 'crash': return { type: 'crash', id, keep: dice.pick([0, 0.5]) }
    case 'kill': return { type: 'kill', id }
    case 'reset': return { type: 'reset', a: from, b: to }
    case 'pause': return { type: 'pause', id }
    case 'fillDisk': return { type: 'fillDisk', id: to, freeBytes: dice.integer(0, bytes) }
    case 'handOver': return { type: 'handOver', id: from }
  }
}

/** What ends it, where it does not end by itself. */
const endsOf = (fault: Fault): readonly Fault[] => {
  switch (fault.type) {
    case 'crash': case 'kill': return [{ type: 'start', id: fault.id }]
    case 'pause': return [{ type: 'resume', id: fault.id }]
    // It may have ended by itself meanwhile.
    case 'fillDisk': return [{ ...fault, freeBytes: Number.MAX_SAFE_INTEGER }, { type: 'start', id: fault.id }]
    default: return []
  }
}

/** Strikes until it is called off, at chunks that those send who are there by now. */
export const createAmbush = (cluster: Cluster, dice: Dice, electionTimeoutMs: Millis): { readonly stop: () => void } => {
  const likelihood = dice.chance(SHARE) ? dice.magnitude(...LIKELY) : 0
  let isOff = likelihood === 0
  const after = (ms: Millis, work: () => void): void => void cluster.clock.after(ms, () => { if (!isOff) work() })
  const strike = (fault: Fault): void => {
    cluster.inflict(fault)
    after(electionTimeoutMs * dice.exponential(AWAY), () => endsOf(fault).forEach(cluster.inflict))
  }
  if (!isOff) for (const id of cluster.ids) cluster.member(id).snapshotChunks$.subscribe(({ from, to, snapshot, chunk }) => {
    if (chunk.length > 0 && !isOff && dice.chance(likelihood)) after(0, () => strike(drawStrike(dice, from, to, snapshot.bytes)))
  })
  return { stop: () => { isOff = true } }
}
