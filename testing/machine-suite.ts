import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import * as t from 'io-ts'
import { from, lastValueFrom, toArray } from 'rxjs'
import { Callback, IoTsCodec, closed, misuse, optional } from '../codecs/judging.js'
import { decodeValue, encodeValue } from '../codecs/values.js'
import { MachineFailed } from '../lib/errors.js'
import { isLeft, right } from '../lib/prelude.js'
import type { Entry, Machine, RunningMachine } from '../streams/machine/machine.js'
import type { SuiteCase } from './transport-suite.js'
import { withoutUndefined } from './without-undefined.js'

/** A machine, and commands that show what it does. */
export interface MachineSample<C, R, S> {
  readonly machine: Machine<C, R, S>
  /** At least two; some of them should fail, if commands of this machine can. */
  readonly commands: readonly C[]
  /** What of a state is compared, where the state itself cannot be. Members of objects that are undefined count as absent. */
  readonly view?: (state: S) => unknown
}

const Sample = closed({
  machine: t.type({ command: IoTsCodec, result: IoTsCodec, start: Callback }), commands: t.readonlyArray(t.unknown, 'a list of commands'), view: optional(Callback),
})

const FIRST_INDEX = 7
const FIRST_TIME = Date.UTC(2020)

const entriesOf = <C>(commands: readonly C[]): readonly Entry<C>[] =>
  commands.map((command, i) => ({ index: FIRST_INDEX + i, term: 3, time: FIRST_TIME + i, command }))

type Commands<C> = Machine<C, unknown, unknown>['command']

/** The command as a log gives it, in memory of its own, and what uses that memory again. */
const lent = <C>(codec: Commands<C>, command: C): { readonly command: C; readonly reuse: () => void } => {
  const bytes = encodeValue(codec, command)
  const decoded = isLeft(bytes) ? bytes : decodeValue(codec, bytes.right)
  return isLeft(bytes) || isLeft(decoded) ? { command, reuse: () => undefined } : { command: decoded.right, reuse: () => bytes.right.fill(OTHER_BYTE) }
}

/** What stands in memory that was lent, and is used again. */
const OTHER_BYTE = 0xa5

const apply = async <C, R, S>(running: RunningMachine<C, R, S>, entries: readonly Entry<C>[]): Promise<readonly (R | MachineFailed)[]> => {
  const lists = await lastValueFrom(from(running.apply(entries)).pipe(toArray()))
  equal(lists.length, 1, 'apply emits one list of results')
  equal(lists[0]!.length, entries.length, 'apply gives one result per command')
  return lists[0]!
}

const applyEach = async <C, R, S>(running: RunningMachine<C, R, S>, entries: readonly Entry<C>[]): Promise<readonly (R | MachineFailed)[]> => {
  const results: (R | MachineFailed)[] = []
  for (const entry of entries) results.push(...await apply(running, [entry]))
  return results
}

/** A chunk is valid until the next one is asked for: then its memory is used again. */
async function* lending(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const copy = new Uint8Array(chunk)
    yield copy
    copy.fill(OTHER_BYTE)
  }
}

const restore = (running: RunningMachine<never, unknown, unknown>, bytes: AsyncIterable<Uint8Array>): Promise<void> =>
  lastValueFrom(from(running.restore(lending(bytes))), { defaultValue: undefined })

/** As a member does: the first chunk is asked for now, and the rest whenever it is read. */
const begun = (chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
  const iterator = chunks[Symbol.asyncIterator]()
  const first = iterator.next()
  // Told to whoever reads it.
  first.catch(() => undefined)
  return (async function* () {
    for (let next = await first; next.done !== true; next = await iterator.next()) yield next.value
  })()
}

const read = async (bytes: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(new Uint8Array(chunk))
  return chunks
}

async function* chunked(chunks: readonly Uint8Array[], error?: Error): AsyncIterable<Uint8Array> {
  yield* chunks
  if (error !== undefined) throw error
}

/** Failures are compared by their reasons: their stacks are of the place, not of the machine. */
const plain = (results: readonly unknown[]): readonly unknown[] =>
  results.map(result => result instanceof MachineFailed ? { failed: result.reason } : { result })

const equals = (actual: unknown, expected: unknown): void => deepEqual(withoutUndefined(actual), withoutUndefined(expected))

/** Long enough for a clock to show another time. */
const aMoment = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

type Rules<C, R, S> = Readonly<Record<string, (sample: Required<MachineSample<C, R, S>>, entries: readonly Entry<C>[]) => Promise<void>>>

