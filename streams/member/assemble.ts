import { isAwaited } from '../../lib/awaiting.js'
import type { Beside } from '../../lib/health.js'
import { membershipAt } from '../../lib/log.js'
import { randomFrom } from '../../lib/random.js'
import type { RaftState } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'
import type { Completion, Inputs, Proposed } from '../pipeline/inbox.js'
import type { Leadership, Member } from './member.js'
import { type Applier, type Look, runMachine } from '../machine/run-machine.js'
import { createDecodedCommands } from '../machine/decoded-commands.js'
import { haltAll } from './ending.js'
import { followRoll } from './follow-roll.js'
import { tellClients } from './tell-clients.js'
import { type LogFollowing, followLog } from '../outputs/commits-from.js'
import { createLogReads } from '../outputs/log-reads.js'
import { type Outputs, createOutputs } from '../outputs/outputs.js'
import { createOverflow } from './overflow.js'
import { proposerOf } from '../proposer/proposer-of.js'
import { thenTold } from '../proposer/then-told.js'
import { type Reads, createReads } from '../reads/reads.js'
import { type Requests, createRequests } from '../requests/requests.js'
import { restore } from '../snapshots/restore.js'
import { type SnapshotWorker, createSnapshotWorker } from '../snapshots/snapshot-work.js'
import { type Linked, createLinked } from '../transport/linked.js'
import { type Tracking, createTracking } from '../tracking/track.js'
import { createSender } from '../transport/send.js'
import { type Operator, createOperator } from '../wishes/operator.js'

/** What a member is made of beside its core, and what each part does with a step. */
export interface MemberParts<C, R, S> {
  readonly linked: Linked
  readonly requests: Requests<C, R>
  /** Where this member's own commands are handed over; whoever looks on hears of each outcome. */
  readonly submit: Requests<C, R>['submit']
  readonly reads: Reads<S>
  readonly outputs: Outputs<C, R, S, Leadership<C, R>>
  readonly snapshots: Pick<SnapshotWorker, 'snapshot'>
  readonly operator: Pick<Operator, 'transfer' | 'change' | 'leave' | 'requested' | 'replied'>
  readonly log: Pick<LogFollowing<C, S>, 'commitsFrom'>
  readonly tracking: Pick<Tracking<C, R>, 'track'>
  readonly overflowed: Inputs['overflowed']
  readonly isAwaited: Inputs['isAwaited']
  /** A step has passed the gate: its messages leave. */
  send(step: Step): void
  /** They have left: what the step committed is applied, and then the public streams hear of it. */
  release(step: Step): void
  /** A step was folded, and may yet wait at the gate: its answers, and whatever else does not vouch for the disk. */
  observe(step: Step): void
  /** Nothing is applied any more, and whoever still waits is told that the outcome is unknown, because of `why`. */
  halt(why: string): void
}

/** The ends of the loop that the parts hold: what they hand in enters through the inbox. */
interface Feed {
  proposed(event: Proposed): void
  /** Where nothing awaits it, it joins the next turn and begins none. */
  completed(event: Completion): void
  failed(error: Error): void
}

/** What a member shows. A leadership proposes in its own term or not at all. */
const outputsOf = <C, R, S>(
  { begun: { applied: from }, machineVersion, options: { limits } }: Member<C, R, S>, first: RaftState, look: Look<S>, submit: Requests<C, R>['submit'], pending: () => Pick<Beside, 'pendingProposals' | 'pendingReads'>,
): Outputs<C, R, S, Leadership<C, R>> => createOutputs({
  first, machineVersion, from, look, load: () => ({ limits, ...pending() }),
  leadership: (term, signal) => ({ ...proposerOf<C, R>((command, options, done) => submit(command, { ...options, term }, done)), term, signal }),
})

export const assemble = <C, R, S>(member: Member<C, R, S>, first: RaftState, feed: Feed): MemberParts<C, R, S> => {
  const { options: { limits, snapshotCompression }, protocol, ports: { links, store, admission }, host: { clock, seed, told }, begun: { machine, sessions, applied: from, restored } } = member
  const submit: Requests<C, R>['submit'] = (command, options, done) => requests.submit(command, options, thenTold(told)(done))
  const outputs: Outputs<C, R, S, Leadership<C, R>> = outputsOf(member, first, see => applier.look(see), submit, () => ({ pendingProposals: requests.pending, pendingReads: reads.pending }))
  const overflow = createOverflow(outputs.notice)
  let newest = first
  const linked = createLinked()
  const sender = createSender(links, clock.endOfTurn)
  const commands = createDecodedCommands<C>()
  const requests = createRequests<C, R>({ ...member, commands, links, linked, sender, clock, random: randomFrom(seed), notice: outputs.notice, propose: (id, body, term) => feed.proposed({ type: 'proposed', id, body, term }) })
  const applier: Applier<S> = runMachine<C, R, S>({
    protocol, machine, sessions, commands, applyBudgetMs: limits.applyBudgetMs, stallMs: limits.stallMs, clock, from, commits: outputs.commits, notice: outputs.notice,
    restoreMachine: done => restore(machine, { snapshots: store.snapshots, clock, stallMs: limits.snapshotStallMs }, failure => done(failure?.reason)),
    rested: (at, bytes) => {
      snapshots.rested(at.index, bytes)
      reads.rested(at)
    },
    results: requests.applied, failed: feed.failed,
    applied: at => {
      feed.completed({ type: 'applied', index: at.index })
      outputs.applied(at)
      log.applied(at)
    },
  })
  const reads: Reads<S> = createReads<S>({ ...member, machine, links, linked, sender, clock, atRest: applier.atRest, ask: id => feed.proposed({ type: 'readAsked', id }) })
  const snapshots: SnapshotWorker = createSnapshotWorker({
    machine, snapshots: store.snapshots, restored, from: from.index, limits, compression: snapshotCompression, clock, atRest: applier.atRest, restore: applier.restore,
    membershipAt: index => membershipAt(newest.log, index), events: outputs.snapshots, notice: outputs.notice, told, completed: feed.completed,
  })
  const tracking: Tracking<C, R> = createTracking(submit)
  const belonging = [followRoll({ links, admission, versions: outputs.versions }, first), tellClients({ linked, sender }, first)]
  const operator = createOperator({ first, linked, links, sender, ask: feed.completed })
  const log = followLog<C, S>({ protocol, sessions, newest: () => newest, from, look: applier.look, read: createLogReads(store), maxBytes: limits.maxAppendBytes, budgetMs: limits.applyBudgetMs, clock })

  return {
    linked, requests, submit, reads, outputs, snapshots, operator, log, tracking, overflowed: overflow.add, isAwaited: event => isAwaited(newest, event),
    send: sender.step,
    release: step => {
      if (step.state.turn > newest.turn) newest = step.state
      snapshots.step(step)
      tracking.follow(step.state)
      applier.committed(step.ready.committed)
      // Whoever hears of a leadership may propose at once.
      linked.follow(step.state)
      outputs.released(step)
    },
    observe: step => {
      newest = step.state
      const { answers, readAnswers } = overflow.take()
      requests.answered([...answers, ...step.ready.answers])
      reads.answered([...readAnswers, ...step.ready.readAnswers])
      linked.follow(step.state)
      sender.flush()
      for (const part of belonging) part.follow(step.state)
      operator.follow(step)
      outputs.folded(step)
    },
    halt: why => haltAll([log, applier, snapshots, operator, requests, reads, linked, outputs], why),
  }
}
