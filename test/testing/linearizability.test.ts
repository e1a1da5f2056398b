/** Whether the judge of histories is right: on drawn ones, on ones that an atomic object made, and against the definition. */
import test from 'ava'
import fc from 'fast-check'
import { MachineFailed } from '../../lib/errors.js'
import { nextRandom } from '../../lib/random.js'
import {
  type KeyValueInput, type KeyValueOutput, type Model, type Operation, type Verdict, counterModel, isLinearizable, judge, keyValueModel,
} from '../../testing/index.js'
import { type Plan, atomicHistory, draw, isLegal, isLegalSomehow, show } from './histories.js'

/** An order that explains all; or the part that can be explained, and what cannot, with the answer that would fit. */
const told = (verdict: Verdict<unknown, KeyValueInput, KeyValueOutput>): string => {
  switch (verdict._tag) {
    case 'Linearizable': return verdict.order.map(show).join(', ')
    case 'NotLinearizable': return `${verdict.prefix.map(show).join(', ')} ✗ ${
      verdict.misfits.map(({ operation: { input, output }, expected }) => `${show({ input, output })}, not ${expected instanceof MachineFailed ? expected.message : show({ input, output: expected })}`).join(', ')}`
    case 'Undecided': return `more than ${verdict.maxStates} states`
  }
}

