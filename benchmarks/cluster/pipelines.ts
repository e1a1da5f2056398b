/**
 * The pipelines of three members, and nothing around them: memory for disk and network, a machine that counts, one loop that lets them work until nothing is left
 * to do. There is neither promise nor result, as with the nodes of other libraries that leave those to their users.
 */
import { Subject, connect, filter, map, merge, tap } from 'rxjs'
import { packEntries } from '../../codecs/entries.js'
import { DEFAULT_ELECTION_TIMEOUT_MS, DEFAULT_HEARTBEAT_MS, DEFAULT_LIMITS } from '../../codecs/options.js'
import { isAwaited } from '../../lib/awaiting.js'
import { lastIndexOf } from '../../lib/batch.js'
import { type Stored, firstStep } from '../../lib/recover.js'
import { entryAt, membershipAt } from '../../lib/log.js'
import { type Either, isLeft, right } from '../../lib/prelude.js'
import { isFromCore } from '../../lib/requests.js'
import type { RaftState } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import type { Step } from '../../lib/step.js'
import type { Index, MemberId, Membership } from '../../lib/types.js'
import { type Links, type Store, type Transport, memoryNetwork, memoryStorage, memoryTransport } from '../../streams/index.js'
import { gate } from '../../streams/pipeline/gate.js'
import type { Completion, Proposed, Received } from '../../streams/pipeline/inbox.js'
import { durableTurns, persist, stored } from '../../streams/pipeline/persist.js'
import { pipeline } from '../../streams/pipeline/pipeline.js'
import { type Clock, systemClock } from '../../streams/time/clock.js'
import { tickEveryMs, ticks } from '../../streams/time/ticks.js'
import { createSender } from '../../streams/transport/send.js'
import { pause } from '../aids.js'
import { framed } from './framed.js'

const IDS = ['n1', 'n2', 'n3'] as const
const ADDRESSES: Readonly<Record<MemberId, string>> = Object.fromEntries(IDS.map((id, i) => [id, `localhost:${i + 1}`]))
const MEMBERSHIP: Membership = { voters: IDS, outgoing: [], learners: [], addresses: ADDRESSES }
/** A snapshot of the count is taken so often, and the log is cut behind it. */
const SNAPSHOT_EVERY = 65_536

const rightOf = <A>(outcome: Either<Error, A>): A => {
  if (isLeft(outcome)) throw outcome.left
  return outcome.right
}

/** A clock that goes as this machine's does, in a world in which a turn ends when all that is to be done in it is done. */
const createWorld = () => {
  let waiting: (() => void)[] = []
  const settle = (): void => {
    while (waiting.length > 0) {
      const due = waiting
      waiting = []
      for (const work of due) work()
    }
  }
  const clock: Clock = {
    now: systemClock.now, wall: systemClock.wall,
    after: (ms, work) => systemClock.after(ms, () => {
      work()
      settle()
    }),
    endOfTurn: work => {
      waiting.push(work)
      return () => { waiting = waiting.filter(one => one !== work) }
    },
  }
  return { clock, settle }
}

interface Node {
  state(): RaftState
  /** Commands that it has applied. */
  applied(): number
  propose(event: Proposed): void
  close(): void
}

