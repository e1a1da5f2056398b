/** Members on one network, for the rules of transports. */
import { packEntries } from '../codecs/entries.js'
import type { StartError } from '../lib/errors.js'
import type { AppendEntries, RequestVote } from '../lib/messages.js'
import { type Either, isLeft, right } from '../lib/prelude.js'
import type { MemberId } from '../lib/types.js'
import { systemClock } from '../streams/time/clock.js'
import type { Endpoint, LinkLimits, Roll, Transport } from '../streams/transport/port.js'
import { count, watch, type Watched } from './watch.js'

/** One network, made anew for each case, in which the members `n1`, `n2` and `n3` find each other. */
export interface TransportWorld {
  transport(id: MemberId): Transport
  /** What a member advertises and listens on; with port 0 the suite goes by `Links.address` afterwards. */
  address(id: MemberId): string
}

const LIMITS: LinkLimits = {
  maxCommandBytes: 2 ** 20, maxBatchBytes: 2 ** 18, maxClientBufferBytes: 8 * 2 ** 20,
  maxFrameBytes: 16 * 2 ** 20, maxSendBufferBytes: 64 * 2 ** 20, maxLinks: 16, maxHandshakes: 16,
  handshakeTimeoutMs: 2_000, keepAliveMs: 100, reconnectMinMs: 5, reconnectMaxMs: 20,
}

/** A cluster whose address book follows the addresses that the system chose. */
export const cluster = (world: TransportWorld) => {
  const book: Record<MemberId, string> = Object.fromEntries(['n1', 'n2', 'n3'].map(id => [id, world.address(id)]))
  const open: Watched[] = []
  /** Those that go by the book. */
  const readers = new Set<Watched>()
  const rollOf = (ids: readonly MemberId[], isOpen = false): Roll => ({ addresses: Object.fromEntries(ids.map(id => [id, book[id] ?? world.address(id)])), isOpen })
  const tryOpen = (id: MemberId, changes: Partial<Endpoint> = {}): Promise<Either<StartError, Watched>> => new Promise(resolve => {
    const endpoint: Endpoint = {
      clusterId: 'suite', clusterNameId: 'suite-name', id, incarnation: `${id}-1`, machineVersion: 0, address: book[id] ?? world.address(id), given: {}, join: undefined, roll: rollOf(Object.keys(book)), limits: LIMITS, electionTimeoutMs: 1_000, clock: systemClock, random: () => 0.5,
      admit: (_, __, decide) => decide(right(undefined)), isUnproven: () => false, ...changes,
    }
    world.transport(id).open(endpoint, outcome => {
      if (isLeft(outcome)) return resolve(outcome)
      const watched = watch(outcome.right)
      open.push(watched)
      if (changes.roll === undefined) readers.add(watched)
      resolve(right(watched))
    })
  })
  return {
    tryOpen,
    /** These members at their present addresses. */
    rollOf,
    open: async (id: MemberId, changes: Partial<Endpoint> = {}): Promise<Watched> => {
      const outcome = await tryOpen(id, changes)
      if (isLeft(outcome)) throw outcome.left
      book[id] = outcome.right.links.address
      for (const { links } of readers) links.update(rollOf(Object.keys(book)))
      return outcome.right
    },
    closeAll: async (): Promise<void> => { await Promise.all(open.map(one => one.close())) },
  }
}
export type Cluster = ReturnType<typeof cluster>

export const vote = (from: MemberId, to: MemberId, term: number): RequestVote =>
  ({ type: 'requestVote', from, to, term, preVote: false, transfer: false, lastLogIndex: 1, lastLogTerm: 1, round: term * 1000 })
export const append = (from: MemberId, to: MemberId, term: number, command: Uint8Array): AppendEntries => ({
  type: 'appendEntries', from, to, term, prevLogIndex: term, prevLogTerm: 1, leaderCommit: 0, asks: false, round: term,
  batches: [{ kind: 'command', firstIndex: term + 1, term, count: 1, time: 1, skip: 0, body: packEntries([command]) }],
})

/** Two members, linked; the larger is opened first, so that the smaller finds it at the first attempt. */
export const pair = async (all: Cluster): Promise<readonly [Watched, Watched]> => {
  const n2 = await all.open('n2')
  const n1 = await all.open('n1')
  await Promise.all([n1.until('n2 is up', count('connected', 'n2', 1)), n2.until('n1 is up', count('connected', 'n1', 1))])
  return [n1, n2]
}