const drawn: readonly (readonly [name: string, drawing: string, told: string])[] = [
  ['nothing happened', '', ''],
  ['one after the other', `
    put x 1  |--|
    get x 1       |--|`, 'put x 1, get x 1'],
  ['what is not there reads as nothing', `
    get x -  |--|`, 'get x -'],
  ['a stale read', `
    put x 1  |--|
    put x 2       |--|
    get x 1            |--|`, 'put x 1, put x 2 ✗ get x 1, not get x 2'],
  ['a read of what was never written', `
    put x 1  |--|
    get x 7       |--|`, 'put x 1 ✗ get x 7, not get x 1'],
  ['a read from the future', `
    get x 1  |--|
    put x 1       |--|`, ' ✗ get x 1, not get x -'],
  ['a read beside a write sees what was before', `
    put x 1  |--|
    put x 2       |-----|
    get x 1         |--|`, 'put x 1, get x 1, put x 2'],
  ['a read beside a write sees what comes', `
    put x 1  |--|
    put x 2       |-----|
    get x 2         |--|`, 'put x 1, put x 2, get x 2'],
  ['a read goes back while the write is still under way', `
    put x 1  |--|
    put x 2       |--------------|
    get x 2         |--|
    get x 1               |--|`, 'put x 1, put x 2, get x 2 ✗ get x 1, not get x 2'],
  ['concurrent writes in one order', `
    put x 1  |--|
    put x 2  |--|
    get x 2       |--|`, 'put x 1, put x 2, get x 2'],
  ['concurrent writes in the other order', `
    put x 1  |--|
    put x 2  |--|
    get x 1       |--|`, 'put x 2, put x 1, get x 1'],
  ['concurrent writes in both orders', `
    put x 1  |--|
    put x 2  |--|
    get x 1       |--|
    get x 2            |--|`, 'put x 2, put x 1, get x 1 ✗ get x 2, not get x 1'],
  ['what happens at one time is concurrent', `
    put x 1  |--|
    put x 2     |--|
    get x 1         |--|`, 'put x 2, put x 1, get x 1'],
  ['a lost update: both replace the same value', `
    put x 0        |--|
    cas x 0 1 yes       |----|
    cas x 0 2 yes        |----|`, 'put x 0, cas x 0 1 yes ✗ cas x 0 2 yes, not cas x 0 2 no'],
  ['a cas that rightly fails', `
    put x 0        |--|
    cas x 0 1 yes       |----|
    cas x 0 2 no         |----|
    get x 1                     |--|`, 'put x 0, cas x 0 1 yes, cas x 0 2 no, get x 1'],
  ['a cas that failed and took effect all the same', `
    put x 0       |--|
    cas x 1 2 no       |--|
    get x 2                 |--|`, 'put x 0, cas x 1 2 no ✗ get x 2, not get x 0'],
  ['a cas of what is not there', `
    cas x - 1 yes  |--|
    cas x - 2 no        |--|`, 'cas x - 1 yes, cas x - 2 no'],
  ['an append that took effect once', `
    append x a   |--|
    append x b        |--|
    get x ab               |--|`, 'append x a, append x b, get x ab'],
  ['an append that took effect twice', `
    append x a   |--|
    append x b        |--|
    get x aba              |--|`, 'append x a, append x b ✗ get x aba, not get x ab'],
  ['an unanswered append that took effect twice', `
    append x a   |-->
    append x b        |--|
    get x ab               |--|
    get x aba                   |--|`, 'append x a, append x b, get x ab ✗ get x aba, not get x ab'],
  ['an unanswered write that appears late', `
    put x 1  |--|
    put x 2   |-->
    get x 1        |--|
    put x 3             |--|
    get x 3                  |--|
    get x 2                       |--|`, 'put x 1, get x 1, put x 3, get x 3, put x 2, get x 2'],
  ['an unanswered write that never appears', `
    put x 1  |--|
    put x 2       |-->
    get x 1             |--|`, 'put x 1, get x 1'],
  ['an unanswered write that appears and goes away again', `
    put x 1  |--|
    put x 2       |-->
    get x 2             |--|
    get x 1                  |--|`, 'put x 1, put x 2, get x 2 ✗ get x 1, not get x 2'],
  ['an unanswered write that appears before it is called', `
    put x 1  |--|
    get x 2       |--|
    put x 2            |-->`, 'put x 1 ✗ get x 2, not get x 1'],
  ['of unanswered ones that are equal each may take effect once', `
    append x a    |-->
    append x a        |-->
    get x aa               |--|`, 'append x a, append x a, get x aa'],
  ['and not more often', `
    append x a    |-->
    append x a        |-->
    get x aaa              |--|`, ' ✗ get x aaa, not get x -'],
  ['one that was called too late cannot stand in for an equal one', `
    append x a    |-->
    get x aa           |--|
    append x a              |-->`, ' ✗ get x aa, not get x -'],
  ['an unanswered read is no trouble', `
    put x 1  |--|
    get x -   |-->
    get x 1       |--|`, 'put x 1, get x 1'],
  ['nothing was answered', `
    put x 1  |-->
    put x 2       |-->`, ''],
  ['keys have nothing to do with each other, but for time', `
    put y 1      |------------|
    put x 1  |--|
    get x 1       |--|
    get y 1            |--|`, 'put x 1, put y 1, get x 1, get y 1'],
  ['only the key at fault is told', `
    put x 1  |--|
    put y 1   |--|
    get x 1        |--|
    get y -            |--|`, 'put y 1 ✗ get y -, not get y 1'],
  ['all that waits with the misfit is told', `
    put x 1  |--|
    get x 2       |--|
    get x 3      |------|
    put x 3              |--|`, 'put x 1 ✗ get x 3, not get x 1, get x 2, not get x 1'],
]
for (const [name, drawing, expected] of drawn) test(`a history: ${name}`, t => t.is(told(judge(keyValueModel, draw(drawing))), expected))

test('a way that used an unanswered operation does not stand in for one that can still use it', t => {
  const ways = draw(`
    append x b       |--|
    append x a        |--|
    append x b             |--|
    append x b                  |--|
    append x b                       |--|
    append x b                            |--|
    append x b                                 |--|
    append x b                                      |--|
    append x b                                           |--|
    append x b                                                |--|
    append x b                                                     |--|
    append x b                                                          |--|
    get x abbbbbbbbbbb                                                       |--|
    put x c                                                                       |--|
    get x abbbbbbbbbbb                                                                 |--|
    put x abbbbbbbbbbb                                                      |-->`)
  t.is(judge(keyValueModel, ways)._tag, 'Linearizable')
})

test('the verdict names the partition, and the state in which nothing fits', t => {
  const verdict = judge(keyValueModel, draw(`
    put x 1  |--|
    get y 1  |--|
    get x 2       |--|`).toReversed())
  t.like(verdict, { _tag: 'NotLinearizable', partition: 'x', state: '1' })
})

const counted = (...operations: readonly (readonly [add: number, total: number | undefined])[]): readonly Operation<{ readonly add: number }, number>[] =>
  operations.map(([add, output], i) => {
    const call = { client: 'c', input: { add }, calledAt: 2 * i }
    return output === undefined ? call : { ...call, output, returnedAt: 2 * i + 1 }
  })

