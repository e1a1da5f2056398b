/** Whatever plain JavaScript hands over, a function of this library says what is wrong and where, in a typed error: as its outcome, as the error of its stream, or thrown where it has neither. */
import test from 'ava'
import * as io from 'io-ts'
import { type Observable, catchError, firstValueFrom, lastValueFrom, of } from 'rxjs'
import { connect } from '../client/index.js'
import {
  createRaft, fileStorage, memoryCluster, memoryNetwork, memoryStorage, memoryTransport, orThrow, reducerMachine, tcpTransport, whileLeader,
} from '../streams/index.js'
import { flightRecorder, readRecording, recordingFiles, replay } from '../streams/recorder/index.js'
import { counterModel, isLinearizable, judge, machineSuite, simulate, storageSuite, transportSuite } from '../testing/index.js'
import { scratch } from './run.js'

const machine = reducerMachine({ command: io.number, result: io.number, state: io.number, initial: 0, reduce: (total, add) => [total + add, total + add] })

/** No type is kept: this is what plain JavaScript does. */
const call = (what: unknown, ...given: readonly unknown[]): unknown => Reflect.apply(what as () => unknown, undefined, given)
const asJavaScript = (value: unknown): Readonly<Record<string, unknown>> => value as Readonly<Record<string, unknown>>

/** What is said of a fault, and how. */
const said = async (made: () => unknown): Promise<string> => {
  try {
    const outcome = await made()
    if (Object(outcome) !== outcome) return `no fault: ${String(outcome)}`
    const { _tag, left, type, error } = outcome as { readonly _tag?: string; readonly left?: Error & { readonly _tag?: string }; readonly type?: string; readonly error?: Error }
    const fault = _tag === 'Left' ? left : type === 'failed' ? error : outcome
    return fault instanceof Error ? `${fault.name}: ${fault.message}` : 'no fault'
  } catch (thrown) {
    return thrown instanceof Error ? `${thrown.name} thrown: ${thrown.message}` : 'something else was thrown'
  }
}
const errorOf = (stream$: unknown): Promise<unknown> => lastValueFrom((stream$ as Observable<unknown>).pipe(catchError((error: unknown) => of(error))), { defaultValue: 'no fault' })

const NO_OBJECTS: readonly unknown[] = [null, 7, 'soon', true, Symbol('s'), []]
const NO_FUNCTIONS: readonly unknown[] = [undefined, null, 7, 'work', {}, []]

test('a member and its client: what is no options, no command stream, no function and no position', async t => {
  const { n1 } = orThrow(await memoryCluster({ machine, members: ['n1'] }))
  t.teardown(() => n1.stop())
  orThrow(await n1.propose(1))
  const raft = asJavaScript(n1)
  const changes = asJavaScript(n1.members)
  for (const options of NO_OBJECTS) {
    const shown = String(options)
    for (const action of ['propose', 'track'] as const) t.regex(await said(() => action === 'track' ? errorOf(call(raft[action], 1, options)) : call(raft[action], 1, options)), /^Rejected: .*options: must be an object/, `${action} ${shown}`)
    t.regex(await said(() => call(raft['read'], (state: unknown) => state, options)), /^Rejected: .*options: must be an object/, shown)
    t.regex(await said(() => call(raft['transferLeadership'], undefined, options)), /^Rejected: .*options: must be an object/, shown)
    t.regex(await said(() => call(changes['abandon'], options)), /^Rejected: .*options: must be an object/, shown)
    t.regex(await said(() => call(changes['change'], options)), /^Rejected: .*change: must be an object/, shown)
    t.regex(await said(() => errorOf(of(1).pipe(n1.replicate(options as Parameters<typeof n1.replicate>[0])))), /^InvalidOptions: .*options: must be an object/, shown)
    t.regex(await said(() => errorOf(call(raft['replicateFrom'], [1], options))), /^InvalidOptions: .*options: must be an object/, shown)
  }
  for (const [options, fault] of [
    [{ window: null }, /options\.window: must be a finite number of at least 1$/], [{ window: Infinity }, /not Infinity/], [{ window: 0 }, /options\.window: .*not 0/], [{ window: Number.NaN }, /not NaN/], [{ window: '9' }, /not "9"/],
    [{ queue: -1 }, /options\.queue: must be a finite number of at least 0, not -1/], [{ windows: 9 }, /options\.windows: is not an option/],
  ] as const) t.regex(await said(() => errorOf(of(1).pipe(n1.replicate(options as Parameters<typeof n1.replicate>[0])))), fault)
  for (const commands of [undefined, null, 7, {}, Symbol('s')]) t.regex(await said(() => errorOf(call(raft['replicateFrom'], commands))), /^InvalidOptions: .*commands: must be an iterable/)
  for (const commands of [{ [Symbol.iterator]: () => undefined }, { [Symbol.iterator]: () => ({}) }, { [Symbol.asyncIterator]: () => 7 }]) {
    t.regex(await said(() => errorOf(call(raft['replicateFrom'], commands))), /^InvalidOptions: .*commands: must make an iterator/)
  }
  const empty = { [Symbol.asyncIterator]: null, *[Symbol.iterator]() {} }
  t.is(await said(() => errorOf(call(raft['replicateFrom'], empty))), 'no fault: no fault', 'it is an iterable all the same')
  for (const commands of [undefined, [1], Promise.resolve(1), {}]) {
    t.regex(await said(() => errorOf(call(n1.replicate(), commands))), /^InvalidOptions: .*commands: must be an object with the method pipe and subscribe/)
  }
  for (const each of NO_FUNCTIONS) {
    t.regex(await said(() => errorOf(call(raft['commitsFrom'], 1, each))), /^InvalidOptions: .*each: must be a function/, String(each))
    t.regex(await said(() => call(raft['read'], each)), /^Rejected: .*select: must be a function/, String(each))
    t.regex(await said(() => errorOf(n1.leadership$.pipe(call(whileLeader, each) as ReturnType<typeof whileLeader<unknown, unknown>>))), /^InvalidOptions: .*work: must be a function/, String(each))
  }
  for (const index of [undefined, null, '1', Symbol('s'), Object.create(null)]) {
    t.regex(await said(() => errorOf(call(raft['commitsFrom'], index, () => []))), /^InvalidOptions: .*index: must be an integer/)
  }
  t.is(orThrow(await n1.read(total => total)), 1, 'nothing of all that was proposed')
  t.is((await firstValueFrom(n1.status$)).role, 'leader')
})

