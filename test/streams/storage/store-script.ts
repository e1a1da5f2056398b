import type { Write } from '../../../lib/events.js'
import { type Either, isLeft } from '../../../lib/prelude.js'
import type { MemberId } from '../../../lib/types.js'
import type { Clock } from '../../../streams/time/clock.js'
import { fileStorage } from '../../../streams/storage/file.js'
import type { MemoryDisk } from '../../../testing/memory-disk.js'
import type { Store } from '../../../streams/storage/port.js'
import { OWNER, type OpenedStore, append, commands, hardState, linesOf, openStore } from '../../../testing/open-store.js'

export const FOLDER = '/data/a'

/** A clock on which nothing is ever idle. */
export const restless: Pick<Clock, 'after' | 'endOfTurn'> = {
  after: () => () => undefined,
  endOfTurn: work => {
    queueMicrotask(work)
    return () => undefined
  },
}

/** The same bytes in every run, and others in every call. */
const countedBytes = (): ((bytes: number) => Uint8Array) => {
  let calls = 0
  return bytes => {
    calls++
    return Uint8Array.from({ length: bytes }, (_, i) => (calls * 37 + i * 11 + 1) % 256)
  }
}

/** A store in small segments on `disk`, the same in every run. */
export const storageOn = (disk: MemoryDisk) => fileStorage(FOLDER, { disk, segmentBytes: 4096, clock: restless, random: countedBytes() })

/** What a store holds, so that two can be compared. */
export interface Held {
  readonly lines: readonly string[]
  readonly term: number
  readonly votedFor: MemberId | undefined
}

const heldAfter = (held: Held & { readonly commitIndex: number }, write: Write): Held & { readonly commitIndex: number } => {
  if (write.type === 'hardState') return { ...held, ...write.hardState }
  if (write.type !== 'append') return held
  const lines = [...held.lines]
  for (const batch of write.batches) lines.splice(batch.firstIndex - 1, Number.POSITIVE_INFINITY, ...linesOf([batch]))
  return { ...held, lines }
}

const NOTHING = { lines: [], term: 0, votedFor: undefined, commitIndex: 0 }

/** One write per batch: what may survive of a turn is any first part of these. */
const piecesOf = (write: Write): readonly Write[] => (write.type === 'append' ? write.batches.map(batch => append(batch)) : [write])

const entries = (from: number, count: number, term: number, bytes = 20) =>
  commands(from, term, ...Array.from({ length: count }, (_, i) => `${from + i}.`.padEnd(bytes, String(term))))

type Act =
  | { readonly type: 'write'; readonly writes: readonly Write[] }
  | { readonly type: 'settle' }
  | { readonly type: 'remember'; readonly peer: MemberId; readonly incarnation: string }
  | { readonly type: 'forget'; readonly peer: MemberId }
  | { readonly type: 'reopen' }

const write = (...writes: readonly Write[]): Act => ({ type: 'write', writes })
const settle: Act = { type: 'settle' }

/** Votes, bursts, replacements, full segments, a batch larger than a segment, a peer, clean stops, and a last life that fills at once the segment that it finds prepared. */
const SCRIPT: readonly Act[] = [
  write(hardState(1, 'a'), append({ kind: 'noop', firstIndex: 1, term: 1, time: 1, count: 1 })), settle,
  write(append(entries(2, 4, 1))), write(append(entries(6, 4, 1))), write(append(entries(10, 6, 1, 150))), write(hardState(1, 'a', 4)), settle,
  { type: 'remember', peer: 'b', incarnation: 'b-1' },
  write(hardState(2, 'b', 4)), write(append(entries(8, 2, 2), entries(10, 2, 2))), write(hardState(3, undefined, 4), append(entries(9, 3, 3))), settle,
  ...Array.from({ length: 12 }, (_, i) => [write(append(entries(12 + 2 * i, 2, 3, 120))), ...(i % 5 === 4 ? [settle] : [])]).flat(), settle,
  write(hardState(3, undefined, 20), append(entries(36, 3, 3, 3000))), write(append(entries(39, 2, 3))), settle,
  { type: 'forget', peer: 'b' },
  { type: 'reopen' },
  write(hardState(4, 'a', 20)), write(append(entries(38, 2, 4))), { type: 'remember', peer: 'b', incarnation: 'b-2' }, settle,
  write(append(entries(40, 2, 4, 700)), append(entries(41, 1, 5))), settle,
  { type: 'reopen' },
  write(append(entries(42, 2, 5))), settle, { type: 'forget', peer: 'b' }, { type: 'remember', peer: 'b', incarnation: 'b-3' },
  { type: 'reopen' },
  write(append(entries(44, 1, 5))), ...Array.from({ length: 5 }, (_, i) => write(append(entries(45 + i, 1, 5, 900)))), settle,
]

