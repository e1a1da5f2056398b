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
suite('a counter that is saved when the first chunk is asked for', {
  machine: around(counter, running => ({ snapshot: async function* () { yield* running.snapshot() } })), commands: [{ add: 1 }, { add: -5 }, { add: 2 }],
})
suite('a register of what JSON does not tell apart', {
  machine: reducerMachine({
    command: t.string, result: t.null, state: t.type({ found: t.readonlyArray(t.string), by: t.record(t.string, t.string), sum: t.number }), initial: { found: [], by: {}, sum: 0 },
    reduce: (_, text) => {
      const found = /(?<letter>.)/.exec(text)
      return [{ found: found ?? [], by: found?.groups ?? {}, sum: 0 * -1 }, null]
    },
  }), commands: ['a', 'b'],
})
const Maybe = t.partial({ value: t.union([t.number, t.undefined]) })
suite('a register of what may be missing', {
  machine: reducerMachine({
    command: Maybe, result: Maybe, state: Maybe, initial: {},
    reduce: (before, { value }) => [{ value }, before],
  }),
  commands: [{ value: 1 }, {}, { value: undefined }],
})

let clock = 0
let shared = 0
const add = (entry: Entry<{ add: number }>): number => entry.command.add
async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
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
  'writes its snapshot as it is read': {
    rule: /moment it was asked for/,
    machine: around(counter, running => ({
      snapshot: async function* () {
        yield new Uint8Array(0)
        yield* running.snapshot()
      },
    })),
  },
  'keeps the chunks that it is lent': {
    rule: /restored copy equals/,
    machine: around(counter, running => ({
      restore: async chunks => {
        const kept: Uint8Array[] = []
        for await (const chunk of chunks) kept.push(chunk)
        await lastValueFrom(from(running.restore(streamOf(kept))), { defaultValue: undefined })
      },
    })),
  },
  'fails and yet becomes another': {
    rule: /fails changes nothing/,
    machine: around(counter, running => ({
      apply: async entries => {
        const results = await lastValueFrom(from(running.apply(entries)))
        return results.map((result, i) => add(entries[i]!) === 2 ? new MachineFailed('no twos') : result)
      },
    })),
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

const Bytes = new t.Type<Uint8Array>('Bytes', (value): value is Uint8Array => value instanceof Uint8Array,
  (value, context) => value instanceof Uint8Array ? t.success(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) : t.failure(value, context), t.identity)

for (const [what, keep, faults] of [['copies', (bytes: Uint8Array) => bytes.slice(), []], ['does not copy', (bytes: Uint8Array) => bytes, ['what is kept of a command is copied']]] as const) {
  test(`a machine that ${what} the bytes of commands that it keeps: ${faults.length === 0 ? 'right' : 'noticed'}`, async assert => {
    const machine: Machine<Uint8Array, number, readonly Uint8Array[]> = {
      command: Bytes, result: t.number,
      start: () => {
        let state: readonly Uint8Array[] = []
        return {
          get state() { return state },
          apply: entries => [entries.map(({ command }) => (state = [...state, keep(command)]).length)],
          snapshot: () => streamOf([Buffer.from(JSON.stringify(state.map(bytes => [...bytes])))]),
          restore: async chunks => {
            let text = ''
            for await (const chunk of chunks) text += Buffer.from(chunk).toString('latin1')
            state = (JSON.parse(text) as readonly (readonly number[])[]).map(bytes => Uint8Array.from(bytes))
          },
        }
      },
    }
    const failed: string[] = []
    for (const { name, run } of machineSuite({ machine, commands: [Uint8Array.of(1), Uint8Array.of(2, 3)] })) await run().catch(() => failed.push(name))
    assert.deepEqual(failed, [...faults])
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

for (const [what, answer] of [
  ['undefined', () => undefined], ['a promise', () => Promise.reject(new Error('late'))], ['a list of 1', () => [6]], ['a value of type object', () => ({ state: 6 })], ['a value of type string', () => '67'],
] as const) {
  test(`a reducer that answers ${what} has failed and changed nothing`, async assert => {
    const broken = reducerMachine<number, number, number>({
      command: t.number, result: t.number, state: t.number, initial: 5, reduce: answer as () => unknown as () => readonly [number, number],
    })
    const running = broken.start()
    const [result] = await listOf(from(running.apply([entry(1, 1)])))
    assert.like(result, { _tag: 'MachineFailed', reason: `\`reduce\` must return [state, result], not ${what}` })
    assert.is(running.state, 5)
  })
}

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

test('the suite notices a machine whose results go on living', async assert => {
  const list: Machine<string, readonly string[], readonly string[]> = {
    command: t.string, result: t.readonlyArray(t.string),
    start: () => {
      let words: string[] = []
      return {
        get state() { return words },
        apply: entries => of(entries.map(({ command }) => {
          words.push(command)
          return words
        })),
        snapshot: () => streamOf([Buffer.from(JSON.stringify(words))]),
        restore: async chunks => {
          const bytes: Uint8Array[] = []
          for await (const chunk of chunks) bytes.push(chunk.slice())
          words = JSON.parse(Buffer.concat(bytes).toString()) as string[]
        },
      }
    },
  }
  const rule = machineSuite({ machine: list, commands: ['a', 'b', 'c'] }).find(({ name }) => /results stay/.test(name))
  await assert.throwsAsync(rule!.run())
})
