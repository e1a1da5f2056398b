/** What applications pipe through: `replicate`, `replicateFrom` and `whileLeader`, by marbles. */
import test, { type ExecutionContext } from 'ava'
import { type Observable, Subject, interval, lastValueFrom, map, of, take, throwError, toArray } from 'rxjs'
import { type RunHelpers, TestScheduler } from 'rxjs/testing'
import { Busy, OutcomeUnknown, type ProposeError } from '../../../lib/errors.js'
import { type Either, isRight, left, right } from '../../../lib/prelude.js'
import { whileLeader } from '../../../streams/outputs/while-leader.js'
import { proposerOf } from '../../../streams/proposer/proposer-of.js'
import type { Proposer, Replicated, ReplicateOptions, Submit } from '../../../streams/proposer/proposer.js'

const marbles = (assert: ExecutionContext, run: (helpers: RunHelpers) => void): void =>
  new TestScheduler((actual, expected) => assert.deepEqual(actual, expected)).run(run)

/** Fates by command: after so many frames, and whether a result or a failure; a number of 0 frames is known within `submit`. */
type Fates = Readonly<Record<string, readonly [frames: number, isSuccess?: boolean]>>

/** A way to hand over commands that does as the fates say, and remembers when what was proposed. */
const submitting = (helpers: RunHelpers | undefined, fates: Fates = {}) => {
  const proposed: string[] = []
  let active = 0
  let most = 0
  const submit: Submit<string, string> = (command, _, done) => {
    const [frames, isSuccess = true] = fates[command] ?? [0]
    const settle = (): void => {
      active--
      done(isSuccess ? right(command) : left(new OutcomeUnknown('the test says so')))
    }
    active++
    most = Math.max(most, active)
    proposed.push(command)
    if (frames === 0 || helpers === undefined) settle()
    else helpers.cold(`${'-'.repeat(frames)}x`).subscribe(settle)
  }
  const proposer: Proposer<string, string> = proposerOf(submit)
  return { proposer, proposed, most: () => most }
}

/** A success is shown as the command, a failure as the command in capitals. */
const show = ({ command, outcome }: Replicated<string, string>): string => isRight(outcome) ? command : command.toUpperCase()

interface Case {
  readonly fates?: Fates
  readonly options?: ReplicateOptions
  readonly commands: string
  readonly outcomes: string
  readonly unsubscribed?: string
  /** What was proposed, in order. */
  readonly proposed: string
}

const replicates: Readonly<Record<string, Case>> = {
  'a source that never emits': { commands: '-', outcomes: '-', proposed: '' },
  'an empty source': { commands: '--|', outcomes: '--|', proposed: '' },
  'a source that errors': { commands: '--#', outcomes: '--#', proposed: '' },
  'commands that come out as they go in': { commands: 'a-b-c|', outcomes: 'a-b-c|', proposed: 'abc' },
  'outcomes in the order of the commands, whatever comes first': {
    fates: { a: [5], b: [1], c: [3] }, commands: 'abc-----', outcomes: '-----(abc)', proposed: 'abc',
  },
  'completion waits for every fate': { fates: { a: [3], b: [4] }, commands: 'ab|', outcomes: '---a-(b|)', proposed: 'ab' },
  'an error of the source waits for every fate': { fates: { a: [3], b: [4] }, commands: 'ab#', outcomes: '---a-(b#)', proposed: 'ab' },
  'what waits is still proposed when the source has ended': {
    fates: { a: [3], b: [3] }, options: { window: 1 }, commands: '(ab|)', outcomes: '---a--(b|)', proposed: 'ab',
  },
  'no more than the window at a time': {
    fates: { a: [4], b: [4], c: [4], d: [4] }, options: { window: 2 }, commands: '(abcd|)', outcomes: '----(ab)(cd|)', proposed: 'abcd',
  },
  'beyond the queue a command comes out as Busy, in its turn': {
    fates: { a: [4], b: [4] }, options: { window: 1, queue: 1 }, commands: '(abcd|)', outcomes: '----a---(bCD|)', proposed: 'ab',
  },
  'nor out of its turn in a flood, however small window and queue are': {
    fates: { a: [4], b: [4], e: [1] }, options: { window: 1, queue: 0 }, commands: '(abcd)-----e|', outcomes: '----(aBCD)--(e|)', proposed: 'ae',
  },
  'a failure is no error of the stream': { fates: { a: [0, false] }, commands: 'a-b|', outcomes: 'A-b|', proposed: 'ab' },
  'after a failure nothing later is proposed until every earlier command has its fate': {
    fates: { a: [6], b: [2, false], c: [4], d: [4] }, options: { window: 2 }, commands: '(abcd|)', outcomes: '------(aB)(cd|)', proposed: 'abcd',
  },
  'a command that found no room holds back what comes after it': {
    fates: { a: [6], b: [9], d: [4] }, options: { window: 2, queue: 0 }, commands: '(abc)--d|', outcomes: '------a--(bC)(d|)', proposed: 'abd',
  },
  'unsubscribing takes no more, and recalls nothing': {
    fates: { a: [6], b: [6] }, options: { window: 1 }, commands: 'ab------c', outcomes: '----', unsubscribed: '---!', proposed: 'a',
  },
}

