/** One core with its disk and its gate, as a value: what tests drive by hand, and what exploration branches from. */
import { dropAfter, lastIndexOf } from '../../lib/batch.js'
import type { Batch, Write } from '../../lib/events.js'
import type { Message } from '../../lib/messages.js'
import { firstStep } from '../../lib/recover.js'
import type { Settings } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'
import type { EntryBatch, HardState, Membership, Millis, Turn } from '../../lib/types.js'

/** What outlives a crash. */
export interface Disk {
  hardState: HardState
  readonly batches: readonly EntryBatch[]
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

export const emptyDisk = (): Disk => ({ hardState: { term: 0, votedFor: undefined, commitIndex: 0 }, batches: [] })

/** A member that starts from what its disk holds. */
export const startShell = (settings: Settings, membership: Membership, disk: Disk, seed: number, now: Millis): Shell => {
  const { batches, hardState } = disk
  const last = batches.at(-1)
  const terms = batches.filter((batch, i) => batch.term !== batches[i - 1]?.term).map(({ firstIndex, term }) => ({ firstIndex, term }))
  const stored = { base: { index: 0, term: 0, membership }, lastIndex: last ? lastIndexOf(last) : 0, terms, memberships: [], tail: batches, hardState }
  return { step: firstStep(settings, stored, seed, now), disk, writes: [], held: [] }
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

const write = ({ hardState, batches }: Disk, one: Write): Disk => {
  if (one.type === 'hardState') return { hardState: one.hardState, batches }
  const first = one.batches[0]!.firstIndex
  const kept = batches.filter(batch => batch.firstIndex < first).map(batch => dropAfter(batch, first - 1))
  return { hardState, batches: [...kept, ...one.batches] }
}

/** Messages leave when every term and vote of their own and of all earlier turns is on the disk; a commitIndex alone holds nothing back. */
const release = (shell: Shell): Turned => {
  const { term, votedFor } = shell.disk.hardState
  const isNewVote = (one: Write): boolean => one.type === 'hardState' && (one.hardState.term !== term || one.hardState.votedFor !== votedFor)
  const blocking = shell.writes.find(({ writes }) => writes.some(isNewVote))?.turn ?? Number.POSITIVE_INFINITY
  const free = shell.held.filter(({ turn }) => turn < blocking)
  return { shell: { ...shell, held: shell.held.slice(free.length) }, left: free.flatMap(({ messages }) => messages) }
}