const application = <C, R, S>(): Rules<C, R, S> => ({
  'every command comes back from its bytes': async ({ machine, commands }) => {
    for (const command of commands) {
      const bytes = encodeValue(machine.command, command)
      equals(isLeft(bytes) ? bytes : decodeValue(machine.command, bytes.right), right(command))
    }
  },
  'equal commands lead to equal results and equal states, whenever they are applied': async ({ machine, view }, entries) => {
    const [one, other] = [machine.start(), machine.start()]
    const results = await apply(one, entries)
    await aMoment()
    equals(plain(await apply(other, entries)), plain(results))
    equals(view(other.state), view(one.state))
  },
  'applying one by one equals applying at once': async ({ machine, view }, entries) => {
    const [one, other] = [machine.start(), machine.start()]
    const results = await apply(one, entries)
    equals(plain(await applyEach(other, entries)), plain(results))
    equals(view(other.state), view(one.state))
  },
  'copies share nothing': async ({ machine, view }, entries) => {
    const untouched = machine.start()
    const results = await apply(machine.start(), entries)
    equals(plain(await apply(machine.start(), entries)), plain(results))
    equals(view(untouched.state), view(machine.start().state))
  },
  'commands are left as they are': async ({ machine }, entries) => {
    const bytesOf = (): readonly unknown[] => entries.map(entry => encodeValue(machine.command, entry.command))
    const before = bytesOf()
    await apply(machine.start(), entries)
    deepEqual(bytesOf(), before)
  },
  'what is kept of a command is copied': async ({ machine, view }, entries) => {
    const [one, other] = [machine.start(), machine.start()]
    for (const entry of entries) {
      const { command, reuse } = lent(machine.command, entry.command)
      await apply(one, [entry])
      await apply(other, [{ ...entry, command }])
      reuse()
    }
    equals(view(other.state), view(one.state))
  },
  'a command that fails changes nothing': async ({ machine, view }, entries) => {
    const [one, without] = [machine.start(), machine.start()]
    for (const entry of entries) {
      const results = await apply(one, [entry])
      if (!(results[0] instanceof MachineFailed)) equals(plain(await apply(without, [entry])), plain(results))
      equals(view(one.state), view(without.state))
    }
  },
})

const answers = <C, R, S>(): Rules<C, R, S> => ({
  'every result comes back from its bytes': async ({ machine }, entries) => {
    for (const result of await apply(machine.start(), entries)) {
      if (result instanceof MachineFailed) continue
      const bytes = encodeValue(machine.result, result)
      equals(isLeft(bytes) ? bytes : decodeValue(machine.result, bytes.right), right(result))
    }
  },
  'results stay what they were, whatever is applied later': async ({ machine }, entries) => {
    const running = machine.start()
    const bytesOf = (results: readonly (R | MachineFailed)[]): readonly unknown[] => results.map(result => result instanceof MachineFailed ? result : encodeValue(machine.result, result))
    const told: { readonly results: readonly (R | MachineFailed)[]; readonly bytes: readonly unknown[] }[] = []
    for (const entry of entries) {
      const results = await apply(running, [entry])
      told.push({ results, bytes: bytesOf(results) })
    }
    for (const { results, bytes } of told) deepEqual(bytesOf(results), bytes)
  },
})

const snapshots = <C, R, S>(): Rules<C, R, S> => ({
  'a restored copy equals the one that was saved, and goes on like it': async ({ machine, view }, entries) => {
    const half = Math.ceil(entries.length / 2)
    const [saved, restored] = [machine.start(), machine.start()]
    await apply(saved, entries.slice(0, half))
    await restore(restored, saved.snapshot())
    equals(view(restored.state), view(saved.state))
    equals(plain(await apply(restored, entries.slice(half))), plain(await apply(saved, entries.slice(half))))
    equals(view(restored.state), view(saved.state))
  },
  'a snapshot holds the state of the moment it was asked for': async ({ machine, view }, entries) => {
    const half = Math.ceil(entries.length / 2)
    const [saved, same, restored] = [machine.start(), machine.start(), machine.start()]
    await apply(saved, entries.slice(0, half))
    await apply(same, entries.slice(0, half))
    const snapshot = begun(saved.snapshot())
    await apply(saved, entries.slice(half))
    await restore(restored, snapshot)
    equals(view(restored.state), view(same.state))
  },
  'a snapshot of an untouched machine can be restored': async ({ machine, view }) => {
    const restored = machine.start()
    await restore(restored, machine.start().snapshot())
    equals(view(restored.state), view(machine.start().state))
  },
  'restoring replaces all that was there': async ({ machine, view }, entries) => {
    const [saved, restored] = [machine.start(), machine.start()]
    await apply(saved, entries.slice(0, 1))
    await apply(restored, entries)
    await restore(restored, saved.snapshot())
    equals(view(restored.state), view(saved.state))
  },
  'it does not matter how the bytes of a snapshot are cut': async ({ machine, view }, entries) => {
    const [saved, restored] = [machine.start(), machine.start()]
    await apply(saved, entries)
    const bytes = Buffer.concat(await read(saved.snapshot()))
    await restore(restored, chunked(Array.from(bytes, byte => Uint8Array.of(byte))))
    equals(view(restored.state), view(saved.state))
  },
  'a restore that fails leaves the state as it was': async ({ machine, view }, entries) => {
    const [saved, kept, same] = [machine.start(), machine.start(), machine.start()]
    await apply(saved, entries)
    await apply(kept, entries.slice(0, 1))
    await apply(same, entries.slice(0, 1))
    const chunks = await read(saved.snapshot())
    await rejects(restore(kept, chunked(chunks.slice(0, -1), new Error('the snapshot ends here'))))
    equals(view(kept.state), view(same.state))
  },
})

/** What every machine must keep, whatever it does; run the cases with any test runner. */
export const machineSuite = <C, R, S>(sample: MachineSample<C, R, S>): readonly SuiteCase[] => {
  const fault = misuse({ sample: Sample }, { sample })
  if (fault !== undefined) throw fault
  const view = sample.view ?? ((state: S): unknown => state)
  // Made anew for each case, as by a log: a machine that writes into its commands must not spoil the next case.
  const copies = (): readonly C[] => sample.commands.map(command => lent(sample.machine.command, command).command)
  return Object.entries({ ...application<C, R, S>(), ...answers<C, R, S>(), ...snapshots<C, R, S>() }).map(([name, rule]) => ({
    name,
    run: async () => {
      ok(sample.commands.length >= 2, 'the sample needs at least two commands')
      await rule({ ...sample, view }, entriesOf(copies()))
    },
  }))
}
