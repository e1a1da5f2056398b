/**
 * Who has had which commands applied: what makes a retry harmless (dissertation §6.3). The log alone determines it, as it does the machine's state, and
 * it stands beside that in snapshots. A command of a session has a number, and is applied if that is above all that were applied before.
 */
import { EXPIRED, FORGOTTEN, OPENED, type Told } from '../../codecs/results.js'
import { type Numbering, numberingOf, openingOf } from '../../codecs/entries.js'
import type { MachineFailed } from '../../lib/errors.js'
import { firstWhere } from '../../lib/search.js'
import type { CommandBatch, EntryBatch, Index, Millis } from '../../lib/types.js'

/** This and the next two belong to the format: a member with others would apply other commands. */
export const MAX_SESSIONS = 4096
/** A session that is not used for so long is closed. */
export const SESSION_MS: Millis = 60 * 60 * 1000
/** So much counts at most of the time between two entries: neither an hour without a leader nor a clock that is set closes a session. */
export const LONGEST_STEP_MS: Millis = 60 * 1000
/** Results that are kept of one session; who numbers commands has no more of them open. */
export const MAX_OPEN_COMMANDS = 16_384
/**
 * Results that are kept of all sessions together. What is kept decides only what is told, and `last` alone what is applied: so this bound and the next may
 * differ from member to member.
 */
export const MAX_KEPT_RESULTS = 4 * MAX_OPEN_COMMANDS
/** Bytes of results that go with a snapshot. */
export const MAX_KEPT_BYTES = 16 * 1024 * 1024
/** Runs of commands in the log of which it is known that they changed nothing. */
export const MAX_VOID_RUNS = 4096

/** What commands in a row came to, by the number of the first; `FORGOTTEN` where that could not be carried. */
export interface Kept<R> {
  readonly first: number
  readonly results: readonly (R | MachineFailed | typeof FORGOTTEN)[]
}

export interface Session<R> {
  /** What its commands carry beside its index: an index may be had twice, where a cluster has lost its log. */
  readonly name: number
  /** The highest number that was applied. */
  last: number
  /** What came of those below need not be told any more. */
  awaited: number
  /** When it was used last, by the table's clock. */
  usedAt: Millis
  readonly kept: Kept<R>[]
}

export interface Run {
  readonly first: Index
  readonly last: Index
}

/** All that there is to it; saved and restored as it is. */
export interface SessionTable<R> {
  /** By the index of the entry that opened it; who was used last stands last. */
  readonly sessions: ReadonlyMap<Index, Session<R>>
  /** What has passed, step by step from entry to entry; and the time of the last one. */
  readonly clock: Millis
  readonly time: Millis
  /** Commands that stand in the log and changed nothing, in its order; and up to where those were forgotten. */
  readonly voids: readonly Run[]
  readonly forgottenUpTo: Index
}

export interface Sessions<R> {
  /**
   * This is next in the log. Returns what its first commands are answered with, where the machine must not be given them; undefined where it
   * is to have them, as far as this batch goes.
   */
  begin(batch: EntryBatch): readonly Told<R>[] | undefined
  /** The machine has applied the batch's first commands, as many as there are results. */
  applied(batch: CommandBatch, results: readonly (R | MachineFailed)[]): void
  /** Whether the command at `index`, which is applied and above the table's `forgottenUpTo`, changed nothing: it came again, or its session was closed. */
  isVoid(index: Index): boolean
  readonly table: SessionTable<R>
  /** What a snapshot has of them takes their place. */
  become(table: SessionTable<R>): void
}

export const noSessions = <R>(): SessionTable<R> => ({ sessions: new Map(), clock: 0, time: 0, voids: [], forgottenUpTo: 0 })

interface SessionsState<R> extends SessionTable<R> {
  sessions: Map<Index, Session<R>>
  clock: Millis
  time: Millis
  voids: Run[]
  forgottenUpTo: Index
  /** Whose command came last: it stands last already. */
  latest: Index
  /** Results that are kept, those included that nobody waits for and that stand in one run with others. */
  results: number
}

const isExpired = ({ clock }: Pick<SessionsState<unknown>, 'clock'>, { usedAt }: Session<unknown>): boolean => clock - usedAt > SESSION_MS

const countOf = ({ kept }: Session<unknown>): number => kept.reduce((count, { results }) => count + results.length, 0)

/** Those that were not used for longest make room. */
const open = <R>(work: SessionsState<R>, id: Index, name: number): void => {
  const { sessions, clock } = work
  for (const [oldest, session] of sessions) {
    if (sessions.size < MAX_SESSIONS && !isExpired(work, session)) break
    sessions.delete(oldest)
    work.results -= countOf(session)
  }
  sessions.set(id, { name, last: 0, awaited: 1, usedAt: clock, kept: [] })
  work.latest = id
}

/** The session, if it is open, which counts as a use of it; another at the same index is none. */
const use = <R>(work: SessionsState<R>, id: Index, name: number): Session<R> | undefined => {
  const { sessions, clock } = work
  const session = sessions.get(id)
  if (session === undefined || session.name !== name || isExpired(work, session)) return undefined
  session.usedAt = clock
  if (work.latest === id) return session
  sessions.delete(id)
  sessions.set(id, session)
  work.latest = id
  return session
}

