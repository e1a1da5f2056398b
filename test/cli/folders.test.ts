/** Data folders of members that do not run: looked at, checked, and made a lone member's. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { filter, firstValueFrom } from 'rxjs'
import { type HeldFolder, withFolder } from '../../cli/folder/hold.js'
import { entriesInWords, survey } from '../../cli/folder/survey.js'
import { command as inspect } from '../../cli/inspect/command.js'
import { type ShownEntry, entriesIn } from '../../cli/inspect/entries.js'
import { surveyInWords } from '../../cli/inspect/words.js'
import { keyValueMachine } from '../../cli/machine/key-value.js'
import { copyBeside } from '../../cli/recover/copy.js'
import { checkName, planFor } from '../../cli/recover/plan.js'
import { makeAlone } from '../../cli/recover/rewrite.js'
import { typedName } from '../../cli/recover/typed-name.js'
import { command as verify } from '../../cli/verify/command.js'
import { warningFor } from '../../cli/recover/warning.js'
import type { Screen } from '../../cli/screen.js'
import type { StartError } from '../../lib/errors.js'
import type { Either } from '../../lib/prelude.js'
import { beginMachine, startMachine } from '../../streams/snapshots/begin.js'
import { SECTOR_BYTES } from '../../streams/storage/disk/disk.js'
import type { Store } from '../../streams/storage/port.js'
import { type Survey, couldStartAlone } from '../../streams/storage/survey.js'
import { systemClock } from '../../streams/time/clock.js'
import { createRaft, fileStorage, memoryNetwork, memoryTransport, orThrow } from '../../streams/index.js'
import { receiveSnapshot, snapshotOf, writeSnapshot } from '../../testing/open-snapshot.js'
import { append, baseAt, commands, compact, hardState, openStore } from '../../testing/open-store.js'
import { root, scratch } from '../run.js'

const MEMBERS = { n1: 'localhost:1', n2: 'localhost:2' }
const silent: Screen = { event: () => undefined, bar: () => undefined, end: () => undefined }
const look = (folder: string): Promise<Survey> => withFolder(folder, held => survey(held, true, silent))

type Network = ReturnType<typeof memoryNetwork>
const member = async (folder: string, id: 'n1' | 'n2', network: Network) => orThrow(await createRaft({
  cluster: 'orders', id, members: MEMBERS, machine: keyValueMachine, transport: memoryTransport(network), storage: fileStorage(folder, { segmentBytes: 8 * 1024 }),
  limits: { snapshotKeepEntries: 4 },
}))

/** Fills the folder of n1, which has a partner: several segments, and a snapshot. */
const fill = async (folder: string, partner: string): Promise<void> => {
  const network = memoryNetwork()
  const [n1, n2] = await Promise.all([member(folder, 'n1', network), member(partner, 'n2', network)])
  for (let i = 0; i < 40; i++) orThrow(await n1.propose({ put: `k${i % 7}`, value: 'x'.repeat(500) }))
  orThrow(await n1.snapshot())
  for (let i = 0; i < 20; i++) orThrow(await n1.propose({ put: `after${i}`, value: 'y'.repeat(500) }))
  await Promise.all([n1.stop(), n2.stop()])
}

const contents = (folder: string): Readonly<Record<string, string>> => Object.fromEntries(readdirSync(folder).map(name => [name, readFileSync(join(folder, name)).toString('base64')]))
const flip = (file: string, at: number): void => {
  const bytes = readFileSync(file)
  bytes[at]! ^= 1
  writeFileSync(file, bytes)
}

const kept = mkdtempSync(join(tmpdir(), 'rxraft-test-'))
const folder = join(kept, 'n1')
let whole: Survey
test.before(async () => {
  await fill(folder, join(kept, 'n2'))
  whole = await look(folder)
})
test.after.always(() => rmSync(kept, { recursive: true, force: true }))

/** A folder of one's own with the same in it. */
const copied = (t: ExecutionContext): string => {
  const own = join(scratch(t), 'n1')
  cpSync(folder, own, { recursive: true })
  return own
}

