/** When a member takes a snapshot of its machine, and what becomes of it. */
import type { Limits } from '../../codecs/options.js'
import { messageOf } from '../../codecs/report.js'
import { type SnapshotError, SnapshotFailed, Stopped } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Compression, Index, Membership, Millis, Snapshot } from '../../lib/types.js'
import type { Position, RunningMachine } from '../machine/machine.js'
import type { Eventual } from '../proposer/proposer.js'
import { thenTold } from '../proposer/then-told.js'
import type { Snapshots } from '../storage/port.js'
import type { Cancel, Clock } from '../time/clock.js'
import { type Backoff, type BackoffLimits, createBackoff } from './backoff.js'
import { type SnapshotEvents, type SnapshotNotice, TELL_EVERY_BYTES } from './events.js'
import { type Pump, pump } from './pump.js'

type CaptureLimits = BackoffLimits & Pick<Limits, 'snapshotBytes' | 'snapshotEntries' | 'snapshotStallMs' | 'applyBudgetMs'>

export interface CaptureOptions {
  readonly machine: Pick<RunningMachine<never, unknown, unknown>, 'snapshot'>
  readonly snapshots: Pick<Snapshots, 'newest' | 'write'>
  /** What the machine began from, if it was a snapshot; and where it stands. */
  readonly restored: Snapshot | undefined
  readonly from: Index
  readonly limits: CaptureLimits
  readonly compression: Compression
  readonly clock: Pick<Clock, 'now' | 'after' | 'endOfTurn'>
  readonly atRest: (work: (at: Position) => void) => Cancel
  /** Who belonged to the cluster at a position that is applied. */
  readonly membershipAt: (index: Index) => Membership
  /** It is durable, and the newest. */
  readonly stored: (snapshot: Snapshot) => void
  readonly events: SnapshotEvents
  readonly notice: (notice: SnapshotNotice) => void
  /** Somebody was told what became of a snapshot. */
  readonly told: (() => void) | undefined
}

export interface Capture {
  /** The machine rests at `index`, having applied so many bytes of log more. */
  rested(index: Index, bytes: number): void
  /**
   * Takes a snapshot that stands at least where the machine does now: joins one that does, taken or being taken, and follows one that began earlier. However many ask for
   * the same one, they share one promise.
   */
  snapshot(): Eventual<SnapshotError, Snapshot>
  /** A follower needs one, and says so again and again: after a failure it waits as long as everybody else. */
  take(): void
  /**
   * The machine is about to be set to the state of another member's snapshot: what is being taken here is out of date. Returns what tells so, once the machine is not to be
   * looked at: whoever hears of it may ask again.
   */
  restored(snapshot: Snapshot): () => void
  /** Whatever is being taken is given up, and whoever waits is told why. */
  halt(why: string): void
}

type Done = (outcome: Either<SnapshotError, Snapshot>) => void

/** All who are served by one snapshot. */
interface Round {
  readonly outcome: Eventual<SnapshotError, Snapshot>
  readonly tell: Done
}

/** `idle`: none is wanted. `asked`: as soon as the machine rests. `running`: its state is on its way to the disk. */
type Phase = 'idle' | 'asked' | 'running' | 'halted'

interface CaptureState extends CaptureOptions {
  phase: Phase
  running: { readonly index: Index; readonly pump: Pump | undefined } | undefined
  waiting: Round | undefined
  /** Who asked for what the one that is being taken does not hold: another follows it. */
  later: Round | undefined
  /** The newest snapshot that is known to be good. */
  taken: Snapshot | undefined
  /** How far the machine has come, and the bytes of log applied since the last snapshot and since the one that is being taken. */
  at: Index
  bytes: number
  bytesSince: number
  whyHalted: string | undefined
  /** After a failure none is taken for a while, but for who asks. */
  readonly backoff: Backoff
}

/**
 * Enough was applied since the last one, and the store would take one from here. In bytes that is `snapshotBytes`, or the size of the last one where that is larger
 * (dissertation §5.1.2, an expansion factor of 1): a state that stays as large as it is costs the disk no more than its log. `snapshotEntries` counts whatever the size.
 */
const isDue = ({ at, taken, bytes, snapshots, limits: { snapshotBytes, snapshotEntries } }: CaptureState): boolean =>
  (bytes >= Math.max(snapshotBytes, taken?.bytes ?? 0) || at - (taken?.index ?? 0) >= snapshotEntries) && at > (snapshots.newest()?.index ?? 0)

const roundOf = (told: CaptureState['told']): Round => {
  let tell: Done = () => undefined
  const outcome = new Promise<Either<SnapshotError, Snapshot>>(resolve => { tell = thenTold(told)(resolve) })
  return { outcome, tell }
}

/** It is over, one way or the other; returns what tells those who waited for it, and nobody who asks from now on. Who asked too late for it is served by the next. */
const over = (work: CaptureState): Done => {
  const { waiting, later } = work
  work.phase = 'idle'
  work.running = undefined
  work.waiting = later
  work.later = undefined
  return outcome => waiting?.tell(outcome)
}

const follow = (work: CaptureState): void => { if (work.waiting !== undefined) ask(work) }

/** Nobody is left to be served by another. */
const overForAll = (work: CaptureState): Done => {
  const { later } = work
  work.later = undefined
  const answer = over(work)
  return outcome => {
    answer(outcome)
    later?.tell(outcome)
  }
}

