/** What is thrown for want of stack or memory is nobody's result. */
import test from 'ava'
import * as t from 'io-ts'
import { MachineFailed } from '../../../lib/errors.js'
import { isExhaustion } from '../../../streams/machine/exhaustion.js'
import { reducerMachine } from '../../../streams/machine/reducer-machine.js'
import { judge } from '../../../testing/index.js'

const endless = (): number => 1 + endless()
const deep = (): unknown => Array.from({ length: 50_000 }).reduce<unknown>(inner => [inner], null)

const thrownBy = (act: () => unknown): unknown => {
  try {
    act()
  } catch (thrown) {
    return thrown
  }
  return undefined
}

test('what the engine throws for want of stack or memory is told from what a program throws', assert => {
  const exhausting: Readonly<Record<string, () => unknown>> = {
    recursion: endless, spread: () => Math.max(...new Array<number>(1_000_000)), JSON: () => JSON.stringify(deep()),
    string: () => 'x'.repeat(2 ** 30 - 1), padding: () => 'x'.padEnd(2 ** 30), buffer: () => new ArrayBuffer(2 ** 52), list: () => new Float64Array(2 ** 50), number: () => 2n ** (2n ** 40n),
    text: () => Buffer.alloc(2 ** 29 + 16).toString('latin1'), expression: () => { throw new SyntaxError('Invalid regular expression: /a/: Regular expression too large') },
    wrapped: () => { throw new Error('cannot be added up', { cause: thrownBy(endless) }) },
    hidden: () => { throw Object.defineProperty(new RangeError('x'), 'message', { get: endless }) },
  }
  for (const [name, act] of Object.entries(exhausting)) {
    const thrown = thrownBy(act)
    assert.true(thrown instanceof Error, name)
    assert.true(isExhaustion(thrown), name)
  }
  const circle = new Error('of itself')
  circle.cause = circle
  const others: readonly unknown[] = [
    undefined, null, 'Maximum call stack size exceeded', new Error('Invalid string length'), circle, thrownBy(() => new Array(-1)), thrownBy(() => new Uint8Array(-1)), thrownBy(() => 'x'.repeat(-1)), thrownBy(() => (1).toFixed(200)),
    thrownBy(() => new RegExp('(')), new Proxy({}, { getPrototypeOf: () => { throw new Error('closed') } }), Object.defineProperty(new RangeError('x'), 'message', { get: () => { throw new Error('closed') } }),
  ]
  const own = ['Map size exceeded: at most 100 regions', 'Invalid string length: 300, at most 200', 'Invalid typed array length: 3 are needed', 'quota: could not allocate memory for user u1']
  for (const words of own) assert.false(isExhaustion(new Error('refused', { cause: new RangeError(words) })), words)
  others.forEach((thrown, i) => assert.false(isExhaustion(thrown), String(i)))
})

test('want of stack ends a reducer machine, and is recorded for no command', assert => {
  const depthOf = (levels: number): number => levels === 0 ? 0 : 1 + depthOf(levels - 1)
  const machine = reducerMachine({
    command: t.number, result: t.number, state: t.number, initial: 0,
    reduce: (state, levels) => {
      if (levels < 0) throw new RangeError('there are no levels below 0')
      return [state + 1, depthOf(levels)]
    },
  }).start()
  const apply = (command: number): unknown => machine.apply([{ index: 1, term: 1, time: 1, command }])
  assert.deepEqual(apply(10), [[10]])
  assert.deepEqual(apply(-1), [[new MachineFailed('there are no levels below 0')]])
  assert.throws(() => apply(1_000_000), { instanceOf: RangeError, message: 'Maximum call stack size exceeded' })
  assert.is(machine.state, 1)
})

test('where the model of a judge has no stack left, nothing is said of the history', assert => {
  const model = { initial: 0, reduce: (): readonly [number, unknown] => [0, endless()] }
  assert.throws(() => judge(model, [{ input: 1, output: new MachineFailed('Maximum call stack size exceeded'), client: 'c1', calledAt: 1, returnedAt: 2 }]), { instanceOf: RangeError })
})
