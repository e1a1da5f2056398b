/** A capture with its machine and its store in the hands of a test, in virtual time. */
import type { Snapshot } from '../../../lib/types.js'
import type { Position } from '../../../streams/machine/machine.js'
import { type CaptureOptions, createCapture } from '../../../streams/snapshots/capture.js'
import type { SnapshotEvent, SnapshotNotice } from '../../../streams/snapshots/events.js'
import type { SnapshotPlace } from '../../../streams/storage/port.js'
import { heldChunks, heldWriter, placeAt, rest, virtualClock } from './fakes.js'

export const kept = (index: number): Snapshot => ({ ...placeAt(index), bytes: 1, checksum: 2 })
export const LIMITS = { snapshotBytes: 1000, snapshotEntries: 10, snapshotStallMs: 500, snapshotRetryMs: 100, snapshotRetryMaxMs: 300, applyBudgetMs: 10 }

export const world = (given: Partial<CaptureOptions> = {}) => {
  const clock = virtualClock()
  const journal: string[] = []
  const events: SnapshotEvent[] = []
  const notices: SnapshotNotice[] = []
  const places: SnapshotPlace[] = []
  const stored: number[] = []
  let newest = given.restored
  let source = heldChunks(journal)
  let sink = heldWriter(journal, placeAt(0))
  let at: Position = { index: given.from ?? 0, term: 1, time: 5 }
  let isBusy = false
  let waiting: ((at: Position) => void)[] = []
  const capture = createCapture({
    machine: {
      snapshot: () => {
        journal.push(`snapshot at ${at.index}`)
        source = heldChunks(journal)
        return source.chunks
      },
    },
    snapshots: {
      newest: () => newest,
      write: place => {
        places.push(place)
        sink = heldWriter(journal, place)
        return sink.writer
      },
    },
    restored: undefined, from: 0, limits: LIMITS, clock,
    atRest: look => {
      if (isBusy) waiting.push(look)
      else look(at)
      return () => { waiting = waiting.filter(one => one !== look) }
    },
    membershipAt: index => ({ ...placeAt(index).membership, learners: [`as of ${index}`] }),
    compression: 'none', stored: ({ index }) => stored.push(index),
    events: { observed: true, next: event => events.push(event) },
    notice: notice => notices.push(notice), told: undefined,
    ...given,
  })
  const outcomes: string[] = []
  return {
    clock, journal, events, notices, places, stored, capture, outcomes,
    source: () => source, sink: () => sink,
    busy: () => { isBusy = true },
    /** The machine has come to `index`, of which others are told before it rests. */
    tells: (index: number) => { at = { ...at, index } },
    /** The machine has come to `index`, and rests there. */
    apply: (index: number, weight = 1) => {
      at = { ...at, index }
      isBusy = false
      capture.rested(index, weight)
      const due = waiting
      waiting = []
      for (const look of due) look(at)
    },
    ask: () => {
      const outcome = capture.snapshot()
      void outcome.then(outcome => outcomes.push(outcome._tag === 'Right' ? `snapshot at ${outcome.right.index}` : outcome.left._tag))
      return outcome
    },
    /** What whoever asked was told. */
    heard: async () => {
      await Promise.resolve()
      return outcomes
    },
    finish: async () => {
      source.end()
      await rest(clock)
      newest = { ...places.at(-1)!, bytes: 0, checksum: 9 }
      sink.did()
    },
  }
}

export const taken = ({ journal }: ReturnType<typeof world>): readonly string[] => journal.filter(line => line.startsWith('snapshot'))