test('a survey finds what is there, and changes none of it', async t => {
  const own = copied(t)
  const before = contents(own)
  const found = await look(own)
  t.deepEqual(contents(own), before)
  t.deepEqual(found.faults, [])
  const { identity, log, snapshots, segments } = found
  t.is(identity.id, 'n1')
  t.is(snapshots.length, 1)
  t.true(segments.length > 3)
  t.true(log!.base.index > 0 && log!.base.index <= snapshots[0]!.index, 'the log is cut behind the snapshot')
  t.deepEqual(log!.base.membership.addresses, MEMBERS)
  const appended = segments.flatMap(({ first, last }) => first === undefined || last === undefined ? [] : [[first.index, last.index]])
  for (const [i, [first]] of appended.entries()) if (i > 0) t.is(first, appended[i - 1]![1]! + 1, 'each segment goes on where the one before ends')
  t.is(appended.at(-1)![1], log!.lastIndex)
  const words = surveyInWords(own, found).join('\n')
  t.regex(words, /^member +n1 of cluster [0-9a-f]{64}, incarnation \w+$/m)
  t.regex(words, /^members +voters n1=localhost:1, n2=localhost:2$/m)
  t.regex(words, /^segment +segment-\d{10} +after \d+@\d+ +\d+@\d+ to \d+@\d+ +\d+ records .* sealed$/m)

  const entries: ShownEntry[] = []
  await withFolder(own, async held => {
    for await (const entry of entriesIn(held, log!, 1, log!.lastIndex)) entries.push(entry)
  })
  t.is(entries[0]?.index, log!.base.index + 1)
  t.deepEqual(entries.map(({ index }) => index), entries.map((_, i) => log!.base.index + 1 + i), 'every entry of the log, across its segments')
  t.like(entries.at(-1), { kind: 'command', value: { put: 'after19', value: 'y'.repeat(500) } })
})

test.serial('entries that the log does not have are answered with those that it has', async t => {
  const { log } = whole
  const { write } = process.stderr
  const said: string[] = []
  process.stderr.write = text => said.push(String(text)) > 0
  t.teardown(() => { process.stderr.write = write })
  for (const range of ['1', `${log!.lastIndex + 1}-`]) t.is(await inspect.run([copied(t), '--entries', range]), 0)
  const sentences = said.filter(text => text.startsWith('The log has'))
  t.deepEqual(sentences, Array.from({ length: 2 }, () => `The log has entries ${log!.base.index + 1} to ${log!.lastIndex}.\n`))
  t.is(entriesInWords({ ...whole, log: undefined }), 'no entries')
  t.is(entriesInWords({ ...whole, log: { ...log!, lastIndex: log!.base.index } }), 'no entries')
  t.is(entriesInWords({ ...whole, log: { ...log!, lastIndex: log!.base.index + 1 } }), `entry ${log!.base.index + 1}`)
})

test('a folder of the first format is surveyed too', async t => {
  const own = join(scratch(t), 'v1')
  cpSync(join(root, 'test/fixtures/v1/folder'), own, { recursive: true })
  const { log, faults, segments } = await look(own)
  t.deepEqual(faults, [])
  t.is(log?.lastIndex, 25)
  t.is(segments.length, 6)
})

/** Damage to one file: where, and what is said of it. */
const damages = ({ segments, snapshots }: Survey): readonly (readonly [name: string, at: number, claim: RegExp])[] => {
  const [first, second] = segments
  const snapshot = `snapshot-${String(snapshots[0]!.index).padStart(16, '0')}-${snapshots[0]!.term}`
  return [
    ['identity', SECTOR_BYTES + 12, /identity is damaged at offset 512: its record does not match its checksum/],
    ['hard-state', 20, /hard-state is damaged at offset 0: the file header does not match/],
    [first!.name, 30, new RegExp(`${first!.name} is damaged at offset 0: the file header does not match`)],
    [second!.name, SECTOR_BYTES + 4, new RegExp(`${second!.name} is damaged at offset 512 .*a record header does not match its checksum`)],
    [second!.name, 2 * SECTOR_BYTES + 200, new RegExp(`${second!.name} is damaged at offset \\d+ .*`)],
    [snapshot, SECTOR_BYTES + 14, new RegExp(`${snapshot} is damaged at offset 512: its place does not match`)],
    [snapshot, 1500, new RegExp(`${snapshot} is damaged at offset \\d+: a chunk does not match its checksum`)],
  ]
}

