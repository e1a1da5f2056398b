/** Copies of the folders of members that run, write, and cut their logs meanwhile. */
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Backup, backUp } from '../../cli/backup/back-up.js'
import { command as backup } from '../../cli/backup/command.js'
import { withFolder } from '../../cli/folder/hold.js'
import { survey } from '../../cli/folder/survey.js'
import { keyValueMachine } from '../../cli/machine/key-value.js'
import { Mistake, Trouble } from '../../cli/mistake.js'
import { planFor } from '../../cli/recover/plan.js'
import { makeAlone } from '../../cli/recover/rewrite.js'
import type { Screen } from '../../cli/screen.js'
import { left } from '../../lib/prelude.js'
import { type Disk, type DiskFile, SECTOR_BYTES } from '../../streams/storage/disk/disk.js'
import { nodeDisk } from '../../streams/storage/disk/node-disk.js'
import { segmentName, segmentNumberOf } from '../../streams/storage/log/segment.js'
import { snapshotNamed } from '../../streams/storage/snapshots/snapshot-file.js'
import type { Survey } from '../../streams/storage/survey.js'
import { createRaft, fileStorage, memoryNetwork, memoryTransport, orThrow } from '../../streams/index.js'
import { append, commands, hardState, openStore } from '../../testing/open-store.js'
import { scratch } from '../run.js'

const silent: Screen = { event: () => undefined, bar: () => undefined, end: () => undefined }
const look = (folder: string): Promise<Survey> => withFolder(folder, held => survey(held, true, silent))

const SEGMENT_BYTES = 4 * 1024
const start = async (folder: string, members: Readonly<Record<string, string>>, id = 'n1', network = memoryNetwork()) => orThrow(await createRaft({
  cluster: 'orders', id, members, machine: keyValueMachine, transport: memoryTransport(network), storage: fileStorage(folder, { segmentBytes: SEGMENT_BYTES }),
  limits: { snapshotKeepEntries: 0, snapshotEntries: 100 },
}))
type Member = Awaited<ReturnType<typeof start>>

const LONE = { n1: 'localhost:1' }
const PAIR = { n1: 'localhost:1', n2: 'localhost:2' }

const copyOf = (folder: string, copy: string, disk: Disk = nodeDisk()): Promise<Backup> => backUp({ disk, folder, copy, tell: () => undefined })

/** Nothing but what a member needs is in a copy, and it is whole. */
const checkWhole = async (t: ExecutionContext, copy: string, made: Backup): Promise<Survey> => {
  const names = readdirSync(copy)
  const found = await look(copy)
  t.deepEqual(found.faults, [])
  t.deepEqual(names.filter(name => segmentNumberOf(name) === undefined && snapshotNamed(name) === undefined), ['hard-state', 'identity'])
  t.true(names.filter(name => snapshotNamed(name) !== undefined).length <= 1)
  t.is(found.log?.lastIndex, made.log?.lastIndex)
  t.is(names.reduce((sum, name) => sum + readFileSync(join(copy, name)).length, 0), made.bytes)
  t.deepEqual(found.notes.filter(note => !note.includes('begins anew')), [], 'nothing is torn')
  return found
}

/** The state of a lone member that starts from the copy. */
const stateIn = async (copy: string): Promise<ReadonlySet<string>> => {
  const lone = await start(copy, LONE)
  const keys = orThrow(await lone.read(values => new Set(values.keys())))
  await lone.stop()
  return keys
}

/** Writes and writes, and notes what was acknowledged, until the result is called. */
const load = (member: Member, acknowledged: string[], writers = 4) => {
  let isOver = false
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      orThrow(await member.propose({ put: `${writer}-${n}`, value: 'x'.repeat(100) }))
      acknowledged.push(`${writer}-${n}`)
    }
  }
  const all = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  return async (): Promise<void> => {
    isOver = true
    await all
  }
}

const missingIn = (state: ReadonlySet<string>, acknowledged: readonly string[]): readonly string[] => acknowledged.filter(key => !state.has(key))

