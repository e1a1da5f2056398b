/** What steps ask to be done with snapshots, and what comes of it. */
import { unreachable } from '../../lib/prelude.js'
import type { RaftEvent, SnapshotWork } from '../../lib/events.js'
import type { Step } from '../../lib/step.js'
import type { Snapshot } from '../../lib/types.js'
import type { Snapshots } from '../storage/port.js'
import { type Capture, type CaptureOptions, createCapture } from './capture.js'
import { createChunkReceiver } from './receive-chunks.js'
import { createChunkSender } from './send-chunks.js'

/** What comes of it, as the core hears it. */
type Completed = Extract<RaftEvent, { type: 'snapshotStored' | 'chunkWritten' | 'receiveFailed' | 'chunkRead' }>

interface WorkOptions extends Omit<CaptureOptions, 'snapshots' | 'stored'> {
  readonly snapshots: Snapshots
  /** Sets the machine to the state of the newest snapshot, which is this one. */
  readonly restore: (snapshot: Snapshot) => void
  readonly completed: (event: Completed) => void
}

export interface SnapshotWorker extends Pick<Capture, 'rested' | 'snapshot' | 'halt'> {
  /** Does what the step asks for, and stops what its state no longer wants. */
  step(step: Step): void
}

export const createSnapshotWorker = (options: WorkOptions): SnapshotWorker => {
  const { snapshots, restore, completed, limits, clock, notice } = options
  const stored = (snapshot: Snapshot): void => completed({ type: 'snapshotStored', snapshot })
  const capture = createCapture({ ...options, stored })
  const sender = createChunkSender({
    snapshots, notice,
    answer: ({ to, snapshot, offset }, chunk) => completed({ type: 'chunkRead', to, snapshot, offset, chunk }),
  })
  const receiver = createChunkReceiver({
    snapshots, limits, clock, notice, stored,
    written: (snapshot, received) => completed({ type: 'chunkWritten', snapshot, received }),
    failed: snapshot => completed({ type: 'receiveFailed', snapshot }),
  })
  const perform = (work: SnapshotWork): void => {
    switch (work.type) {
      case 'receive': return receiver.receive(work)
      case 'write': return receiver.write(work)
      case 'read': return sender.read(work)
      case 'take': return capture.take()
      case 'restore': {
        const tell = capture.restored(work.snapshot)
        restore(work.snapshot)
        return tell()
      }
      default: return unreachable(work)
    }
  }
  return {
    rested: capture.rested,
    snapshot: capture.snapshot,
    step: ({ state, ready }) => {
      sender.follow(state)
      receiver.follow(state)
      for (const work of ready.snapshots) perform(work)
    },
    halt: why => {
      capture.halt(why)
      sender.halt()
      receiver.halt()
    },
  }
}
