import test, { type ExecutionContext } from 'ava'
import { type Observable, NEVER, Subject, map, tap } from 'rxjs'
import { type RunHelpers, TestScheduler } from 'rxjs/testing'
import type { RaftEvent } from '../../../lib/events.js'
import { firstMembership } from '../../../lib/membership.js'
import { firstStep } from '../../../lib/recover.js'
import type { Step } from '../../../lib/step.js'
import { type Completion, type Inputs, type Proposed, type Received, inbox } from '../../../streams/pipeline/inbox.js'
import { type Clock, StepFailed, perTurn, pipeline, ticks } from '../../../streams/pipeline/index.js'

type Marbles = RunHelpers & { readonly clock: Clock; readonly scheduler: TestScheduler }

const marbles = (t: ExecutionContext, run: (helpers: Marbles) => void): void => {
  const scheduler = new TestScheduler((actual, expected) => t.deepEqual(actual, expected))
  const after: Clock['after'] = (ms, work) => {
    const action = scheduler.schedule(work, ms)
    return () => action.unsubscribe()
  }
  const clock: Clock = { now: () => scheduler.now(), wall: () => 1_000_000 + scheduler.now(), after, endOfTurn: work => after(0, work) }
  scheduler.run(helpers => run({ ...helpers, clock, scheduler }))
}

const unbounded = { max: Number.POSITIVE_INFINITY, isBounded: () => true, overflowed: () => undefined, isAwaited: () => true }

const firstOf = (...ids: readonly string[]): Step => firstStep(
  {
    id: 'n1', electionTimeoutMs: 20, heartbeatMs: 4, stallMs: 10, maxAppendBytes: 1024, maxInflightMessages: 8, maxInflightBytes: 8192,
    maxUncommittedBytes: 8192, logCacheBytes: 8192, maxApplyBytes: 8192, snapshotKeepEntries: 8192, snapshotChunkBytes: 8192, snapshotBytesPerSecond: 8192, giveWayMs: 0,
    maxPendingReads: 8192, readLeaseMs: 0,
  },
  {
    hardState: { term: 0, votedFor: undefined, commitIndex: 0 },
    base: { index: 0, term: 0, membership: firstMembership(Object.fromEntries(ids.map((id, i) => [id, `localhost:${i + 1}`]))) },
    lastIndex: 0, terms: [], memberships: [], tail: [],
  },
  7, 0,
)

/** A message that this member reports and forgets: it is addressed to another. */
const stray = (from: string): Received =>
  ({ type: 'received', message: { type: 'requestVoteReply', from, to: 'somebody else', term: 0, preVote: true, voteGranted: true, round: 1 } })
const proposal = (id: number): Proposed => ({ type: 'proposed', id, body: { count: 1, bytes: new Uint8Array(8), checksum: 0 } })
const persisted = (turn: number): Completion => ({ type: 'persisted', turn })

const inputsOf = (clock: Clock, given: Partial<Inputs>): Inputs => ({
  received$: NEVER, proposed$: NEVER, ticks$: NEVER, completions$: NEVER, clock, maxInboxEvents: 100, overflowed: () => undefined, isAwaited: () => true, ...given,
})

test('perTurn: what arrives in one turn is emitted once, in order', t => marbles(t, ({ hot, expectObservable, clock }) => {
  const source$ = hot('-(abc)-d-|')
  expectObservable(source$.pipe(perTurn(clock.endOfTurn, unbounded))).toBe('-x-----y-|', { x: ['a', 'b', 'c'], y: ['d'] })
}))

test('perTurn: the turn in which the source completes is still emitted', t => marbles(t, ({ hot, expectObservable, clock }) => {
  expectObservable(hot('-(ab|)').pipe(perTurn(clock.endOfTurn, unbounded))).toBe('-(x|)', { x: ['a', 'b'] })
  expectObservable(hot('--|').pipe(perTurn(clock.endOfTurn, unbounded))).toBe('--|')
}))

test('perTurn: an error passes at once, before what was gathered', t => marbles(t, ({ hot, expectObservable, clock }) => {
  expectObservable(hot('-a-(b#)').pipe(perTurn(clock.endOfTurn, unbounded))).toBe('-x-#', { x: ['a'] })
}))

const patient = (item: string): boolean => item < 'x'

test('perTurn: what nobody awaits joins the next turn in its place, and begins none', t => marbles(t, ({ hot, expectObservable, clock }) => {
  const rules = { ...unbounded, isAwaited: patient }
  expectObservable(hot('-xa-(yz)--b--(cx)').pipe(perTurn(clock.endOfTurn, rules))).toBe('--u-------v--w', { u: ['x', 'a'], v: ['y', 'z', 'b'], w: ['c', 'x'] })
  expectObservable(hot('-x-|').pipe(perTurn(clock.endOfTurn, rules))).toBe('---|')
}))

