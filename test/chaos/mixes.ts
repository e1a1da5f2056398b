import type { FaultName } from './faults/names.js'

/** Which faults a run suffers. Times are in election timeouts. */
export interface Mix {
  readonly about: string
  /** Drawn among these, each as likely as often as it is named. */
  readonly faults: readonly FaultName[]
  /** From one strike to the next. */
  readonly gaps: readonly [number, number]
  /** From a strike to its end, as likely within one power of ten as within another. */
  readonly lasts: readonly [number, number]
  /** Disks lose what was not synced when their process dies. */
  readonly isForgetful?: true
}

const OFTEN = [1.5, 6] as const
const SELDOM = [3, 8] as const
const usual = { gaps: OFTEN, lasts: [0.3, 5] } as const

export const MIXES = {
  'calm': { ...usual, about: 'nothing at all: what the others are compared with', faults: [] },
  'kills': { ...usual, about: 'kill -9 of one, of the leader, of a majority, of all', faults: ['killOne', 'killLeader', 'killLeader', 'killMajority', 'killAll'] },
  'leader-kills': { ...usual, about: 'kill -9 of whoever leads, again and again', faults: ['killLeader'], gaps: [2, 5] },
  'pauses': { ...usual, about: 'SIGSTOP for 0.5 to 10 election timeouts, then SIGCONT', faults: ['pauseOne', 'pauseLeader', 'pauseLeader', 'pauseMajority'], lasts: [0.5, 10] },
  'partitions': { ...usual, about: 'halves, one alone, a pair, a ring, a bridge: reset or black-holed', faults: ['partition'], lasts: [0.5, 8] },
  'one-way': { ...usual, about: 'members that hear and are not heard, or the other way round', faults: ['oneWay'], lasts: [0.5, 8] },
  'flapping': { ...usual, about: 'links that come and go several times a second', faults: ['flap', 'resetLinks'], lasts: [1, 8] },
  'slow-network': { ...usual, about: 'late, uneven and narrow links', faults: ['slowLinks', 'narrowLinks', 'resetLinks'], lasts: [1, 8] },
  'clients-cut': { ...usual, about: 'clients that are cut off, or that hear no answers', faults: ['closedDoors', 'deafDoors', 'deafDoors', 'resetClients'] },
  'slow-disk': { ...usual, about: 'syncs that take 20 to 1000 ms, and disks that answer nothing for a while', faults: ['slowDisk', 'slowLeaderDisk', 'stalledDisk'], lasts: [1, 8] },
  'sync-errors': { ...usual, about: 'EIO from a sync: the member must end, and be started again', faults: ['syncError', 'leaderSyncError'], gaps: SELDOM },
  'full-disk': { ...usual, about: 'ENOSPC after a short write, on one or on a majority', faults: ['fullDisk', 'fullDisk', 'fullDiskOfMajority'], gaps: SELDOM },
  'file-limit': { ...usual, about: 'ulimit -f: a real EFBIG from the real file system', faults: ['fileLimit', 'fileLimit', 'killOne'], gaps: SELDOM },
  'power-cuts': { ...usual, about: 'what was not synced is lost, whole or sector by sector, of one, a majority, all', faults: ['powerOne', 'powerLeader', 'powerMajority', 'powerAll', 'powerAll'], isForgetful: true },
  'bit-flips': { ...usual, about: 'a bit of a stopped member’s files: refused by name, restored, started', faults: ['bitFlip'], gaps: SELDOM, lasts: [0.3, 1] },
  'wall-clocks': { ...usual, about: 'wall clocks that jump by up to two hours, either way', faults: ['wallClock'], lasts: [1, 8] },
  'drifting-clocks': { ...usual, about: 'monotonic clocks that run 5 % fast or slow, as libfaketime would have it', faults: ['drift'], lasts: [2, 10] },
  'kills-and-partitions': { ...usual, about: 'the two that the tests run', faults: ['killOne', 'killLeader', 'partition', 'oneWay'], gaps: [1.5, 3], lasts: [0.3, 2] },
  'everything': {
    about: 'all of it at once, but for bits that flip', gaps: [1, 5], lasts: [0.3, 6], isForgetful: true,
    faults: ['killOne', 'killLeader', 'killMajority', 'killAll', 'pauseOne', 'pauseLeader', 'partition', 'partition', 'oneWay', 'flap', 'slowLinks', 'narrowLinks', 'resetLinks',
      'closedDoors', 'deafDoors', 'resetClients', 'slowDisk', 'stalledDisk', 'syncError', 'fullDisk', 'powerOne', 'powerMajority', 'powerAll', 'wallClock', 'drift'],
  },
} as const satisfies Readonly<Record<string, Mix>>

export type MixName = keyof typeof MIXES

/** What these runs do not do, and what it would take. */
export const SKIPPED: Readonly<Record<string, string>> = {
  'lost-packets': 'loss, duplication and corruption of packets below TCP: needs root, network namespaces and iptables or a TAP switch',
  'file-system-shutdown': 'loss of everything unsynced in the kernel: needs root, a loop mount and xfs_io',
  'backing-store-full': 'a sync that fails in the kernel and then succeeds: needs root and a loop mount on a small tmpfs',
  'cpu-and-memory-limits': 'a tenth of a core, an end by the kernel’s memory limit: needs root and cgroups',
}