for (const [what, { fates, options, commands, outcomes, unsubscribed, proposed }] of Object.entries(replicates)) {
  test(`replicate: ${what}`, assert => marbles(assert, helpers => {
    const world = submitting(helpers, fates)
    const source = helpers.hot(commands)
    helpers.expectObservable(source.pipe(world.proposer.replicate(options), map(show)), unsubscribed).toBe(outcomes)
    if (unsubscribed !== undefined) helpers.expectSubscriptions(source.subscriptions).toBe(`^${unsubscribed.slice(1)}`)
    helpers.flush()
    assert.is(world.proposed.join(''), proposed)
    assert.true(world.most() <= (options?.window ?? 256))
  }))
}

test('replicate: Busy names the bound', async assert => {
  const proposer = proposerOf<string, string>(() => undefined)
  const outcomes: Either<ProposeError, string>[] = []
  const commands$ = new Subject<string>()
  commands$.pipe(proposer.replicate({ window: 1, queue: 0 })).subscribe(({ outcome }) => outcomes.push(outcome))
  commands$.next('a')
  assert.is(outcomes.length, 0)
  const settled = proposerOf<string, string>((_, __, done) => queueMicrotask(() => done(right('done'))))
  const all = await new Promise<readonly Replicated<string, string>[]>(resolve =>
    of('a', 'b').pipe(settled.replicate({ window: 1, queue: 0 }), toArray()).subscribe(resolve))
  assert.deepEqual(all.map(({ outcome }) => outcome), [right('done'), left(new Busy('queue'))])
})

test('replicate: in a flood the refusals that find no place to wait come out at once, and what follows them waits for all before', assert => {
  const waiting: ((outcome: Either<ProposeError, number>) => void)[] = []
  const proposed: number[] = []
  const proposer = proposerOf<number, number>((command, _, done) => {
    proposed.push(command)
    waiting.push(done)
  })
  const commands$ = new Subject<number>()
  const seen: (readonly [number, boolean])[] = []
  commands$.pipe(proposer.replicate({ window: 2, queue: 1 })).subscribe(({ command, outcome }) => seen.push([command, isRight(outcome)]))
  const most = 3 + 10_256
  for (let i = 0; i < most + 2; i++) commands$.next(i)
  assert.deepEqual([seen, proposed], [[[most, false], [most + 1, false]], [0, 1]])
  waiting[0]!(right(0))
  waiting[1]!(right(1))
  assert.deepEqual([seen.slice(2), proposed], [[[0, true], [1, true]], [0, 1, 2]])
  commands$.next(-1)
  assert.deepEqual(proposed, [0, 1, 2], 'it does not overtake what was refused before it')
  waiting[2]!(right(2))
  assert.deepEqual(seen.slice(4), [[2, true], ...Array.from({ length: 10_256 }, (_, i) => [i + 3, false] as const)])
  assert.deepEqual(proposed, [0, 1, 2, -1])
})

