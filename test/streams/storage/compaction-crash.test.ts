/** A run that takes a snapshot, cuts the log, receives a snapshot, lets the log begin anew and goes on, and a crash at each of its acts on the disk. */
import test from 'ava'
import type { Write } from '../../../lib/events.js'
import { membershipOf, openLog, termAt } from '../../../lib/log.js'
import type { Index, Membership, Snapshot, SnapshotPlace, Term } from '../../../lib/types.js'
import type { Recovered } from '../../../streams/storage/port.js'
import type { MemoryDisk } from '../../../testing/memory-disk.js'
import { contentsOf, finish, receive, snapshotOf, write as writeChunk, writeSnapshot } from '../../../testing/open-snapshot.js'
import { MEMBERSHIP, type OpenedStore, append, baseAt, commands, compact, hardState, install, linesOf, openStore } from '../../../testing/open-store.js'
import { type Run, lengthOf, sweepCrashes, sweepSecondCrashes } from './crash-sweep.js'
import { storageOn } from './store-script.js'

const OTHER: Membership = { voters: ['a', 'c'], outgoing: [], learners: [], addresses: { a: 'localhost:1', c: 'localhost:3' } }

const chunksAt = (index: Index): readonly Uint8Array[] =>
  [700, 1, 40 * index].map((length, i) => Uint8Array.from({ length }, (_, at) => (at * 13 + index * 50 + i) % 256))

const placeOf = (index: Index, term: Term, membership: Membership): SnapshotPlace => ({ index, term, time: 1, compression: 'none', membership })

/** What a store may hold: entries by their lines, of which the first are unknown where the log began anew. */
interface State {
  readonly lines: readonly string[]
  /** The log begins nowhere before `floor`, and nowhere behind `cut`. */
  readonly floor: Index
  readonly cut: Index
  readonly members: Membership
}

const entries = (from: Index, to: Index, term: Term, bytes = 300) =>
  append(commands(from, term, ...Array.from({ length: to - from + 1 }, (_, i) => `${from + i}.`.padEnd(bytes, String(term)))))

const anew = ({ index, term, membership }: SnapshotPlace): State =>
  ({ lines: Array.from({ length: index }, () => `?@${term}`), floor: index, cut: index, members: membership })

const after = (state: State, write: Write): State => {
  switch (write.type) {
    case 'hardState': return state
    case 'compact': return { ...state, cut: write.base.index }
    case 'install': return anew({ ...write.base, time: 1, compression: 'none' })
    case 'append': {
      const lines = [...state.lines]
      let { members } = state
      for (const batch of write.batches) {
        lines.splice(batch.firstIndex - 1, Number.POSITIVE_INFINITY, ...linesOf([batch]))
        if (batch.kind === 'membership') members = batch.membership
      }
      return { ...state, lines, members }
    }
  }
}

type Act =
  | { readonly type: 'write'; readonly writes: readonly Write[] }
  | { readonly type: 'settle' }
  | { readonly type: 'reopen' }
  | { readonly type: 'snapshot'; readonly how: 'take' | 'receive'; readonly place: SnapshotPlace }

const write = (...writes: readonly Write[]): Act => ({ type: 'write', writes })
const settle: Act = { type: 'settle' }
const TAKEN = placeOf(14, 2, OTHER)
const RECEIVED = placeOf(40, 5, MEMBERSHIP)
const LAST = placeOf(46, 6, MEMBERSHIP)

const SCRIPT: readonly Act[] = [
  write(hardState(1, 'a'), entries(1, 4, 1)), write({ ...append({ kind: 'membership', firstIndex: 5, term: 1, time: 1, count: 1, membership: OTHER }) }), settle,
  write(entries(6, 12, 1)), settle, write(entries(13, 20, 1)), settle, write(hardState(2, 'b'), entries(12, 16, 2)), write(entries(17, 22, 2)), settle,
  { type: 'snapshot', how: 'take', place: TAKEN }, write(compact(baseAt(14, 2, OTHER)), entries(23, 24, 2)), write(entries(25, 28, 2)), settle,
  { type: 'snapshot', how: 'receive', place: RECEIVED }, write(hardState(5, undefined, 40), install(RECEIVED)), write(entries(41, 42, 5, 900)), settle,
  { type: 'reopen' },
  ...[43, 45, 47, 49].map(from => write(entries(from, from + 1, 6, 900))), settle,
  { type: 'snapshot', how: 'take', place: LAST }, write(compact(baseAt(46, 6))), settle, write(entries(48, 52, 7)), settle,
]

/** How far a run came, as seen from outside. */
interface Progress {
  /** What the store may hold, by how many pieces of the script have begun; how many of these are durable. */
  readonly states: State[]
  acknowledged: number
  /** The snapshots that may be the newest, and how many of these are not any more. */
  readonly snapshots: (Snapshot | undefined)[]
  stored: number
}

const begin = (): Progress => ({ states: [{ lines: [], floor: 0, cut: 0, members: MEMBERSHIP }], acknowledged: 0, snapshots: [undefined], stored: 0 })

