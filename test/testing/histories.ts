import { type KeyValueInput, type KeyValueOutput, type Model, type Operation } from '../../testing/index.js'

type KeyValueOperation = Operation<KeyValueInput, KeyValueOutput>

/** `put x 1`, `append x 1`, `cas x 1 2 yes`, `get x 1`; a dash is a value that is not there. */
const parse = (words: string): { readonly input: KeyValueInput; readonly output: KeyValueOutput } => {
  const [type, key = '', first = '', second = '', answer = ''] = words.split(/\s+/)
  const valueOf = (word: string): string | null => word === '-' ? null : word
  switch (type) {
    case 'put': case 'append': return { input: { type, key, value: first }, output: null }
    case 'cas': return { input: { type, key, from: valueOf(first), to: second }, output: answer === 'yes' }
    case 'get': return { input: { type, key }, output: valueOf(first) }
    default: throw new Error(`no operation: ${words}`)
  }
}

/** A drawing with one operation per line: `|--|` from its call to its return, and `|-->` for what is unanswered. */
export const draw = (drawing: string): readonly KeyValueOperation[] => drawing.split('\n').filter(line => line.trim() !== '').map((line, i) => {
  const [, words = '', bar = ''] = /^\s*(.*?)\s*(\|-*[|>])\s*$/.exec(line) ?? []
  const { input, output } = parse(words)
  const calledAt = line.indexOf('|')
  const call = { client: `c${i + 1}`, input, calledAt }
  return bar.endsWith('>') ? call : { ...call, output, returnedAt: calledAt + bar.length - 1 }
})

/** The words of `draw`. */
export const show = ({ input, output = null }: { readonly input: KeyValueInput; readonly output?: KeyValueOutput | undefined }): string => {
  switch (input.type) {
    case 'put': case 'append': return `${input.type} ${input.key} ${input.value}`
    case 'cas': return `cas ${input.key} ${input.from ?? '-'} ${input.to} ${output === true ? 'yes' : 'no'}`
    case 'get': return `get ${input.key} ${output ?? '-'}`
  }
}

/** What one client does: it waits, calls, and after some time the operation takes effect, and after some more it is answered, if at all. */
export interface Plan<I> {
  readonly client: number
  readonly input: I
  readonly wait: number
  readonly before: number
  readonly after: number
  readonly fate: 'answered' | 'lost answer' | 'lost'
}

/** What clients see who carry out their plans, each one after the other, on an object of which there is one copy. */
export const atomicHistory = <S, I, O>(model: Model<S, I, O>, plans: readonly Plan<I>[]): readonly Operation<I, O>[] => {
  const free = new Map<number, number>()
  const timed = plans.map(({ client, input, wait, before, after, fate }) => {
    const calledAt = (free.get(client) ?? 0) + wait
    const effectAt = calledAt + before
    const returnedAt = effectAt + after
    free.set(client, returnedAt + 1)
    return { call: { client: `c${client}`, input, calledAt }, effectAt, returnedAt, fate }
  })
  const states = new Map<string | undefined, S>()
  return timed.toSorted((one, other) => one.effectAt - other.effectAt).map(({ call, returnedAt, fate }) => {
    if (fate === 'lost') return call
    const key = model.partition?.(call.input)
    const [state, output] = model.reduce(states.get(key) ?? model.initial, call.input)
    states.set(key, state)
    return fate === 'answered' ? { ...call, output, returnedAt } : call
  })
}

/** Whether the operations could have happened in this order, one by one: by the definition. */
export const isLegal = <S, I, O>(model: Model<S, I, O>, order: readonly Operation<I, O>[]): boolean => {
  const states = new Map<string | undefined, S>()
  let latestCall = Number.NEGATIVE_INFINITY
  return order.every(({ input, output, calledAt, returnedAt = Number.POSITIVE_INFINITY }) => {
    const key = model.partition?.(input)
    const [state, expected] = model.reduce(states.get(key) ?? model.initial, input)
    states.set(key, state)
    latestCall = Math.max(latestCall, calledAt)
    return returnedAt >= latestCall && (returnedAt === Number.POSITIVE_INFINITY || output === expected)
  })
}

const someOrder = <A>(items: readonly A[], holds: (order: readonly A[]) => boolean, begun: readonly A[] = []): boolean =>
  items.length === 0 ? holds(begun) : items.some((item, i) => someOrder(items.toSpliced(i, 1), holds, [...begun, item]))

const subsets = <A>(items: readonly A[]): readonly (readonly A[])[] =>
  items.reduce<readonly (readonly A[])[]>((sets, item) => sets.flatMap(set => [set, [...set, item]]), [[]])

/** The same verdict without any search: tries every order of the operations that must take effect, which their returns say, with any of the others. */
export const isLegalSomehow = <S, I, O>(
  model: Model<S, I, O>, history: readonly Operation<I, O>[], must: (returnedAt: number | undefined) => boolean = returnedAt => returnedAt !== undefined,
): boolean => {
  const fixed = history.filter(({ returnedAt }) => must(returnedAt))
  const free = history.filter(({ returnedAt }) => !must(returnedAt))
  return subsets(free).some(chosen => someOrder([...fixed, ...chosen], order => isLegal(model, order)))
}
