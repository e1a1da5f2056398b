/** What clients read of members' machines, and what must be true of it. */
import { lastValueFrom, from } from 'rxjs'
import { type ReadError, Stopped } from '../../lib/errors.js'
import { type Either, isRight } from '../../lib/prelude.js'
import type { Index, MemberId, Millis } from '../../lib/types.js'
import type { Commit, Machine, RunningMachine } from '../../streams/machine/machine.js'
import type { Eventual } from '../../streams/proposer/proposer.js'
import { askAt } from './ask.js'
import type { Placed } from './calls.js'
import { settlePromises } from './stir.js'
import type { Act } from './story.js'
import { told } from './watch/told.js'
import type { World } from './world.js'
import { isSame } from '../same.js'

/** One read of one client, from the call to its outcome. */
export interface Reading {
  readonly client: string
  readonly at: MemberId
  readonly calledAt: Millis
  /** Undefined while there is no outcome. */
  readonly returnedAt: Millis | undefined
  readonly outcome: Either<ReadError, unknown> | undefined
}

interface Kept<S> extends Reading {
  readonly select: (state: S) => unknown
  returnedAt: Millis | undefined
  outcome: Either<ReadError, unknown> | undefined
}

export interface Readings<C, R, S> {
  readonly begin: (client: string, at: MemberId, select: (state: S) => unknown) => (outcome: Either<ReadError, unknown>) => void
  readonly list: () => readonly Reading[]
  /**
   * Finds for each a place in the log where the state was what was read: after all that was acknowledged before it was called, before all that was
   * proposed after it had returned, and after the places of reads that had returned before.
   */
  readonly check: (placed: readonly Placed<C, R>[], commits: ReadonlyMap<Index, Commit<C, R>>) => Promise<void>
}

/** A read that saw something, and between which places it can have seen it. */
interface Sight<S> {
  readonly reading: Kept<S>
  readonly returnedAt: Millis
  readonly value: unknown
  readonly least: Index
  readonly most: Index
}

const sightsOf = <C, R, S>(readings: readonly Kept<S>[], placed: readonly Placed<C, R>[]): readonly Sight<S>[] => readings.flatMap(reading => {
  const { outcome, returnedAt, calledAt } = reading
  if (outcome === undefined || returnedAt === undefined || !isRight(outcome)) return []
  let least = 0
  let most = Number.POSITIVE_INFINITY
  for (const { call, index } of placed) {
    if (call.returnedAt !== undefined && call.returnedAt < calledAt) least = Math.max(least, index)
    if (call.calledAt > returnedAt) most = Math.min(most, index - 1)
  }
  return [{ reading, returnedAt, value: outcome.right, least, most }]
}).sort((a, b) => a.reading.calledAt - b.reading.calledAt)

const isSeen = <S>({ reading: { select }, value }: Sight<S>, state: S): boolean => {
  try {
    return isSame(select(state), value)
  } catch {
    return false
  }
}

/** Those that have no place up to `index`, at which the state is this one. The earliest place is the best: it forbids the least to all others. */
const unplaced = <S>(open: readonly Sight<S>[], index: Index, state: S): readonly Sight<S>[] => {
  let firstReturn = Number.POSITIVE_INFINITY
  return open.filter(sight => {
    const { reading: { calledAt }, returnedAt, least, most } = sight
    const hasPlace = firstReturn >= calledAt && least <= index && index <= most && isSeen(sight, state)
    if (!hasPlace) firstReturn = Math.min(firstReturn, returnedAt)
    return !hasPlace
  })
}

/** How much time may pass while a copy of the machine applies one command, and between two looks. */
const PATIENCE_MS: Millis = 60_000
const STRIDE_MS: Millis = 5

/** Whether it was applied in time: a machine may wait by the clock of the cluster, which goes on meanwhile. */
const hasApplied = async <C, R, S>(copy: RunningMachine<C, R, S>, commit: Commit<C, R>, { agenda, judge, run }: Surroundings): Promise<boolean> => {
  let isSettled = false
  const settled = (): void => { isSettled = true }
  const answer = lastValueFrom(from(copy.apply([commit])))
  answer.then(settled, settled)
  await settlePromises()
  for (const end = agenda.now() + PATIENCE_MS; !isSettled && agenda.now() < end && judge.violation() === undefined;) await run(agenda.now() + STRIDE_MS)
  if (isSettled) await answer
  return isSettled
}

type Surroundings = Pick<World<unknown, unknown, unknown>, 'agenda' | 'judge' | 'run'>

export const createReadings = <C, R, S>(machine: Machine<C, R, S>, world: Surroundings): Readings<C, R, S> => {
  const { agenda: { now }, judge: { demand } } = world
  const readings: Kept<S>[] = []
  return {
    list: () => readings,
    begin: (client, at, select) => {
      const reading: Kept<S> = { client, at, select, calledAt: now(), returnedAt: undefined, outcome: undefined }
      readings.push(reading)
      return outcome => {
        reading.outcome = outcome
        reading.returnedAt = now()
      }
    },
    check: async (placed, commits) => {
      const copy = machine.start()
      let open = unplaced(sightsOf(readings, placed), 0, copy.state)
      for (const [index, commit] of [...commits].sort(([a], [b]) => a - b)) {
        if (open.length === 0) return
        if (!demand(await hasApplied(copy, commit, world), () => `a copy of the machine has not applied the command at ${index} within ${PATIENCE_MS} ms of virtual time`)) return
        open = unplaced(open, index, copy.state)
      }
      for (const { reading: { client, at, calledAt }, value, least, most } of open) {
        demand(false, () => `${client} read ${told(value)} at ${at}, asked at ${calledAt.toFixed(1)} ms, which no state from ${least} to ${most} of the log explains`)
      }
    },
  }
}

/** Reads at a member, and remembers what comes of it; one that crashes tells nobody. */
export const read = async <C, R, S>(
  world: World<C, R, S>, readings: Readings<C, R, S>, { client, at, select, timeoutMs }: Extract<Act<C, S>, { type: 'read' }>,
): Eventual<ReadError, unknown> => {
  const returned = readings.begin(client, at, select)
  const outcome = await askAt(world, { at, timeoutMs }, (raft, options) => raft.read(state => select(state), options), () => new Stopped())
  returned(outcome)
  return outcome
}
