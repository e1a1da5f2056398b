/** Committed batches in log order into the machine, in slices of time; an entry is never skipped. */
import { type Observable, type ObservableInput, from, isObservable } from 'rxjs'
import { placeOf } from '../../codecs/entries.js'
import { messageOf } from '../../codecs/report.js'
import type { Told } from '../../codecs/results.js'
import { valuesOf } from '../../codecs/values.js'
import { dropBefore, lastIndexOf, shareOf } from '../../lib/batch.js'
import type { MachineFailed } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { CommandBatch, EntryBatch, Index, Millis, Term } from '../../lib/types.js'
import type { Cancel, Clock } from '../time/clock.js'
import type { CommitEvent, Entry, Position, Protocol, RunningMachine } from './machine.js'
import { type DecodedCommands, undecodable } from './decoded-commands.js'
import type { Sessions } from './sessions.js'

export interface ApplyOptions<C, R, S> {
  readonly protocol: Protocol<C, R>
  readonly machine: RunningMachine<C, R, S>
  /** Knows what was applied before, and what of it. */
  readonly sessions: Pick<Sessions<R>, 'begin' | 'applied'>
  /** Commands that need not be read again; each is given to the machine once. */
  readonly commands: DecodedCommands<C>
  /** How long entries are applied before the rest is put off to another turn of the event loop. */
  readonly applyBudgetMs: Millis
  /** How long a call of the machine may last before that is told. */
  readonly stallMs: Millis
  readonly clock: Pick<Clock, 'now' | 'after' | 'endOfTurn'>
  /** What the machine stands at when the work begins. */
  readonly from: Position
  /** Everything up to and including `at` is applied: an event for the inbox, and news for whoever shows it. Once for what was answered at once, and before the machine is called again after an answer that was late. */
  readonly applied: (at: Position) => void
  /**
   * What commands from `firstIndex` on, all of `term`, came to; goes to the intake. Called in log order; an index that is left out was restored and not applied,
   * and will never get a result.
   */
  readonly results: (firstIndex: Index, term: Term, results: readonly Told<R>[]) => void
  /** Commits are made only while somebody observes them, and only of what the machine was given. Called after `results`. */
  readonly commits: { readonly observed: boolean; next(event: CommitEvent<C, R, S>): void }
  /** Everything up to and including `at`, so many bytes of log further than the last time, is applied and no call of the machine is under way. */
  readonly rested: (at: Position, bytes: number) => void
  /** One synchronous call of the machine took longer than the budget: it held up everything else in this process. */
  readonly slow: (tookMs: Millis, firstIndex: Index) => void
  /** A call of the machine has not answered for so long, and goes on; told again, each time after twice the wait. */
  readonly late: (lastsMs: Millis, firstIndex: Index) => void
  /** The machine failed on entries from `index` on, or the command at `index` does not decode. Nothing is applied after it. */
  readonly failed: (index: Index, error: Error) => void
}

export interface Apply {
  /** Committed batches, contiguous with those before. Applies at once what the budget allows. */
  committed(batches: readonly EntryBatch[]): void
  /**
   * The state becomes another: nothing committed so far is applied any more, and what is committed from now on waits. Once no call of the
   * machine is under way `begin` sets it to the state at some position, and calls `done` with that.
   */
  restore(begin: (done: (at: Position) => void) => void): void
  /** Calls `work` between two calls of the machine, with the position that it is at: now if none is under way, and never where the work ended in the midst of one, or it was called off. */
  atRest(work: (at: Position) => void): Cancel
  /** Nothing more is applied; a call of the machine that is under way is left to itself. */
  halt(): void
}

/** Entries of the first call of the machine; later calls take more or fewer, by what the last one took. */
const FIRST_SLICE = 64
const LARGEST_SLICE = 1024
/** Applied batches that are kept until they are let go together. */
const SPENT = 64

