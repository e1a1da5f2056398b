/** What a replicated object must look like to its clients: one copy, to which operations happen one by one. */
export interface Model<S, I, O> {
  readonly initial: S
  /**
   * The next state and what the client is told: the reducer of a machine. Pure, and the state it was given stays as it was. Where it throws the operation has failed and
   * changed nothing, as in a machine: it can be unanswered, or answered with a `MachineFailed` that says the same. Where it has no stack or memory
   * left it says nothing of the operation, and whoever judges ends with what it threw.
   */
  reduce(state: S, input: I): readonly [S, O]
  /** Operations with different keys do not concern each other: each key has a state of its own, and is checked on its own. */
  partition?(input: I): string
  /**
   * Equal states must have equal identities if the search is to notice that it was there before, and different states different ones if it
   * is to be right. They are compared as keys of a Map. Without it, states are their own identities: good for strings and numbers, slow for objects.
   */
  identify?(state: S): unknown
  /** Whether a client may be told `output` where the model says `expected`; without it, if they are deeply equal, where members that are undefined count as absent and zeros have no sign. */
  accepts?(output: O, expected: O): boolean
}

export type KeyValueInput =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'append'; readonly key: string; readonly value: string }
  | { readonly type: 'cas'; readonly key: string; readonly from: string | null; readonly to: string }

/** To a get its value, null where there is none; to a cas whether it took place; to the others null. */
export type KeyValueOutput = string | boolean | null

const reduceKeyValue = (state: string | null, input: KeyValueInput): readonly [string | null, KeyValueOutput] => {
  switch (input.type) {
    case 'get': return [state, state]
    case 'put': return [input.value, null]
    case 'append': return [(state ?? '') + input.value, null]
    case 'cas': return state === input.from ? [input.to, true] : [state, false]
  }
}

/** A map of strings, whose keys do not concern each other. */
export const keyValueModel: Model<string | null, KeyValueInput, KeyValueOutput> = {
  initial: null,
  reduce: reduceKeyValue,
  partition: ({ key }) => key,
}

/** A number that is told after each addition; adding 0 reads it. */
export const counterModel: Model<number, { readonly add: number }, number> = {
  initial: 0,
  reduce: (total, { add }) => [total + add, total + add],
}
