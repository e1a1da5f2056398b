/** The command line as a user runs it: the built program on recordings of real members and of what goes wrong with them. */
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { byteSink } from '../codecs/byte-sink.js'
import { partsOf, writeRecord, writeSegmentStart, writeTurn } from '../codecs/recording/index.js'
import { firstMembership } from '../lib/membership.js'
import { nothingAsked } from '../lib/ready.js'
import { firstStep } from '../lib/recover.js'
import type { RaftState } from '../lib/state.js'
import { step } from '../lib/step.js'
import { startRaft } from '../streams/create-raft.js'
import { type Raft, createRaft, fileStorage, memoryCluster, memoryNetwork, memoryTransport, orThrow } from '../streams/index.js'
import { flightRecorder } from '../streams/recorder/index.js'
import { systemClock } from '../streams/time/clock.js'
import { settingsOf, stored } from './lib/build.js'
import { type Ended, built, intoNothing, root, run, scratch } from './run.js'
import { type Add, counter, optionsOf } from './streams/member/world.js'

const BUILT = built('cli/rxraft.js')
const rxraft = (t: ExecutionContext, ...args: readonly string[]): Promise<Ended> => run(t, process.execPath, [BUILT, ...args])

/** The folder of a member of three that counted to `count` and was stopped. */
const recording = async (t: ExecutionContext, count = 20): Promise<string> => {
  const root = scratch(t)
  const cluster = orThrow(await memoryCluster({ machine: counter, members: ['n1', 'n2', 'n3'], electionTimeoutMs: 800, heartbeatMs: 50, recorder: id => flightRecorder(join(root, id)) }))
  for (let i = 0; i < count; i++) orThrow(await cluster.n1.propose({ add: 1 }))
  await Promise.all(Object.values(cluster).map(raft => raft.stop()))
  return join(root, 'n1')
}
const onlyFile = (folder: string): string => join(folder, readdirSync(folder)[0]!)

test('a recording is replayed: changes by default, turns and outputs where they are asked for, JSON for programs', async t => {
  const folder = await recording(t)
  const whole = await rxraft(t, 'replay', folder)
  t.is(whole.code, 0, whole.err)
  t.regex(whole.out, /: member n1 of cluster [0-9a-f]{12}, run [0-9a-f]{16}, turns 1 to \d+, from 20\d\d-/)
  t.regex(whole.out, /^turn \d+ {2}\S+ {2}(follower|leader) of term \d+, leader n\d/m)
  t.regex(whole.out, /^the member was stopped\n\d+ turns of 1 segment: all came out as recorded$/m)

  const some = await rxraft(t, 'replay', onlyFile(folder), '--from', '3', '--to', '5', '--outputs')
  t.is(some.code, 0, some.err)
  t.deepEqual([...some.out.matchAll(/^turn (\d+)/gm)].map(([, turn]) => turn), ['3', '4', '5'])
  t.regex((await rxraft(t, 'replay', folder, '--from', '1', '--outputs')).out, /^ {4}→ (appendAccepted|appendEntries) to n\d in term \d+/m)

  const json = await rxraft(t, 'replay', folder, '--from', '1', '--json', '--outputs')
  const lines = json.out.trimEnd().split('\n').map(line => JSON.parse(line) as { type: string; turn?: number; state?: { log: { lastIndex: number } } })
  t.is(lines[0]?.type, 'segment')
  t.deepEqual(lines.at(-1), { type: 'summary', outcome: 'passed' } as never)
  const turns = lines.filter(({ type }) => type === 'turn')
  t.deepEqual(turns.map(({ turn }) => turn), turns.map((_, i) => i + 1))
  t.true(turns.at(-1)!.state!.log.lastIndex >= 21)
})