/** What came of those below `awaited` is dropped. */
const drop = <R>(work: SessionsState<R>, session: Session<R>, awaited: number): void => {
  if (awaited <= session.awaited) return
  session.awaited = awaited
  const { kept } = session
  let spent = 0
  while (spent < kept.length && kept[spent]!.first + kept[spent]!.results.length <= awaited) work.results -= kept[spent++]!.results.length
  if (spent > 0) kept.splice(0, spent)
}

/** Sessions that were not used for longest lose their results until a quarter of all is free again, so that nobody looks for them often; that of the last command keeps its own. */
const forgetOldest = <R>(work: SessionsState<R>): void => {
  for (const [id, session] of work.sessions) {
    if (work.results <= 0.75 * MAX_KEPT_RESULTS || id === work.latest) return
    work.results -= countOf(session)
    session.kept.length = 0
  }
}

/** What came of `count` commands from number `first` on, which were applied before, or passed by later ones. */
const recall = <R>({ kept, awaited }: Session<R>, first: number, count: number): readonly Told<R>[] => {
  const told = Array.from<Told<R>>({ length: count }).fill(FORGOTTEN)
  const start = firstWhere(kept.length, at => kept[at]!.first + kept[at]!.results.length > first)
  for (let at = start; at < kept.length && kept[at]!.first < first + count; at++) {
    const { first: from, results } = kept[at]!
    for (let number = Math.max(first, from, awaited); number < Math.min(first + count, from + results.length); number++) told[number - first] = results[number - from]!
  }
  return told
}

const noteVoids = <R>(work: SessionsState<R>, first: Index, count: number): void => {
  const { voids } = work
  const before = voids.at(-1)
  const last = first + count - 1
  if (before?.last === first - 1) voids[voids.length - 1] = { first: before.first, last }
  else voids.push({ first, last })
  if (voids.length > MAX_VOID_RUNS) work.forgottenUpTo = voids.shift()!.last
}

const answersOf = <R>(work: SessionsState<R>, { session: id, name, first, awaited }: Numbering, { count, skip }: CommandBatch): readonly Told<R>[] | undefined => {
  const session = use(work, id, name)
  if (session === undefined) return Array.from<Told<R>>({ length: count }).fill(EXPIRED)
  drop(work, session, awaited)
  const repeated = Math.min(count, session.last - (first + skip) + 1)
  return repeated > 0 ? recall(session, first + skip, repeated) : undefined
}

const begin = <R>(work: SessionsState<R>, batch: EntryBatch): readonly Told<R>[] | undefined => {
  const { firstIndex, kind, term, time } = batch
  work.clock += Math.min(Math.max(0, time - work.time), LONGEST_STEP_MS)
  work.time = time
  // Whoever leads has a session for the asking: the entry with which its term began stands for no other life of any proposer, and the term for its name.
  if (kind === 'noop') open(work, firstIndex, term)
  if (kind !== 'command') return undefined
  const name = openingOf(batch.body)
  if (name !== undefined) {
    open(work, firstIndex, name)
    return [OPENED]
  }
  const numbering = numberingOf(batch.body)
  if (numbering === undefined) return undefined
  const answers = answersOf(work, numbering, batch)
  if (answers !== undefined) noteVoids(work, firstIndex, answers.length)
  return answers
}

const applied = <R>(work: SessionsState<R>, { body, skip }: CommandBatch, results: readonly (R | MachineFailed)[]): void => {
  const numbering = numberingOf(body)
  const session = numbering && work.sessions.get(numbering.session)
  if (numbering === undefined || session === undefined) return
  const first = numbering.first + skip
  session.last = first + results.length - 1
  session.kept.push({ first, results })
  work.results += results.length
  drop(work, session, session.last - MAX_OPEN_COMMANDS + 1)
  if (work.results > MAX_KEPT_RESULTS) forgetOldest(work)
}

const isVoid = ({ voids }: SessionTable<unknown>, index: Index): boolean => {
  const run = voids[firstWhere(voids.length, at => voids[at]!.last >= index)]
  return run !== undefined && run.first <= index
}

/** The sessions of one member's machine: none. */
export const createSessions = <R>(): Sessions<R> => {
  const work: SessionsState<R> = { sessions: new Map(), clock: 0, time: 0, voids: [], forgottenUpTo: 0, latest: 0, results: 0 }
  return {
    begin: batch => begin(work, batch),
    applied: (batch, results) => applied(work, batch, results),
    isVoid: index => isVoid(work, index),
    get table() {
      return work
    },
    become: ({ sessions, voids, clock, time, forgottenUpTo }) => {
      const results = [...sessions.values()].reduce((sum, session) => sum + countOf(session), 0)
      Object.assign(work, { sessions: new Map(sessions), clock, time, voids: [...voids], forgottenUpTo, latest: 0, results } satisfies SessionsState<R>)
    },
  }
}