const failed = (work: CaptureState, index: Index, reason: string): void => {
  if (work.phase === 'halted') return
  const { events, notice, backoff } = work
  const answer = over(work)
  work.bytes += work.bytesSince
  work.bytesSince = 0
  const retryMs = backoff.wait(() => consider(work))
  notice({ type: 'snapshotFailed', index, reason, retryMs })
  if (events.observed) events.next({ type: 'captureFailed', index, reason, retryMs })
  answer(left(new SnapshotFailed(index, reason)))
  follow(work)
}

const succeeded = (work: CaptureState, snapshot: Snapshot): void => {
  const answer = over(work)
  // The core and whoever asked get the same one.
  work.taken = Object.freeze(snapshot)
  work.bytes = work.bytesSince
  work.bytesSince = 0
  work.backoff.reset()
  work.stored(snapshot)
  if (work.events.observed) work.events.next({ type: 'captured', snapshot })
  answer(right(snapshot))
  follow(work)
  consider(work)
}

/** Asks the machine for its state, or says why it has none to give. */
const stateOf = ({ machine, clock }: CaptureState, held: (tookMs: Millis) => void): Either<string, AsyncIterator<Uint8Array>> => {
  const began = clock.now()
  try {
    return right(machine.snapshot()[Symbol.asyncIterator]())
  } catch (thrown) {
    return left(messageOf(thrown))
  } finally {
    held(clock.now() - began)
  }
}

/** The machine rests at `at`: its state there is asked for, and goes to the disk while it is set to work again. */
const begin = (work: CaptureState, { index, term, time }: Position): void => {
  if (work.phase !== 'asked') return
  const { taken, snapshots, compression, clock, membershipAt, events, notice, limits: { snapshotStallMs: stallMs, applyBudgetMs: budgetMs } } = work
  if (taken?.index === index && snapshots.newest()?.index === index) {
    const answer = over(work)
    // The core may have given it up for an equal one before it, which could not be read.
    work.stored(taken)
    return answer(right(taken))
  }
  // A snapshot says who belongs, which a member that joins does not know before its log names somebody.
  const missing = index === 0 ? 'nothing is applied yet' : membershipAt(index).voters.length === 0 ? 'who belongs to the cluster is not known yet' : undefined
  if (missing !== undefined) return over(work)(left(new SnapshotFailed(index, missing)))
  work.phase = 'running'
  const here = { index, pump: undefined }
  work.running = here
  const held = (tookMs: Millis): void => { if (tookMs > budgetMs) notice({ type: 'slowSnapshot', index, tookMs, budgetMs }) }
  const chunks = stateOf(work, held)
  // Not during this call: whoever hears of it may ask again. Another may have taken its place by then.
  if (isLeft(chunks)) return void clock.endOfTurn(() => { if (work.running === here) failed(work, index, chunks.left) })
  let told = 0
  const tell = (bytes: number): void => {
    told = bytes
    if (events.observed) events.next({ type: 'capturing', index, term, bytes })
  }
  const writer = snapshots.write({ index, term, time, compression, membership: membershipAt(index) })
  tell(0)
  const running = pump({
    chunks: chunks.right, compression, writer, stallMs, clock, held,
    wrote: bytes => { if (bytes - told >= TELL_EVERY_BYTES) tell(bytes) },
  }, outcome => {
    if (isLeft(outcome)) failed(work, index, outcome.left)
    else succeeded(work, outcome.right)
  })
  work.running = { index, pump: running }
}

const ask = (work: CaptureState): void => {
  if (work.phase !== 'idle') return
  work.backoff.cancel()
  work.phase = 'asked'
  work.atRest(at => begin(work, at))
}

/** Takes the next one if it is time. */
const consider = (work: CaptureState): void => {
  if (work.phase === 'idle' && !work.backoff.isWaiting() && isDue(work)) ask(work)
}

/** How far the machine has come, which whoever is told of its results knows before it rests. */
const appliedIn = ({ at, atRest }: CaptureState): Index => {
  let applied = at
  atRest(({ index }) => { applied = index })()
  return applied
}

export const createCapture = (options: CaptureOptions): Capture => {
  const work: CaptureState = {
    ...options, phase: 'idle', running: undefined, waiting: undefined, later: undefined, taken: options.restored, at: options.from, bytes: 0, bytesSince: 0, whyHalted: undefined,
    backoff: createBackoff(options.limits, options.clock),
  }
  return {
    rested: (index, bytes) => {
      work.at = index
      if (work.phase === 'running') work.bytesSince += bytes
      else work.bytes += bytes
      consider(work)
    },
    snapshot: () => {
      if (work.phase === 'halted') {
        const { outcome, tell } = roundOf(work.told)
        tell(left(new Stopped(work.whyHalted)))
        return outcome
      }
      if (work.running !== undefined && work.running.index < appliedIn(work)) return (work.later ??= roundOf(work.told)).outcome
      const { outcome } = work.waiting ??= roundOf(work.told)
      ask(work)
      return outcome
    },
    take: () => { if (!work.backoff.isWaiting()) ask(work) },
    restored: snapshot => {
      if (work.phase === 'halted') return () => undefined
      const { running, events } = work
      running?.pump?.abort()
      const answer = overForAll(work)
      work.taken = snapshot
      work.at = snapshot.index
      work.bytes = 0
      work.bytesSince = 0
      return () => {
        if (running !== undefined && events.observed) {
          events.next({ type: 'captureFailed', index: running.index, reason: `the snapshot at ${snapshot.index} has taken its place`, retryMs: 0 })
        }
        answer(right(snapshot))
      }
    },
    halt: why => {
      if (work.phase === 'halted') return
      work.backoff.cancel()
      work.running?.pump?.abort()
      const answer = overForAll(work)
      work.phase = 'halted'
      work.whyHalted = why
      answer(left(new Stopped(why)))
    },
  }
}
