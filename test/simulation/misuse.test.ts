/** What a test cannot ask for is told at once, by name, and changes nothing. */
import test from 'ava'
import { InvalidOptions, orThrow } from '../../streams/index.js'
import { type SimulatedCluster, SimulationMisused, type SimulationOptions, simulate } from '../../testing/index.js'
import { counter } from './counters.js'

type Options = SimulationOptions<{ add: number }, number, number>
type Counter = SimulatedCluster<{ add: number }, number, number>

/** What TypeScript would not let through, as JavaScript and `any` would. */
const wrong = (value: unknown): never => value as never

const OPTIONS: readonly (readonly [options: Partial<Record<keyof Options | 'electionTimeout', unknown>>, claim: RegExp])[] = [
  [{ members: 0 }, /members: must be an integer from 1 to 63, not 0/],
  [{ members: 1.5 }, /members: must be an integer .* not 1\.5/],
  [{ members: 64 }, /members: .* not 64/],
  [{ members: '3' }, /members: .* not "3"/],
  [{ seed: Number.NaN }, /seed: must be an integer from 0 .* not NaN/],
  [{ seed: -1 }, /seed: .* not -1/],
  [{ turnMs: -1 }, /turnMs: must be a number from 0 .* not -1/],
  [{ turnMs: Number.NaN }, /turnMs: .* not NaN/],
  [{ replays: Number.NaN }, /replays: must be an integer from 0 .* not NaN/],
  [{ segmentBytes: 4095 }, /segmentBytes: must be an integer from 4096 to 1073741824, not 4095/],
  [{ segmentBytes: 2 ** 30 + 1 }, /segmentBytes: /],
  [{ trace: 'yes' }, /trace: must be Function, not "yes"/],
  [{ view: 'total' }, /view: must be Function, not "total"/],
  [{ fold: 1 }, /fold: must be Function, not 1/],
  [{ electionTimeoutMs: 0 }, /electionTimeoutMs: must be an integer from 1 .* not 0/],
  [{ heartbeatMs: 600 }, /heartbeatMs: must be at most half of electionTimeoutMs = 1000, not 600/],
  [{ limits: { maxInflightMessages: 0 } }, /limits\.maxInflightMessages: must be an integer from 1 .* not 0/],
  [{ limits: { maxInFlightMessages: 1 } }, /limits\.maxInFlightMessages: is not an option/],
  [{ limits: { maxInflightBytes: 10 } }, /limits\.maxInflightBytes: must be at least maxAppendBytes = 1048576, not 10/],
  [{ machine: undefined }, /machine: must be an object with the method start/],
  [{ machine: { start: () => undefined } }, /machine\.command: must be an io-ts codec/],
  [{ machines: { n2: { start: () => undefined } } }, /machines\.n2\.command: must be an io-ts codec/],
  [{ machines: { n2: 1 } }, /machines\.n2: must be an object with the method start/],
  [{ electionTimeout: 1000 }, /electionTimeout: is not an option/],
  [{ members: 0, heartbeatMs: 600, replays: -1 }, /members: .*; replays: .*; heartbeatMs: /],
]

test('options that make no sense are InvalidOptions, each by its name', a => {
  for (const [options, message] of OPTIONS) a.throws(() => simulate(wrong({ machine: counter, ...options })), { instanceOf: InvalidOptions, message }, JSON.stringify(options))
  a.throws(() => simulate(wrong(undefined)), { instanceOf: InvalidOptions, message: /must be an object/ })
})

test('the bounds are those of a member', async a => {
  for (const options of [{ members: 1, segmentBytes: 4096 }, { members: 1, segmentBytes: 2 ** 30 }, { members: 7, limits: { maxInflightMessages: 1 }, seed: 0, replays: 0 }]) {
    const cluster = simulate({ machine: counter, ...options })
    await cluster.until(() => cluster.leader() !== undefined)
    a.is(orThrow(await cluster.settle(cluster.propose({ add: 1 }))), 1)
  }
})

const NOBODY = /must be one of the members n1, n2, n3, not "n9"/