/** What is left to do, and how far it has come. */
interface ApplyState<C, R, S> extends ApplyOptions<C, R, S> {
  /** `batches[next..]` are left; the first of them may be a rest. */
  batches: EntryBatch[]
  next: number
  /** The last position applied, and whether it was reported. */
  at: Position
  isReported: boolean
  slice: number
  /** Counts the states that the machine was set to: what was begun before the last of them concerns nobody. */
  epoch: number
  /** A call of the machine is under way, or was when it failed or the work ended; who waits for its end, and what sets the machine to another state, before all of them. */
  isCalling: boolean
  readonly waiting: Set<(at: Position) => void>
  setting: (() => void) | undefined
  /** Nobody needs to know any more how long the call takes. */
  unwatch: Cancel
  /** Under way or put off: whoever is at it goes on by itself. */
  isBusy: boolean
  isOver: boolean
}

const report = <C, R, S>(work: ApplyState<C, R, S>): void => {
  if (work.isReported) return
  work.isReported = true
  work.applied(work.at)
}

const end = <C, R, S>(work: ApplyState<C, R, S>): void => {
  work.isOver = true
  work.batches = []
  work.waiting.clear()
  work.setting = undefined
  work.unwatch()
}

const fail = <C, R, S>(work: ApplyState<C, R, S>, index: Index, reason: unknown): void => {
  end(work)
  report(work)
  work.failed(index, reason instanceof Error ? reason : new Error(messageOf(reason)))
}

const advanceTo = <C, R, S>(work: ApplyState<C, R, S>, batch: EntryBatch, index: Index): void => {
  work.at = { index, term: batch.term, time: batch.time }
  work.isReported = false
  if (index < lastIndexOf(batch)) work.batches[work.next] = dropBefore(batch, index + 1)
  else if (++work.next === work.batches.length || work.next >= SPENT) {
    // What is applied is let go, also where the machine never gets to the end of its work.
    work.batches = work.batches.slice(work.next)
    work.next = 0
  }
}

/** Whoever looks at the machine between two calls of it does so now. */
const letLook = <C, R, S>(work: ApplyState<C, R, S>): void => {
  const { waiting, setting } = work
  work.setting = undefined
  setting?.()
  for (const look of waiting) {
    if (work.isCalling) return
    waiting.delete(look)
    look(work.at)
  }
}

const rest = <C, R, S>(work: ApplyState<C, R, S>, bytes: number): void => {
  if (work.isOver) return
  work.rested(work.at, bytes)
  letLook(work)
}

/** The next commands of the batch as far as they decode, or why the very first does not. */
const decodeSlice = <C, R, S>({ protocol, slice, commands }: ApplyState<C, R, S>, batch: CommandBatch): Either<string, readonly Entry<C>[]> => {
  const { body, skip, count, firstIndex, term, time } = batch
  const entries: Entry<C>[] = []
  const length = Math.min(count, slice)
  const known = commands.get(body)
  if (known !== undefined) {
    if (skip + length === known.length) commands.delete(body)
    for (let i = 0; i < length; i++) entries.push({ index: firstIndex + i, term, time, command: known[skip + i]! })
    return right(entries)
  }
  const read = valuesOf(protocol.command, body, skip, skip + length)
  for (let i = 0; i < length; i++) {
    const command = read(placeOf(body, skip + i), placeOf(body, skip + i + 1))
    if (isLeft(command)) return i === 0 ? left(command.left.join('; ')) : right(entries)
    entries.push({ index: firstIndex + i, term, time, command: command.right })
  }
  return right(entries)
}

