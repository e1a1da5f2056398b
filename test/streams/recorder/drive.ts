/** One member's core, driven by hand in front of a recorder on a disk of memory. */
import { type Digest, type Segment, digestOf, readSegment } from '../../../codecs/recording/index.js'
import type { Batch, RaftEvent } from '../../../lib/events.js'
import { firstMembership } from '../../../lib/membership.js'
import { firstStep } from '../../../lib/recover.js'
import type { Settings } from '../../../lib/state.js'
import { type Step, step } from '../../../lib/step.js'
import type { MemberId } from '../../../lib/types.js'
import { orThrow } from '../../../streams/or-throw.js'
import { type FlightRecorderOptions, type RecorderNotice, flightRecorder, replay } from '../../../streams/recorder/index.js'
import { type MemoryDisk, memoryDisk } from '../../../testing/memory-disk.js'
import { settingsOf } from '../../lib/build.js'

const FOLDER = 'flight'

export interface Driven {
  readonly disk: MemoryDisk
  readonly held: ReturnType<typeof heldDisk>
  readonly notices: readonly RecorderNotice[]
  /** The digest of the state before each turn that was made. */
  readonly digests: ReadonlyMap<number, Digest>
  /** One turn, 50 ms after the last one; its state is not folded where the step throws. */
  turn(...events: readonly RaftEvent[]): void
  /** Turns of a leader alone in its cluster: a proposal of `bytes` bytes in each, and all completions of the one before. */
  work(turns: number, bytes?: number): void
  /** Lets the disk answer all that it was asked. */
  settle(): void
  /** Keeps the disk from answering, or lets it answer again. */
  hold(isHeld: boolean): void
  close(): void
}

interface World {
  /** The disk of another recording, to go on with it. */
  readonly held?: ReturnType<typeof heldDisk>
  readonly fold?: typeof step
  /** Who belongs to its cluster, beside itself. */
  readonly others?: readonly MemberId[]
  readonly settings?: Partial<Settings>
}

/** A disk whose answers wait until they are let go. */
const heldDisk = (options: { readonly capacityBytes?: number } = {}) => {
  const waiting: (() => void)[] = []
  let isHeld = false
  const settle = (): void => {
    for (let work = isHeld ? undefined : waiting.shift(); work !== undefined; work = waiting.shift()) work()
  }
  return { disk: memoryDisk({ ...options, later: work => void waiting.push(work) }), settle, hold: (held: boolean) => { isHeld = held } }
}

export const drive = (options: FlightRecorderOptions = {}, { held = heldDisk(), fold = step, others = [], settings = {} }: World = {}): Driven => {
  const notices: RecorderNotice[] = []
  const digests = new Map<number, Digest>()
  const recording = orThrow(flightRecorder(FOLDER, { disk: held.disk, ...options }).open({ clusterId: 'c0ffee', id: 'n1' }, notice => notices.push(notice)))
  const members = Object.fromEntries(['n1', ...others].map((id, i) => [id, `localhost:${i + 1}`]))
  let at: Step = firstStep(settingsOf('n1', settings), {
    hardState: { term: 1, votedFor: undefined, commitIndex: 0 }, base: { index: 0, term: 0, membership: firstMembership(members) },
    lastIndex: 0, terms: [], memberships: [], tail: [],
  }, 7, 0)
  let now = 0
  const turn = (...events: readonly RaftEvent[]): void => {
    now += 50
    const batch: Batch = { now, wall: 1e12 + now, events }
    digests.set(at.state.turn + 1, digestOf(at.state))
    recording.record(at.state, batch)
    held.settle()
    at = fold(at, batch)
  }
  return {
    held, disk: held.disk, notices, digests, turn,
    work: (turns, bytes = 20) => {
      for (let i = 0; i < turns; i++) {
        const { state } = at
        const done: RaftEvent[] = state.pendingWrites.length > 0 ? [{ type: 'persisted', turn: state.turn }] : []
        const applied: RaftEvent[] = state.handedIndex > state.appliedIndex ? [{ type: 'applied', index: state.handedIndex }] : []
        turn(...done, ...applied, { type: 'proposed', id: state.turn + 1, body: { count: 1, bytes: new Uint8Array(bytes), checksum: 0 } }, { type: 'ticked', due: now + 50 })
      }
    },
    settle: held.settle,
    hold: held.hold,
    close: () => {
      recording.close({ how: 'stopped', reason: '' }, () => undefined)
      held.settle()
    },
  }
}

/** What lies on the disk, oldest first. */
export const segmentsOn = (disk: MemoryDisk): readonly Segment[] => disk.files().map(file => {
  const segment = readSegment(disk.contents(file))
  if (segment._tag === 'Right') return segment.right
  throw new Error(`${file}: ${segment.left.reason}`)
})
export const bytesOn = (disk: MemoryDisk): number => disk.files().reduce((sum, file) => sum + disk.contents(file).length, 0)

/** The turns that a replay makes again, or what else it finds. */
export const replayed = (segment: Segment): readonly (number | string)[] =>
  [...replay(segment)].map(found => found.type === 'stepped' ? found.recorded.turn : found.type)

export const range = (from: number, to: number): readonly number[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
