/** The log as a stream that is pulled: whoever follows it from a position is given more when it has done with what it has. */
import { EMPTY, Observable, type ObservableInput, ReplaySubject, Subject, concatMap, defer, filter, map, of, repeat, take, takeUntil, throwError } from 'rxjs'
import { forEachEntry, isOpening } from '../../codecs/entries.js'
import { Callback, misuse } from '../../codecs/judging.js'
import { EntryIndex } from '../../codecs/primitives.js'
import { decodeValue } from '../../codecs/values.js'
import { dropBefore, lastIndexOf } from '../../lib/batch.js'
import { batchesFrom, firstInMemory } from '../../lib/log.js'
import { isLeft } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import type { EntryBatch, Index, Millis } from '../../lib/types.js'
import { undecodable } from '../machine/decoded-commands.js'
import type { Entry, Position, Protocol } from '../machine/machine.js'
import type { Look } from '../machine/run-machine.js'
import type { Sessions } from '../machine/sessions.js'
import type { Clock } from '../time/clock.js'
import type { ReadLog } from './log-reads.js'

/**
 * What follows a position of the log: the commands that stand there; or, where the log no longer reaches back so far, the state to which
 * everything up to `at` has led.
 */
export type LogEvent<C, S> =
  | { readonly _tag: 'Committed'; readonly entries: readonly Entry<C>[] }
  | { readonly _tag: 'Restored'; readonly at: Position; readonly state: S }

interface FollowOptions<C, S> {
  readonly protocol: Pick<Protocol<C, unknown>, 'command'>
  /** Knows what stands in the log and changed nothing. */
  readonly sessions: Pick<Sessions<unknown>, 'isVoid' | 'table'>
  readonly newest: () => RaftState
  /** Where the machine begins, and how to see what it has become. */
  readonly from: Position
  readonly look: Look<S>
  readonly read: ReadLog
  /** Entries that are looked up at a time: whole batches, at least one. */
  readonly maxBytes: number
  /** How long entries are decoded in one turn. */
  readonly budgetMs: Millis
  readonly clock: Pick<Clock, 'now' | 'endOfTurn'>
}

export interface LogFollowing<C, S> {
  /** Everything up to and including `at` is applied. */
  applied(at: Position): void
  /** Whoever follows the log has come to its end, once what it is at has completed. */
  halt(): void
  commitsFrom<A>(index: Index, each: (event: LogEvent<C, S>) => ObservableInput<A>): Observable<A>
}

interface Followed<C, S> extends FollowOptions<C, S> {
  appliedIndex: Index
  readonly advanced: Subject<void>
  /** The turn of one of those who follow. */
  readonly turn$: Observable<void>
  /** One value, replayed: nothing is read or handed over any more. */
  readonly over: ReplaySubject<void>
}

/** Whoever follows looks at so many entries of the log in one turn, and at so many bytes of them, unless one entry alone is larger. */
const SLICE_ENTRIES = 256
const SLICE_BYTES = 64 * 1024

/** An event, unless there are no commands; the position after it, and what is there of the log from then on. */
interface Pulled<C, S> {
  readonly event: LogEvent<C, S> | undefined
  readonly next: Index
  readonly rest: readonly EntryBatch[]
}

/** The first commands of these batches, as far as they go in one turn; what is none, as a new leader's first entry, is left out, and what changed nothing. */
const sliceOf = <C>({ protocol: { command: codec }, sessions, clock, budgetMs }: Pick<FollowOptions<C, unknown>, 'protocol' | 'sessions' | 'clock' | 'budgetMs'>, index: Index, batches: readonly EntryBatch[]): Pulled<C, never> => {
  const entries: Entry<C>[] = []
  const began = clock.now()
  let next = index
  let [looked, seen] = [0, 0]
  const isSpent = (): boolean => looked === SLICE_ENTRIES || seen >= SLICE_BYTES || (looked > 0 && clock.now() - began >= budgetMs)
  for (const batch of batches) {
    if (isSpent()) break
    if (batch.kind !== 'command' || isOpening(batch.body)) {
      next = lastIndexOf(batch) + 1
      continue
    }
    const { body, skip, count, term, time } = batch
    forEachEntry(body, skip, skip + count, (bytes, at) => {
      const place = batch.firstIndex + at - skip
      next = place + 1
      looked++
      seen += bytes.length
      if (!sessions.isVoid(place)) {
        const command = decodeValue(codec, bytes)
        if (isLeft(command)) throw undecodable(place, command.left.join('; '))
        entries.push({ index: place, term, time, command: command.right })
      }
      return !isSpent()
    })
  }
  const rest = batches.filter(batch => lastIndexOf(batch) >= next).map(batch => dropBefore(batch, next))
  return { event: entries.length === 0 ? undefined : { _tag: 'Committed', entries }, next, rest }
}