test('perTurn: what nobody awaits begins a turn where there is no room for more', t => marbles(t, ({ hot, expectObservable, clock }) => {
  const left: string[] = []
  const rules = { max: 2, isBounded: () => true, overflowed: (item: string) => void left.push(item), isAwaited: patient }
  expectObservable(hot('-x--(yz)---xb').pipe(perTurn(clock.endOfTurn, rules), tap({ next: () => t.deepEqual(left, ['z']) }))).toBe('----u-------v', { u: ['x', 'y'], v: ['x', 'b'] })
}))

test('perTurn: unsubscribing calls off the turn', t => {
  let calledOff = 0
  const source$ = new Subject<string>()
  const subscription = source$.pipe(perTurn(() => () => { calledOff++ }, unbounded)).subscribe(() => t.fail())
  source$.next('a')
  subscription.unsubscribe()
  t.is(calledOff, 1)
  t.false(source$.observed)
})

test('perTurn: what handling a turn causes belongs to the next turn, and nothing is entered twice', t => marbles(t, ({ expectObservable, clock, hot }) => {
  const source$ = new Subject<string>()
  let isInside = false
  const turns$ = source$.pipe(
    perTurn(clock.endOfTurn, unbounded),
    tap(items => {
      t.false(isInside)
      isInside = true
      if (items.includes('a')) {
        source$.next('b')
        source$.next('c')
      }
      isInside = false
    }),
  )
  expectObservable(turns$).toBe('--(xy)', { x: ['a'], y: ['b', 'c'] })
  expectObservable(hot('--a').pipe(tap(source$))).toBe('--a')
}))

test('inbox: everything of one turn is one batch with the time of the turn', t => marbles(t, ({ hot, expectObservable, clock }) => {
  const events = { r: stray('n2'), s: stray('n3'), p: proposal(1), c: persisted(1), t: { type: 'ticked', due: 2 } } as const
  const of = <A extends RaftEvent>(diagram: string): Observable<A> => hot(diagram, events) as Observable<RaftEvent> as Observable<A>
  const batches$ = inbox(inputsOf(clock, { received$: of('--(rs)---r'), proposed$: of('--p'), ticks$: of('--t'), completions$: of('--c') }))
  expectObservable(batches$).toBe('--x------y', {
    x: { now: 2, wall: 1_000_002, events: [events.r, events.s, events.p, events.t, events.c] },
    y: { now: 9, wall: 1_000_009, events: [events.r] },
  })
}))

test('inbox: messages and proposals beyond maxInboxEvents are told and left out, completions always enter, and the next turn has room again', t => {
  const overflowed: (Received | Proposed)[] = []
  marbles(t, ({ hot, expectObservable, clock }) => {
    const events = { r: stray('n2'), s: stray('n3') }
    const batches$ = inbox(inputsOf(clock, {
      received$: hot('(rsr)---s', events),
      proposed$: hot('(pq)', { p: proposal(1), q: proposal(2) }),
      completions$: hot('(cd)', { c: persisted(1), d: persisted(2) }),
      maxInboxEvents: 3,
      overflowed: event => overflowed.push(event),
    }))
    expectObservable(batches$.pipe(map(({ events }) => events))).toBe('x-------y', {
      x: [events.r, events.s, events.r, persisted(1), persisted(2)],
      y: [events.s],
    })
  })
  t.deepEqual(overflowed, [proposal(1), proposal(2)])
})

test('pipeline: the first step comes first, and what it causes finds the inbox open', t => marbles(t, ({ expectObservable, clock }) => {
  const received$ = new Subject<Received>()
  const steps$ = pipeline(inputsOf(clock, { received$ }), firstOf('n1', 'n2'))
  const seen$ = steps$.pipe(
    tap(({ ready }) => { if (ready.turn === 0) received$.next(stray('n2')) }),
    map(({ ready }) => `turn ${ready.turn}: ${ready.diagnostics.length}`),
  )
  expectObservable(seen$).toBe('(ab)', { a: 'turn 0: 0', b: 'turn 1: 1' })
}))

test('pipeline: a turn with many events is one step that answers all of them', t => marbles(t, ({ hot, expectObservable, clock }) => {
  const steps$ = pipeline(inputsOf(clock, {
    received$: hot('--(rs)', { r: stray('n2'), s: stray('n3') }),
    proposed$: hot('--(pq)', { p: proposal(1), q: proposal(2) }),
  }), firstOf('n1', 'n2'))
  const answers$ = steps$.pipe(map(({ ready: { turn, answers, diagnostics } }) => [turn, answers, diagnostics.map(({ type }) => type)]))
  expectObservable(answers$).toBe('f-s', {
    f: [0, [], []],
    s: [1, [1, 2].map(id => ({ type: 'refused', id, reason: 'notLeader' })), ['wrongAddressee', 'wrongAddressee']],
  })
}))

