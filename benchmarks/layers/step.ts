/** The pure core: three members that hand each other messages, with a disk and a machine that are done at once. */
import { DEFAULT_ELECTION_TIMEOUT_MS, DEFAULT_HEARTBEAT_MS, DEFAULT_LIMITS } from '../../codecs/options.js'
import type { RaftEvent } from '../../lib/events.js'
import { lastIndexOf } from '../../lib/batch.js'
import { type Step, firstStep, step } from '../../lib/index.js'
import type { MemberId, Membership } from '../../lib/types.js'
import { BATCH, BODY, type Layer, type OpenLayer } from './layer.js'

const IDS = ['n1', 'n2', 'n3'] as const
const MEMBERSHIP: Membership = { voters: IDS, outgoing: [], learners: [], addresses: {} }

interface Core {
  step: Step
  inbox: RaftEvent[]
}

const newCore = (id: MemberId, seed: number): Core => {
  const settings = { id, electionTimeoutMs: DEFAULT_ELECTION_TIMEOUT_MS, heartbeatMs: DEFAULT_HEARTBEAT_MS, readLeaseMs: 0, ...DEFAULT_LIMITS }
  const base = { index: 0, term: 0, membership: MEMBERSHIP }
  const stored = { base, lastIndex: 0, terms: [], memberships: [], tail: [], hardState: { term: 0, votedFor: undefined, commitIndex: 0 } }
  return { step: firstStep(settings, stored, seed, 0), inbox: [] }
}

/** What a step asks of the world happens at once, and is told in the next one. */
const open = (): OpenLayer => {
  const cores = new Map<MemberId, Core>(IDS.map((id, i) => [id, newCore(id, i + 1)]))
  let now = 0
  let requests = 0
  const stepOnce = (core: Core): void => {
    const events = core.inbox
    core.inbox = []
    core.step = step(core.step, { now, wall: now, events })
    const { turn, writes, messages, committed } = core.step.ready
    if (writes.length > 0) core.inbox.push({ type: 'persisted', turn })
    for (const message of messages) cores.get(message.to)!.inbox.push({ type: 'received', message })
    const last = committed.at(-1)
    if (last !== undefined) core.inbox.push({ type: 'applied', index: lastIndexOf(last) })
  }
  const settle = (): void => {
    for (let busy = true; busy;) {
      busy = false
      for (const core of cores.values()) {
        if (core.inbox.length === 0) continue
        busy = true
        stepOnce(core)
      }
    }
  }
  const first = cores.get(IDS[0])!
  while (first.step.state.role !== 'leader') {
    now += DEFAULT_HEARTBEAT_MS
    first.inbox.push({ type: 'ticked', due: now })
    settle()
  }
  return {
    turn: () => {
      now += 0.1
      const { commitIndex } = first.step.state
      first.inbox.push({ type: 'proposed', id: ++requests, body: BODY })
      settle()
      if (first.step.state.commitIndex !== commitIndex + BATCH) throw new Error('what was proposed is not committed')
    },
    close: () => {},
  }
}

export const stepLayer: Layer = { name: 'step', does: 'proposed, replicated, committed: the pure steps of all three members', open }