const snapshotAct = async ({ store }: OpenedStore, { how, place }: Extract<Act, { type: 'snapshot' }>, progress: Progress): Promise<void> => {
  const chunks = chunksAt(place.index)
  const snapshot = snapshotOf(place, chunks)
  if (how === 'take') {
    progress.snapshots.push(snapshot)
    await writeSnapshot(store, place, chunks)
  } else {
    const receiver = await receive(store, snapshot)
    for (const chunk of chunks) await writeChunk(receiver, chunk)
    progress.snapshots.push(snapshot)
    // From now on a crash may leave the snapshot, and the log begins anew behind it at the next start.
    progress.states.push(anew(place))
    await finish(receiver)
    progress.acknowledged = progress.states.length - 1
  }
  progress.stored = progress.snapshots.length - 1
}

const perform = async (disk: MemoryDisk, progress: Progress): Promise<OpenedStore> => {
  const { states } = progress
  const ends = new Map<number, number>()
  let opened = await openStore(storageOn(disk))
  const listen = (): void => void opened.store.events$.subscribe(event => {
    if (event.type === 'persisted') progress.acknowledged = Math.max(progress.acknowledged, ends.get(event.turn) ?? 0)
  })
  let turn = 0
  listen()
  for (const act of SCRIPT) {
    if (act.type === 'write') {
      for (const piece of act.writes) states.push(after(states.at(-1)!, piece))
      ends.set(++turn, states.length - 1)
      opened.store.write(turn, act.writes)
    } else if (act.type === 'settle') await opened.persisted(turn)
    else if (act.type === 'reopen') {
      await opened.close()
      opened = await openStore(storageOn(disk))
      listen()
    } else await snapshotAct(opened, act, progress)
  }
  return opened
}

const termIn = (line: string | undefined): Term => (line === undefined ? 0 : Number(/@(\d+)/.exec(line)?.[1]))

/** Whether a log that begins at `base` and has these lines is what `state` says. */
const fits = ({ lines, floor, cut, members }: State, recovered: Recovered, found: readonly string[]): boolean => {
  const { base, lastIndex } = recovered
  return base.index >= floor && base.index <= cut && lastIndex === lines.length && base.term === termIn(lines[base.index - 1])
    && found.join('\n') === lines.slice(base.index).join('\n') && membershipOf(openLog(recovered)).voters.join() === members.voters.join()
}

const snapshotFault = async ({ store }: OpenedStore, { snapshots, stored }: Progress): Promise<string | undefined> => {
  const newest = store.snapshots.newest()
  const at = snapshots.findLastIndex(snapshot => snapshot?.index === newest?.index)
  if (at < stored) return `the newest snapshot is at ${newest?.index}`
  if (newest === undefined) return store.recovered.base.index === 0 ? undefined : 'a log was cut and there is no snapshot'
  if (!Buffer.concat(chunksAt(newest.index)).equals(await contentsOf(store))) return `other contents at ${newest.index}`
  if (newest.index < store.recovered.base.index) return `the log begins at ${store.recovered.base.index}, behind the snapshot`
  return termAt(openLog(store.recovered), newest.index) === newest.term ? undefined : 'the log does not hold the last entry of the snapshot'
}

/** Opens what is left, checks it, receives another snapshot and goes on behind it, and finds that too after the next crash. */
const faultOf = async (disk: MemoryDisk, progress: Progress): Promise<string | undefined> => {
  const opened = await openStore(storageOn(disk))
  const { recovered } = opened.store
  const lines = await opened.lines()
  const at = progress.states.findLastIndex(state => fits(state, recovered, lines))
  if (at < progress.acknowledged) {
    const found = `from ${recovered.base.index}@${recovered.base.term}: ${lines.map(line => line.split('.')[0]).join()}`
    return `${progress.acknowledged} pieces of ${progress.states.length} were acknowledged, ${at} fits ${found}`
  }
  const fault = await snapshotFault(opened, progress)
  if (fault !== undefined) return fault
  const next = recovered.lastIndex + 1
  await opened.write(1, entries(next, next, 9), compact(baseAt(next, 9)))
  await opened.write(2, install(baseAt(next + 5, 9)), entries(next + 6, next + 6, 9))
  await opened.close()
  disk.crash({ keep: 0 })
  const again = await openStore(storageOn(disk))
  const { base, lastIndex } = again.store.recovered
  await again.close()
  if (disk.openFiles() !== 0) return `${disk.openFiles()} files stayed open`
  return base.index === next + 5 && lastIndex === next + 6 ? undefined : `what was written did not last: ${base.index} to ${lastIndex}`
}

const RUN: Run<Progress> = {
  begin, faultOf,
  perform: async (disk, progress) => (await perform(disk, progress)).close(),
}

test('after a crash at any act on the disk, the log is the old one or the new one, and a snapshot stands at its beginning', async t => {
  const total = await lengthOf(RUN)
  t.true(total > 120, `the run acts ${total} times on the disk`)
  t.is(await sweepCrashes(RUN, act => act % 2 === 0 ? [undefined, 0.5] : [0, 1]), undefined)
})

test('a crash while a crashed store is opened, or goes on with an install that was interrupted, loses nothing more', async t => {
  t.is(await sweepSecondCrashes(RUN, { from: 11, step: 11, acts: [1, 5, 9], first: acts => acts % 2, second: () => 0.5 }), undefined)
})