const CALLS: Readonly<Record<string, readonly [call: (cluster: Counter) => unknown, claim: RegExp]>> = {
  'member': [cluster => cluster.member('n9'), /^member: id: must be one of the members n1, n2, n3, not "n9"$/],
  'crash': [cluster => cluster.crash('n9'), NOBODY],
  'crash without a name': [cluster => cluster.crash(wrong(undefined)), /^crash: id: .* not undefined$/],
  'crash that keeps too much': [cluster => cluster.crash('n1', 1.5), /^crash: keep: must be a probability from 0 to 1, not 1\.5$/],
  'kill': [cluster => cluster.kill('n9'), NOBODY],
  'start': [cluster => cluster.start('n9'), NOBODY],
  'pause': [cluster => cluster.pause('n9'), NOBODY],
  'resume': [cluster => cluster.resume('n9'), NOBODY],
  'stall': [cluster => cluster.stall('n9', 10), NOBODY],
  'stall for no time': [cluster => cluster.stall('n1', Number.NaN), /^stall: ms: must be a number of milliseconds, 0 or more, not NaN$/],
  'cut': [cluster => cluster.cut('n1', 'n9'), /^cut: to: must be one of/],
  'cut the other way': [cluster => cluster.cut('n9', 'n1'), /^cut: from: must be one of/],
  'partition': [cluster => cluster.partition(['n1', 'n2'], ['n9']), /^partition: groups\.1\.0: must be one of the members n1, n2, n3, not "n9"$/],
  'partition of names': [cluster => cluster.partition(wrong('n1'), wrong('n2')), /^partition: groups\.0: must be a list of members, not "n1"/],
  'partition of both sides': [cluster => cluster.partition(['n1', 'n2'], ['n2', 'n3']), /^partition: groups: n2 can be in one of them only$/],
  'network': [cluster => cluster.network({ loss: 2 }), /^network: mix\.loss: must be a probability from 0 to 1, not 2$/],
  'a network that carries nothing': [cluster => cluster.network({ bytesPerSecond: 0 }), /^network: mix\.bytesPerSecond: must be a number of bytes a second, above 0, not 0$/],
  'network with another name': [cluster => cluster.network(wrong({ latency: 2 })), /^network: mix\.latency: is not an option$/],
  'disks': [cluster => cluster.disks({ syncMs: -1 }), /^disks: mix\.syncMs: must be a number of milliseconds, 0 or more, not -1$/],
  'inflict': [cluster => cluster.inflict({ type: 'kill', id: 'n9' }), NOBODY],
  'inflict something else': [cluster => cluster.inflict(wrong({ type: 'flood' })), /^inflict: type: must be one of cut, network, .*, skew$/],
  'inflict nothing': [cluster => cluster.inflict(wrong(undefined)), /^inflict: type: must be one of/],
  'cut by name': [cluster => cluster.inflict({ type: 'cut', links: ['n1-n2'] }), /^inflict: links\.0: must be a way from one member to another, as "n1>n2", of the members n1, n2, n3, not "n1-n2"$/],
  'reset': [cluster => cluster.inflict({ type: 'reset', a: 'n1', b: 'n9' }), /^inflict: b: must be one of/],
  'a disk that fails at nothing': [cluster => cluster.inflict(wrong({ type: 'failDisk', id: 'n1', operation: 'sync', code: 'EIO', skip: 0 })), /^inflict: operation: must be one of makeDirectory, .*, not "sync"$/],
  'a disk that fails less than never': [cluster => cluster.inflict({ type: 'failDisk', id: 'n1', operation: 'write', code: 'EIO', skip: -1 }), /^inflict: skip: /],
  'a disk that is not slow': [cluster => cluster.inflict({ type: 'slowDisk', id: 'n1', factor: 0 }), /^inflict: factor: must be a number above 0, not 0$/],
  'a disk with no number': [cluster => cluster.inflict({ type: 'fillDisk', id: 'n1', freeBytes: Number.NaN }), /^inflict: freeBytes: /],
  'a clock that stands still': [cluster => cluster.inflict({ type: 'skew', id: 'n1', rate: 0 }), /^inflict: rate: /],
  'propose': [cluster => cluster.propose({ add: 1 }, { at: 'n9' }), /^propose: at: must be one of the members n1, n2, n3, not "n9"$/],
  'propose through a stranger': [cluster => cluster.propose({ add: 1 }, { through: 'cyd' }), /^propose: through: must be a client that connects, of which there is none, not "cyd"$/],
  'connect as a member': [cluster => cluster.connect('n1'), /^connect: client: must not be the name of a member, not "n1"$/],
  'connect as nobody': [cluster => cluster.connect(''), /^connect: client: must be a name of visible ASCII characters without ">", not ""$/],
  'propose with another name': [cluster => cluster.propose({ add: 1 }, wrong({ member: 'n1' })), /^propose: member: is not an option$/],
  'after': [cluster => cluster.clock.after(Number.NaN, () => undefined), /^clock\.after: ms: /],
  'run': [cluster => cluster.run(-1), /^run: ms: must be a number of milliseconds, 0 or more, not -1$/],
  'run for ever': [cluster => cluster.run(Infinity), /^run: ms: .* not Infinity$/],
  'until': [cluster => cluster.until(() => true, Number.NaN), /^until: withinMs: /],
  'until a promise': [cluster => cluster.until(wrong(async () => false)), /^until: holds: must say at once whether it holds$/],
  'settle': [cluster => cluster.settle(Promise.resolve(1), -1), /^until: withinMs: /],
  'storm': [cluster => cluster.storm(-1), /^storm: ms: /],
  'calm': [cluster => cluster.calm(Number.NaN), /^calm: ms: /],
  'recover without one': [cluster => cluster.recover({ down: ['n9'] }), /^recover: down\.0: must be one of/],
  'recover with a cut': [cluster => cluster.recover({ links: ['n1>n9'] }), /^recover: links\.0: must be a way/],
}

test('whoever does not exist, and whatever cannot be, is SimulationMisused, and nothing was done', async a => {
  const cluster = simulate({ machine: counter, seed: 1 })
  await cluster.until(() => cluster.leader() !== undefined)
  const before = cluster.counts.steps()
  for (const [name, [call, message]] of Object.entries(CALLS)) await a.throwsAsync(async () => call(cluster), { instanceOf: SimulationMisused, message }, name)
  a.deepEqual([cluster.counts.faults(), cluster.history(), cluster.counts.steps()], [{}, [], before])
  a.is(orThrow(await cluster.settle(cluster.propose({ add: 2 }, { at: 'n3', client: 'ann', timeoutMs: 1000 }))), 2)
  await cluster.recover()
  await cluster.check()
})