/** The one list of results that a call of the machine must come to, however it comes to it. */
const listOf = <A>(call: () => ObservableInput<readonly A[]>, length: number, done: (list: Either<unknown, readonly A[]>) => void): void => {
  const check = (lists: readonly (readonly A[])[]): Either<Error, readonly A[]> => {
    const [list] = lists
    if (lists.length !== 1) return left(new Error(`the machine answered ${lists.length} lists of results instead of one`))
    // A machine may be plain JavaScript.
    if (!Array.isArray(list)) return left(new Error('the machine answered something that is no list of results'))
    return list.length === length ? right(list) : left(new Error(`the machine answered ${list.length} results to ${length} commands`))
  }
  let answer: readonly (readonly A[])[] | Observable<readonly A[]>
  try {
    const answered = call()
    answer = Array.isArray(answered) ? answered : from(answered)
  } catch (thrown) {
    return done(left(thrown))
  }
  // What is there at once needs no stream around it.
  if (!isObservable(answer)) return done(check(answer))
  const lists: (readonly A[])[] = []
  answer.subscribe({ next: list => lists.push(list), error: (error: unknown) => done(left(error)), complete: () => done(check(lists)) })
}

/** Whatever it throws ends the work: where an answer comes late there is nobody above who would hear of it. */
const orFail = <C, R, S>(work: ApplyState<C, R, S>, act: () => void): void => {
  try {
    act()
  } catch (thrown) {
    fail(work, work.at.index + 1, thrown)
  }
}

const conclude = <C, R, S>(work: ApplyState<C, R, S>, batch: CommandBatch, entries: readonly Entry<C>[], results: readonly (R | MachineFailed)[]): void => {
  const { index, term } = entries[0]!
  work.sessions.applied(batch, results)
  advanceTo(work, batch, index + entries.length - 1)
  work.isCalling = false
  work.results(index, term, results)
  if (!work.commits.observed) return
  work.commits.next({ _tag: 'Applied', commits: entries.map(({ index, term, time, command }, i) => ({ index, term, time, command, result: results[i]! })) })
}

/** A call should take a good part of the budget, and no more. */
const pace = <C, R, S>(work: ApplyState<C, R, S>, tookMs: Millis, firstIndex: Index): void => {
  if (tookMs > work.applyBudgetMs / 2) work.slice = Math.max(1, Math.floor(work.slice / 2))
  else if (tookMs < work.applyBudgetMs / 8) work.slice = Math.min(LARGEST_SLICE, work.slice * 2)
  if (tookMs > work.applyBudgetMs) work.slow(tookMs, firstIndex)
}

/** Tells of a call that began at `began` until it is over, whether or not it ever is. */
const watchCall = <C, R, S>(work: ApplyState<C, R, S>, began: Millis, firstIndex: Index): void => {
  const { clock, stallMs, late } = work
  const wait = (ms: Millis): void => {
    work.unwatch = clock.after(ms, () => {
      wait(2 * ms)
      late(clock.now() - began, firstIndex)
    })
  }
  wait(stallMs)
}

/** Whether the machine was done at once; otherwise its answer sets the work going again. */
const applySlice = <C, R, S>(work: ApplyState<C, R, S>, batch: CommandBatch, turnBegan: Millis): boolean => {
  const began = work.clock.now()
  const decoded = decodeSlice(work, batch)
  if (isLeft(decoded)) {
    fail(work, batch.firstIndex, undecodable(batch.firstIndex, decoded.left))
    return true
  }
  const { epoch } = work
  const entries = decoded.right
  const bytes = shareOf(batch, entries.length)
  let isDone = false
  let isLate = false
  /** The machine's own part: whoever is told of the results takes a time of its own. */
  let tookMs: Millis | undefined
  work.isCalling = true
  listOf(() => work.machine.apply(entries), entries.length, results => orFail(work, () => {
    tookMs ??= work.clock.now() - began
    isDone = true
    if (work.isOver) return
    work.unwatch()
    // Another state is waited for: the machine is not where it was last counted, and the restoring is the first that waits.
    if (work.epoch !== epoch) {
      work.isCalling = false
      return letLook(work)
    }
    // It may have stopped halfway, where nobody is to look at it.
    if (isLeft(results)) return fail(work, batch.firstIndex, results.left)
    conclude(work, batch, entries, results.right)
    if (!isLate) return
    rest(work, bytes)
    report(work)
    if (isSpent(work, turnBegan)) putOff(work)
    else resume(work, turnBegan)
  }))
  isLate = true
  pace(work, tookMs ?? work.clock.now() - began, batch.firstIndex)
  if (isDone) rest(work, bytes)
  else if (!work.isOver) watchCall(work, began, batch.firstIndex)
  return isDone
}