test('replicate and replicateFrom: each command waits for as long as the options say', async assert => {
  const given: unknown[] = []
  const proposer = proposerOf<string, string>((command, options, done) => {
    given.push(options.timeoutMs)
    done(right(command))
  })
  await lastValueFrom(of('a').pipe(proposer.replicate({ timeoutMs: 70 })))
  await lastValueFrom(proposer.replicateFrom(['b'], { timeoutMs: 80 }))
  await lastValueFrom(of('c').pipe(proposer.replicate()))
  assert.deepEqual(given, [70, 80, undefined])
  await assert.throwsAsync(lastValueFrom(of('d').pipe(proposer.replicate({ timeoutMs: -1 }))), { name: 'InvalidOptions', message: /options\.timeoutMs/ })
})

test('replicateFrom: an answer that cannot be read is an error of the source, and each is looked at once', async assert => {
  const broken = (): never => { throw new Error('the row cannot be decoded') }
  for (const last of [{ get done(): boolean { return broken() }, value: 'b' }, { done: false, get value(): string { return broken() } }]) {
    for (const isAsync of [false, true]) {
      let count = 0
      const next = () => ++count === 1 ? { done: false, value: 'a' } : last
      const commands = { [isAsync ? Symbol.asyncIterator : Symbol.iterator]: () => ({ next: isAsync ? async () => next() : next }) } as unknown as Iterable<string>
      const { proposer, proposed } = submitting(undefined)
      const error = await new Promise(resolve => proposer.replicateFrom(commands, { window: 1 }).subscribe({ error: resolve }))
      assert.like(error, { message: 'the row cannot be decoded' })
      assert.deepEqual(proposed, ['a'])
    }
  }
  let looks = 0
  const once = { get done() { return ++looks > 1 }, value: 'a' }
  const commands = { [Symbol.iterator]: () => ({ next: () => looks === 0 ? once : { done: true, get value(): string { return broken() } } }) } as unknown as Iterable<string>
  assert.deepEqual(await collected(submitting(undefined).proposer.replicateFrom(commands).pipe(map(show))), ['a'])
})

test('replicateFrom: an iterator that answers no object is an error of the source', async assert => {
  const proposer = proposerOf<string, string>((_, __, done) => done(right('done')))
  const broken = { next: () => undefined as unknown as IteratorResult<string> }
  for (const commands of [{ [Symbol.iterator]: () => broken }, { [Symbol.asyncIterator]: () => ({ next: async () => broken.next() }) }]) {
    const error = await new Promise(resolve => proposer.replicateFrom(commands).subscribe({ error: resolve }))
    assert.true(error instanceof TypeError)
  }
})

test('replicate: each subscription is a window of its own', assert => marbles(assert, helpers => {
  const world = submitting(helpers, { a: [2], b: [2] })
  const replicated$ = helpers.cold('(ab|)').pipe(world.proposer.replicate({ window: 1 }), map(show))
  helpers.expectObservable(replicated$).toBe('--a-(b|)')
  helpers.expectObservable(replicated$).toBe('--a-(b|)')
}))

test('replicate: a loop from outcomes to commands finds its place in the window', assert => {
  const world = submitting(undefined)
  const commands$ = new Subject<string>()
  const seen: string[] = []
  commands$.pipe(world.proposer.replicate({ window: 1, queue: 0 }), take(4)).subscribe(({ command, outcome }) => {
    seen.push(isRight(outcome) ? command : 'busy')
    if (command.length < 9) commands$.next(`${command}+`)
  })
  commands$.next('a')
  assert.deepEqual(seen, ['a', 'a+', 'a++', 'a+++'])
})

test('replicate: when what follows throws, the source is let go', assert => marbles(assert, helpers => {
  const world = submitting(helpers)
  const source = helpers.hot('--a--b--')
  const broken$ = source.pipe(world.proposer.replicate(), map(() => { throw new Error('broken') }))
  helpers.expectObservable(broken$).toBe('--#', undefined, new Error('broken'))
  helpers.expectSubscriptions(source.subscriptions).toBe('^-!')
}))

