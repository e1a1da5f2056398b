/** One real member between a disk, a network and a clock that a test holds in its hands. */
import * as t from 'io-ts'
import { Subject } from 'rxjs'
import { packEntries } from '../../../codecs/entries.js'
import { encodeValue } from '../../../codecs/values.js'
import type { Write } from '../../../lib/events.js'
import type { AppendEntries, Message } from '../../../lib/messages.js'
import { type Either, isLeft, isRight, right } from '../../../lib/prelude.js'
import type { LinkMessage } from '../../../lib/requests.js'
import type { EntryBatch, Turn } from '../../../lib/types.js'
import type { Clock } from '../../../streams/time/clock.js'
import { type RaftOptions, startRaft } from '../../../streams/create-raft.js'
import type { Machine } from '../../../streams/machine/machine.js'
import type { Raft } from '../../../streams/member/member.js'
import { orThrow } from '../../../streams/or-throw.js'
import { reducerMachine } from '../../../streams/machine/reducer-machine.js'
import { memorySnapshots } from '../../../streams/storage/memory-snapshots.js'
import { memoryStorage } from '../../../streams/storage/memory.js'
import type { Storage, StorageEvent } from '../../../streams/storage/port.js'
import { serveSnapshots } from '../../../streams/storage/serve-snapshots.js'
import { memoryNetwork, memoryTransport } from '../../../streams/transport/memory.js'
import type { Party, Roll, Transport, TransportEvent } from '../../../streams/transport/port.js'

export interface VirtualClock extends Clock {
  /** Ends turns of the event loop until nothing is left to do in them. */
  settle(): void
  /** Lets `ms` pass, firing timers in their order. */
  advance(ms: number): void
  /** Lets `ms` pass in which nothing runs: what was due comes late. */
  stall(ms: number): void
}

export const virtualClock = (): VirtualClock => {
  let now = 0
  let made = 0
  const turn = new Map<number, () => void>()
  const timers = new Map<number, { readonly at: number; readonly work: () => void }>()
  const settle = (): void => {
    for (const [key, work] of turn) {
      turn.delete(key)
      work()
    }
  }
  return {
    now: () => now,
    wall: () => 1_000_000 + now,
    after: (ms, work) => {
      const key = made++
      timers.set(key, { at: now + Math.max(0, ms), work })
      return () => timers.delete(key)
    },
    endOfTurn: work => {
      const key = made++
      turn.set(key, work)
      return () => turn.delete(key)
    },
    settle,
    stall: ms => { now += ms },
    advance: ms => {
      const end = now + ms
      settle()
      for (;;) {
        const [key, next] = [...timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? []
        if (key === undefined || next === undefined || next.at > end) break
        timers.delete(key)
        now = Math.max(now, next.at)
        next.work()
        settle()
      }
      now = end
    },
  }
}

/** Adds up what it is given, refuses in its own words what is too much, and breaks on demand. */
export const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => {
    if (add === 666) throw new Error('no such number')
    return [total + add, total + add]
  },
})

export type Add = { add: number }
export type Counter = Raft<Add, number, number>

/** A member alone on a disk and a network of memory, in real time. */
export const optionsOf = (given: Partial<RaftOptions<Add, number, number>> = {}): RaftOptions<Add, number, number> => ({
  cluster: 'test', id: 'n1', members: { n1: 'localhost:1' }, machine: counter, electionTimeoutMs: 150, heartbeatMs: 30,
  transport: memoryTransport(memoryNetwork()), storage: memoryStorage(), ...given,
})

export const errorOf = <E, A>(outcome: Either<E, A>): E | undefined => isLeft(outcome) ? outcome.left : undefined

/** The disk of a test: nothing is durable before it says so. */
interface HeldDisk {
  readonly storage: Storage
  /** Turns handed over and not yet durable. */
  readonly pending: Turn[]
  /** From now on everything is durable at the end of the turn in which it is written. */
  flow(): void
  /** From now on nothing is. */
  hold(): void
  persist(): void
  say(event: StorageEvent): void
  /** How often it was told to close. */
  readonly closings: () => number
}

