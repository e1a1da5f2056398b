import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import * as t from 'io-ts'
import { from, lastValueFrom, toArray } from 'rxjs'
import { Callback, IoTsCodec, closed, misuse, optional } from '../codecs/judging.js'
import { decodeValue, encodeValue } from '../codecs/values.js'
import { MachineFailed } from '../lib/errors.js'
import { isLeft, right } from '../lib/prelude.js'
import type { Entry, Machine, RunningMachine } from '../streams/machine/machine.js'
import type { SuiteCase } from './transport-suite.js'

/** A machine, and commands that show what it does. */
export interface MachineSample<C, R, S> {
  readonly machine: Machine<C, R, S>
  /** At least two; some of them should fail, if commands of this machine can. */
  readonly commands: readonly C[]
  /** What of a state is compared, where the state itself cannot be. */
  readonly view?: (state: S) => unknown
}

const Sample = closed({
  machine: t.type({ command: IoTsCodec, result: IoTsCodec, start: Callback }), commands: t.readonlyArray(t.unknown, 'a list of commands'), view: optional(Callback),
})

const FIRST_INDEX = 7
const FIRST_TIME = Date.UTC(2020)

const entriesOf = <C>(commands: readonly C[]): readonly Entry<C>[] =>
  commands.map((command, i) => ({ index: FIRST_INDEX + i, term: 3, time: FIRST_TIME + i, command }))

/** Makes the commands anew for each case, as a log would: a machine that writes into its commands must not spoil the next case. */
const copier = <C>(codec: Machine<C, unknown, unknown>['command'], commands: readonly C[]): (() => readonly C[]) => {
  const encoded = commands.map(command => encodeValue(codec, command))
  return () => commands.map((command, i) => {
    const bytes = encoded[i]!
    const decoded = isLeft(bytes) ? bytes : decodeValue(codec, bytes.right)
    return isLeft(decoded) ? command : decoded.right
  })
}

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

const restore = (running: RunningMachine<never, unknown, unknown>, bytes: AsyncIterable<Uint8Array>): Promise<void> =>
  lastValueFrom(from(running.restore(bytes)), { defaultValue: undefined })

const read = async (bytes: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk.slice())
  return chunks
}

async function* chunked(chunks: readonly Uint8Array[], error?: Error): AsyncIterable<Uint8Array> {
  yield* chunks
  if (error !== undefined) throw error
}

/** Failures are compared by their reasons: their stacks are of the place, not of the machine. */
const plain = (results: readonly unknown[]): readonly unknown[] =>
  results.map(result => result instanceof MachineFailed ? { failed: result.reason } : { result })

/** Long enough for a clock to show another time. */
const aMoment = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

type Rules<C, R, S> = Readonly<Record<string, (sample: Required<MachineSample<C, R, S>>, entries: readonly Entry<C>[]) => Promise<void>>>

const application = <C, R, S>(): Rules<C, R, S> => ({
  'every command comes back from its bytes': async ({ machine, commands }) => {
    for (const command of commands) {
      const bytes = encodeValue(machine.command, command)
      deepEqual(isLeft(bytes) ? bytes : decodeValue(machine.command, bytes.right), right(command))
    }
  },
  'every result comes back from its bytes': async ({ machine }, entries) => {
    for (const result of await apply(machine.start(), entries)) {
      if (result instanceof MachineFailed) continue
      const bytes = encodeValue(machine.result, result)
      deepEqual(isLeft(bytes) ? bytes : decodeValue(machine.result, bytes.right), right(result))
    }
  },
  'equal commands lead to equal results and equal states, whenever they are applied': async ({ machine, view }, entries) => {
    const [one, other] = [machine.start(), machine.start()]
    const results = await apply(one, entries)
    await aMoment()
    deepEqual(plain(await apply(other, entries)), plain(results))
    deepEqual(view(other.state), view(one.state))
  },
  'applying one by one equals applying at once': async ({ machine, view }, entries) => {
    const [one, other] = [machine.start(), machine.start()]
    const results = await apply(one, entries)
    deepEqual(plain(await applyEach(other, entries)), plain(results))
    deepEqual(view(other.state), view(one.state))
  },
  'copies share nothing': async ({ machine, view }, entries) => {
    const untouched = machine.start()
    const results = await apply(machine.start(), entries)
    deepEqual(plain(await apply(machine.start(), entries)), plain(results))
    deepEqual(view(untouched.state), view(machine.start().state))
  },
  'commands are left as they are': async ({ machine }, entries) => {
    const bytesOf = (): readonly unknown[] => entries.map(entry => encodeValue(machine.command, entry.command))
    const before = bytesOf()
    await apply(machine.start(), entries)
    deepEqual(bytesOf(), before)
  },
})

