import test from 'ava'
import * as t from 'io-ts'
import { type Observable, from, lastValueFrom, of } from 'rxjs'
import { MachineFailed } from '../../lib/errors.js'
import type { Entry, Machine } from '../../streams/machine/machine.js'
import { reducerMachine } from '../../streams/machine/reducer-machine.js'
import { around } from '../../testing/around.js'
import { type MachineSample, machineSuite } from '../../testing/machine-suite.js'

const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => {
    if (add < 0) throw new Error(`cannot add ${add}`)
    return [total + add, total + add]
  },
})

const register = reducerMachine({
  command: t.strict({ key: t.string, value: t.string }), result: t.union([t.string, t.null]),
  state: t.readonly(t.record(t.string, t.string)), initial: {},
  reduce: (state, { key, value }, at) => [{ ...state, [key]: `${value} at ${at.index} of ${at.time}` }, state[key] ?? null],
})

const Pairs = t.array(t.tuple([t.string, t.number]))

/** A machine of its own kind: keeps a mutable map, answers by promise, cuts its snapshots small. */
const tally: Machine<string, number, ReadonlyMap<string, number>> = {
  command: t.string, result: t.number,
  start: () => {
    let counts = new Map<string, number>()
    return {
      get state() {
        return counts
      },
      apply: async function* (entries) {
        await Promise.resolve()
        yield entries.map(({ command }) => {
          const count = (counts.get(command) ?? 0) + 1
          counts.set(command, count)
          return count
        })
      },
      snapshot: () => {
        const bytes = Buffer.from(JSON.stringify([...counts]))
        return (async function* () {
          for (let i = 0; i < bytes.length; i += 3) yield bytes.subarray(i, i + 3)
        })()
      },
      restore: async bytes => {
        const chunks: Uint8Array[] = []
        for await (const chunk of bytes) chunks.push(chunk.slice())
        const decoded = Pairs.decode(JSON.parse(Buffer.concat(chunks).toString()))
        if (decoded._tag === 'Left') throw new Error('no pairs')
        counts = new Map(decoded.right)
      },
    }
  },
}

const suite = <C, R, S>(name: string, sample: MachineSample<C, R, S>): void => {
  for (const { name: rule, run } of machineSuite(sample)) {
    test(`${name}: ${rule}`, async assert => {
      await assert.notThrowsAsync(run)
    })
  }
}

suite('a counter', { machine: counter, commands: [{ add: 1 }, { add: -5 }, { add: 2 }, { add: 40 }] })
suite('a register', { machine: register, commands: [{ key: 'a', value: '1' }, { key: 'b', value: '2' }, { key: 'a', value: 'ü' }] })
suite('a tally', { machine: tally, commands: ['x', 'y', 'x', 'z', 'x'] })

let clock = 0
let shared = 0
const add = (entry: Entry<{ add: number }>): number => entry.command.add
/** Machines that break one rule each, and the rule that must notice. */
const broken: Record<string, { readonly rule: RegExp; readonly machine: Machine<{ add: number }, number, number> }> = {
  'asks a clock': {
    rule: /equal commands/,
    machine: around(counter, () => ({ apply: entries => of(entries.map(() => clock++)) })),
  },
  'gives too few results': { rule: /one by one|equal commands/, machine: around(counter, () => ({ apply: entries => of(entries.slice(1).map(add)) })) },
  'looks at how many commands came together': {
    rule: /one by one/,
    machine: around(counter, () => ({ apply: entries => of(entries.map(() => entries.length)) })),
  },
  'keeps its state outside its copies': {
    rule: /copies share nothing/,
    machine: {
      ...counter,
      start: () => ({ ...counter.start(), get state() { return shared }, apply: entries => of(entries.map(entry => shared += add(entry))) }),
    },
  },
  'writes into commands': {
    rule: /commands are left/,
    machine: around(counter, running => ({
      apply: entries => {
        for (const entry of entries) Object.assign(entry.command, { add: 99 })
        return running.apply(entries)
      },
    })),
  },
  'writes its snapshot when it is read': {
    rule: /moment it was asked for/,
    machine: around(counter, running => ({ snapshot: async function* () { yield* running.snapshot() } })),
  },
  'has a result that its codec cannot write': {
    rule: /result comes back/,
    machine: around(counter, () => ({ apply: entries => of(entries.map(() => Number.NaN)) })),
  },
}

for (const [what, { rule, machine }] of Object.entries(broken)) {
  test(`the suite notices a machine that ${what}`, async assert => {
    const failed: string[] = []
    for (const { name, run } of machineSuite({ machine, commands: [{ add: 1 }, { add: 2 }, { add: 3 }] })) {
      await run().catch(() => failed.push(name))
    }
    assert.true(failed.some(name => rule.test(name)), `failed: ${failed.join('; ')}`)
  })
}

const entry = <C>(index: number, command: C): Entry<C> => ({ index, term: 1, time: 0, command })
const listOf = <A>(input: Observable<readonly A[]>): Promise<readonly A[]> => lastValueFrom(input)

test('where reduce throws, the state stays and the failure is the result', async assert => {
  const running = counter.start()
  const results = await listOf(from(running.apply([entry(1, { add: 3 }), entry(2, { add: -1 }), entry(3, { add: 4 })])))
  assert.is(results[0], 3)
  assert.true(results[1] instanceof MachineFailed && results[1].reason === 'cannot add -1' && results[1].appended === 'yes')
  assert.is(results[2], 7)
  assert.is(running.state, 7)
})

test('a reducer that answers no pair has failed and changed nothing', async assert => {
  const broken = reducerMachine<number, number, number>({
    command: t.number, result: t.number, state: t.number, initial: 5, reduce: () => undefined as unknown as readonly [number, number],
  })
  const running = broken.start()
  const [result] = await listOf(from(running.apply([entry(1, 1)])))
  assert.true(result instanceof MachineFailed)
  assert.is(running.state, 5)
})

test('a reducer machine answers within the call', assert => {
  let answered: readonly unknown[] = []
  from(counter.start().apply([entry(1, { add: 1 })])).subscribe(results => { answered = results })
  assert.deepEqual(answered, [1])
})

test('snapshots come in bounded chunks', async assert => {
  const big = reducerMachine({ command: t.string, result: t.null, state: t.string, initial: '', reduce: (state, more) => [state + more, null] })
  const running = big.start()
  await listOf(from(running.apply([entry(1, 'x'.repeat(200_000))])))
  const sizes: number[] = []
  for await (const chunk of running.snapshot()) sizes.push(chunk.length)
  assert.true(sizes.length > 1 && sizes.every(size => size > 0 && size <= 65_536), sizes.join())
})

test('a snapshot of another machine is refused', async assert => {
  const running = counter.start()
  await assert.throwsAsync(lastValueFrom(from(running.restore(register.start().snapshot()))), { message: /does not hold this machine's state/ })
  assert.is(running.state, 0)
})