const isSpent = <C, R, S>({ clock, applyBudgetMs }: ApplyState<C, R, S>, began: Millis): boolean => clock.now() - began >= applyBudgetMs

const putOff = <C, R, S>(work: ApplyState<C, R, S>): void => {
  const { epoch } = work
  work.clock.endOfTurn(() => { if (work.epoch === epoch) resume(work, work.clock.now()) })
}

/** What opens a session, and what changes nothing, the machine is not given. */
const answerWithoutMachine = <C, R, S>(work: ApplyState<C, R, S>, batch: CommandBatch, answers: readonly Told<R>[]): void => {
  const { firstIndex, term } = batch
  advanceTo(work, batch, firstIndex + answers.length - 1)
  work.results(firstIndex, term, answers)
  rest(work, shareOf(batch, answers.length))
}

/** Applies what there is until the budget of the turn that began at `began` is spent, however promptly the machine answers. */
const run = <C, R, S>(work: ApplyState<C, R, S>, began: Millis): void => {
  if (work.isBusy) return
  work.isBusy = true
  while (work.next < work.batches.length) {
    const batch = work.batches[work.next]!
    // Sessions would hide that a command comes twice; the log has each index once.
    if (batch.firstIndex !== work.at.index + 1) return fail(work, batch.firstIndex, new Error(`the entry at ${batch.firstIndex} was handed over after that at ${work.at.index}`))
    const answers = work.sessions.begin(batch)
    if (batch.kind !== 'command') {
      advanceTo(work, batch, lastIndexOf(batch))
      rest(work, shareOf(batch, batch.count))
    } else if (answers !== undefined) answerWithoutMachine(work, batch, answers)
    else if (!applySlice(work, batch, began)) return report(work)
    if (isSpent(work, began)) {
      putOff(work)
      return report(work)
    }
  }
  work.isBusy = false
  report(work)
}

const resume = <C, R, S>(work: ApplyState<C, R, S>, began: Millis): void => {
  work.isBusy = false
  run(work, began)
}

const whenAtRest = <C, R, S>(work: ApplyState<C, R, S>, see: (at: Position) => void): Cancel => {
  const look = (at: Position): void => see(at)
  if (!work.isCalling) look(work.at)
  else if (!work.isOver) work.waiting.add(look)
  return () => { work.waiting.delete(look) }
}

const restore = <C, R, S>(work: ApplyState<C, R, S>, begin: (done: (at: Position) => void) => void): void => {
  if (work.isOver) return
  const epoch = ++work.epoch
  work.batches = []
  work.next = 0
  work.isBusy = true
  const set = (): void => {
    if (work.epoch !== epoch) return
    work.isCalling = true
    begin(at => {
      if (work.isOver) return
      work.isCalling = false
      if (work.epoch === epoch) {
        work.at = at
        work.isReported = false
      }
      rest(work, 0)
      if (work.epoch === epoch) resume(work, work.clock.now())
    })
  }
  // Before all others: what the call under way applies is not counted, so its end is no position that anybody may look at.
  if (work.isCalling) work.setting = set
  else set()
}

/** Applies to one machine what `committed` hands over. */
export const createApply = <C, R, S>(options: ApplyOptions<C, R, S>): Apply => {
  const work: ApplyState<C, R, S> = {
    ...options, batches: [], next: 0, at: options.from, isReported: true, slice: FIRST_SLICE, epoch: 0, isCalling: false, waiting: new Set(), setting: undefined, unwatch: () => undefined, isBusy: false, isOver: false,
  }
  return {
    committed: batches => {
      if (work.isOver) return
      for (const batch of batches) work.batches.push(batch)
      run(work, work.clock.now())
    },
    restore: begin => restore(work, begin),
    atRest: look => whenAtRest(work, look),
    halt: () => end(work),
  }
}