test('a signal, or options, that throw when they are looked at: no call rejects, and nobody else hears of it', async t => {
  const { n1 } = orThrow(await memoryCluster({ machine, members: ['n1'] }))
  t.teardown(() => n1.stop())
  orThrow(await n1.propose(1))
  const no = (): never => { throw new Error('no') }
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const signal = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined }
  const laterOn = (times: number) => () => { if (times-- <= 0) no() }
  const calls = { propose: n1.propose, read: (_: unknown, options: unknown) => call(n1.read, (total: number) => total, options), transferLeadership: (_: unknown, options: unknown) => call(n1.transferLeadership, undefined, options), remove: (_: unknown, options: unknown) => call(n1.members.remove, 'n9', options) }
  for (const [name, action] of Object.entries(calls)) {
    for (const options of [
      { get timeoutMs() { return no() } }, { signal: { ...signal, addEventListener: no } }, { signal: { ...signal, removeEventListener: no } },
      { signal: { ...signal, get aborted() { return no() } } }, { signal: { ...signal, aborted: 'no' } }, { signal: proxy }, proxy,
    ]) t.regex(await said(() => call(action, 1, options)), /^Rejected: /, name)
    let looks = 0
    const changing = { get timeoutMs() { return looks++ === 0 ? 300 : no() } }
    const failing = { ...signal, addEventListener: laterOn(1), removeEventListener: laterOn(1) }
    for (const options of [changing, { signal: failing }]) t.notRegex(await said(() => call(action, 1, options)), /thrown|Rejected/, name)
  }
  t.is((await firstValueFrom(n1.status$)).role, 'leader')
})