test('a member that joins is told of as a newcomer until it is none', async t => {
  const root = scratch(t)
  const network = memoryNetwork()
  const start = async (id: string, more: object) => orThrow(await createRaft({
    ...optionsOf({ electionTimeoutMs: 800, heartbeatMs: 50 }), id, members: { n1: 'localhost:1' }, transport: memoryTransport(network), recorder: flightRecorder(join(root, id)), ...more,
  }))
  const rafts = [await start('n1', {}), await start('n2', { join: 'localhost:2' })]
  orThrow(await rafts[0]!.members.add('n2', 'localhost:2'))
  await Promise.all(rafts.map(raft => raft.stop()))
  const [leader, joiner] = await Promise.all(['n1', 'n2'].map(async id => (await rxraft(t, 'replay', join(root, id), '--from', '1', '--outputs')).out))
  t.regex(leader ?? '', /← the leader of term \d+ is to make voters of n2, if n2 votes not yet$/m)
  t.regex(leader ?? '', /← append(Accepted|Refused) from n2 in term \d+: .*, a newcomer$/m)
  const said = (joiner ?? '').split('\n')
  for (const told of [/→ write term \d+, vote none, commit \d+(, a newcomer)?$/, /→ appendAccepted to n1 in term \d+: .*?(, a newcomer)?$/]) {
    const lines = said.filter(line => told.test(line))
    t.regex(lines[0] ?? '', /, a newcomer$/)
    t.notRegex(lines.at(-1) ?? ', a newcomer', /, a newcomer$/)
  }
})

test('a difference ends a replay with code 1', async t => {
  const folder = scratch(t)
  let raft: Raft<Add, number, number> | undefined
  await new Promise(resolve => startRaft(optionsOf({ recorder: flightRecorder(folder) }), {
    clock: systemClock, seed: 1,
    // A build that counts a term too many in its twelfth turn.
    fold: (previous, batch) => {
      const next = step(previous, batch)
      if (next.state.turn === 20) void raft?.stop()
      return next.state.turn === 12 ? { ...next, state: { ...next.state, term: next.state.term + 1 } } : next
    },
  }, outcome => {
    raft = orThrow(outcome)
    raft.ended$.subscribe(resolve)
  }))
  const { code, out } = await rxraft(t, 'replay', folder)
  t.is(code, 1, out)
  t.regex(out, /^turn 12: recorded term (\d+), replayed \d+$/m)
  t.notRegex(out, /all came out as recorded/)
})

test('a broken invariant ends a replay with code 1, at its turn and with its words', async t => {
  const file = join(scratch(t), 'broken.rxr')
  const { state } = firstStep(settingsOf('n1'), stored({ voters: 'n1 n2' }), 1, 0)
  // It waits for a write of entries that it does not have.
  const waiting: RaftState = { ...state, log: { ...state.log, base: { index: 0, term: 0, membership: firstMembership({ n1: 'localhost:1', n2: 'localhost:2' }) } }, pendingWrites: [{ turn: 1, last: 99, since: 0 }] }
  const sink = byteSink(1024)
  writeSegmentStart(sink, { clusterId: 'c0ffee', id: 'n1', run: 'r1', segment: 1, turn: 0, wall: 0, dropped: 0 }, partsOf(waiting).record)
  writeRecord(sink, 'turn', () => writeTurn(sink, waiting, { now: 1, wall: 1, events: [] }))
  const after = step({ state: waiting, ready: nothingAsked(0) }, { now: 1, wall: 1, events: [] }).state
  writeRecord(sink, 'turn', () => writeTurn(sink, after, { now: 2, wall: 2, events: [{ type: 'persisted', turn: 1 }] }))
  writeFileSync(file, sink.take())
  const { code, out } = await rxraft(t, 'replay', file)
  t.is(code, 1, out)
  t.regex(out, /^turn 2 {2}1970-01-01T00:00:00\.002Z {2}broken:\n {4}✘ persisted 99 is in the log \(0\)\n {4}← persisted turn 1\n {4}before it: follower of term 1/m)
  t.is((await rxraft(t, 'replay', file, '--to', '1')).code, 0)
})