const counts: readonly (readonly [name: string, history: ReturnType<typeof counted>, tag: 'Linearizable' | 'NotLinearizable'])[] = [
  ['adds up', counted([1, 1], [2, 3], [0, 3]), 'Linearizable'],
  ['forgets', counted([1, 1], [2, 3], [0, 1]), 'NotLinearizable'],
  ['counts once what is unanswered', counted([1, undefined], [0, 0], [0, 1], [0, 1]), 'Linearizable'],
  ['counts twice what is unanswered', counted([1, undefined], [0, 0], [0, 1], [0, 2]), 'NotLinearizable'],
  ['cannot have come so far with so many equal ones', counted(...Array.from({ length: 60 }, () => [1, undefined] as const), [0, 61]), 'NotLinearizable'],
]
for (const [name, history, tag] of counts) test(`a counter ${name}`, t => t.is(judge(counterModel, history)._tag, tag))

const box: Model<readonly string[], string, number> = {
  initial: [],
  reduce: (items, item) => [[...items, item].sort(), items.length + 1],
}
/** All at once, and then one more. */
const boxed = (output: number, last: number): readonly Operation<string, number>[] =>
  Array.from('abcdefghi', (input, i) => ({ client: input, input, output: i < 8 ? output : last, calledAt: i < 8 ? 1 : 3, returnedAt: i < 8 ? 2 : 4 }))

test('a model says which answers will do', t => {
  const atLeast = { ...box, accepts: (output: number, expected: number) => output <= expected }
  t.is(judge(box, boxed(1, 9))._tag, 'NotLinearizable')
  t.is(judge(atLeast, boxed(1, 9))._tag, 'Linearizable')
  t.is(judge({ ...atLeast, identify: items => items.join() }, boxed(1, 10))._tag, 'NotLinearizable')
})

test('where a model throws the operation has failed, and changed nothing', t => {
  const reduce = (total: number, add: number): readonly [number, number] => {
    if (add < 0) throw new Error('cannot take')
    return [total + add, total + add]
  }
  const model: Model<number, number, number | MachineFailed> = { initial: 0, reduce }
  const after = (...outputs: readonly (number | MachineFailed | undefined)[]) => judge(model, outputs.map((output, i) => {
    const call = { client: 'c', input: i === 0 ? -1 : 1, calledAt: 2 * i }
    return output === undefined ? call : { ...call, output, returnedAt: 2 * i + 1 }
  }))
  t.is(after(undefined, 1)._tag, 'Linearizable')
  t.is(after(new MachineFailed('cannot take'), 1)._tag, 'Linearizable')
  t.is(after(undefined, 5)._tag, 'NotLinearizable')
  const verdict = after(5, 1)
  t.true(verdict._tag === 'NotLinearizable' && verdict.misfits[0]?.expected instanceof MachineFailed)
})

test('a model says when states are the same, which saves most of the search', t => {
  const lenient = { ...box, accepts: (output: number, expected: number) => output <= expected }
  t.is(judge(lenient, boxed(1, 10), { maxStates: 5_000 })._tag, 'Undecided')
  t.is(judge({ ...lenient, identify: items => items.join() }, boxed(1, 10), { maxStates: 5_000 })._tag, 'NotLinearizable')
})

/** An order of a whole history: legal, and without an answered operation missing. */
const isComplete = (history: readonly Operation<KeyValueInput, KeyValueOutput>[], order: readonly Operation<KeyValueInput, KeyValueOutput>[]): boolean => {
  const ordered = new Set(order)
  return ordered.size === order.length && history.every(operation => operation.returnedAt === undefined || ordered.has(operation)) && isLegal(keyValueModel, order)
}

const inputs: fc.Arbitrary<KeyValueInput> = fc.record({
  type: fc.constantFrom('get', 'put', 'append', 'cas'), key: fc.constantFrom('x', 'y'), value: fc.constantFrom('a', 'b', 'c'), from: fc.constantFrom(null, 'a', 'b', 'c'),
}).map(({ type, key, value, from }) => type === 'get' ? { type, key } : type === 'cas' ? { type, key, from, to: value } : { type, key, value })