test('copies of a member that is written to are whole, and hold all that was acknowledged before', async t => {
  const own = scratch(t)
  const folder = join(own, 'n1')
  const network = memoryNetwork()
  const [n1, n2] = await Promise.all([start(folder, PAIR, 'n1', network), start(join(own, 'n2'), PAIR, 'n2', network)])
  const acknowledged: string[] = []
  const end = load(n1, acknowledged)
  const copies: { readonly copy: string; readonly made: Backup; readonly known: number }[] = []
  const firsts = new Set<string | undefined>()
  for (let i = 0; i < 6; i++) {
    const before = acknowledged.length
    while (acknowledged.length < before + 80) await new Promise(resolve => setTimeout(resolve, 2))
    const known = acknowledged.length
    const copy = join(own, `copy-${i}`)
    const made = await copyOf(folder, copy)
    firsts.add(made.segments[0]?.name)
    copies.push({ copy, made, known })
  }
  await end()
  await Promise.all([n1.stop(), n2.stop()])
  t.true(firsts.size > 1, 'the log was cut meanwhile')
  for (const { copy, made, known } of copies) {
    const found = await checkWhole(t, copy, made)
    await withFolder(copy, held => makeAlone(held, planFor(found), Date.now()))
    const lone = await start(copy, PAIR)
    t.deepEqual(missingIn(orThrow(await lone.read(values => new Set(values.keys()))), acknowledged.slice(0, known)), [], copy)
    await lone.stop()
  }
})

/** A disk that does something else before the `at`-th file or folder that is looked at in `folder`, or made anywhere. */
const interrupted = (folder: string, at: number, meanwhile: () => Promise<void>) => {
  const disk = nodeDisk()
  let acts = 0
  const then = (act: () => void): void => {
    if (acts++ === at) void meanwhile().then(act)
    else act()
  }
  const interrupting: Disk = {
    ...disk,
    list: (path, done) => (path === folder ? then(() => disk.list(path, done)) : disk.list(path, done)),
    open: (path, mode, done) => (path.startsWith(`${folder}/`) || mode === 'create' ? then(() => disk.open(path, mode, done)) : disk.open(path, mode, done)),
  }
  return { disk: interrupting, acts: () => acts }
}

const oldest = (folder: string): string | undefined => readdirSync(folder).filter(name => segmentNumberOf(name) !== undefined).sort()[0]

test('a log that is cut behind a newer snapshot, at any moment of a copy, leaves it whole', async t => {
  const own = scratch(t)
  const folder = join(own, 'n1')
  const member = await start(folder, LONE)
  const acknowledged: string[] = []
  /** Each time a segment is filled, and a little more. */
  const write = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      const keys = Array.from({ length: 5 }, (_, i) => `k${acknowledged.length + i}`)
      await Promise.all(keys.map(async key => orThrow(await member.propose({ put: key, value: 'x'.repeat(700) }))))
      acknowledged.push(...keys)
    }
  }
  /** All that the log has goes, and a little is behind it. */
  const goOn = async (): Promise<void> => {
    const before = oldest(folder)
    await write(3)
    orThrow(await member.snapshot())
    while (oldest(folder) === before) await new Promise(resolve => setTimeout(resolve, 1))
    await write(1)
  }
  await goOn()
  let isOver = false
  for (let at = 0; !isOver; at++) {
    await write(2)
    const known = acknowledged.length
    const copy = join(own, `copy-${at}`)
    const { disk, acts } = interrupted(folder, at, goOn)
    const made = await copyOf(folder, copy, disk)
    isOver = acts() <= at
    await checkWhole(t, copy, made)
    t.is(made.tries, 1, `interrupted at ${at}`)
    t.deepEqual(missingIn(await stateIn(copy), acknowledged.slice(0, known)), [], `interrupted at ${at}`)
  }
  // Where nothing is left of what was listed a copy is begun anew.
  const known = acknowledged.length
  const whole = nodeDisk()
  let isFirst = true
  const overtaken: Disk = {
    ...whole,
    open: (path, mode, done) => {
      const listed = readdirSync(folder)
      const outrun = async (): Promise<void> => {
        while (readdirSync(folder).some(name => segmentNumberOf(name) !== undefined && listed.includes(name))) await goOn()
      }
      if (!isFirst || !path.startsWith(`${folder}/segment-`)) return whole.open(path, mode, done)
      isFirst = false
      void outrun().then(() => whole.open(path, mode, done))
    },
  }
  const anew = await copyOf(folder, join(own, 'anew'), overtaken)
  t.is(anew.tries, 2)
  await checkWhole(t, join(own, 'anew'), anew)
  t.deepEqual(missingIn(await stateIn(join(own, 'anew')), acknowledged.slice(0, known)), [])
  await member.stop()
})

/** A store that is written to by hand. */
const store = async (folder: string, segmentBytes = SEGMENT_BYTES) => {
  const opened = await openStore(fileStorage(folder, { segmentBytes }))
  let last = 0
  let term = 1
  let turn = 0
  return {
    last: () => last,
    append: (count: number): Promise<void> => opened.write(++turn, append(...Array.from({ length: count }, () => commands(++last, term, 'x'.repeat(900))))),
    /** The entries behind `to` are replaced by one of another term; what precedes them is committed. */
    replace: async (to: number): Promise<void> => {
      await opened.write(++turn, hardState(++term, 'a', to))
      last = to + 1
      await opened.write(++turn, append(commands(last, term, 'in their place')))
    },
    close: opened.close,
  }
}

