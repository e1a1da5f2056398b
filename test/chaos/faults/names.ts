/** What can go wrong; `faults.ts` says how. */
export type FaultName =
  | 'killOne' | 'killLeader' | 'killMajority' | 'killAll'
  | 'pauseOne' | 'pauseLeader' | 'pauseMajority'
  | 'powerOne' | 'powerLeader' | 'powerMajority' | 'powerAll'
  | 'partition' | 'oneWay' | 'flap' | 'resetLinks' | 'slowLinks' | 'narrowLinks'
  | 'closedDoors' | 'deafDoors' | 'resetClients'
  | 'slowDisk' | 'slowLeaderDisk' | 'stalledDisk' | 'syncError' | 'leaderSyncError' | 'fullDisk' | 'fullDiskOfMajority' | 'fileLimit'
  | 'bitFlip' | 'wallClock' | 'drift'
