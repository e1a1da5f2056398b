import test, { type ExecutionContext } from 'ava'
import { NEVER, Subject, map } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import type { Write } from '../../../lib/events.js'
import type { Step } from '../../../lib/step.js'
import { DiskStalled, gate } from '../../../streams/pipeline/gate.js'

const vote = (term: number, commitIndex = 0): Write => ({ type: 'hardState', hardState: { term, votedFor: 'n1', commitIndex } })
const hardState = vote(1)
const asNewcomer: Write = { type: 'hardState', hardState: { term: 1, votedFor: 'n1', commitIndex: 0, isNewcomer: true } }
const append: Write = { type: 'append', batches: [] }

/** Only what a gate looks at. */
const stepOf = (turn: number, ...writes: readonly Write[]): Step =>
  ({ ready: { turn, writes, messages: [], logReads: [], committed: [], answers: [], diagnostics: [] } }) as unknown as Step

/** In all diagrams a step is named by its turn; `persisted` likewise. */
const passes = (t: ExecutionContext, steps: Readonly<Record<string, readonly Write[]>>, diagrams: { steps: string; persisted: string; passed: string }): void => {
  const turns = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [String(i + 1), i + 1]))
  const values = Object.fromEntries(Object.entries(turns).map(([name, turn]) => [name, stepOf(turn, ...steps[name] ?? [])]))
  new TestScheduler((actual, expected) => t.deepEqual(actual, expected)).run(({ hot, expectObservable }) => {
    const persisted$ = hot(diagrams.persisted, turns, new Error('disk'))
    const passed$ = hot(diagrams.steps, values).pipe(gate(persisted$, 100), map(({ ready }) => ready.turn))
    expectObservable(passed$).toBe(diagrams.passed, turns, new Error('disk'))
  })
}

test('a step without writes passes at once', t => passes(t, {}, {
  steps: '    1-(23)-4|',
  persisted: '-',
  passed: '   1-(23)-4|',
}))

test('appended entries hold nothing back', t => passes(t, { 1: [append], 3: [append] }, {
  steps: '    1-2-3-',
  persisted: '-------(13)',
  passed: '   1-2-3-',
}))

test('a hard state holds its own step until it is durable', t => passes(t, { 1: [hardState] }, {
  steps: '    1------',
  persisted: '---1---',
  passed: '   ---1---',
}))

test('an answer of a later turn does not overtake the vote on which it rests', t => passes(t, { 1: [hardState] }, {
  steps: '    1-2-3------4',
  persisted: '------1----',
  passed: '   ------(123)4',
}))

test('each hard state holds what comes after it, not what comes before', t => passes(t, { 2: [vote(1), append], 4: [vote(2)] }, {
  steps: '    1234--5----',
  persisted: '----2----4-',
  passed: '   1---(23)-(45)',
}))

test('that a member is no newcomer any more holds back what comes after it, as a vote does', t => passes(t, { 1: [asNewcomer], 3: [vote(1)] }, {
  steps: '    12------3-4-----',
  persisted: '--1-----------3-',
  passed: '   --(12)--------(34)',
}))

test('a commitIndex that is written without a new term or vote holds nothing back', t => passes(t, { 1: [vote(1)], 3: [vote(1, 9)], 5: [vote(2, 9)] }, {
  steps: '    12------3-4-5---',
  persisted: '--1-----------5-',
  passed: '   --(12)--3-4---5-',
}))

test('steps wait for the write of their own turn, not for an earlier one', t => passes(t, { 1: [append], 2: [hardState] }, {
  steps: '    12-----',
  persisted: '---1-2-',
  passed: '   1----2-',
}))

test('a failed write ends the gate, and what it holds never leaves', t => passes(t, { 1: [hardState] }, {
  steps: '    12----',
  persisted: '---#',
  passed: '   ---#',
}))

test('a disk that never answers is taken for failed once too many turns wait for it', t => {
  const steps$ = new Subject<Step>()
  const passed: number[] = []
  let error: unknown
  steps$.pipe(gate(NEVER, 3)).subscribe({ next: ({ ready }) => passed.push(ready.turn), error: (why: unknown) => { error = why } })
  steps$.next(stepOf(1))
  for (let turn = 2; turn <= 4; turn++) steps$.next(stepOf(turn, hardState))
  t.deepEqual([passed, error], [[1], undefined])
  steps$.next(stepOf(5))
  t.deepEqual([passed, error], [[1], new DiskStalled(3)])
})

test('unsubscribing leaves nothing subscribed', t => {
  new TestScheduler((actual, expected) => t.deepEqual(actual, expected)).run(({ hot, expectObservable, expectSubscriptions }) => {
    const steps$ = hot<Step>('-1-----', { 1: stepOf(1, hardState) })
    const persisted$ = hot<number>('-----1-', { 1: 1 })
    expectObservable(steps$.pipe(gate(persisted$, 100)), '^--!').toBe('----')
    expectSubscriptions(steps$.subscriptions).toBe('^--!')
    expectSubscriptions(persisted$.subscriptions).toBe('^--!')
  })
})