test('a log that goes over to another segment, at any moment of a copy, leaves it whole', async t => {
  const own = scratch(t)
  let isOver = false
  for (let at = 0; !isOver; at++) {
    const folder = join(own, `a-${at}`)
    const copy = join(own, `copy-${at}`)
    const written = await store(folder)
    await written.append(4)
    await written.append(1)
    const known = written.last()
    // The hard state comes to count what stands in the new segment, and the end of the log is replaced.
    const { disk, acts } = interrupted(folder, at, async () => {
      await written.append(5)
      await written.replace(written.last() - 2)
      await written.append(1)
    })
    const made = await copyOf(folder, copy, disk)
    isOver = acts() <= at
    t.is(made.tries, 1)
    const { log, hardState: kept } = await checkWhole(t, copy, made)
    t.true(log!.lastIndex >= known, `interrupted at ${at}`)
    t.true(Math.max(kept!.commitIndex, log!.commitIndex) <= log!.lastIndex, `interrupted at ${at}`)
    await written.close()
  }
})

/** A disk that reads a segment as `change` has it. */
const misreading = (name: string, change: (bytes: Uint8Array, offset: number, reading: number) => void): Disk => {
  const disk = nodeDisk()
  let reading = 0
  const changed = (file: DiskFile): DiskFile => ({
    ...file,
    read: (into, offset, done) => file.read(into, offset, outcome => {
      if (offset === 0) reading++
      change(into, offset, reading)
      done(outcome)
    }),
  })
  return { ...disk, open: (path, mode, done) => disk.open(path, mode, outcome => done(path.endsWith(name) && mode === 'read' ? { ...outcome, ...'right' in outcome ? { right: changed(outcome.right) } : {} } as typeof outcome : outcome)) }
}

test('a record that was not there yet when those behind it were is read again; one that stays away is damage', async t => {
  const own = scratch(t)
  const folder = join(own, 'a')
  const written = await store(folder, 4 * SEGMENT_BYTES)
  for (let i = 0; i < 3; i++) await written.append(1)
  await written.close()
  const name = segmentName(1)
  // The base takes a sector, and each entry two.
  const hidden = SECTOR_BYTES * 4
  const hide = (until: number) => misreading(name, (bytes, offset, reading) => {
    if (reading < until && offset <= hidden && offset + bytes.length > hidden) bytes.fill(0, hidden - offset, hidden - offset + SECTOR_BYTES)
  })
  const whole = await look(folder)
  t.is((await copyOf(folder, join(own, 'copy'), hide(3))).log?.lastIndex, whole.log?.lastIndex)
  const error = await t.throwsAsync(copyOf(folder, join(own, 'other'), hide(Number.POSITIVE_INFINITY)), { instanceOf: Trouble })
  t.regex(error?.message ?? '', /^There is no copy of .*segment-0000000001 is damaged at offset 2048: .*, though everything up to \d+ was durable\.$/)
  t.deepEqual(readdirSync(join(own, 'other')), [])
})

/** The folder of a lone member that was stopped: several segments behind a snapshot. */
const stopped = async (folder: string): Promise<void> => {
  const member = await start(folder, LONE)
  for (let i = 0; i < 10; i++) orThrow(await member.propose({ put: `k${i}`, value: 'x'.repeat(500) }))
  orThrow(await member.snapshot())
  for (let i = 0; i < 12; i++) orThrow(await member.propose({ put: `after${i}`, value: 'x'.repeat(500) }))
  await member.stop()
}

test('what is not whole is no copy, and nothing is left of it', async t => {
  const own = scratch(t)
  const folder = join(own, 'n1')
  await stopped(folder)
  const refused = async (change: (folder: string, names: readonly string[]) => void, claim: RegExp): Promise<void> => {
    const changed = join(own, 'changed')
    const copy = join(own, 'copy')
    cpSync(folder, changed, { recursive: true })
    change(changed, readdirSync(changed))
    const error = await t.throwsAsync(copyOf(changed, copy), { instanceOf: Trouble })
    t.regex(error?.message ?? '', claim)
    t.true((error?.message ?? '').startsWith(`There is no copy of ${changed}. `))
    t.deepEqual(readdirSync(copy), [])
    for (const path of [changed, copy]) rmSync(path, { recursive: true })
  }
  const flip = (file: string, at: number): void => {
    const bytes = readFileSync(file)
    bytes[at]! ^= 1
    writeFileSync(file, bytes)
  }
  const snapshotIn = (names: readonly string[]): string => names.find(name => snapshotNamed(name) !== undefined)!
  const segmentsIn = (names: readonly string[]): readonly string[] => names.filter(name => segmentNumberOf(name) !== undefined)
  await refused((changed, names) => rmSync(join(changed, snapshotIn(names))), /The log begins after \d+, .* holds no whole snapshot of what precedes it\./)
  await refused((changed, names) => flip(join(changed, snapshotIn(names)), 700), /snapshot-\d+-1 is damaged/)
  await refused((changed, names) => flip(join(changed, segmentsIn(names)[0]!), 600), /segment-\d+ is damaged at offset 512/)
  await refused((changed, names) => rmSync(join(changed, segmentsIn(names)[1]!)), /the file is missing/)
  await refused(changed => flip(join(changed, 'identity'), 530), /identity is damaged/)
  await refused(changed => rmSync(join(changed, 'hard-state')), /ENOENT/)
  await refused(changed => {
    for (const at of [4096, 8192]) flip(join(changed, 'hard-state'), at)
  }, /both copies of a hard state/)
})

