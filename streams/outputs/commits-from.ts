/** The log as a stream that is pulled: whoever follows it from a position is given more when it has done with what it has. */
import { EMPTY, Observable, type ObservableInput, ReplaySubject, Subject, concatMap, defer, filter, map, merge, of, repeat, take, takeUntil, throwError } from 'rxjs'
import { forEachEntry, isOpening } from '../../codecs/entries.js'
import { Callback, misuse } from '../../codecs/judging.js'
import { EntryIndex } from '../../codecs/primitives.js'
import { decodeValue } from '../../codecs/values.js'
import { lastIndexOf } from '../../lib/batch.js'
import { batchesFrom, firstInMemory } from '../../lib/log.js'
import { isLeft } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import type { EntryBatch, Index } from '../../lib/types.js'
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
  /** Entries of one event: whole batches, at least one. */
  readonly maxBytes: number
  readonly endOfTurn: Clock['endOfTurn']
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
  /** One value, replayed: nothing is read or handed over any more. */
  readonly over: ReplaySubject<void>
}

/** The commands of these batches; what is none, as a new leader's first entry, is left out, and what changed nothing. */
const entriesIn = <C>({ protocol: { command: codec }, sessions }: Pick<FollowOptions<C, unknown>, 'protocol' | 'sessions'>, batches: readonly EntryBatch[]): readonly Entry<C>[] => {
  const entries: Entry<C>[] = []
  for (const batch of batches) {
    if (batch.kind !== 'command' || isOpening(batch.body)) continue
    const { body, skip, count, term, time } = batch
    forEachEntry(body, skip, skip + count, (bytes, at) => {
      const index = batch.firstIndex + at - skip
      if (sessions.isVoid(index)) return
      const command = decodeValue(codec, bytes)
      if (isLeft(command)) throw undecodable(index, command.left.join('; '))
      entries.push({ index, term, time, command: command.right })
    })
  }
  return entries
}

/** An event, unless there are no commands, and the position after it. */
interface Pulled<C, S> {
  readonly event: LogEvent<C, S> | undefined
  readonly next: Index
}

/** What everything so far has led to. */
const restored$ = <C, S>({ look }: Pick<Followed<C, S>, 'look'>): Observable<Pulled<C, S>> => new Observable(subscriber =>
  look(({ state, ...at }) => {
    subscriber.next({ event: { _tag: 'Restored', at, state }, next: at.index + 1 })
    subscriber.complete()
  }))

/** What stands at `index`, which is applied. */
const pull = <C, S>(followed: Followed<C, S>, index: Index): Observable<Pulled<C, S>> => {
  const { sessions, newest, appliedIndex: last, read, maxBytes } = followed
  const { log } = newest()
  // Of what is older than that nobody knows any more whether it changed nothing.
  const isOutOfReach = (): boolean => index <= sessions.table.forgottenUpTo
  if (index <= log.base.index || isOutOfReach()) return restored$(followed)
  const batches$ = index >= firstInMemory(log) ? of(batchesFrom(log, index, last, maxBytes)) : read(index, last, maxBytes)
  return batches$.pipe(map(batches => {
    if (isOutOfReach()) return { event: undefined, next: index }
    const entries = entriesIn(followed, batches)
    const end = batches.at(-1)
    return { event: entries.length === 0 ? undefined : { _tag: 'Committed', entries }, next: end === undefined ? index : lastIndexOf(end) + 1 }
  }))
}

/**
 * Everything from `index` on, without a gap: `each` is given the next event when what it made of the last one has completed. Nothing waits
 * for it: neither the log's growth nor its being cut, after which it is given what the state has become instead.
 */
const commitsFrom = <C, S, A>(followed: Followed<C, S>, index: Index, each: (event: LogEvent<C, S>) => ObservableInput<A>): Observable<A> => {
  const fault = misuse({ index: EntryIndex, each: Callback }, { index, each })
  if (fault !== undefined) return throwError(() => fault)
  const { endOfTurn, advanced, over } = followed
  return defer(() => {
    let at = index
    // Never during the call that completes an event, or those who are done at once would build a tower of calls.
    const turn$ = new Observable<void>(subscriber => endOfTurn(() => {
      subscriber.next()
      subscriber.complete()
    }))
    const due$ = merge(turn$, advanced).pipe(filter(() => followed.appliedIndex >= at), take(1), takeUntil(over))
    const one$ = defer(() => pull(followed, at)).pipe(takeUntil(over), concatMap(({ event, next }) => {
      at = next
      return event === undefined ? EMPTY : each(event)
    }))
    return due$.pipe(concatMap(() => one$.pipe(repeat({ delay: () => due$ }))))
  })
}

export const followLog = <C, S>(options: FollowOptions<C, S>): LogFollowing<C, S> => {
  const followed: Followed<C, S> = { ...options, appliedIndex: options.from.index, advanced: new Subject(), over: new ReplaySubject(1) }
  return {
    applied: ({ index }) => {
      followed.appliedIndex = index
      followed.advanced.next()
    },
    halt: () => followed.over.next(),
    commitsFrom: (index, each) => commitsFrom(followed, index, each),
  }
}
