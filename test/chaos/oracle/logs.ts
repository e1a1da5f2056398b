/** The logs as they lie on the disks, read back with the store's own reader and held against each other. */
import { crc32 } from 'node:zlib'
import { clusterIdOf } from '../../../codecs/cluster-id.js'
import { forEachEntry } from '../../../codecs/entries.js'
import { firstMembership } from '../../../lib/membership.js'
import type { EntryBatch, MemberId } from '../../../lib/types.js'
import { type Recovered, fileStorage, orThrow } from '../../../streams/index.js'
import type { Either } from '../../../lib/prelude.js'
import type { StartError, Store } from '../../../streams/index.js'

const EVERYTHING = Number.MAX_SAFE_INTEGER

/** What a store holds, all of it. */
export const readStore = async (cluster: string, id: MemberId, members: Readonly<Record<MemberId, string>>, folder: string): Promise<Recovered> => {
  const membership = firstMembership(members)
  const opened = await new Promise<Either<StartError, Store>>(resolve =>
    fileStorage(folder).open({ clusterId: clusterIdOf(cluster, membership), id, membership, tailBytes: EVERYTHING }, resolve))
  const store = orThrow(opened)
  await new Promise<void>(resolve => store.close(resolve))
  return store.recovered
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

/** Where logs that must be equal up to `committed` are not. */
export const compareLogs = (stores: ReadonlyMap<MemberId, Pick<Recovered, 'tail'>>, committed: number): readonly string[] => {
  const logs = [...stores].map(([id, { tail }]) => ({ id, lines: linesOf(tail) }))
  const [first, ...others] = logs
  const faults: string[] = []
  for (let index = 1; first !== undefined && index <= committed && faults.length === 0; index++) {
    const line = first.lines.get(index)
    if (line === undefined) faults.push(`${first.id} has no entry ${index} of ${committed} on its disk`)
    for (const { id, lines } of others) {
      if (lines.get(index) !== line) faults.push(`entry ${index} is "${line}" on the disk of ${first.id} and "${lines.get(index)}" on that of ${id}`)
    }
  }
  return faults
}