test('a copy is no data folder before it is whole, and a disk that fails leaves none', async t => {
  const own = scratch(t)
  const folder = join(own, 'n1')
  await stopped(folder)
  const copy = join(own, 'copy')
  const disk = nodeDisk()
  let early: Error | undefined
  await copyOf(folder, copy, {
    ...disk,
    rename: (from, to, done) => void look(copy).catch((error: unknown) => { early = error as Error }).then(() => disk.rename(from, to, done)),
  })
  t.regex(early?.message ?? '', /copy\/identity is damaged .*: it is missing, though the folder holds hard-state/)
  t.deepEqual(await stateIn(copy), await stateIn(folder))
  const noSpace = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  const full = join(own, 'full')
  let created = 0
  const error = await t.throwsAsync(copyOf(folder, full, {
    ...disk, open: (path, mode, done) => (mode === 'create' && ++created === 4 ? setImmediate(() => done(left(noSpace))) : disk.open(path, mode, done)),
  }), { instanceOf: Trouble })
  t.regex(error?.message ?? '', /no space left/)
  t.deepEqual(readdirSync(full), [])
})

test.serial('the command tells what the copy holds, and refuses a folder that holds anything', async t => {
  const own = scratch(t)
  const folder = join(own, 'n1')
  await stopped(folder)
  const { write } = process.stdout
  const said: string[] = []
  process.stdout.write = text => said.push(String(text)) > 0
  t.teardown(() => { process.stdout.write = write })
  mkdirSync(join(own, 'empty'))
  t.is(await backup.run([folder, join(own, 'empty')]), 0)
  t.is(await backup.run([folder, join(own, 'deep/er'), '--json']), 0)
  process.stdout.write = write
  const { log, snapshots } = await look(folder)
  t.regex(said[0] ?? '', new RegExp(`^.*/empty: a whole copy of n1: term 1, entries ${log!.base.index + 1} to ${log!.lastIndex}, a snapshot at ${snapshots[0]!.index}, [\\d.]+ KiB\\n$`))
  t.like(JSON.parse(said[1] ?? ''), { copy: join(own, 'deep/er'), id: 'n1', lastIndex: log!.lastIndex, snapshot: { index: snapshots[0]!.index } })
  const refuses = async (args: readonly string[], claim: RegExp): Promise<void> => {
    const error = await t.throwsAsync(backup.run(args), { instanceOf: Mistake })
    t.regex(error?.message ?? '', claim)
  }
  await refuses([folder, join(own, 'empty')], /empty is not empty: a copy goes into a folder of its own$/)
  await refuses([folder, folder], /is not empty/)
  await refuses([folder, join(folder, 'copy')], /lies in .*n1: what is in a data folder is its member's$/)
  await refuses([folder, join(folder, 'identity')], /lies in/)
  await refuses([join(own, 'empty', 'identity'), join(own, 'x')], /cannot be read as a data folder/)
  await refuses([own, join(scratch(t), 'x')], /is no data folder/)
  t.false(existsSync(join(own, 'x')))
})

test('a copy does not go into the folder that is copied, whatever links lead there', async t => {
  const own = scratch(t)
  const folder = join(own, 'n1')
  const member = await start(folder, LONE)
  await member.stop()
  const before = readdirSync(folder)
  mkdirSync(join(own, 'apart'))
  symlinkSync(folder, join(own, 'link'))
  symlinkSync('..', join(own, 'apart', 'up'))
  for (const [from, copy] of [[folder, join(folder, 'copy')], [folder, join(own, 'link', 'a', 'b')], [join(own, 'link'), join(folder, 'copy')], [folder, `${own}/apart/up/n1/copy`]] as const) {
    await t.throwsAsync(backup.run([from, copy]), { instanceOf: Mistake, message: `${copy} lies in ${from}: what is in a data folder is its member's` })
  }
  t.deepEqual(readdirSync(folder), before)
})
