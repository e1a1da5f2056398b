import type { Millis } from '../../../lib/types.js'
import type { Cancel, Clock } from '../../../streams/time/clock.js'
import type { Agenda } from './agenda.js'

/** A machine's clocks, over all restarts of what runs on it. */
export interface Timepiece {
  now(): Millis
  wall(): Millis
  /** How far the world's time is from now until this clock has gone on by `ms`. */
  worldMs(ms: Millis): Millis
  /** A process starts: its clock that never goes back begins anew. */
  begin(reading: Millis): void
  /** From now on it runs `rate` times as fast as the world's, and the wall clock is set forward by `wallMs`. */
  skew(skew: { readonly rate?: number; readonly wallMs?: Millis }): void
}

/** Virtual time begins here, in the words of a wall clock. */
const EPOCH: Millis = 1_700_000_000_000

export const createTimepiece = (agenda: Agenda): Timepiece => {
  let reading = 0
  let since = agenda.now()
  let rate = 1
  let wallMs = 0
  const now = (): Millis => reading + (agenda.now() - since) * rate
  return {
    now,
    wall: () => Math.floor(EPOCH + wallMs + agenda.now()),
    worldMs: ms => ms / rate,
    begin: next => {
      reading = next
      since = agenda.now()
    },
    skew: next => {
      reading = now()
      since = agenda.now()
      rate = next.rate ?? rate
      wallMs += next.wallMs ?? 0
    },
  }
}

/** The event loop of one process: what is due while it is stopped happens when it goes on, timers first, as in Node. */
export interface Loop {
  readonly clock: Clock
  /** Something arrives from outside: now, or when the process goes on. */
  readonly enter: (work: () => void) => void
  readonly isPaused: () => boolean
  readonly pause: () => void
  readonly resume: () => void
  /** Nothing happens in it any more. */
  readonly end: () => void
}

export interface LoopOptions {
  readonly agenda: Agenda
  readonly timepiece: Timepiece
  /** How long a turn of the loop takes. */
  readonly turnMs: () => Millis
  /** What a process would die of. */
  readonly thrown: (error: unknown) => void
}

interface Task {
  work: (() => void) | undefined
}

/** A process at work. */
interface Process extends LoopOptions {
  isAlive: boolean
  isPaused: boolean
  isTurnPlanned: boolean
  /** For the end of the turn. */
  turn: Task[]
  /** Timers that were due while it was stopped, and what arrived meanwhile. */
  overdue: Task[]
  arrivals: (() => void)[]
}

/** Timers are a thousandth of a millisecond early at most. */
const EARLY_MS = 0.001

const run = (process: Process, work: () => void): void => {
  try {
    work()
  } catch (error) {
    process.thrown(error)
  }
}

const runTask = (process: Process, task: Task): void => {
  const { work } = task
  task.work = undefined
  if (work !== undefined && process.isAlive) run(process, work)
}

const enter = (process: Process, work: () => void): void => {
  if (!process.isAlive) return
  if (process.isPaused) process.arrivals.push(work)
  else run(process, work)
}

const planTurn = (process: Process): void => {
  if (process.isTurnPlanned || process.isPaused || process.turn.length === 0) return
  process.isTurnPlanned = true
  process.agenda.after(process.turnMs(), () => {
    process.isTurnPlanned = false
    if (!process.isAlive || process.isPaused) return
    const tasks = process.turn
    process.turn = []
    for (const task of tasks) runTask(process, task)
  })
}

const ring = (process: Process, task: Task, due: Millis): void => {
  const { agenda, timepiece } = process
  if (!process.isAlive || task.work === undefined) return
  const early = due - timepiece.now()
  if (early > EARLY_MS) agenda.after(timepiece.worldMs(early), () => ring(process, task, due))
  else if (process.isPaused) process.overdue.push(task)
  else runTask(process, task)
}

const resume = (process: Process): void => {
  process.isPaused = false
  const { overdue, arrivals } = process
  process.overdue = []
  process.arrivals = []
  for (const task of overdue) runTask(process, task)
  for (const work of arrivals) if (process.isAlive) run(process, work)
  planTurn(process)
}

const cancelling = (task: Task): Cancel => () => { task.work = undefined }

const clockOf = (process: Process): Clock => {
  const { agenda, timepiece } = process
  return {
    now: timepiece.now,
    wall: timepiece.wall,
    after: (ms, work) => {
      const task: Task = { work }
      const due = timepiece.now() + Math.max(0, ms)
      agenda.after(timepiece.worldMs(Math.max(0, ms)), () => ring(process, task, due))
      return cancelling(task)
    },
    endOfTurn: work => {
      const task: Task = { work }
      process.turn.push(task)
      planTurn(process)
      return cancelling(task)
    },
  }
}

export const createLoop = (options: LoopOptions): Loop => {
  const process: Process = { ...options, isAlive: true, isPaused: false, isTurnPlanned: false, turn: [], overdue: [], arrivals: [] }
  return {
    clock: clockOf(process),
    enter: work => enter(process, work),
    isPaused: () => process.isPaused,
    pause: () => { process.isPaused = true },
    resume: () => { if (process.isPaused) resume(process) },
    end: () => { process.isAlive = false },
  }
}