/** How far a run came, as seen from outside. */
export interface Progress {
  /** What the store may hold, by how many pieces of the script have been written. */
  readonly states: readonly (Held & { readonly commitIndex: number })[]
  /** How many pieces were acknowledged. */
  acknowledged: number
  /** What was asked to be known of the peer, one after the other, and how many of these are durable. */
  readonly issuedPeers: (string | undefined)[]
  acknowledgedPeers: number
  incarnation: string | undefined
}

/** Has the store know this of the peer: an incarnation, or nothing. */
const know = (store: Store, progress: Progress, peer: MemberId, incarnation: string | undefined): Promise<void> => new Promise((resolve, reject) => {
  const known = progress.issuedPeers.push(incarnation) - 1
  const done = (outcome: Either<Error, void>): void => {
    if (isLeft(outcome)) return reject(outcome.left)
    progress.acknowledgedPeers = known
    resolve()
  }
  if (incarnation === undefined) store.forget([peer], done)
  else store.remember(peer, incarnation, done)
})

/** How far a run has come that has not begun. */
export const begin = (): Progress => ({ states: [NOTHING], acknowledged: 0, issuedPeers: [undefined], acknowledgedPeers: 0, incarnation: undefined })

/** Performs the script on `disk`; does not return if the disk dies on the way. */
export const perform = async (disk: MemoryDisk, progress: Progress): Promise<OpenedStore> => {
  const states = progress.states as (Held & { readonly commitIndex: number })[]
  let opened = await openStore(storageOn(disk))
  progress.incarnation = opened.store.recovered.incarnation
  let turn = 0
  const ends = new Map<number, number>()
  const listen = (): void => void opened.store.events$.subscribe(event => {
    if (event.type === 'persisted') progress.acknowledged = ends.get(event.turn)!
  })
  listen()
  for (const act of SCRIPT) {
    if (act.type === 'write') {
      turn++
      for (const piece of act.writes.flatMap(piecesOf)) states.push(heldAfter(states.at(-1)!, piece))
      ends.set(turn, states.length - 1)
      opened.store.write(turn, act.writes)
    } else if (act.type === 'settle') await opened.persisted(turn)
    else if (act.type === 'remember') await know(opened.store, progress, act.peer, act.incarnation)
    else if (act.type === 'forget') await know(opened.store, progress, act.peer, undefined)
    else {
      await opened.close()
      opened = await openStore(storageOn(disk))
      listen()
    }
  }
  return opened
}

/** Runs the whole script, with or without a clean stop. */
export const runThrough = async (disk: MemoryDisk, stop: 'clean' | 'kill'): Promise<Progress> => {
  const progress = begin()
  const opened = await perform(disk, progress)
  if (stop === 'clean') await opened.close()
  else disk.kill()
  return progress
}

/** What an opened store holds. */
export const heldBy = async ({ store, lines }: OpenedStore): Promise<Held> => {
  const { term, votedFor } = store.recovered.hardState
  return { lines: await lines(), term, votedFor }
}

const isEqual = (a: Held, b: Held): boolean => a.term === b.term && a.votedFor === b.votedFor && a.lines.join('\n') === b.lines.join('\n')

/** What is wrong with what a store holds after a run, if anything: lost, invented, or out of order. */
export const faultOf = (progress: Progress, held: Held, { recovered }: Store): string | undefined => {
  const { states, acknowledged, acknowledgedPeers, issuedPeers, incarnation } = progress
  const at = states.findLastIndex(state => isEqual(state, held))
  if (at < 0) return `what was recovered was never there: ${JSON.stringify(held)}`
  if (at < acknowledged) return `${acknowledged} pieces were acknowledged, ${at} were recovered`
  const { commitIndex } = recovered.hardState
  const last = states.at(-1)!
  if (commitIndex < states[acknowledged]!.commitIndex || commitIndex > last.commitIndex) return `commitIndex ${commitIndex} was recovered`
  const peer = recovered.peers['b']
  if (!issuedPeers.slice(acknowledgedPeers).includes(peer)) return `the peer's incarnation ${peer} was recovered after ${issuedPeers[acknowledgedPeers]}`
  if (incarnation !== undefined && recovered.incarnation !== incarnation) return 'the store became another incarnation'
  return recovered.base.membership.voters.join() === OWNER.membership.voters.join() ? undefined : 'the base was lost'
}
