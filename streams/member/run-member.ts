import { Subject, connect, merge, tap } from 'rxjs'
import type { RunEnd } from '../../codecs/recording/segment.js'
import { messageOf } from '../../codecs/report.js'
import { firstStep } from '../../lib/recover.js'
import { step } from '../../lib/step.js'
import { assemble } from './assemble.js'
import { createEnding } from './ending.js'
import { gate } from '../pipeline/gate.js'
import type { Completion, Inputs, Proposed } from '../pipeline/inbox.js'
import type { Member, Raft } from './member.js'
import { closePorts } from './open.js'
import type { Fold } from '../pipeline/fold.js'
import { durableTurns, persist, stored } from '../pipeline/persist.js'
import { pipeline } from '../pipeline/pipeline.js'
import { callOptions } from '../proposer/call-options.js'
import { proposerOf } from '../proposer/proposer-of.js'
import { thenTold } from '../proposer/then-told.js'
import { receive } from './receive.js'
import type { Ended, Outputs } from '../outputs/outputs.js'
import { tickEveryMs, ticks } from '../time/ticks.js'
import { membersBy } from '../wishes/members.js'

/** The same for those who read a recording. */
const runEnd = (how: Ended): RunEnd => how._tag === 'Failed' ? { how: 'failed', reason: messageOf(how.error) } : { how: 'stopped', reason: '' }

/** The same for those who wait and cannot be told what became of it. */
const whyEnded = (how: Ended): string => how._tag === 'Failed' ? `the member failed: ${messageOf(how.error).replace(/\.$/, '')}` : 'the member was stopped'

/** The same fold, and somebody who sees what each batch led to. */
const watched = (fold: Fold = step, stepped: Outputs<never, never, never, never>['stepped']): Fold => (previous, batch) => {
  const next = fold(previous, batch)
  stepped(previous.state, batch, next.state)
  return next
}

/**
 * Closes the loop: what a step asks for is handed over, and what comes of it enters through the inbox again.
 *
 *     pipeline ─┬─► gate ─► send ─► write ─► release ─► machine, public streams
 *        ▲      └─► write, unless it has been ─► observe ─► answers, leadership, diagnostics
 *        └── persisted, read, applied, proposed, received, ticked
 */
export const runMember = <C, R, S>(member: Member<C, R, S>): Raft<C, R, S> => {
  const { options: { id, limits, electionTimeoutMs, heartbeatMs, readLeaseMs }, ports: { store, links, recording }, host: { clock, seed, fold, told }, notices$ } = member
  const proposed = new Subject<Proposed>()
  const completed = new Subject<Completion>()
  const { restored } = member.begun
  const first = firstStep({ id, electionTimeoutMs, heartbeatMs, readLeaseMs, ...limits }, store.recovered, seed, clock.now(), restored)
  const { linked, requests, submit, reads, outputs, snapshots, operator, log, tracking, overflowed, isAwaited, send, release, observe, halt } = assemble(member, first.state, {
    proposed: event => proposed.next(event),
    completed: event => completed.next(event),
    failed: error => ending.fail(error),
  })
  const write = persist(store)
  const inputs: Inputs = {
    received$: receive(links.events$, { linked, requests, reads, operator, versions: outputs.versions, notice: outputs.notice }),
    proposed$: proposed,
    ticks$: ticks(clock, tickEveryMs(heartbeatMs), first.state.electionDeadline <= first.state.now).pipe(tap(requests.tick), tap(reads.tick)),
    completions$: merge(stored(store.events$), completed),
    clock, maxInboxEvents: limits.maxInboxEvents, overflowed, isAwaited,
  }
  const telling = thenTold(told)
  const ending = createEnding(clock.endOfTurn, {
    drain: done => {
      reads.refuseAll()
      requests.drain(() => operator.leave(done))
    },
    halt: how => {
      running.unsubscribe()
      halt(whyEnded(how))
    },
    close: (how, done) => closePorts(member.ports, runEnd(how), clock, limits.stopTimeoutMs, () => outputs.notice({ type: 'closeTimedOut', bound: 'stopTimeoutMs' }), done),
    ended: outputs.end,
  })
  const running = pipeline(inputs, first, watched(fold, outputs.stepped), recording).pipe(
    connect(steps$ => merge(
      // What may leave at once does so before its own disk is asked: one write in flight takes 4 % less (§10.2.1).
      steps$.pipe(gate(durableTurns(store.events$), limits.maxHeldTurns), tap(send), tap(write), tap(release)),
      steps$.pipe(tap(write), tap(observe)),
    )),
  ).subscribe({ error: ending.fail })
  running.add(notices$.subscribe(outputs.notice))
  // Whoever was waiting for the member has subscribed by the end of the turn.
  if (restored !== undefined) clock.endOfTurn(() => outputs.snapshots.next({ type: 'restored', snapshot: restored }))
  return {
    ...outputs.streams, ...proposerOf<C, R>(submit), track: tracking.track, commitsFrom: log.commitsFrom,
    read: (select, options) => new Promise(resolve => reads.read(select, callOptions(options), telling(resolve))),
    snapshot: snapshots.snapshot,
    transferLeadership: (to, options) => new Promise(resolve => operator.transfer(to, options, telling(resolve))),
    members: membersBy((wish, options, done) => operator.change(wish, options, telling(done))),
    stop: ending.stop, [Symbol.asyncDispose]: ending.stop,
  }
}