test('pipeline: a member alone in its cluster leads once its vote is durable', t => marbles(t, ({ expectObservable, clock }) => {
  const completions$ = new Subject<Completion>()
  const steps$ = pipeline(inputsOf(clock, { completions$, ticks$: ticks(clock, 2) }), firstOf('n1'))
  const roles$ = steps$.pipe(
    tap(({ ready }) => {
      if (ready.writes.length > 0) clock.after(1, () => completions$.next(persisted(ready.turn)))
    }),
    map(({ state }) => `${state.role} ${state.commitIndex}`),
  )
  expectObservable(roles$, '^--------!').toBe('f-abccc-c', { f: 'follower 0', a: 'leader 0', b: 'leader 1', c: 'leader 1' })
}))

test('pipeline: an error of an input is its error', t => marbles(t, ({ cold, expectObservable, clock }) => {
  const steps$ = pipeline(inputsOf(clock, { completions$: cold<Completion>('--#', undefined, new Error('disk')) }), firstOf('n1', 'n2'))
  expectObservable(steps$.pipe(map(({ ready }) => ready.turn))).toBe('0-#', { 0: 0 }, new Error('disk'))
}))

test('pipeline: it completes with its inputs', t => marbles(t, ({ cold, expectObservable, clock }) => {
  const given = { received$: cold<Received>('|'), proposed$: cold<Proposed>('|'), ticks$: cold<never>('|'), completions$: cold<Completion>('--|') }
  expectObservable(pipeline(inputsOf(clock, given), firstOf('n1', 'n2')).pipe(map(({ ready }) => ready.turn))).toBe('0-|', { 0: 0 })
}))

test('pipeline: a step that throws ends it with the state before and the last 64 batches', t => {
  const received$ = new Subject<Received>()
  let work: () => void = () => undefined
  const clock = { now: () => 1, wall: () => 1, endOfTurn: (given: () => void) => { work = given; return () => undefined } }
  const steps: Step[] = []
  let failure: unknown
  pipeline({ ...inputsOf({ ...clock, after: () => () => undefined }, { received$ }) }, firstOf('n1', 'n2'))
    .subscribe({ next: step => steps.push(step), error: error => { failure = error } })
  for (let turn = 1; turn <= 70; turn++) {
    received$.next(stray(`n${turn}`))
    work()
  }
  const nonsense = { type: 'received', message: { get from() { throw new Error('spoilt') } } } as unknown as Received
  received$.next(nonsense)
  work()
  if (!(failure instanceof StepFailed)) return t.fail('no StepFailed')
  t.is(steps.length, 71)
  t.is(failure.state, steps.at(-1)!.state)
  t.is(failure.batches.length, 64)
  t.is(failure.batches.at(-1)?.events[0], nonsense)
  t.deepEqual(failure.batches[0]?.events, [stray('n8')])
  t.true(failure.cause instanceof Error)
})

test('ticks: they stand on a grid that begins with the subscription', t => marbles(t, ({ expectObservable, clock }) => {
  const due = (ms: number) => ({ type: 'ticked', due: ms })
  expectObservable(ticks(clock, 3), '--^---------!').toBe('-----a--b--c', { a: due(5), b: due(8), c: due(11) })
}))

test('ticks: the first comes at once for whom nothing is to be waited for, on the same grid', t => marbles(t, ({ expectObservable, clock }) => {
  const due = (ms: number) => ({ type: 'ticked', due: ms })
  expectObservable(ticks(clock, 3, true), '--^------!').toBe('--a--b--c', { a: due(2), b: due(5), c: due(8) })
}))

test('ticks: a late one tells when it was due, those it ran over are left out, and lateness does not add up', t => {
  let now = 100
  let waiting: { readonly ms: number; readonly work: () => void } | undefined
  const due: number[] = []
  const subscription = ticks({ now: () => now, after: (ms, work) => { waiting = { ms, work }; return () => { waiting = undefined } } }, 10)
    .subscribe(tick => due.push(tick.due))
  const fireAt = (ms: number): void => { now = ms; waiting?.work() }
  t.is(waiting?.ms, 10)
  fireAt(110.5)
  t.is(waiting?.ms, 9.5)
  fireAt(157)
  t.is(waiting?.ms, 3)
  fireAt(160)
  t.deepEqual(due, [110, 120, 160])
  subscription.unsubscribe()
  t.is(waiting, undefined)
})