const startNode = (id: MemberId, seed: number, store: Store, links: Links, clock: Clock): Node => {
  const settings = { id, electionTimeoutMs: DEFAULT_ELECTION_TIMEOUT_MS, heartbeatMs: DEFAULT_HEARTBEAT_MS, readLeaseMs: 0, ...DEFAULT_LIMITS }
  const known: Stored = store.recovered
  const first = firstStep(settings, known, seed, clock.now())
  const sender = createSender(links, clock.endOfTurn)
  const write = persist(store)
  const proposed = new Subject<Proposed>()
  const completed = new Subject<Completion>()
  let state = first.state
  let applied = 0
  let snapshotAt: Index = 0

  /** The count is the whole state: a snapshot of it is there at once. */
  const snapshot = (index: Index): void => {
    snapshotAt = index
    const place = { ...entryAt(state.log, index), membership: membershipAt(state.log, index), time: state.log.time, compression: 'none' as const }
    completed.next({ type: 'snapshotStored', snapshot: { ...place, bytes: 0, checksum: 0 } })
  }
  const apply = ({ ready: { committed } }: Step): void => {
    const last = committed.at(-1)
    if (last === undefined) return
    for (const batch of committed) if (batch.kind === 'command') applied += batch.count
    const index = lastIndexOf(last)
    completed.next({ type: 'applied', index })
    if (index >= snapshotAt + SNAPSHOT_EVERY) snapshot(index)
  }

  const received$ = links.events$.pipe(
    map((event): Received | undefined => event.type === 'received' && isFromCore(event.message) ? { type: 'received', message: event.message } : undefined),
    filter(event => event !== undefined),
  )
  const running = pipeline({
    received$, proposed$: proposed, ticks$: ticks(clock, tickEveryMs(settings.heartbeatMs)), completions$: merge(stored(store.events$), completed), clock,
    maxInboxEvents: DEFAULT_LIMITS.maxInboxEvents, isAwaited: event => isAwaited(state, event),
    overflowed: event => { throw new Error(`no room for ${event.type}`) },
  }, first).pipe(
    connect(steps$ => merge(
      steps$.pipe(gate(durableTurns(store.events$), DEFAULT_LIMITS.maxHeldTurns), tap(sender.step), tap(write), tap(apply)),
      steps$.pipe(tap(write), tap(step => { state = step.state })),
    )),
  ).subscribe()
  return { state: () => state, applied: () => applied, propose: event => proposed.next(event), close: () => running.unsubscribe() }
}

const openNode = (id: MemberId, seed: number, transport: Transport, clock: Clock, opened: (node: Node) => void): void =>
  memoryStorage(clock).open({ clusterId: 'pipelines', id, membership: MEMBERSHIP, tailBytes: DEFAULT_LIMITS.logCacheBytes }, storage => {
    const store = rightOf(storage)
    const endpoint = {
      clusterId: 'pipelines', clusterNameId: 'pipelines', id, incarnation: store.recovered.incarnation, machineVersion: 0, address: ADDRESSES[id]!, given: ADDRESSES, join: undefined,
      roll: { addresses: ADDRESSES, isOpen: true }, isUnproven: () => false, limits: DEFAULT_LIMITS, electionTimeoutMs: DEFAULT_ELECTION_TIMEOUT_MS, clock, random: Math.random,
    }
    transport.open({ ...endpoint, admit: (_peer, _incarnation, decide) => decide(right(undefined)) }, listening => opened(startNode(id, seed, store, rightOf(listening), clock)))
  })

export interface Pipelines {
  /** Commands that every member has applied. */
  done(): number
  /** Has the leader append these as one batch, and all members work until nothing is left to do. */
  propose(commands: readonly Uint8Array[]): void
  close(): void
}

/** Pipelines one of which leads. */
export const startPipelines = async ({ isFramed = false } = {}): Promise<Pipelines> => {
  const { clock, settle } = createWorld()
  const memory = memoryTransport(memoryNetwork())
  const transport = isFramed ? framed(memory) : memory
  const nodes: Node[] = []
  IDS.forEach((id, i) => openNode(id, i + 1, transport, clock, node => nodes.push(node)))
  settle()
  const leading = (): Node | undefined => nodes.find(node => {
    const state = node.state()
    return state.role === 'leader' && isReady(state)
  })
  let leader = leading()
  for (; leader === undefined; leader = leading()) await pause(10)
  const leads = leader
  let proposals = 0
  return {
    done: () => Math.min(...nodes.map(node => node.applied())),
    propose: commands => {
      leads.propose({ type: 'proposed', id: ++proposals, body: packEntries(commands) })
      settle()
    },
    close: () => { for (const node of nodes) node.close() },
  }
}
