import { bytesOf, lastIndexOf } from '../../../lib/batch.js'
import { encodeMembership } from '../../../codecs/membership.js'
import type { PlacedMembership, StoredLog } from '../../../lib/log.js'
import type { EntryBatch, Index, LogBase } from '../../../lib/types.js'
import { baseOf, endOf } from './log-end.js'
import { type LogIndex, createLogIndex } from './log-index.js'
import { FIRST_RECORD } from './segment.js'
import type { SegmentNotes } from './segment-notes.js'
import type { ScannedRecord } from './segment-scan.js'

/** What records say of a log. */
export interface CollectedLog extends Omit<StoredLog, 'tail'> {
  readonly index: LogIndex
  /** The first index of the newest batches, about `tailBytes` of them. */
  readonly tailFrom: Index
}

/** Where the newest batches begin, however they are replaced: at least one, then up to `tailBytes` of them. */
const tailWindow = (tailBytes: number) => {
  const recent: { readonly first: Index; readonly bytes: number }[] = []
  let start = 0
  let total = 0
  return {
    cut: (from: Index): void => {
      while (recent.length > start && recent.at(-1)!.first >= from) total -= recent.pop()!.bytes
    },
    add: (batch: EntryBatch): void => {
      recent.push({ first: batch.firstIndex, bytes: bytesOf(batch) })
      total += bytesOf(batch)
      while (total > tailBytes && start < recent.length - 1) total -= recent[start++]!.bytes
      if (start < 1024 || start * 2 < recent.length) return
      recent.splice(0, start)
      start = 0
    },
    from: (): Index | undefined => recent[start]?.first,
  }
}

/** A log that has begun at `base`. */
const growingLog = (base: LogBase, tailBytes: number) => {
  const terms: { firstIndex: Index; term: number }[] = []
  const memberships: PlacedMembership[] = []
  const tail = tailWindow(tailBytes)
  const index = createLogIndex(base.index)
  const cut = (from: Index): void => {
    while (terms.length > 0 && terms.at(-1)!.firstIndex >= from) terms.pop()
    while (memberships.length > 0 && memberships.at(-1)!.index >= from) memberships.pop()
    tail.cut(from)
  }
  const add = (batch: EntryBatch): void => {
    if (terms.at(-1)?.term !== batch.term) terms.push({ firstIndex: batch.firstIndex, term: batch.term })
    if (batch.kind === 'membership') memberships.push({ index: batch.firstIndex, membership: batch.membership })
    tail.add(batch)
  }
  const collected = (): CollectedLog => {
    const lastIndex = index.lastIndex()
    return { base, lastIndex, terms, memberships, index, tailFrom: tail.from() ?? lastIndex + 1 }
  }
  return {
    base, collected, lastIndex: index.lastIndex,
    append: (segment: number, { header: { firstIndex, offset, payloadBytes }, batches }: ScannedRecord): void => {
      cut(firstIndex)
      batches.forEach(add)
      index.add(firstIndex, lastIndexOf(batches.at(-1)!), { segment, offset }, payloadBytes)
    },
    /** Whether the log stands where `other` says. */
    agrees: (other: LogBase): boolean => {
      const here = baseOf(endOf(collected()))
      return other.index === here.index && other.term === here.term
        && Buffer.compare(encodeMembership(other.membership), encodeMembership(here.membership)) === 0
    },
  }
}

/**
 * Folds records in their order into what a member needs to know of its log. `first` is the number of the first segment that is there.
 *
 * Where segments were removed, the log begins at the base of the first one that is left. Where removing was interrupted, that one is
 * not always the one that was meant: it may have no base, or something in it or after it may replace what its base stands for. What it
 * holds is worthless then, and the log begins at the next base: all that is skipped thereby is below that one.
 */
export const logCollector = (first: number, tailBytes: number, notes: SegmentNotes) => {
  let log: ReturnType<typeof growingLog> | undefined
  /** Whether something may turn out to replace what the log's base stands for. */
  let isTentative = false
  let commitIndex = 0

  const begin = (segment: number, base: LogBase, isInstall: boolean): string | undefined => {
    notes.began(segment, base.index, isInstall)
    if (!isInstall && log !== undefined) return log.agrees(base) ? undefined : `a base at ${base.index} contradicts the log before it`
    log = growingLog(base, tailBytes)
    isTentative = !isInstall && segment > 1
    return undefined
  }
  const append = (segment: number, record: ScannedRecord): string | undefined => {
    const { firstIndex } = record.header
    notes.appended(segment, firstIndex)
    if (log === undefined) return undefined
    if (firstIndex > log.base.index && firstIndex <= log.lastIndex() + 1) log.append(segment, record)
    else if (firstIndex <= log.base.index && isTentative) log = undefined
    else return `index ${firstIndex} does not follow ${log.lastIndex()}`
    return undefined
  }
  return {
    each: (segment: number) => (record: ScannedRecord): string | undefined => {
      const { header, batches, base } = record
      if (base !== undefined) {
        return header.offset === FIRST_RECORD ? begin(segment, base, header.type === 'install') : 'a base stands in the middle of a segment'
      }
      if (log === undefined && first === 1) return 'the log does not begin with its base'
      commitIndex = Math.max(commitIndex, header.commitIndex)
      return batches.length === 0 ? undefined : append(segment, record)
    },
    lastIndex: () => log?.lastIndex() ?? 0,
    collected: () => log && { ...log.collected(), commitIndex },
  }
}