test('all damage is named with file and offset, and what is whole beside it is still looked at', async t => {
  for (const [name, at, claim] of damages(whole)) {
    const own = copied(t)
    flip(join(own, name), at)
    if (name === 'identity') await t.throwsAsync(look(own), { name: 'Trouble', message: claim })
    else t.regex((await look(own)).faults.map(({ message }) => message).join('\n'), claim, `${name} at ${at}`)
  }
  const own = copied(t)
  const { segments } = await look(own)
  const [second, , last] = segments.slice(1)
  flip(join(own, second!.name), 2 * SECTOR_BYTES + 200)
  flip(join(own, last!.name), SECTOR_BYTES + 4)
  const { faults } = await look(own)
  t.is(faults.length, 2, 'damage behind damage is found')
  t.true(faults.every(({ message }) => /does not match/.test(message)), faults.map(({ message }) => message).join('\n'))
  rmSync(join(own, 'hard-state'))
  t.is((await look(own)).faults.length, 3)

  const nameless = copied(t)
  rmSync(join(nameless, 'identity'))
  await t.throwsAsync(look(nameless), { name: 'Trouble', message: /identity is damaged at offset 0: it is missing, though the folder holds [a-z]/ })

  const gap = copied(t)
  rmSync(join(gap, second!.name))
  t.regex((await look(gap)).faults.map(({ message }) => message).join(), new RegExp(`${second!.name} is damaged at offset 0 .*the file is missing`))
})

test('what could not be copied before a recovery leaves no half of it', async t => {
  const own = copied(t)
  mkdirSync(join(own, 'segment-0000009999'))
  await t.throwsAsync(copyBeside(own, new Date(0)))
  t.deepEqual(readdirSync(join(own, '..')), ['n1'])
})

test('what is left of a copy that failed and cannot be removed is named beside the cause', async t => {
  const own = copied(t)
  mkdirSync(join(own, 'segment-0000009999'))
  await t.throwsAsync(copyBeside(own, new Date(0), () => Promise.reject(new Error('it is held'))), { message: /segment-0000009999.*; what there is of the copy, \S+n1\.before-recovery-1970\S+, could not be removed: it is held$/ })
})

/** What `verify` says of a folder, and the code that it ends with. */
const verified = async (folder: string): Promise<{ readonly code: number; readonly said: string }> => {
  const { write } = process.stdout
  let said = ''
  process.stdout.write = text => (said += String(text)) !== ''
  try {
    return { code: await verify.run([folder]), said }
  } finally {
    process.stdout.write = write
  }
}

test.serial('damage to one copy of the hard state is no whole folder, though its member starts from it', async t => {
  const own = copied(t)
  flip(join(own, 'hard-state'), 4096 + 20)
  const { code, said } = await verified(own)
  t.is(code, 1)
  t.regex(said, /^\S+hard-state: one copy of a hard state was damaged at 4096; its twin was used\n\S+: not all is whole, and a start survives that: /)
  const found = await look(own)
  t.true(couldStartAlone(found))
  t.regex(surveyInWords(own, found).join('\n'), /^survived +\S+hard-state: one copy/m)
})

