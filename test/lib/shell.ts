/** One core with its disk and its gate, as a value: what tests drive by hand, and what exploration branches from. */
import { dropAfter, dropBefore, lastIndexOf } from '../../lib/batch.js'
import type { Batch, Write } from '../../lib/events.js'
import { isSameVote } from '../../lib/hard-state.js'
import type { Message } from '../../lib/messages.js'
import { openLog, termAt } from '../../lib/log.js'
import { unreachable } from '../../lib/prelude.js'
import { type Stored, firstStep } from '../../lib/recover.js'
import type { Settings } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'
import type { EntryBatch, HardState, LogBase, Membership, Millis, Snapshot, Turn } from '../../lib/types.js'

/** A snapshot with what it holds, or what has come of that. */
export interface SnapshotFile {
  readonly snapshot: Snapshot
  readonly contents: Uint8Array
}

/** What outlives a crash. */
export interface Disk {
  hardState: HardState
  readonly base: LogBase
  readonly batches: readonly EntryBatch[]
  /** The newest, and the one that is being received. */
  readonly newest?: SnapshotFile
  readonly incoming?: SnapshotFile
}

export interface Shell {
  readonly step: Step
  readonly disk: Disk
  /** On their way to the disk, oldest first. */
  readonly writes: readonly { readonly turn: Turn; readonly writes: readonly Write[] }[]
  /** Messages that wait for a hard state to be durable, oldest first. */
  readonly held: readonly { readonly turn: Turn; readonly messages: readonly Message[] }[]
}

/** A shell after something happened to it, and the messages that left it. */
export interface Turned {
  readonly shell: Shell
  readonly left: readonly Message[]
}

export type Fold = (previous: Step, batch: Batch) => Step

/** A log without entries: what a member begins with, whose first membership this is. */
export const emptyDisk = (membership: Membership): Disk =>
  ({ hardState: { term: 0, votedFor: undefined, commitIndex: 0 }, base: { index: 0, term: 0, membership }, batches: [] })

const storedOn = ({ base, batches, hardState }: Disk): Stored => {
  const last = batches.at(-1)
  const terms = batches.filter((batch, i) => batch.term !== batches[i - 1]?.term).map(({ firstIndex, term }) => ({ firstIndex, term }))
  const memberships = batches.flatMap(batch => batch.kind === 'membership' ? [{ index: batch.firstIndex, membership: batch.membership }] : [])
  return { base, lastIndex: last ? lastIndexOf(last) : base.index, terms, memberships, tail: batches, hardState }
}

/** A durable snapshot whose last entry the log does not hold came from another member, and the log begins anew behind it. */
const reconciled = (disk: Disk): Disk => {
  if (disk.newest === undefined) return disk
  const { index, term, membership } = disk.newest.snapshot
  return termAt(openLog(storedOn(disk)), index) === term ? disk : { ...disk, base: { index, term, membership }, batches: [] }
}

/** A member that starts from what its disk holds. */
export const startShell = (settings: Settings, found: Disk, seed: number, now: Millis): Shell => {
  const disk = reconciled(found)
  return { step: firstStep(settings, storedOn(disk), seed, now, disk.newest?.snapshot), disk, writes: [], held: [] }
}

/** One step; what it writes is queued, and what it says waits at the gate. */
export const feed = (fold: Fold, { step, disk, writes, held }: Shell, batch: Batch): Turned => {
  const next = fold(step, batch)
  const { turn, writes: asked, messages } = next.ready
  return release({
    step: next, disk,
    writes: asked.length > 0 ? [...writes, { turn, writes: asked }] : writes,
    held: messages.length > 0 ? [...held, { turn, messages }] : held,
  })
}

/** The oldest write is on the disk; the core has yet to be told of its turn. */
export const writeOldest = ({ step, disk, writes, held }: Shell): Turned =>
  release({ step, disk: (writes[0]?.writes ?? []).reduce(write, disk), writes: writes.slice(1), held })

const write = (disk: Disk, one: Write): Disk => {
  switch (one.type) {
    case 'hardState': return { ...disk, hardState: one.hardState }
    case 'append': {
      const first = one.batches[0]!.firstIndex
      const kept = disk.batches.filter(batch => batch.firstIndex < first).map(batch => dropAfter(batch, first - 1))
      return { ...disk, batches: [...kept, ...one.batches] }
    }
    case 'compact': {
      const { base } = one
      return { ...disk, base, batches: disk.batches.filter(batch => lastIndexOf(batch) > base.index).map(batch => dropBefore(batch, base.index + 1)) }
    }
    case 'install': return { ...disk, base: one.base, batches: [] }
    default: return unreachable(one)
  }
}

/** Messages leave once every hard state of their own and of all earlier turns is on the disk; a new commitIndex alone holds nothing back. */
const release = (shell: Shell): Turned => {
  const isNewVote = (one: Write): boolean => one.type === 'hardState' && !isSameVote(one.hardState, shell.disk.hardState)
  const blocking = shell.writes.find(({ writes }) => writes.some(isNewVote))?.turn ?? Number.POSITIVE_INFINITY
  const free = shell.held.filter(({ turn }) => turn < blocking)
  return { shell: { ...shell, held: shell.held.slice(free.length) }, left: free.flatMap(({ messages }) => messages) }
}