const heldDisk = (clock: Clock, journal: string[]): HeldDisk => {
  const events = new Subject<StorageEvent>()
  const pending: Turn[] = []
  let isFlowing = false
  let closings = 0
  const persist = (): void => {
    for (const turn of pending.splice(0)) events.next({ type: 'persisted', turn })
  }
  return {
    pending, persist,
    flow: () => { isFlowing = true; persist() },
    hold: () => { isFlowing = false },
    say: event => events.next(event),
    closings: () => closings,
    storage: {
      open: ({ membership }, done) => done(right({
        recovered: {
          incarnation: 'first', peers: {}, hardState: { term: 0, votedFor: undefined, commitIndex: 0 },
          base: { index: 0, term: 0, membership }, lastIndex: 0, terms: [], memberships: [], tail: [], notes: ['swept'],
        },
        snapshots: serveSnapshots(memorySnapshots({ newest: undefined, incoming: undefined }), work => clock.endOfTurn(work)).snapshots,
        events$: events.asObservable(),
        write: (turn: Turn, writes: readonly Write[]) => {
          journal.push(`write ${writes.map(({ type }) => type).join()}`)
          pending.push(turn)
          if (isFlowing) clock.endOfTurn(persist)
        },
        read: () => undefined,
        remember: (_peer, _incarnation, done) => done(right(undefined)),
        forget: (peers, done) => {
          journal.push(`forget ${peers.join()}`)
          done(right(undefined))
        },
        close: done => {
          closings++
          clock.endOfTurn(done)
        },
      })),
    },
  }
}

/** What a member sent, and a hand to answer it. */
interface HeldNetwork {
  readonly transport: Transport
  readonly sent: { readonly to: Party; readonly message: LinkMessage }[]
  /** Who belonged, by what the member told, in order. */
  readonly rolls: Roll[]
  say(event: TransportEvent): void
  /** A message from another member's core. */
  receive(message: Message): void
}

const heldNetwork = (clock: Clock, journal: string[]): HeldNetwork => {
  const events = new Subject<TransportEvent>()
  const sent: HeldNetwork['sent'] = []
  const rolls: Roll[] = []
  return {
    sent, rolls,
    say: event => events.next(event),
    receive: message => events.next({ type: 'received', from: { type: 'member', id: message.from }, message }),
    transport: {
      open: (_endpoint, done) => done(right({
        address: 'localhost:1',
        events$: events.asObservable(),
        send: (to, messages) => {
          journal.push(`send ${messages.map(({ type }) => type).join()}`)
          sent.push(...messages.map(message => ({ to, message })))
        },
        update: roll => rolls.push(roll),
        close: done => {
          clock.endOfTurn(() => {
            events.complete()
            done()
          })
        },
      })),
    },
  }
}

export interface World<C, R, S> {
  readonly raft: Raft<C, R, S>
  readonly clock: VirtualClock
  readonly disk: HeldDisk
  readonly network: HeldNetwork
  /** What the member handed over, in order; a test may add what it sees. */
  readonly journal: string[]
}

/** A member n1 that has just started, in a cluster with these others. */
export const worldOf = <C, R, S>(machine: Machine<C, R, S>, others: readonly string[] = [], options: Partial<RaftOptions<C, R, S>> = {}): World<C, R, S> => {
  const clock = virtualClock()
  const journal: string[] = []
  const disk = heldDisk(clock, journal)
  const network = heldNetwork(clock, journal)
  const members = Object.fromEntries(['n1', ...others].map((id, i) => [id, `localhost:${i + 1}`]))
  let raft: Raft<C, R, S> | undefined
  startRaft(
    { cluster: 'test', id: 'n1', members, machine, transport: network.transport, storage: disk.storage, electionTimeoutMs: 100, heartbeatMs: 20, ...options },
    { clock, seed: 1 }, outcome => { raft = orThrow(outcome) },
  )
  if (raft === undefined) throw new Error('the member did not start at once')
  return { raft, clock, disk, network, journal }
}

/** A member alone in its cluster, on a disk that keeps up, after it has become ready to lead. */
export const leaderOf = <C, R, S>(machine: Machine<C, R, S>, options: Partial<RaftOptions<C, R, S>> = {}): World<C, R, S> => {
  const world = worldOf(machine, [], options)
  world.disk.flow()
  world.clock.advance(50)
  return world
}

/** One command as a leader n2 would send it to n1. */
export const fromLeader = (term: number, prevLogIndex: number, prevLogTerm: number, leaderCommit: number, ...batches: readonly EntryBatch[]): AppendEntries =>
  ({ type: 'appendEntries', from: 'n2', to: 'n1', term, prevLogIndex, prevLogTerm, batches, leaderCommit, asks: false, round: prevLogIndex + 1 })

export const addBatch = (firstIndex: number, term: number, ...adds: readonly number[]): EntryBatch => {
  const body = packEntries(adds.map(add => orFail(encodeValue(counter.command, { add }))))
  return { kind: 'command', firstIndex, term, count: adds.length, time: 5, body, skip: 0 }
}

const orFail = (outcome: ReturnType<typeof encodeValue>): Uint8Array => {
  if (isRight(outcome)) return outcome.right
  throw new Error('a test command does not encode')
}