const plans: fc.Arbitrary<readonly Plan<KeyValueInput>[]> = fc.array(fc.record({
  client: fc.nat(4), input: inputs, wait: fc.nat(9), before: fc.nat(9), after: fc.nat(9), fate: fc.constantFrom('answered', 'answered', 'answered', 'lost answer', 'lost'),
}), { maxLength: 60 })

test('what an atomic object answered is linearizable, in an order that is legal', t => {
  fc.assert(fc.property(plans, plan => {
    const history = atomicHistory(keyValueModel, plan)
    const verdict = judge(keyValueModel, history)
    t.true(verdict._tag === 'Linearizable' && isComplete(history, verdict.order))
  }), { numRuns: 300 })
})

test('one answer that nobody can have given, and it is not', t => {
  fc.assert(fc.property(plans, fc.nat(), (plan, choice) => {
    const history = atomicHistory(keyValueModel, plan)
    const reads = history.filter(({ input, returnedAt }) => input.type === 'get' && returnedAt !== undefined)
    fc.pre(reads.length > 0)
    const spoilt = reads[choice % reads.length]!
    const verdict = judge(keyValueModel, history.map(operation =>
      operation === spoilt && operation.returnedAt !== undefined ? { ...operation, output: 'z' } : operation))
    t.is(verdict._tag, 'NotLinearizable')
    t.true(verdict._tag === 'NotLinearizable' && verdict.misfits.some(({ operation: { output, calledAt } }) => output === 'z' && calledAt === spoilt.calledAt))
  }), { numRuns: 300 })
})

const outputs: Readonly<Record<KeyValueInput['type'], fc.Arbitrary<KeyValueOutput>>> = {
  get: fc.constantFrom(null, 'a', 'b', 'ab', 'ba', 'aa'), put: fc.constant(null), append: fc.constant(null), cas: fc.boolean(),
}
/** Few operations of which anybody might have answered anything. */
const guesses: fc.Arbitrary<readonly Operation<KeyValueInput, KeyValueOutput>[]> = fc.array(
  fc.tuple(inputs, fc.nat(9), fc.option(fc.nat(5), { freq: 3 })).chain(([input, calledAt, lasts]) => outputs[input.type].map(output => {
    const call = { client: 'c', input, calledAt }
    return lasts === null ? call : { ...call, output, returnedAt: calledAt + lasts }
  })), { minLength: 2, maxLength: 6 })

test('verdicts are those of the definition, which tries every order', t => {
  const seen = { Linearizable: 0, NotLinearizable: 0, Undecided: 0 }
  fc.assert(fc.property(guesses, history => {
    const verdict = judge(keyValueModel, history)
    seen[verdict._tag]++
    t.is(verdict._tag, isLegalSomehow(keyValueModel, history) ? 'Linearizable' : 'NotLinearizable')
    if (verdict._tag === 'Linearizable') t.true(isComplete(history, verdict.order))
  }), { numRuns: 2_000 })
  t.true(seen.Linearizable > 200 && seen.NotLinearizable > 200, 'both verdicts are tried')
})

test('what is told of a fault is the shortest piece of the history that has it', t => {
  fc.assert(fc.property(guesses, guess => {
    // No two times are equal, so that there is one piece for each return.
    const history = guess.map((operation, i) => operation.returnedAt === undefined ? { ...operation, calledAt: operation.calledAt + i / 100 }
      : { ...operation, calledAt: operation.calledAt + i / 100, returnedAt: operation.returnedAt + i / 100 + 0.5 })
    const verdict = judge(keyValueModel, history)
    fc.pre(verdict._tag === 'NotLinearizable')
    const due = Math.min(...verdict.misfits.flatMap(({ operation: { returnedAt } }) => returnedAt ?? []))
    const piece = history.filter(({ input, calledAt }) => input.key === verdict.partition && calledAt < due)
    const canEnd = (hasReturned: (at: number) => boolean): boolean => isLegalSomehow(keyValueModel, piece, at => at !== undefined && hasReturned(at))

    t.true(canEnd(at => at < due))
    t.false(canEnd(at => at <= due))
    t.true(isLegal(keyValueModel, verdict.prefix))
    for (const { operation: { input, output }, expected } of verdict.misfits) {
      t.deepEqual(keyValueModel.reduce(verdict.state, input)[1], expected)
      t.not(output, expected)
    }
  }), { numRuns: 500 })
})