/** What everything so far has led to. */
const restored$ = <C, S>({ look }: Pick<Followed<C, S>, 'look'>): Observable<Pulled<C, S>> => new Observable(subscriber =>
  look(({ state, ...at }) => {
    subscriber.next({ event: { _tag: 'Restored', at, state }, next: at.index + 1, rest: [] })
    subscriber.complete()
  }))

/** What stands at `index`, which is applied; `held` is what was looked up before and begins there, if anything is. */
const pull = <C, S>(followed: Followed<C, S>, index: Index, held: readonly EntryBatch[]): Observable<Pulled<C, S>> => {
  const { sessions, newest, appliedIndex: last, read, maxBytes } = followed
  const { log } = newest()
  // Of what is older than that nobody knows any more whether it changed nothing.
  const isOutOfReach = (): boolean => index <= sessions.table.forgottenUpTo
  if ((held.length === 0 && index <= log.base.index) || isOutOfReach()) return restored$(followed)
  const batches$ = held.length > 0 ? of(held) : index >= firstInMemory(log) ? of(batchesFrom(log, index, last, maxBytes)) : read(index, last, maxBytes)
  return batches$.pipe(map(batches => isOutOfReach() ? { event: undefined, next: index, rest: [] } : sliceOf(followed, index, batches)))
}

/** One of those who wait has its turn at the end of a turn of the event loop, and the next at the end of the next: however many follow, the others have theirs between. */
const turnsOf = ({ endOfTurn }: Pick<Clock, 'endOfTurn'>): Observable<void> => {
  const waiting = new Set<() => void>()
  let isScheduled = false
  const schedule = (): void => {
    if (isScheduled || waiting.size === 0) return
    isScheduled = true
    endOfTurn(serve)
  }
  const serve = (): void => {
    isScheduled = false
    const [go] = waiting
    if (go === undefined) return
    waiting.delete(go)
    schedule()
    go()
  }
  return new Observable(subscriber => {
    const go = (): void => {
      subscriber.next()
      subscriber.complete()
    }
    waiting.add(go)
    schedule()
    return () => waiting.delete(go)
  })
}

/**
 * Everything from `index` on, without a gap: `each` is given the next event when what it made of the last one has completed. Nothing waits
 * for it: neither the log's growth nor its being cut, after which it is given what the state has become instead.
 */
const commitsFrom = <C, S, A>(followed: Followed<C, S>, index: Index, each: (event: LogEvent<C, S>) => ObservableInput<A>): Observable<A> => {
  const fault = misuse({ index: EntryIndex, each: Callback }, { index, each })
  if (fault !== undefined) return throwError(() => fault)
  const { advanced, turn$, over } = followed
  return defer(() => {
    let at = index
    let held: readonly EntryBatch[] = []
    const there$ = defer(() => followed.appliedIndex >= at ? of(undefined) : advanced.pipe(filter(() => followed.appliedIndex >= at), take(1)))
    // Never during the call that completes an event, or those who are done at once would build a tower of calls.
    const due$ = there$.pipe(concatMap(() => turn$), takeUntil(over))
    const one$ = defer(() => pull(followed, at, held)).pipe(takeUntil(over), concatMap(({ event, next, rest }) => {
      at = next
      held = rest
      return event === undefined ? EMPTY : each(event)
    }))
    return due$.pipe(concatMap(() => one$.pipe(repeat({ delay: () => due$ }))))
  })
}

export const followLog = <C, S>(options: FollowOptions<C, S>): LogFollowing<C, S> => {
  const followed: Followed<C, S> = { ...options, appliedIndex: options.from.index, advanced: new Subject(), turn$: turnsOf(options.clock), over: new ReplaySubject(1) }
  return {
    applied: ({ index }) => {
      followed.appliedIndex = index
      followed.advanced.next()
    },
    halt: () => followed.over.next(),
    commitsFrom: (index, each) => commitsFrom(followed, index, each),
  }
}