test('what a member is made of: faults are outcomes of the start', async t => {
  const folder = scratch(t)
  const start = (options: object) => said(() => call(createRaft, { cluster: 'c', id: 'n1', members: { n1: 'localhost:1' }, machine, transport: memoryTransport(memoryNetwork()), storage: memoryStorage(), ...options }))
  for (const given of NO_OBJECTS) {
    const shown = String(given)
    for (const start of [createRaft, memoryCluster, connect]) t.regex(await said(() => call(start, given)), /^InvalidOptions: /, `${start.name} ${shown}`)
    t.regex(await start({ storage: call(fileStorage, folder, given) }), /^InvalidOptions: .*storage\.options: must be an object/, shown)
    for (const [name, fault] of [['disk', 'an object with the method makeDirectory'], ['clock', 'an object with the method after'], ['random', 'a function']]) {
      t.regex(await start({ storage: call(fileStorage, folder, { [name!]: given }) }), new RegExp(`^InvalidOptions: .*storage\\.${name}: must be ${fault}`), shown)
    }
    t.regex(await start({ recorder: call(flightRecorder, folder, { disk: given }) }), /^InvalidOptions: .*recorder\.disk: must be an object with the method makeDirectory/, shown)
    if (given !== 'soon') t.regex(await start({ storage: call(fileStorage, given) }), /^InvalidOptions: .*storage\.folder: must be a path/, shown)
    t.regex(await start({ transport: call(tcpTransport, given) }), /^InvalidOptions: .*transport\.options: must be an object/, shown)
    t.regex(await start({ transport: call(memoryTransport, given) }), /^InvalidOptions: .*transport\.network: must be what memoryNetwork\(\) makes/, shown)
    t.regex(await start({ machine: call(reducerMachine, given) }), /^InvalidOptions: .*machine\.command: must be an io-ts codec/, shown)
    t.regex(await start({ recorder: call(flightRecorder, folder, given) }), /^InvalidOptions: .*recorder: must be an object/, shown)
  }
  for (const given of [new Map(), new Date(0), Promise.resolve(1), []]) {
    t.regex(await start({ limits: given }), /^InvalidOptions: .*limits: must be an object/, String(given))
    t.regex(await start({ storage: call(fileStorage, folder, given) }), /^InvalidOptions: .*storage\.options: must be an object/, String(given))
    t.regex(await start({ transport: call(tcpTransport, given) }), /^InvalidOptions: .*transport\.options: must be an object/, String(given))
  }
  const trap = (): never => { throw new Error('trap') }
  const trapped = new Proxy({}, { get: trap, ownKeys: trap })
  t.regex(await start({ limits: trapped }), /^InvalidOptions: .*limits: cannot be read: trap/)
  t.regex(await start({ limits: { get stallMs() { return trap() } } }), /^InvalidOptions: .*limits\.stallMs: cannot be read: trap/)
  t.regex(await start({ storage: { get open() { return trap() } } }), /^InvalidOptions: .*storage: cannot be read: trap/)
  const codec = io.number
  for (const [given, fault] of [
    [{ command: codec, result: codec, state: codec, initial: 0 }, /machine: could not be started: .*reducerMachine\.reduce: must be a function/],
    [{ command: codec, result: codec, initial: 0, reduce: () => [0, 0] }, /machine: could not be started: .*reducerMachine\.state: must be an io-ts codec/],
  ] as const) t.regex(await start({ machine: call(reducerMachine, given) }), fault)
  const running = reducerMachine({ command: codec, result: codec, state: codec, initial: 0, reduce: () => [0, 0] }).start()
  for (const [given, fault] of [
    [undefined, /machine: start must return an object with apply, snapshot and restore/], [async () => running, /machine: start must return an object/],
    [Promise.resolve(running), /machine: start must return a running machine, and no promise of one/],
    [{ ...running, apply: undefined, restore: 7 }, /machine: what start returns must have a function apply.*machine: what start returns must have a function restore/s],
  ] as const) t.regex(await start({ machine: { command: codec, result: codec, start: () => given } }), fault)
})

test('what has no outcome and no stream throws', async t => {
  for (const given of [{ _tag: 'Left' }, { _tag: 'Left', left: 'text' }, { _tag: 'Right' }]) t.regex(await said(() => call(orThrow, given)), /^InvalidOptions thrown: .*outcome: must be a Left or a Right/)
  for (const given of [undefined, ...NO_OBJECTS]) {
    const shown = String(given)
    t.regex(await said(() => call(orThrow, given)), /^InvalidOptions thrown: .*outcome: must be a Left or a Right/, shown)
    t.regex(await said(() => call(judge, given, [])), /^InvalidOptions thrown: .*model: must be a model/, shown)
    t.regex(await said(() => call(machineSuite, given)), /^InvalidOptions thrown: .*sample: must be an object/, shown)
    t.regex(await said(() => [...call(replay, given) as Iterable<unknown>]), /^InvalidOptions thrown: .*segment: must be an object with the method turns/, shown)
    for (const suite of [storageSuite, transportSuite]) t.regex(await said(() => call(suite, given)), /^InvalidOptions thrown: .*make: must be a function/, shown)
    if (!Array.isArray(given)) for (const judging of [judge, isLinearizable]) t.regex(await said(() => call(judging, counterModel, given)), /^InvalidOptions thrown: .*history: must be a list of operations/, shown)
    if (given !== undefined) {
      t.regex(await said(() => call(judge, counterModel, [], given)), /^InvalidOptions thrown: .*options: must be an object/, shown)
      t.regex(await said(() => call(simulate, given)), /^InvalidOptions thrown: /, shown)
    }
    if (given !== 'soon') for (const read of [readRecording, recordingFiles]) t.regex(await said(() => call(read, given)), /^UnreadableRecording: /, shown)
  }
  t.regex(await said(() => call(orThrow, Promise.resolve(1))), /and is a promise: await it first/)
  t.regex(await said(() => call(judge, counterModel, [null])), /^InvalidOptions thrown: .*history\.0: must be/)
})