test.serial('a folder whose log was cut and that has lost its snapshot does not pass for whole: a lone member does not start from it, another needs a leader', async t => {
  t.deepEqual([couldStartAlone(whole), (await verified(folder)).code], [true, 0])
  for (const isAlone of [true, false]) {
    const own = join(scratch(t), 'a')
    const membership = { voters: isAlone ? ['a'] : ['a', 'b'], outgoing: [], learners: [], addresses: { a: 'localhost:1', ...isAlone ? {} : { b: 'localhost:2' } } }
    const { store, write, close } = await openStore(fileStorage(own, { segmentBytes: 4096 }), { membership })
    for (let i = 1; i <= 20; i++) await write(i, append(commands(i, 1, 'x'.repeat(900))))
    await writeSnapshot(store, { index: 20, term: 1, time: 1, compression: 'none', membership }, [Buffer.from('state')])
    await write(21, compact(baseAt(20, 1, membership)))
    await close()
    t.deepEqual([couldStartAlone(await look(own)), (await verified(own)).code], [true, 0])
    for (const name of readdirSync(own).filter(name => name.startsWith('snapshot'))) rmSync(join(own, name))
    const found = await look(own)
    t.deepEqual(found.faults.map(({ _tag }) => _tag), isAlone ? ['SnapshotLost'] : [])
    t.false(couldStartAlone(found))
    const { code, said } = await verified(own)
    t.is(code, 1)
    t.notRegex(said, /all is whole/)
    t.regex(said, isAlone ? /^The log begins after \d+, and what precedes it cannot be restored: .*no whole snapshot/ : /^note: .*\n.*: what is there is whole, and the member needs the snapshot of a leader to start: /)
  }
})

/** title, up to where all is committed for certain by what was written, and whether the member then decides alone. */
const endings = [
  ['that may not be committed yet', 20, false],
  ['that is committed', 21, true],
] as const
for (const [title, committed, isAlone] of endings) {
  test.serial(`whether a member decides alone is said as its start judges it: its log ends with a membership of its own ${title}`, async t => {
    const own = join(scratch(t), 'a')
    const both = { voters: ['a', 'b'], outgoing: [], learners: [], addresses: { a: 'localhost:1', b: 'localhost:2' } }
    const alone = { voters: ['a'], outgoing: [], learners: [], addresses: { a: 'localhost:1' } }
    const { store, write, close } = await openStore(fileStorage(own, { segmentBytes: 4096 }), { membership: both })
    for (let i = 1; i <= 20; i++) await write(i, append(commands(i, 1, 'x'.repeat(900))))
    await writeSnapshot(store, { index: 20, term: 1, time: 1, compression: 'none', membership: both }, [Buffer.from('state')])
    await write(21, compact(baseAt(20, 1, both)))
    await write(22, append({ kind: 'membership', firstIndex: 21, term: 1, time: 1, count: 1, membership: alone }))
    await write(23, hardState(1, undefined, committed))
    await close()
    for (const name of readdirSync(own).filter(name => name.startsWith('snapshot'))) rmSync(join(own, name))
    t.deepEqual((await look(own)).faults.map(({ _tag }) => _tag), isAlone ? ['SnapshotLost'] : [])
    t.regex((await verified(own)).said, isAlone ? /no whole snapshot/ : /the member needs the snapshot of a leader to start: /)

    const again = await openStore(fileStorage(own, { segmentBytes: 4096 }), { membership: both })
    const first = orThrow(startMachine(keyValueMachine))
    const begun = await new Promise<Either<Error, unknown>>(resolve => beginMachine(first, keyValueMachine, { id: 'a', store: again.store, clock: systemClock, stallMs: 1000 }, resolve))
    t.is(begun._tag === 'Left' && begun.left.name, isAlone && 'SnapshotLost')
    await again.close()
  })
}

test('a folder whose member runs is left alone', async t => {
  const own = join(scratch(t), 'n1')
  const raft = await member(own, 'n1', memoryNetwork())
  await t.throwsAsync(look(own), { name: 'Trouble', message: /is in use by a running member/ })
  await raft.stop()
  t.deepEqual((await look(own)).faults, [])
  await withFolder(own, async () => {
    const second = await createRaft({ cluster: 'orders', id: 'n1', members: MEMBERS, machine: keyValueMachine, transport: memoryTransport(memoryNetwork()), storage: fileStorage(own) })
    t.is(second._tag === 'Left' && second.left._tag, 'FolderInUse', 'nor does a member begin in one that is looked at')
  })
})

