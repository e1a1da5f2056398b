/**
 * The log as the core needs it: the term of every index, the memberships, and the newest batches. What is older lies on disk.
 *
 * A log is an immutable view. Views over one growing array share it: appending at the array's end pushes, appending anywhere
 * else copies, so an earlier view stays valid for comparison and replay at the speed of an array.
 */
import { bytesOf, dropAfter, dropBefore, lastIndexOf } from './batch.js'
import { frozen } from './membership.js'
import { firstWhere } from './search.js'
import type { EntryBatch, EntryId, Index, LogBase, Membership, Millis, Term } from './types.js'

/** From `firstIndex` on, up to the next run, entries are of `term`. */
export interface TermRun {
  readonly firstIndex: Index
  readonly term: Term
}

/** A membership and the entry that set it. */
export interface PlacedMembership {
  readonly index: Index
  readonly membership: Membership
}

/** The newest batches: `batches[start..end)` of a shared array. */
interface Tail {
  readonly batches: EntryBatch[]
  readonly start: number
  readonly end: number
  readonly bytes: number
}

export interface Log {
  readonly base: LogBase
  readonly lastIndex: Index
  /** The latest time on any batch appended here, or on the last one found at the start, in the log or in a snapshot: what is appended next is not older. */
  readonly time: Millis
  /** One item per term that has entries, ascending: a log of ten million entries of one term has one. */
  readonly terms: readonly TermRun[]
  readonly memberships: readonly PlacedMembership[]
  readonly tail: Tail
}

/** What a store hands over when it opens. */
export interface StoredLog {
  readonly base: LogBase
  readonly lastIndex: Index
  /** Where each term begins, ascending: enough to answer for the term of any index. */
  readonly terms: readonly TermRun[]
  /** Every membership entry, ascending. */
  readonly memberships: readonly PlacedMembership[]
  /** The newest batches, at least one where the log is not empty, contiguous up to lastIndex. */
  readonly tail: readonly EntryBatch[]
}

const frozenIn = <P extends PlacedMembership>(placed: P): P => ({ ...placed, membership: frozen(placed.membership) })

/** An empty log after a base. */
export const emptyLog = (base: LogBase, time: Millis): Log =>
  ({ base: frozenIn(base), lastIndex: base.index, time, terms: [], memberships: [], tail: { batches: [], start: 0, end: 0, bytes: 0 } })

export const openLog = (stored: StoredLog): Log => ({
  base: frozenIn(stored.base),
  lastIndex: stored.lastIndex,
  time: stored.tail.at(-1)?.time ?? 0,
  terms: stored.terms,
  memberships: stored.memberships.map(frozenIn),
  tail: { batches: [...stored.tail], start: 0, end: stored.tail.length, bytes: stored.tail.reduce((sum, batch) => sum + bytesOf(batch), 0) },
})

/** The position of the run of terms that `index` is in, or -1 where it is not after the base. */
const runAt = ({ terms }: Log, index: Index): number => firstWhere(terms.length, at => terms[at]!.firstIndex > index) - 1

/** The term of the entry at `index`, or undefined where this log cannot know: an unknown term is never 0. */
export const termAt = (log: Log, index: Index): Term | undefined => {
  if (index === log.base.index) return log.base.term
  if (index < log.base.index || index > log.lastIndex) return undefined
  return log.terms[runAt(log, index)]?.term
}

/** The identity of an entry that this log holds, or of the one that it begins after. */
export const entryAt = (log: Log, index: Index): EntryId => ({ index, term: termAt(log, index)! })

/** The last entry's identity: what votes compare (§5.4.1). */
export const lastEntry = (log: Log): EntryId => ({ index: log.lastIndex, term: log.terms.at(-1)?.term ?? log.base.term })

/** The newest membership in the log, committed or not, and where it stands, which is at the latest at the base (§4.1). */
export const placedMembershipOf = ({ memberships, base }: Log): PlacedMembership => memberships.at(-1) ?? base

export const membershipOf = (log: Log): Membership => placedMembershipOf(log).membership

/** Where the membership in force at `index` stands, which is in the log or its base. */
export const placedMembershipAt = ({ memberships, base }: Log, index: Index): PlacedMembership => {
  const after = firstWhere(memberships.length, at => memberships[at]!.index > index)
  return after === 0 ? base : memberships[after - 1]!
}

export const membershipAt = (log: Log, index: Index): Membership => placedMembershipAt(log, index).membership

/** All memberships that count from `index` on: the one in force there, and those after it. */
export const membershipsFrom = (log: Log, index: Index): readonly Membership[] =>
  [membershipAt(log, index), ...log.memberships.filter(placed => placed.index > index).map(({ membership }) => membership)]

/**
 * The last entry at or before `index` whose term is not above `term`: where two logs can first agree again. Whole terms are
 * skipped on both sides, so long divergent tails cost a round trip per term, not per entry (§5.3).
 */
