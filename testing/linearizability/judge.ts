import * as t from 'io-ts'
import { Callback, closed, misuse, optional } from '../../codecs/judging.js'
import { integer } from '../../codecs/primitives.js'
import type { Operation } from './history.js'
import type { Model } from './model.js'
import { type Misfit, search } from './search.js'

export type Verdict<S, I, O> =
  /** In this order everything could have happened one by one. Unanswered operations that are missing in it need not have happened. */
  | { readonly _tag: 'Linearizable'; readonly order: readonly Operation<I, O>[] }
  /** The shortest piece of the history that nothing explains is what was called before the first return of a misfit. */
  | {
    readonly _tag: 'NotLinearizable'
    /** The key of the partition, if the model has partitions. */
    readonly partition: string | undefined
    /** As far as an order can come: all that returned before the first return of a misfit is in it. */
    readonly prefix: readonly Operation<I, O>[]
    /** After the prefix. */
    readonly state: S
    /** Called before that return, and answered otherwise than the model would answer after the prefix. */
    readonly misfits: readonly Misfit<I, O>[]
  }
  /** The bound was reached in this partition, and no other partition is to blame. */
  | { readonly _tag: 'Undecided'; readonly partition: string | undefined; readonly maxStates: number }

export interface LinearizabilityOptions {
  /**
   * How many states the search of one partition may look at: those that it reaches, and those that it compares them with. It bounds the time and
   * the memory of a search, which otherwise grow exponentially with the operations that are under way at the same time. Default: 1,000,000.
   */
  readonly maxStates?: number
}

const MAX_STATES = 1_000_000
const Given = { model: t.type({ reduce: Callback }, 'a model'), history: t.readonlyArray(t.UnknownRecord, 'a list of operations'), options: closed({ maxStates: optional(integer('MaxStates', 1)) }) }

/** Whether clients cannot tell the object from one copy to which operations happen one by one, each between its call and its return. Throws `InvalidOptions`. */
export const judge = <S, I, O>(
  model: Model<S, I, O>, history: readonly Operation<NoInfer<I>, NoInfer<O>>[], options: LinearizabilityOptions = {},
): Verdict<S, I, O> => {
  const fault = misuse(Given, { model, history, options })
  if (fault !== undefined) throw fault
  const { maxStates = MAX_STATES } = options
  history.forEach(demandTimes)
  const orders: (readonly Operation<I, O>[])[] = []
  let undecided: Verdict<S, I, O> | undefined
  for (const [partition, operations] of partitionsOf(model, history)) {
    const finding = search(model, operations, maxStates)
    switch (finding._tag) {
      case 'Impossible': return { ...finding, _tag: 'NotLinearizable', partition }
      case 'GaveUp':
        undecided ??= { _tag: 'Undecided', partition, maxStates }
        break
      case 'Found': orders.push(finding.order)
    }
  }
  return undecided ?? { _tag: 'Linearizable', order: merged(orders) }
}

/** The same as yes or no. Throws a `RangeError` when `maxStates` is reached before either is known. */
export const isLinearizable = <S, I, O>(
  model: Model<S, I, O>, history: readonly Operation<NoInfer<I>, NoInfer<O>>[], options: LinearizabilityOptions = {},
): boolean => {
  const verdict = judge(model, history, options)
  if (verdict._tag !== 'Undecided') return verdict._tag === 'Linearizable'
  const where = verdict.partition === undefined ? '' : ` in partition "${verdict.partition}"`
  throw new RangeError(`Whether the history is linearizable is not decided after ${verdict.maxStates} states${where} (maxStates).`)
}

const demandTimes = <I, O>({ client, calledAt, returnedAt = calledAt }: Operation<I, O>): void => {
  if (Number.isFinite(calledAt) && Number.isFinite(returnedAt) && calledAt <= returnedAt) return
  throw new RangeError(`An operation of ${client} is called at ${calledAt} and returns at ${returnedAt}: times must be finite and in order; what is unanswered has no return`)
}

const partitionsOf = <S, I, O>(model: Model<S, I, O>, history: readonly Operation<I, O>[]): ReadonlyMap<string | undefined, readonly Operation<I, O>[]> => {
  const partitions = new Map<string | undefined, Operation<I, O>[]>()
  for (const operation of history) {
    const key = model.partition?.(operation.input)
    const operations = partitions.get(key)
    if (operations === undefined) partitions.set(key, [operation])
    else operations.push(operation)
  }
  return partitions
}

/**
 * One order out of those of the partitions. In each of them an operation can take effect at the latest call so far, which is never after its own
 * return; and in the order of these moments whatever returned before another was called comes before it, whichever partition they belong to.
 */
const merged = <I, O>(orders: readonly (readonly Operation<I, O>[])[]): readonly Operation<I, O>[] =>
  orders.flatMap(order => {
    let at = Number.NEGATIVE_INFINITY
    return order.map(operation => {
      at = Math.max(at, operation.calledAt)
      return { operation, at }
    })
  }).sort((one, other) => one.at - other.at).map(({ operation }) => operation)