test('what cannot be read, and mistakes in the arguments, are one line and code 2', async t => {
  const folder = await recording(t, 3)
  const file = onlyFile(folder)
  const damaged = join(scratch(t), 'damaged.rxr')
  const bytes = readFileSync(file)
  bytes[bytes.length - 200]! ^= 1
  writeFileSync(damaged, bytes)
  const cut = join(scratch(t), 'cut.rxr')
  writeFileSync(cut, readFileSync(file).subarray(0, 100))
  const said = await rxraft(t, 'replay', damaged)
  t.is(said.code, 2)
  t.regex(said.out, /damaged\.rxr cannot be read as a flight recording at offset \d+: /)
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^rxraft COMMAND/],
    [['repaly'], /there is no command "repaly"/],
    [['constructor'], /there is no command "constructor"/],
    [['replay'], /a FILE or FOLDER is missing/],
    [['replay', file, file], /one FILE or FOLDER at a time, not 2/],
    [['replay', file, '--from', 'x'], /--from takes the number of a turn, 1 or more, not "x"/],
    [['replay', file, '--from', '9', '--to', '2'], /--from 9 is after --to 2/],
    [['replay', file, '--form', '9'], /--form/],
    [['replay', join(folder, 'nothing')], /nothing cannot be read as a flight recording at offset 0: ENOENT/],
    [['replay', scratch(t)], /the folder holds no segment of a flight recording/],
    [['replay', cut], /cut\.rxr cannot be read as a flight recording at offset \d+: it ends before/],
    [['replay', process.execPath], /it does not begin as a flight recording/],
  ]
  for (const [args, words] of cases) {
    const { code, out, err } = await rxraft(t, ...args)
    t.is(code, 2, args.join(' '))
    t.regex(err, words)
    t.notRegex(err, /\n\s+at /, 'no stack trace')
    t.is(out, '')
  }
})

test('a command of bytes that are no UTF-8 is a mistake, and no other command', async t => {
  const file = join(scratch(t), 'command')
  writeFileSync(file, Buffer.from('{"put":"caf\xe9","value":1}', 'latin1'))
  const { code, err } = await run(t, 'sh', ['-c', `'${process.execPath}' '${BUILT}' propose --at 127.0.0.1:1 - < '${file}'`])
  t.is(code, 2)
  t.regex(err, /^the command is no UTF-8: [^\n]+\n$/)
  writeFileSync(file, '\ufeff{"put":"caf\u00e9","value":1}')
  const marked = await run(t, 'sh', ['-c', `'${process.execPath}' '${BUILT}' propose --timeout-ms 100 --at 127.0.0.1:1 - < '${file}'`])
  t.is(marked.code, 1, `with a mark of its byte order it is a command, and nobody is there to take it: ${marked.err}`)
})

test('--help is an answer, not a mistake', async t => {
  for (const args of [['--help'], ['help'], ['replay', '--help'], ['replay', '-h', 'nothing']]) {
    const { code, out, err } = await rxraft(t, ...args)
    t.is(code, 0)
    t.is(err, '')
    t.regex(out, /^rxraft /)
  }
})

test('a segment that was never finished is no fault of its folder', async t => {
  const folder = await recording(t, 3)
  writeFileSync(join(folder, 'flight-00000002.rxr'), readFileSync(onlyFile(folder)).subarray(0, 200))
  const { code, out } = await rxraft(t, 'replay', folder)
  t.is(code, 0)
  t.regex(out, /00000002\.rxr cannot be read as a flight recording at offset 200: it ends before/)
  t.regex(out, /turns of 1 segment: all came out as recorded/)
})

const ifLinux = existsSync('/dev/full') ? test : test.skip
ifLinux('what cannot be written is told, and is no success', async t => {
  const [whole, damaged] = [join(scratch(t), 'whole'), join(scratch(t), 'damaged')]
  for (const folder of [whole, damaged]) cpSync(join(root, 'test/fixtures/v1/folder'), folder, { recursive: true })
  writeFileSync(join(damaged, 'hard-state'), 'no hard state')
  for (const args of [['--help'], ['verify', '--help'], ['verify', whole], ['inspect', whole], ['replay', await recording(t, 3)]]) {
    const { code, err } = await intoNothing(t, [BUILT, ...args]).full()
    t.is(code, 1, args.join(' '))
    t.regex(err, /^Standard output cannot be written: ENOSPC: no space left on device, write$/m)
    t.notRegex(err, /\n\s+at /, 'no stack trace')
  }
  t.is(await intoNothing(t, [BUILT, 'verify', whole]).gone(), 0, 'whoever has seen enough misses nothing')
  t.is(await intoNothing(t, [BUILT, 'verify', damaged]).gone(), 1)
  const orders = join(scratch(t), 'orders')
  const members = { n1: '127.0.0.1:1', n2: '127.0.0.1:2' }
  await orThrow(await createRaft({ cluster: 'orders', id: 'n1', members, machine: counter, storage: fileStorage(orders), transport: memoryTransport(memoryNetwork()) })).stop()
  const changed = await intoNothing(t, [BUILT, 'recover', orders, '--yes-i-understand', 'orders']).full()
  t.is(changed.code, 3, `it is done, and nobody could be told: ${changed.err}`)
})