export const lastNotAbove = (log: Log, index: Index, term: Term): EntryId => {
  let last = Math.min(index, log.lastIndex)
  for (let run = runAt(log, last); run >= 0; run--) {
    const { firstIndex, term: runTerm } = log.terms[run]!
    if (runTerm <= term) return { index: last, term: runTerm }
    last = firstIndex - 1
  }
  return { index: Math.min(last, log.base.index), term: log.base.term }
}

/** The log without its entries from `first` on. */
export const truncateFrom = (log: Log, first: Index): Log => {
  if (first > log.lastIndex) return log
  const { batches, start } = log.tail
  let { end, bytes } = log.tail
  let cut: EntryBatch | undefined
  while (end > start && lastIndexOf(batches[end - 1]!) >= first) {
    const batch = batches[--end]!
    bytes -= bytesOf(batch)
    if (batch.firstIndex < first) cut = dropAfter(batch, first - 1)
  }
  const shorter: Log = {
    ...log,
    lastIndex: first - 1,
    terms: log.terms.filter(run => run.firstIndex < first),
    memberships: log.memberships.filter(placed => placed.index < first),
    tail: { batches, start, end, bytes },
  }
  return cut ? { ...shorter, tail: push(shorter.tail, [cut]) } : shorter
}

const push = (tail: Tail, added: readonly EntryBatch[]): Tail => {
  const atTip = tail.end === tail.batches.length
  const batches = atTip ? tail.batches : tail.batches.slice(tail.start, tail.end)
  for (const batch of added) batches.push(batch)
  const bytes = added.reduce((sum, batch) => sum + bytesOf(batch), tail.bytes)
  return { batches, start: atTip ? tail.start : 0, end: batches.length, bytes }
}

/** The log with `batches` after its last entry; they begin at lastIndex + 1, are contiguous, and their terms never fall. */
export const append = (log: Log, batches: readonly EntryBatch[]): Log => {
  const last = batches.at(-1)
  if (last === undefined) return log
  let { terms, memberships } = log
  // The base is no run: an entry of the base's own term begins one, too.
  let term = terms.at(-1)?.term
  for (const batch of batches) {
    if (batch.term !== term) terms = [...terms, { firstIndex: batch.firstIndex, term: batch.term }]
    if (batch.kind === 'membership') memberships = [...memberships, { index: batch.firstIndex, membership: frozen(batch.membership) }]
    term = batch.term
  }
  return { base: log.base, lastIndex: lastIndexOf(last), time: Math.max(log.time, last.time), terms, memberships, tail: push(log.tail, batches) }
}

/** The log without its entries up to `index`, which it holds. */
export const compactTo = (log: Log, index: Index): Log => {
  const { term } = entryAt(log, index)
  const kept = log.terms.filter(run => run.firstIndex > index)
  const isCut = index < log.lastIndex && kept[0]?.firstIndex !== index + 1
  return {
    ...log,
    base: { index, term, membership: membershipAt(log, index) },
    terms: isCut ? [{ firstIndex: index + 1, term }, ...kept] : kept,
    memberships: log.memberships.filter(placed => placed.index > index),
    tail: dropOldest(log.tail, batch => lastIndexOf(batch) <= index),
  }
}

/** The first index whose batch is in memory; lastIndex + 1 when none is. */
export const firstInMemory = ({ tail, lastIndex }: Log): Index =>
  tail.start < tail.end ? tail.batches[tail.start]!.firstIndex : lastIndex + 1

/** Lets go of the oldest batches until about `maxBytes` are kept; entries above `durable` are not on disk yet and stay. */
export const evict = (log: Log, durable: Index, maxBytes: number): Log => {
  const tail = dropOldest(log.tail, (batch, bytes) => bytes > maxBytes && lastIndexOf(batch) <= durable)
  return tail === log.tail ? log : { ...log, tail }
}

/** Lets go of the oldest batches as long as `isSpare` holds of the next one and of the bytes that are left with it. */
const dropOldest = (tail: Tail, isSpare: (batch: EntryBatch, bytes: number) => boolean): Tail => {
  const { batches, end } = tail
  let { start, bytes } = tail
  while (start < end && isSpare(batches[start]!, bytes)) bytes -= bytesOf(batches[start++]!)
  if (start === tail.start) return tail
  // Half of the array is garbage: a copy gives it back, and costs one move per batch over its life.
  return start > batches.length / 2 ? { batches: batches.slice(start, end), start: 0, end: end - start, bytes } : { batches, start, end, bytes }
}

/** Whole batches from `first` on, the first one sliced, up to index `last` and about `maxBytes`, at least one; `first` must be in memory. */
export const batchesFrom = (log: Log, first: Index, last: Index, maxBytes: number): readonly EntryBatch[] => {
  const { batches, start, end } = log.tail
  const found: EntryBatch[] = []
  let at = start + firstWhere(end - start, position => batches[start + position]!.firstIndex > first) - 1
  for (let bytes = 0; at < end && batches[at]!.firstIndex <= last; at++) {
    const batch = batches[at]!
    bytes += bytesOf(batch)
    if (found.length > 0 && bytes > maxBytes) break
    found.push(dropAfter(dropBefore(batch, first), last))
  }
  return found
}
