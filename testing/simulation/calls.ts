/** What clients asked and what they were told: a history, and what must be true of it. */
import { encodeValue } from '../../codecs/values.js'
import { MachineFailed, OutcomeUnknown, type ProposeError } from '../../lib/errors.js'
import { type Either, isLeft } from '../../lib/prelude.js'
import type { Index, Millis } from '../../lib/types.js'
import type { Commit, Protocol } from '../../streams/machine/machine.js'
import type { Eventual } from '../../streams/proposer/proposer.js'
import type { Operation } from '../linearizability/history.js'
import { askAt } from './ask.js'
import type { Act } from './story.js'
import { told } from './watch/told.js'
import type { Judge } from './watch/violation.js'
import type { World } from './world.js'

/** One proposal of one client, from the call to its outcome. */
export interface Call<C, R> {
  readonly client: string
  /** The member, or the client, to which it was handed over. */
  readonly at: string
  readonly command: C
  readonly calledAt: Millis
  /** Undefined while there is no outcome. */
  readonly returnedAt: Millis | undefined
  readonly outcome: Either<ProposeError, R> | undefined
}

/** A call whose command stands in the log, alone of its name. */
export interface Placed<C, R> {
  readonly call: Call<C, R>
  readonly index: Index
}

export interface Calls<C, R> {
  readonly begin: (client: string, at: string, command: C) => (outcome: Either<ProposeError, R>) => void
  readonly history: () => readonly Call<C, R>[]
  /**
   * Holds the history against the log: what was acknowledged stands in it once, with the result that was told, in the order in which it was
   * seen to happen; what is `never` appended stands nowhere; what is unknown stands there at most once. Returns what stands there; what was not acknowledged without its return.
   */
  readonly check: (commits: ReadonlyMap<Index, Commit<C, R>>) => readonly Placed<C, R>[]
}

/** Of what was encoded already. */
const AS_IT_IS = { encode: (encoded: unknown): unknown => encoded }

type Settled<C, R> = { -readonly [K in keyof Call<C, R>]: Call<C, R>[K] }

const countsOf = (names: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/**
 * Commands that were proposed more than once are not told apart, and not checked: number them. `proposed` has all of them as they were encoded, also those that are in no
 * history.
 */
export const createCalls = <C, R>({ command, result }: Protocol<C, R>, now: () => Millis, { demand }: Judge, proposed: () => readonly unknown[]): Calls<C, R> => {
  const calls: Settled<C, R>[] = []
  const textOf = (encoded: ReturnType<typeof encodeValue>): string => isLeft(encoded) ? '' : Buffer.from(encoded.right).toString('latin1')
  const nameOf = (value: C): string => textOf(encodeValue(command, value))

  /** Where each command stands, by its name. */
  const places = (commits: ReadonlyMap<Index, Commit<C, R>>): ReadonlyMap<string, readonly Index[]> => {
    const found = new Map<string, Index[]>()
    for (const [index, commit] of commits) {
      const name = nameOf(commit.command)
      found.set(name, [...found.get(name) ?? [], index])
    }
    return found
  }
  const checkOne = (call: Call<C, R>, name: string, indexes: readonly Index[], commits: ReadonlyMap<Index, Commit<C, R>>): void => {
    const { outcome } = call
    demand(indexes.length <= 1, () => `${name} was proposed once and stands in the log at ${indexes.join(' and ')}`)
    const appended = outcome === undefined ? 'unknown' : isLeft(outcome) ? outcome.left.appended : 'yes'
    demand(appended !== 'never' || indexes.length === 0, () => `${name} stands at ${indexes[0]}, and its client was told that it does not`)
    demand(appended !== 'yes' || indexes.length === 1, () => `${name} was acknowledged and is not in the log`)
    if (outcome === undefined || isLeft(outcome) || indexes[0] === undefined) return
    const made = commits.get(indexes[0])!.result
    const answer = textOf(encodeValue(result, outcome.right))
    demand(!(made instanceof MachineFailed) && textOf(encodeValue(result, made)) === answer, () => `${name} was answered with ${answer}, and the machines made of it ${told(made)}`)
  }
  /** Whoever was acknowledged before another one was proposed stands before it. */
  const checkOrder = (placed: readonly Placed<C, R>[]): void => {
    let latestCall: Placed<C, R> | undefined
    for (const one of [...placed].sort((a, b) => a.index - b.index)) {
      const before = latestCall
      demand(before === undefined || one.call.returnedAt === undefined || one.call.returnedAt >= before.call.calledAt,
        () => `the command at ${one.index} was acknowledged before the one at ${before!.index} was proposed`)
      if (before === undefined || one.call.calledAt > before.call.calledAt) latestCall = one
    }
  }
  return {
    history: () => calls,
    begin: (client, at, command) => {
      const call: Settled<C, R> = { client, at, command, calledAt: now(), returnedAt: undefined, outcome: undefined }
      calls.push(call)
      return outcome => {
        call.outcome = outcome
        call.returnedAt = now()
      }
    },
    check: commits => {
      const found = places(commits)
      const names = calls.map(call => nameOf(call.command))
      const asked = countsOf(names)
      const handedOver = countsOf(proposed().map(encoded => textOf(encodeValue(AS_IT_IS, encoded))))
      const isSingle = (name: string): boolean => asked.get(name) === 1 && (handedOver.get(name) ?? 0) <= 1
      const single = calls.flatMap((call, i) => isSingle(names[i]!) ? [{ call, name: names[i]!, indexes: found.get(names[i]!) ?? [] }] : [])
      for (const { call, name, indexes } of single) checkOne(call, name, indexes, commits)
      const placed = single.flatMap(({ call, indexes: [index] }) => index === undefined ? [] : [{ call: isAcknowledged(call) ? call : { ...call, returnedAt: undefined }, index }])
      checkOrder(placed)
      for (const name of found.keys()) demand(handedOver.has(name), () => `${name} is in the log, and nobody proposed it`)
      return placed
    },
  }
}

/** The same history as `isLinearizable` reads it: what was appended nowhere took no effect and is left out. */
export const operationsOf = <C, R>(calls: readonly Call<C, R>[]): readonly Operation<C, R>[] => calls.flatMap((call): readonly Operation<C, R>[] => {
  const { client, command: input, calledAt, returnedAt, outcome } = call
  if (outcome === undefined || returnedAt === undefined) return [{ client, input, calledAt }]
  if (!isLeft(outcome)) return [{ client, input, calledAt, returnedAt, output: outcome.right }]
  return outcome.left.appended === 'never' ? [] : [{ client, input, calledAt }]
})

const isAcknowledged = <C, R>({ outcome }: Call<C, R>): boolean => outcome !== undefined && !isLeft(outcome)

/** Proposes at a member or through a client, and remembers what comes of it; a member that crashes leaves the outcome unknown. */
export const propose = async <C, R, S>(
  world: World<C, R, S>, calls: Calls<C, R>, { client, at, command, timeoutMs }: Extract<Act<C, S>, { type: 'propose' }>,
): Eventual<ProposeError, R> => {
  const returned = calls.begin(client, 'member' in at ? at.member : at.through, command)
  const outcome = await ('member' in at
    ? askAt(world, { at: at.member, timeoutMs }, (raft, options) => raft.propose(command, options), () => new OutcomeUnknown(`${at.member} is gone`))
    : world.clients.propose(at.through, command, timeoutMs))
  returned(outcome)
  return outcome
}
