/** The logs as they lie on the disks, read back with the store's own reader and held against each other. */
import { crc32 } from 'node:zlib'
import { clusterIdOf } from '../../../codecs/cluster-id.js'
import { forEachEntry } from '../../../codecs/entries.js'
import { firstMembership } from '../../../lib/membership.js'
import type { EntryBatch, MemberId, Snapshot } from '../../../lib/types.js'
import { type Recovered, fileStorage, orThrow } from '../../../streams/index.js'
import type { Either } from '../../../lib/prelude.js'
import type { StartError, Store } from '../../../streams/index.js'

const EVERYTHING = Number.MAX_SAFE_INTEGER

/** A log that may begin behind a snapshot, and the newest one. */
export interface Kept {
  readonly recovered: Recovered
  readonly newest: Snapshot | undefined
}

/** What a store holds, all of it. */
export const readStore = async (cluster: string, id: MemberId, members: Readonly<Record<MemberId, string>>, folder: string): Promise<Kept> => {
  const membership = firstMembership(members)
  const opened = await new Promise<Either<StartError, Store>>(resolve =>
    fileStorage(folder).open({ clusterId: clusterIdOf(cluster, membership), id, membership, tailBytes: EVERYTHING }, resolve))
  const store = orThrow(opened)
  const newest = store.snapshots.newest()
  await new Promise<void>(resolve => store.close(resolve))
  return { recovered: store.recovered, newest }
}

/** One line per entry, by index. */
const linesOf = (batches: readonly EntryBatch[]): ReadonlyMap<number, string> => {
  const lines = new Map<number, string>()
  for (const batch of batches) {
    if (batch.kind !== 'command') lines.set(batch.firstIndex, `${batch.term} ${batch.time} ${batch.kind}`)
    else {
      forEachEntry(batch.body, batch.skip, batch.skip + batch.count, (bytes, at) =>
        lines.set(batch.firstIndex + at - batch.skip, `${batch.term} ${batch.time} ${crc32(bytes)}`))
    }
  }
  return lines
}

/** What a disk is compared by. */
export interface KeptLog {
  readonly recovered: Pick<Recovered, 'base' | 'tail'>
  readonly newest: Pick<Snapshot, 'index'> | undefined
}

/** Where logs that must be equal up to `committed` are not, as far as they reach back. */
export const compareLogs = (stores: ReadonlyMap<MemberId, KeptLog>, committed: number): readonly string[] => {
  const logs = [...stores].map(([id, { recovered: { base, tail } }]) => ({ id, base, lines: linesOf(tail) }))
  const faults = [...stores].filter(([, { recovered: { base }, newest }]) => base.index > (newest?.index ?? 0))
    .map(([id, { recovered: { base }, newest }]) => `the log of ${id} begins behind ${base.index}, and its snapshot stands at ${newest?.index}`)
  for (let index = 1; index <= committed && faults.length === 0; index++) {
    const [first, ...others] = logs.filter(({ base }) => base.index < index)
    const line = first?.lines.get(index)
    if (first !== undefined && line === undefined) faults.push(`${first.id} has no entry ${index} of ${committed} on its disk`)
    for (const { id, lines } of others) {
      if (lines.get(index) !== line) faults.push(`entry ${index} is "${line}" on the disk of ${first?.id} and "${lines.get(index)}" on that of ${id}`)
    }
    for (const { id, base } of logs.filter(({ base }) => base.index === index)) {
      if (line !== undefined && !line.startsWith(`${base.term} `)) faults.push(`entry ${index} is "${line}" on the disk of ${first?.id}, and the log of ${id} begins behind one of term ${base.term}`)
    }
  }
  return faults
}