test('replicate: a source that emits at once stops when nobody listens any more', assert => {
  const world = submitting(undefined)
  let made = 0
  const endless$ = of(...'abcdefgh').pipe(map(command => { made++; return command }))
  endless$.pipe(world.proposer.replicate({ window: 1 }), take(2)).subscribe()
  assert.true(made <= 3, `${made}`)
})

/** An iterable that tells how it was used. */
const pulled = (commands: string, error?: Error) => {
  const told: string[] = []
  let at = 0
  const next = (): IteratorResult<string> => {
    if (at === commands.length && error !== undefined) throw error
    told.push(commands[at] ?? '|')
    return at < commands.length ? { done: false, value: commands[at++]! } : { done: true, value: undefined }
  }
  const close = (): IteratorResult<string> => {
    told.push('closed')
    return { done: true, value: undefined }
  }
  const sync: Iterable<string> = { [Symbol.iterator]: () => ({ next, return: close }) }
  const async: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: async () => next(), return: async () => close() }) }
  return { told, sync, async }
}

test('replicateFrom: all of an iterable, in order, and no return at its end', assert => marbles(assert, helpers => {
  const world = submitting(helpers, { a: [2], b: [1], c: [2] })
  const source = pulled('abc')
  helpers.expectObservable(world.proposer.replicateFrom(source.sync).pipe(map(show))).toBe('--(abc|)')
  helpers.flush()
  assert.is(source.told.join(''), 'abc|')
}))

test('replicateFrom: holds at most the window, outcomes that wait for earlier ones included', assert => marbles(assert, helpers => {
  const world = submitting(helpers, { a: [4], b: [1], c: [4], d: [4] })
  const source = pulled('abcd')
  let held: string | undefined
  helpers.cold('---x').subscribe(() => { held = source.told.join('') })
  helpers.expectObservable(world.proposer.replicateFrom(source.sync, { window: 2 }).pipe(map(show))).toBe('----(ab)(cd|)')
  helpers.flush()
  assert.is(held, 'ab')
}))

test('replicateFrom: after a failure it waits for what is in flight', assert => marbles(assert, helpers => {
  const world = submitting(helpers, { a: [4], b: [2, false], c: [4] })
  helpers.expectObservable(world.proposer.replicateFrom('abc', { window: 2 }).pipe(map(show))).toBe('----(aB)(c|)')
}))

test('replicateFrom: unsubscribing closes the iterator', assert => marbles(assert, helpers => {
  const world = submitting(helpers, { a: [1], b: [9] })
  const source = pulled('abc')
  helpers.expectObservable(world.proposer.replicateFrom(source.sync, { window: 1 }).pipe(map(show)), '---!').toBe('-a--')
  helpers.flush()
  assert.deepEqual(source.told, ['a', 'b', 'closed'])
}))

test('replicateFrom: an iterator that throws errors the result after the fates of what it gave, and is not closed', assert => marbles(assert, helpers => {
  const world = submitting(helpers, { a: [3] })
  const source = pulled('a', new Error('no more'))
  helpers.expectObservable(world.proposer.replicateFrom(source.sync).pipe(map(show))).toBe('---(a#)', undefined, new Error('no more'))
  helpers.flush()
  assert.deepEqual(source.told, ['a'])
}))

const collected = <A>(source$: Observable<A>): Promise<readonly A[]> => new Promise((resolve, reject) => source$.pipe(toArray()).subscribe({ next: resolve, error: reject }))

test('replicateFrom: an asynchronous iterable is pulled one by one, and closed by unsubscribing', async assert => {
  const source = pulled('abcdef')
  const world = submitting(undefined)
  assert.deepEqual(await collected(world.proposer.replicateFrom(source.async, { window: 2 }).pipe(map(show), take(3))), ['a', 'b', 'c'])
  assert.true(source.told.includes('closed'))
  assert.true(source.told.length <= 5, source.told.join(''))
  assert.deepEqual(await collected(submitting(undefined).proposer.replicateFrom(pulled('abcdef').async, { window: 2 }).pipe(map(show))), [...'abcdef'])
})