/** A folder whose member was killed when the leader's snapshot was durable, and the log not yet replaced by it. Who belongs to the cluster has changed meanwhile. */
const interrupted = async (own: string, addresses: Readonly<Record<string, string>>): Promise<Survey> => {
  const { write, store, close } = await openStore(fileStorage(own))
  await write(1, hardState(1, 'b'), append(commands(1, 1, 'x', 'y', 'z')))
  const chunks = [Buffer.from('the state at 90')]
  const membership = { voters: Object.keys(addresses), outgoing: [], learners: [], addresses }
  await receiveSnapshot(store, snapshotOf({ index: 90, term: 5, time: 1_700_000_000_090, compression: 'none', membership }, chunks), chunks)
  await close()
  return look(own)
}

test('where an install was interrupted, what is shown, planned and saved is the log that a start begins with', async t => {
  const own = join(scratch(t), 'a')
  const addresses = { a: 'elsewhere:1', b: 'localhost:2', c: 'localhost:3' }
  const found = await interrupted(own, addresses)
  const membership = { voters: ['a', 'b', 'c'], outgoing: [], learners: [], addresses }
  t.deepEqual([found.log?.base, found.log?.lastIndex, found.log?.memberships, found.faults], [baseAt(90, 5, membership), 90, [], []])
  t.is(entriesInWords(found), 'no entries')
  const words = surveyInWords(own, found).join('\n')
  t.regex(words, /^log +begins after 90@5, ends with 90@5; committed up to 90 at least$/m)
  t.regex(words, /^members +voters a=elsewhere:1, b=localhost:2, c=localhost:3$/m)
  const plan = planFor(found)
  t.like(plan, { before: membership, committed: 90, last: { index: 90, term: 5 }, after: { addresses: { a: 'elsewhere:1' } } })
  t.deepEqual(await withFolder(own, held => makeAlone(held, plan, Date.now())), { index: 91, term: 6 })
  const { log } = await look(own)
  t.deepEqual([log?.base, log?.memberships], [baseAt(90, 5, membership), [{ index: 91, membership: plan.after }]])

  const left = await interrupted(join(scratch(t), 'a'), { b: 'localhost:2', c: 'localhost:3' })
  t.throws(() => planFor(left), { name: 'Trouble', message: /^a does not belong to the cluster, by its own log/ })
})

test('what cannot be saved, or need not be, is not touched', async t => {
  const found = whole
  const plan = planFor(found)
  t.notThrows(() => checkName(plan, found, 'orders', []))
  t.notThrows(() => checkName(plan, found, 'orders', ['n1', 'n2']))
  t.throws(() => checkName(plan, found, 'order', []), { name: 'Mistake', message: /^a cluster "order" whose first members were n1, n2 is not that of this folder: either it has another name, or .* --first names them / })
  t.throws(() => checkName(plan, found, 'orders', ['n1']), { name: 'Mistake', message: /first members were n1 is not that of this folder: either the name or --first is wrong; nothing was changed$/ })
  t.regex(warningFor(folder, plan), /n2 must never run again/)
  t.regex(warningFor(folder, { ...plan, committed: plan.last.index - 3 }), /the last 3 entries/)
  const damaged = copied(t)
  flip(join(damaged, 'hard-state'), 20)
  t.throws(() => planFor({ ...found, faults: [], snapshots: [] }), { name: 'Trouble', message: /no snapshot of what precedes it/ })
  const broken = await look(damaged)
  t.throws(() => planFor(broken), { name: 'Trouble', message: /is damaged, and nothing was changed/ })
  const alone = { ...found.log!.base, membership: plan.after }
  t.throws(() => planFor({ ...found, log: { ...found.log!, base: alone } }), { name: 'Trouble', message: /the only member already/ })
  t.throws(() => planFor({ ...found, identity: { ...found.identity, id: 'n9' } }), { name: 'Trouble', message: /does not belong to the cluster, by its own log.* all the same\.$/ })
})

