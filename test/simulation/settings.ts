/** What the cluster of one seed is like: its members, their times and their bounds. */
import type { Millis } from '../../lib/types.js'
import type { Limits } from '../../streams/index.js'
import type { SimulationOptions } from '../../testing/simulation/cluster.js'
import type { Dice } from '../../testing/simulation/world/dice.js'

type Settings = Omit<SimulationOptions<unknown, unknown, unknown>, 'machine' | 'machines'> & { readonly electionTimeoutMs: Millis; readonly heartbeatMs: Millis }

export const drawSettings = (dice: Dice, timeoutsMs: readonly Millis[]): Settings => {
  const electionTimeoutMs = dice.pick(timeoutsMs)
  const tiny = (probability: number, low: number, usual: number): number =>
    !dice.chance(probability) ? usual : dice.chance(0.4) ? low : Math.round(dice.magnitude(low, usual))
  const maxCommandBytes = 4096
  const maxBatchBytes = tiny(0.3, 1, 256 << 10)
  const maxAppendBytes = tiny(0.5, 1, 1 << 20)
  const bodies = maxBatchBytes + maxCommandBytes
  return {
    members: dice.pick([1, 3, 3, 3, 4, 4, 5, 5, 7]),
    electionTimeoutMs,
    heartbeatMs: Math.round(electionTimeoutMs / dice.pick([3, 5, 10])),
    segmentBytes: dice.pick([4, 8, 32, 128]) * 1024,
    turnMs: electionTimeoutMs * dice.magnitude(0.0002, 0.004),
    limits: {
      maxCommandBytes, maxBatchBytes, maxAppendBytes,
      maxInflightMessages: Math.round(tiny(0.5, 1, 64)),
      maxInflightBytes: Math.max(maxAppendBytes, tiny(0.3, 1, 8 << 20)),
      maxUncommittedBytes: Math.max(bodies, tiny(0.4, 1000, 64 << 20)),
      maxPendingProposals: tiny(0.2, 1, 100_000),
      logCacheBytes: tiny(0.5, 1, 32 << 20),
      maxApplyBytes: tiny(0.3, 1, 8 << 20),
      handshakeTimeoutMs: electionTimeoutMs * 2,
      keepAliveMs: Math.round(electionTimeoutMs / 2),
      reconnectMinMs: 10,
      reconnectMaxMs: Math.round(electionTimeoutMs / 2),
    },
  }
}

/** Of a snapshot, sessions with what they keep. */
export const SESSIONS_BYTES = 32 << 10
/** In smaller chunks the slowest disk takes longer over them than a cluster has to heal. */
const LEAST_CHUNK_BYTES = 64
/** Election timeouts that they travel at most, where snapshots are held back to a rate. */
const TRAVEL = 5

/** Half of all clusters take a snapshot every few entries, and most of those keep little of the log behind it and send small chunks. */
export const drawSnapshots = (dice: Dice, electionTimeoutMs: Millis): Partial<Limits> => {
  if (!dice.chance(0.5)) return {}
  const snapshotEntries = Math.round(dice.magnitude(2, 200))
  if (dice.chance(0.2)) return { snapshotEntries }
  return {
    snapshotEntries, snapshotKeepEntries: dice.pick([0, 0, 1, Math.round(dice.magnitude(2, 100))]), snapshotChunkBytes: Math.max(LEAST_CHUNK_BYTES, Math.round(dice.magnitude(4, 1 << 20))),
    ...dice.chance(0.2) && { snapshotBytesPerSecond: Math.round(Math.max(SESSIONS_BYTES * 1000 / (TRAVEL * electionTimeoutMs), dice.magnitude(500, 1 << 20))) },
  }
}

/** A quarter of all clusters read by promises, as long ones or as short ones as there may be. */
export const drawLease = (dice: Dice, { electionTimeoutMs, heartbeatMs }: Settings): Millis =>
  dice.chance(0.25) ? dice.integer(2 * heartbeatMs, electionTimeoutMs) : 0