/** Ten clients with five keys; of so many operations in a hundred the answer is lost, and half of these never take effect. */
const busy = (operations: number, lostPercent: number): readonly Operation<KeyValueInput, KeyValueOutput>[] => {
  let seed = 1
  const below = (bound: number): number => {
    const [next, drawn] = nextRandom(seed)
    seed = next
    return Math.floor(drawn * bound)
  }
  const inputOf = (type: number, key: string, value: string): KeyValueInput =>
    type === 0 ? { type: 'get', key } : type === 1 ? { type: 'put', key, value } : type === 2 ? { type: 'append', key, value } : { type: 'cas', key, from: `${below(9)}`, to: value }
  return atomicHistory(keyValueModel, Array.from({ length: operations }, (_, i) => ({
    client: i % 10, input: inputOf(below(4), `k${below(5)}`, `${below(9)}`), wait: below(5), before: below(20), after: below(20),
    fate: below(100) >= lostPercent ? 'answered' : below(2) === 0 ? 'lost' : 'lost answer',
  })))
}

for (const [lostPercent, maxStates] of [[0, 10_000], [1, 20_000], [5, 100_000]] as const) {
  test(`ten thousand operations, ${lostPercent} % of the answers lost, are judged after few states`, t => {
    const history = busy(10_000, lostPercent)
    const verdict = judge(keyValueModel, history, { maxStates })
    t.true(verdict._tag === 'Linearizable' && isComplete(history, verdict.order))
  })
}

const concurrentAppends = (count: number, key: string): readonly Operation<KeyValueInput, KeyValueOutput>[] => Array.from({ length: count }, (_, i) =>
  ({ client: `c${i}`, input: { type: 'append', key, value: String.fromCharCode(97 + i) }, output: null, calledAt: 0, returnedAt: 1 }))
const read = (key: string, output: string): Operation<KeyValueInput, KeyValueOutput> => ({ client: 'r', input: { type: 'get', key }, output, calledAt: 2, returnedAt: 3 })

test('beyond the bound there is no verdict, but for a fault elsewhere', t => {
  const endless = [...concurrentAppends(20, 'x'), read('x', 'z')]
  t.throws(() => isLinearizable(keyValueModel, endless, { maxStates: 10_000 }), { instanceOf: RangeError, message: /maxStates/ })
  t.deepEqual([isLinearizable(keyValueModel, [read('x', 'z')]), isLinearizable(counterModel, [])], [false, true])
  t.deepEqual(judge(keyValueModel, endless, { maxStates: 10_000 }), { _tag: 'Undecided', partition: 'x', maxStates: 10_000 })
  t.like(judge(keyValueModel, [...endless, read('y', 'z')], { maxStates: 10_000 }), { _tag: 'NotLinearizable', partition: 'y' })
  t.like(judge(keyValueModel, [...concurrentAppends(4, 'x'), read('x', 'z')], { maxStates: 10_000 }), { _tag: 'NotLinearizable', partition: 'x' })
})

for (const [name, calledAt, returnedAt] of [['no number', Number.NaN, 1], ['no end', 0, Number.POSITIVE_INFINITY], ['a return before the call', 2, 1]] as const) {
  test(`a history is refused that has a time with ${name}`, t => {
    t.throws(() => judge(keyValueModel, [{ ...read('x', 'a'), client: 'c7', calledAt, returnedAt, output: 'a' }]), { instanceOf: RangeError, message: /c7/ })
  })
}

test('an answer that came as bytes is the answer that was given: without members that are undefined, and without the sign of a zero', t => {
  const answers = [[{ before: undefined }, {}], [-0, 0], [[{ at: -0, by: undefined }], [{ at: 0 }]]] as const
  for (const [given, output] of answers) {
    const model = { initial: 0, reduce: (state: number, _: null): readonly [number, unknown] => [state, given] }
    t.true(isLinearizable(model, [{ client: 'c', input: null, output, calledAt: 0, returnedAt: 1 }]))
    t.false(isLinearizable(model, [{ client: 'c', input: null, output: { before: 0 }, calledAt: 0, returnedAt: 1 }]))
  }
})