test('replicateFrom: an asynchronous iterator that rejects errors the result', async assert => {
  const world = submitting(undefined)
  await assert.throwsAsync(collected(world.proposer.replicateFrom(pulled('ab', new Error('no more')).async)), { message: 'no more' })
  assert.deepEqual(world.proposed, ['a', 'b'])
})

test('replicateFrom: an endless source whose commands all fail at once leaves the thread to others', async assert => {
  const proposer = proposerOf<string, string>((_, __, done) => done(left(new Busy('test'))))
  let count = 0
  const endless = { * [Symbol.iterator]() { for (;;) yield 'a' } }
  const subscription = proposer.replicateFrom(endless, { window: 16 }).subscribe(() => { count++ })
  assert.is(count, 16)
  await new Promise(resolve => setImmediate(resolve))
  subscription.unsubscribe()
  const after = count
  await new Promise(resolve => setImmediate(resolve))
  assert.is(count, after)
})

/** Leaderships by name; `-` none. */
const office = (helpers: RunHelpers, diagram: string): Observable<{ readonly term: string } | undefined> => {
  const terms = Object.fromEntries([...'1234567'].map(term => [term, { term }]))
  return helpers.hot(diagram, { ...terms, x: undefined })
}

const offices: Readonly<Record<string, { readonly leadership: string; readonly work: string; readonly done: string; readonly unsubscribed?: string }>> = {
  'a source that never emits': { leadership: '-', work: 'a', done: '-' },
  'an empty source': { leadership: '--|', work: 'a', done: '--|' },
  'a source that errors': { leadership: '-1-#', work: 'a--b', done: '-a-#' },
  'the work begins with a leadership and ends with it': { leadership: 'x-1----x----', work: 'a-b-c-d', done: '--a-b-c-----' },
  'the next leadership begins the work anew': { leadership: '1---2------', work: 'a-b-c-|', done: 'a-b-a-b-c--' },
  'completed work waits for the next term': { leadership: '1-----x-2---', work: 'a-|', done: 'a-------a---' },
  'an error of the work is an error of the result': { leadership: '-1-----', work: 'a-#', done: '-a-#' },
  'the end of the member ends the work': { leadership: '1---|', work: 'a-b-c-d', done: 'a-b-|' },
  'unsubscribing ends the work': { leadership: '1----', work: 'a-b-c', done: 'a-b--', unsubscribed: '---!' },
}
for (const [what, { leadership, work, done, unsubscribed }] of Object.entries(offices)) {
  test(`whileLeader: ${what}`, assert => marbles(assert, helpers => {
    helpers.expectObservable(office(helpers, leadership).pipe(whileLeader(() => helpers.cold(work))), unsubscribed).toBe(done)
  }))
}

test('whileLeader: work that throws before it begins is an error of the result', assert => marbles(assert, helpers => {
  const done$ = office(helpers, '-1').pipe(whileLeader(() => { throw new Error('broken') }))
  helpers.expectObservable(done$).toBe('-#', undefined, new Error('broken'))
}))

test('whileLeader: the work gets its leadership, and promises and iterables will do as work', assert => marbles(assert, helpers => {
  helpers.expectObservable(office(helpers, '1-x-2').pipe(whileLeader(leadership => [leadership?.term, 'b']))).toBe('(1b)(2b)')
}))

test('whileLeader: nothing is left of the work when the leadership ends', assert => marbles(assert, helpers => {
  const work = helpers.cold('a-----')
  helpers.expectObservable(office(helpers, '-1-x').pipe(whileLeader(() => work))).toBe('-a--')
  helpers.expectSubscriptions(work.subscriptions).toBe('-^-!')
  helpers.expectObservable(office(helpers, '1---x').pipe(whileLeader(() => interval(2)), map(String), take(9))).toBe('--0-')
  helpers.expectObservable(throwError(() => 'error').pipe(whileLeader(() => of(1)))).toBe('#')
}))
