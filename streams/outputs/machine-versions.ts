/** Which versions of the machine the members run, as far as links have told: what only a newer one reads is not for all of them. */
import type { MemberId } from '../../lib/types.js'
import type { MemberNotice } from './diagnostics.js'

export interface MachineVersions {
  /** Of this member's machine. */
  readonly machineVersion: number
  /**
   * The version that each member's machine has at least, as they said when they were linked last: what it reads may be proposed. 0 while one of them has not been linked since this
   * member started, and while this one does not belong.
   */
  readonly lowestMachineVersion: number
}

/** What has to be heard for that. */
export interface VersionEars {
  /** A link with this member is up. */
  linked(peer: MemberId, version: number): void
  unlinked(peer: MemberId): void
  /** Who belongs from now on. */
  named(addresses: Readonly<Record<MemberId, string>>): void
}

interface VersionWatch extends VersionEars {
  now(): MachineVersions
}

export const sameVersions = (a: MachineVersions, b: MachineVersions): boolean => a.lowestMachineVersion === b.lowestMachineVersion

export const createVersionWatch = (
  id: MemberId, machineVersion: number, addresses: Readonly<Record<MemberId, string>>, tell: { notice(notice: MemberNotice): void; changed(): void },
): VersionWatch => {
  /** Of those that are named or linked, and of nobody else: so `maxLinks` bounds it. */
  const known = new Map<MemberId, number>()
  const linked = new Set<MemberId>()
  let members = addresses
  const versionOf = (member: MemberId): number => member === id ? machineVersion : known.get(member) ?? 0

  return {
    now: () => ({ machineVersion, lowestMachineVersion: Object.hasOwn(members, id) ? Math.min(...Object.keys(members).map(versionOf)) : 0 }),
    linked: (peer, version) => {
      const isNews = known.get(peer) !== version
      linked.add(peer)
      known.set(peer, version)
      if (isNews && version !== machineVersion) tell.notice({ type: 'machineVersionDiffers', peer, theirs: version, ours: machineVersion })
      tell.changed()
    },
    unlinked: peer => {
      linked.delete(peer)
      // It belongs all the same, and may yet come back as it was.
      if (!Object.hasOwn(members, peer)) known.delete(peer)
    },
    named: addresses => {
      members = addresses
      for (const peer of known.keys()) if (!Object.hasOwn(addresses, peer) && !linked.has(peer)) known.delete(peer)
      tell.changed()
    },
  }
}