const snapshots = <C, R, S>(): Rules<C, R, S> => ({
  'a restored copy equals the one that was saved, and goes on like it': async ({ machine, view }, entries) => {
    const half = Math.ceil(entries.length / 2)
    const [saved, restored] = [machine.start(), machine.start()]
    await apply(saved, entries.slice(0, half))
    await restore(restored, saved.snapshot())
    deepEqual(view(restored.state), view(saved.state))
    deepEqual(plain(await apply(restored, entries.slice(half))), plain(await apply(saved, entries.slice(half))))
    deepEqual(view(restored.state), view(saved.state))
  },
  'a snapshot holds the state of the moment it was asked for': async ({ machine, view }, entries) => {
    const half = Math.ceil(entries.length / 2)
    const [saved, same, restored] = [machine.start(), machine.start(), machine.start()]
    await apply(saved, entries.slice(0, half))
    await apply(same, entries.slice(0, half))
    const snapshot = saved.snapshot()
    await apply(saved, entries.slice(half))
    await restore(restored, snapshot)
    deepEqual(view(restored.state), view(same.state))
  },
  'a snapshot of an untouched machine can be restored': async ({ machine, view }) => {
    const restored = machine.start()
    await restore(restored, machine.start().snapshot())
    deepEqual(view(restored.state), view(machine.start().state))
  },
  'restoring replaces all that was there': async ({ machine, view }, entries) => {
    const [saved, restored] = [machine.start(), machine.start()]
    await apply(saved, entries.slice(0, 1))
    await apply(restored, entries)
    await restore(restored, saved.snapshot())
    deepEqual(view(restored.state), view(saved.state))
  },
  'it does not matter how the bytes of a snapshot are cut': async ({ machine, view }, entries) => {
    const [saved, restored] = [machine.start(), machine.start()]
    await apply(saved, entries)
    const bytes = Buffer.concat(await read(saved.snapshot()))
    await restore(restored, chunked(Array.from(bytes, byte => Uint8Array.of(byte))))
    deepEqual(view(restored.state), view(saved.state))
  },
  'a restore that fails leaves the state as it was': async ({ machine, view }, entries) => {
    const [saved, kept, same] = [machine.start(), machine.start(), machine.start()]
    await apply(saved, entries)
    await apply(kept, entries.slice(0, 1))
    await apply(same, entries.slice(0, 1))
    const chunks = await read(saved.snapshot())
    await rejects(restore(kept, chunked(chunks.slice(0, -1), new Error('the snapshot ends here'))))
    deepEqual(view(kept.state), view(same.state))
  },
})

/** What every machine must keep, whatever it does; run the cases with any test runner. */
export const machineSuite = <C, R, S>(sample: MachineSample<C, R, S>): readonly SuiteCase[] => {
  const fault = misuse({ sample: Sample }, { sample })
  if (fault !== undefined) throw fault
  const view = sample.view ?? ((state: S): unknown => state)
  const copies = copier(sample.machine.command, sample.commands)
  return Object.entries({ ...application<C, R, S>(), ...snapshots<C, R, S>() }).map(([name, rule]) => ({
    name,
    run: async () => {
      ok(sample.commands.length >= 2, 'the sample needs at least two commands')
      await rule({ ...sample, view }, entriesOf(copies()))
    },
  }))
}
