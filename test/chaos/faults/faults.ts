import { bitFlip } from './damage.js'
import { drift, fileLimit, full, slow, stalled, syncError, wallClock } from './disks.js'
import { type Fault, all, leader, majority, one } from './fault.js'
import { closedDoors, deafDoors, flap, narrowLinks, oneWay, partition, resetClients, resetLinks, slowLinks } from './links.js'
import type { FaultName } from './names.js'
import { cutPower, kill, pause } from './processes.js'

export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  killOne: kill(one), killLeader: kill(leader), killMajority: kill(majority), killAll: kill(all),
  pauseOne: pause(one), pauseLeader: pause(leader), pauseMajority: pause(majority),
  powerOne: cutPower(one), powerLeader: cutPower(leader), powerMajority: cutPower(majority), powerAll: cutPower(all),
  partition, oneWay, flap, resetLinks, slowLinks, narrowLinks, closedDoors, deafDoors, resetClients,
  slowDisk: slow(one), slowLeaderDisk: slow(leader), stalledDisk: stalled(one),
  syncError: syncError(one), leaderSyncError: syncError(leader), fullDisk: full(one), fullDiskOfMajority: full(majority), fileLimit,
  bitFlip, wallClock: wallClock(one), drift: drift(one),
}