test('whoever leaves the question open has refused', async t => {
  const asked = (keys: string): Promise<string> => {
    const [input, output] = [new PassThrough(), new PassThrough()].map(stream => Object.assign(stream, { isTTY: true }))
    output!.once('data', () => input!.write(keys))
    return typedName(input as never, output!)
  }
  t.is(await asked('orders\n'), 'orders')
  for (const keys of ['\x03', '\x04', 'ord\x03']) await t.throwsAsync(asked(keys), { name: 'Trouble', message: /^\nNo name was typed, and nothing was changed\.$/ })
  await t.throwsAsync(typedName(new PassThrough() as never, new PassThrough()), { name: 'Mistake', message: /nobody is there/ })
})

/** title, what the log's and the snapshot's times are besides what the clock says, and which of them counts. */
const times = [
  ['the clock, where it is ahead', (log: number) => ({ time: 0, now: log + 5 }), 5],
  ['the latest of the log, where the clock was put back', (log: number) => ({ time: 0, now: log - 5 }), 0],
  ['the snapshot, where that is later than what the log has behind it', (log: number) => ({ time: log + 9, now: log + 5 }), 9],
] as const
for (const [title, clocks, ahead] of times) {
  test(`what recovery appends is dated by ${title}: time never falls along a log`, async t => {
    const own = copied(t)
    const found = await look(own)
    const timesIn = async ({ log }: Survey): Promise<readonly number[]> => {
      const entries: ShownEntry[] = []
      await withFolder(own, async held => {
        for await (const entry of entriesIn(held, log!, 1, log!.lastIndex)) entries.push(entry)
      })
      return entries.map(({ time }) => time)
    }
    const latest = (await timesIn(found)).at(-1)!
    t.is(planFor(found).time, found.snapshots[0]!.time)
    const { time, now } = clocks(latest)
    await withFolder(own, held => makeAlone(held, { ...planFor(found), time }, now))
    t.is((await timesIn(await look(own))).at(-1), latest + ahead)
  })
}

test('a newcomer is shown as one, and none any more once it is the only member', async t => {
  const own = copied(t)
  const { clusterId, id, before: membership } = planFor(await look(own))
  const store = orThrow(await new Promise<Either<StartError, Store>>(resolve => fileStorage(own).open({ clusterId, id, membership, tailBytes: 1 }, resolve)))
  const written = firstValueFrom(store.events$)
  store.write(1, [{ type: 'hardState', hardState: { ...store.recovered.hardState, isNewcomer: true } }])
  t.is((await written).type, 'persisted')
  await new Promise<void>(resolve => store.close(resolve))
  const found = await look(own)
  t.regex(surveyInWords(own, found).join('\n'), /^newcomer +it has joined/m)
  await withFolder(own, held => makeAlone(held, planFor(found), Date.now()))
  const after = await look(own)
  t.is(after.hardState?.isNewcomer, undefined)
  t.notRegex(surveyInWords(own, after).join('\n'), /^newcomer/m)
})

test('a lone member goes on with all that its log holds, and the copy holds what was', async t => {
  const own = copied(t)
  const before = contents(own)
  const found = await look(own)
  const { copy, entry } = await withFolder(own, async (held: HeldFolder) => {
    const copy = await copyBeside(own, new Date(0))
    return { copy, entry: await makeAlone(held, planFor(found), Date.now()) }
  })
  for (const [name, bytes] of Object.entries(contents(copy))) t.true(bytes === before[name], name)
  t.true(Object.keys(contents(copy)).length >= Object.keys(before).filter(name => !name.startsWith('snapshot')).length)
  const after = await look(own)
  t.deepEqual(after.faults, [])
  t.is(entry.index, found.log!.lastIndex + 1)
  t.true(entry.term > found.hardState!.term)
  t.is(after.hardState?.votedFor, 'n1')
  t.deepEqual(after.log?.memberships, [{ index: entry.index, membership: { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:1' } } }])
  t.throws(() => planFor(after), { message: /the only member already/ })

  const raft = await member(own, 'n1', memoryNetwork())
  await firstValueFrom(raft.leadership$.pipe(filter(leadership => leadership !== undefined)))
  t.is(orThrow(await raft.propose({ put: 'k1', value: 'alone' })), 'x'.repeat(500))
  t.is(orThrow(await raft.read(state => state.size)), 27)
  await raft.stop()
})
