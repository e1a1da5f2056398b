/** Committed entries on their way into the machine: in order, in slices, none skipped. */
import { type DecodedCommands, createDecodedCommands } from '../../../streams/machine/decoded-commands.js'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import * as t from 'io-ts'
import { NEVER, type ObservableInput, Subject, map, of, throwError, timer } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { packEntries } from '../../../codecs/entries.js'
import type { Told } from '../../../codecs/results.js'
import { encodeValue } from '../../../codecs/values.js'
import { dropAfter, dropBefore } from '../../../lib/batch.js'
import { MachineFailed } from '../../../lib/errors.js'
import { isLeft } from '../../../lib/prelude.js'
import type { CommandBatch, EntryBatch } from '../../../lib/types.js'
import { createApply } from '../../../streams/machine/apply.js'
import type { CommitEvent, Entry, RunningMachine } from '../../../streams/machine/machine.js'
import { createSessions } from '../../../streams/machine/sessions.js'
import { reducerMachine } from '../../../streams/machine/reducer-machine.js'
import { virtualClock } from '../member/world.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const bytesOf = (command: unknown): Uint8Array => {
  const bytes = encodeValue(t.unknown, command)
  if (isLeft(bytes)) throw new Error(bytes.left.join())
  return bytes.right
}
const batch = (firstIndex: number, ...commands: readonly unknown[]): CommandBatch =>
  ({ kind: 'command', firstIndex, term: 2, count: commands.length, time: 100 + firstIndex, skip: 0, body: packEntries(commands.map(bytesOf)) })
const noop = (firstIndex: number): EntryBatch => ({ kind: 'noop', firstIndex, term: 2, count: 1, time: 100 + firstIndex })
const numbers = (from: number, count: number): readonly number[] => Array.from({ length: count }, (_, i) => from + i)

type Apply = RunningMachine<number, number, number>['apply']
const doubled = (entries: readonly Entry<number>[]): readonly number[] => entries.map(({ command }) => 2 * command)

/** An applier in virtual time with all that it told; the machine doubles, unless told otherwise. */
const world = (how: Apply = entries => of(doubled(entries)), commands: DecodedCommands<number> = createDecodedCommands()) => {
  const clock = virtualClock()
  const calls: (readonly number[])[] = []
  const told: string[] = []
  const rests: (readonly [index: number, bytes: number])[] = []
  const results: Told<number>[] = []
  const commits = new Subject<CommitEvent<number, number, number>>()
  const machine: RunningMachine<number, number, number> = {
    state: 0, snapshot: () => { throw new Error('not asked for') }, restore: () => NEVER,
    apply: entries => {
      calls.push(entries.map(({ index }) => index))
      return how(entries)
    },
  }
  const applier = createApply({
    commands,
    protocol: { command: t.number, result: t.number }, machine, sessions: createSessions<number>(), applyBudgetMs: 10, stallMs: 500, clock, commits, from: { index: 0, term: 0, time: 0 },
    rested: (at, bytes) => rests.push([at.index, bytes]),
    applied: at => told.push(`applied ${at.index}`),
    results: (firstIndex, term, list) => {
      told.push(`results ${firstIndex} of ${term}: ${list.length}`)
      results.push(...list)
    },
    slow: (tookMs, firstIndex) => told.push(`slow ${tookMs} at ${firstIndex}`), late: (lastsMs, firstIndex) => told.push(`late ${lastsMs} at ${firstIndex}`),
    failed: (index, error) => told.push(`failed at ${index}: ${error.message}`),
  })
  return { clock, calls, told, rests, results, commits, applier }
}

test('what is applied within the budget is applied at once, and reported once', assert => {
  const w = world()
  w.applier.committed([noop(1), batch(2, 10, 20), batch(4, 30)])
  assert.deepEqual(w.told, ['results 2 of 2: 2', 'results 4 of 2: 1', 'applied 4'])
  assert.deepEqual(w.results, [20, 40, 60])
})

test('commands that were read before are not read again, and are kept until all of their body is applied', assert => {
  const commands = createDecodedCommands<number>()
  const w = world(undefined, commands)
  const first = batch(1, 1, 2, 3)
  if (first.kind !== 'command') return assert.fail('no commands')
  commands.set(first.body, [10, 20, 30])
  w.applier.committed([dropAfter(first, 2)])
  assert.deepEqual(w.results, [20, 40])
  w.applier.committed([dropBefore(first, 3)])
  assert.deepEqual(w.results, [20, 40, 60])
  assert.is(commands.get(first.body), undefined)
})

test('what is applied is let go, although the machine never gets to the end of its work', async assert => {
  const answers: (() => void)[] = []
  const w = world(entries => new Promise(resolve => answers.push(() => resolve(doubled(entries)))))
  const held: WeakRef<EntryBatch>[] = []
  let next = 1
  const more = (): void => {
    const one = batch(next++, 1)
    held.push(new WeakRef(one))
    w.applier.committed([one])
  }
  more()
  for (let i = 0; i < 1000; i++) {
    more()
    answers.pop()!()
    await Promise.resolve().then(() => undefined).then(() => undefined)
    w.clock.settle()
  }
  assert.true(next - 1 - w.calls.length <= 1)
  await new Promise(resume => setImmediate(resume))
  collectGarbage()
  assert.true(held.filter(ref => ref.deref() !== undefined).length < 100)
})

test('noops and memberships are no commands, and count as applied', assert => {
  const w = world()
  const membership: EntryBatch = { ...noop(2), kind: 'membership', membership: { voters: [], outgoing: [], learners: [], addresses: {} } }
  w.applier.committed([noop(1), membership])
  assert.deepEqual(w.told, ['applied 2'])
  assert.deepEqual(w.calls, [])
})

test('what was handed over before, and what comes too early, ends the work, and the machine does not see it', assert => {
  for (const first of [2, 4]) {
    const w = world()
    w.applier.committed([noop(1), batch(2, 10)])
    w.applier.committed([batch(first, 20)])
    assert.deepEqual(w.told, ['results 2 of 2: 1', 'applied 2', `failed at ${first}: the entry at ${first} was handed over after that at 2`])
    assert.deepEqual(w.calls, [[2]])
  }
})

test('the machine gets index, term and time of each entry, and only those of a sliced batch', assert => {
  const seen: Entry<number>[] = []
  const w = world(entries => {
    seen.push(...entries)
    return of(doubled(entries))
  })
  w.applier.committed([noop(1), dropAfter(dropBefore(batch(1, 50, 60, 70, 80), 2), 3)])
  assert.deepEqual(seen, [{ index: 2, term: 2, time: 101, command: 60 }, { index: 3, term: 2, time: 101, command: 70 }])
  assert.deepEqual(w.told, ['results 2 of 2: 2', 'applied 3'])
})

test('beyond the budget the rest is put off, in order and without a gap', assert => {
  const w = world(entries => {
    w.clock.advance(entries.length / 16)
    return of(doubled(entries))
  })
  w.applier.committed([batch(1, ...numbers(0, 500)), batch(501, ...numbers(500, 500))])
  assert.true(w.results.length > 0 && w.results.length < 1000, `${w.results.length} applied at once`)
  w.applier.committed([batch(1001, 1000)])
  w.clock.settle()
  assert.deepEqual(w.calls.flat(), numbers(1, 1001))
  assert.deepEqual(w.results, numbers(0, 1001).map(n => 2 * n))
  assert.is(w.told.at(-1), 'applied 1001')
})

test('a machine that answers by promises, however promptly, leaves its turn when the budget is spent', async assert => {
  const w = world(entries => {
    w.clock.advance(entries.length / 16)
    return Promise.resolve(doubled(entries))
  })
  w.applier.committed([batch(1, ...numbers(0, 1000))])
  for (let i = 0; i < 100; i++) await undefined
  assert.true(w.results.length > 0 && w.results.length < 1000, `${w.results.length} applied in one turn`)
  for (let i = 0; i < 1000 && w.results.length < 1000; i++) {
    w.clock.settle()
    await undefined
  }
  assert.deepEqual(w.calls.flat(), numbers(1, 1000))
})

test('a machine that is slow gets fewer entries at a time; a call longer than the budget is told', assert => {
  const w = world(entries => {
    w.clock.advance(entries.length)
    return of(doubled(entries))
  })
  w.applier.committed([batch(1, ...numbers(0, 300))])
  w.clock.settle()
  const sizes = w.calls.map(call => call.length)
  assert.deepEqual(sizes.slice(0, 5), [64, 32, 16, 8, 4])
  assert.true(sizes.slice(4).every(size => size <= 8))
  assert.deepEqual(w.told.filter(line => line.startsWith('slow')), ['slow 64 at 1', 'slow 32 at 65', 'slow 16 at 97'])
  assert.is(w.results.length, 300)
})

test('a machine that is quick gets more entries at a time', assert => {
  const w = world()
  w.applier.committed([batch(1, ...numbers(0, 1000))])
  assert.deepEqual(w.calls.map(call => call.length), [64, 128, 256, 512, 40])
})

test('a machine that answers later is waited for; nothing overtakes it', assert => {
  const answers: Subject<readonly number[]>[] = []
  const w = world(entries => {
    const answer = new Subject<readonly number[]>()
    answers.push(answer)
    return answer.pipe(map(() => doubled(entries)))
  })
  w.applier.committed([noop(1), batch(2, 10)])
  w.applier.committed([batch(3, 20)])
  assert.deepEqual([w.calls, w.told], [[[2]], ['applied 1']])
  answers[0]!.next([])
  assert.deepEqual(w.results, [], 'the answer counts when it is complete')
  answers[0]!.complete()
  assert.deepEqual([w.calls, w.results], [[[2], [3]], [20]])
  answers[1]!.next([])
  answers[1]!.complete()
  assert.is(w.told.at(-1), 'applied 3')
})

test('promises and iterables will do as answers', async assert => {
  for (const answer of [Promise.resolve([2]), [[2]], (async function* () { yield [2] })()] as readonly ObservableInput<readonly number[]>[]) {
    const w = world(() => answer)
    w.applier.committed([batch(1, 1)])
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual(w.told, ['results 1 of 2: 1', 'applied 1'])
  }
})

const failures: Readonly<Record<string, readonly [Apply, string]>> = {
  'throws': [() => { throw new Error('broken') }, 'failed at 3: broken'],
  'throws something that is no error': [() => { throw 'broken' }, 'failed at 3: "broken"'],
  'errors': [() => throwError(() => new Error('broken')), 'failed at 3: broken'],
  'answers nothing': [() => of(), 'failed at 3: the machine answered 0 lists of results instead of one'],
  'answers twice': [() => of([1, 2], [1, 2]), 'failed at 3: the machine answered 2 lists of results instead of one'],
  'answers too few results': [() => of([1]), 'failed at 3: the machine answered 1 results to 2 commands'],
  'answers too many results': [() => of([1, 2, 3]), 'failed at 3: the machine answered 3 results to 2 commands'],
  'answers null': [() => null as unknown as ObservableInput<readonly number[]>, 'failed at 3: You provided'],
  'answers a list of null': [() => [null] as unknown as ObservableInput<readonly number[]>, 'failed at 3: the machine answered something that is no list of results'],
  'answers what looks like a list': [() => [{ length: 2 }] as unknown as ObservableInput<readonly number[]>, 'failed at 3: the machine answered something that is no list of results'],
  'answers no observable': [() => 7 as unknown as ObservableInput<readonly number[]>, 'failed at 3: You provided'],
}
for (const [what, [how, expected]] of Object.entries(failures)) {
  test(`a machine that ${what} ends the work at that index: nothing after it is applied`, assert => {
    const w = world(entries => entries[0]!.index < 3 ? of(doubled(entries)) : how(entries))
    w.applier.committed([batch(1, 1, 2), batch(3, 3, 4), batch(5, 5)])
    w.applier.committed([batch(6, 6)])
    w.clock.settle()
    assert.deepEqual(w.told.slice(0, 2), ['results 1 of 2: 2', 'applied 2'])
    assert.is(w.told.length, 3)
    assert.true(w.told[2]!.startsWith(expected), w.told[2])
    assert.deepEqual(w.calls.flat(), [1, 2, 3, 4])
  })
}

test('a machine that fails later ends the work just so', assert => {
  new TestScheduler((actual, expected) => assert.deepEqual(actual, expected)).run(({ flush }) => {
    const w = world(entries => entries[0]!.index < 3 ? of(doubled(entries)) : timer(5).pipe(map(() => { throw new Error('late') })))
    w.applier.committed([batch(1, 1, 2), batch(3, 3)])
    w.applier.committed([batch(4, 4)])
    flush()
    assert.deepEqual(w.told, ['results 1 of 2: 2', 'applied 2', 'failed at 3: late'])
  })
})

test('a command that does not decode ends the work at its index; what precedes it in the batch is applied', assert => {
  const w = world()
  w.applier.committed([batch(1, 1, 2, 'three', 4)])
  assert.deepEqual(w.told.slice(0, 2), ['results 1 of 2: 2', 'applied 2'])
  assert.regex(w.told[2]!, /^failed at 3: the command at index 3 does not decode with this member's codec: it may come from a newer version of the machine \(upgrade this member\), .*"three"/)
  w.applier.committed([batch(5, 5)])
  assert.deepEqual(w.calls.flat(), [1, 2])
})

test('a command on which a reducer fails is a result, not a failure of the machine', assert => {
  const running = reducerMachine<number, number, number>({
    command: t.number, result: t.number, state: t.number, initial: 0,
    reduce: (total, n) => {
      if (n === 2) throw new Error('not two')
      return [total + n, total + n]
    },
  }).start()
  const w = world(entries => running.apply(entries))
  w.applier.committed([batch(1, 1, 2, 3)])
  assert.deepEqual(w.results.map(result => result instanceof MachineFailed ? result.reason : result), [1, 'not two', 4])
})

test('commits are made while somebody observes, with the results, after these were handed over', assert => {
  const w = world()
  w.applier.committed([batch(1, 1)])
  const seen: unknown[] = []
  w.commits.subscribe(event => {
    w.told.push('commits')
    seen.push(event)
  })
  w.applier.committed([batch(2, 2, 3)])
  assert.deepEqual(w.told, ['results 1 of 2: 1', 'applied 1', 'results 2 of 2: 2', 'commits', 'applied 3'])
  assert.deepEqual(seen, [{
    _tag: 'Applied', commits: [{ index: 2, term: 2, time: 102, command: 2, result: 4 }, { index: 3, term: 2, time: 102, command: 3, result: 6 }],
  }])
})

test('after a stop nothing is applied and nothing told, also of what was under way', assert => {
  const answer = new Subject<readonly number[]>()
  const w = world(() => answer)
  w.applier.committed([batch(1, 1), batch(2, 2)])
  w.applier.halt()
  answer.next([2])
  answer.complete()
  w.applier.committed([batch(3, 3)])
  w.clock.settle()
  assert.deepEqual(w.told, [])
  assert.deepEqual(w.calls, [[1]])
})

test('what a result causes at once does not disturb the order', assert => {
  const w = world()
  let isFirst = true
  w.commits.subscribe(() => {
    if (isFirst) {
      isFirst = false
      w.applier.committed([batch(3, 3)])
    }
  })
  w.applier.committed([batch(1, 1), batch(2, 2)])
  assert.deepEqual(w.calls.flat(), [1, 2, 3])
  assert.deepEqual(w.results, [2, 4, 6])
})

test('between two calls of the machine it is at rest: told with the position and the bytes of log that were applied', assert => {
  const w = world()
  const two = batch(2, 10, 20)
  w.applier.committed([noop(1), two, batch(4, 30)])
  assert.deepEqual(w.rests.map(([index]) => index), [1, 3, 4])
  assert.is(w.rests[1]![1], 128 + two.body.bytes.length)
})

test('slices of a batch count their part of it', assert => {
  const w = world(entries => {
    w.clock.advance(entries.length)
    return of(doubled(entries))
  })
  const large = batch(1, ...numbers(0, 300))
  w.applier.committed([...numbers(1, 100).map(noop), dropBefore(large, 101)])
  w.rests.splice(0, 100)
  w.clock.settle()
  assert.true(w.rests.length > 3)
  assert.is(Math.round(w.rests.reduce((sum, [, bytes]) => sum + bytes, 0)), Math.round((128 + large.body.bytes.length) * 200 / 300))
})

test('whoever wants the machine at rest has it at once, or when its call is over and before the next', assert => {
  const answers: Subject<readonly number[]>[] = []
  const w = world(() => {
    const answer = new Subject<readonly number[]>()
    answers.push(answer)
    return answer
  })
  const looks: string[] = []
  const look = (): void => { w.applier.atRest(({ index, term, time }) => looks.push(`${index}.${term} of ${time}, before call ${w.calls.length + 1}`)) }
  look()
  w.applier.committed([noop(1), batch(2, 10), batch(3, 20)])
  look()
  assert.deepEqual(looks, ['0.0 of 0, before call 1'])
  answers[0]!.next([20])
  answers[0]!.complete()
  assert.deepEqual(looks.slice(1), ['2.2 of 102, before call 2'])
  look()
  w.applier.halt()
  answers[1]!.next([40])
  answers[1]!.complete()
  look()
  assert.is(looks.length, 2, 'after the end it is nobody\'s')
})

test('whoever is told of results finds the machine at rest where they were made', assert => {
  const w = world()
  const seen: number[] = []
  w.commits.subscribe(() => w.applier.atRest(({ index }) => seen.push(index)))
  w.applier.committed([batch(1, 1, 2), noop(3), batch(4, 5)])
  assert.deepEqual(seen, [2, 4])
})

test('what is done between two calls is not held against the machine', assert => {
  const w = world()
  const slow = createApply({
    commands: createDecodedCommands<number>(),
    protocol: { command: t.number, result: t.number }, applyBudgetMs: 10, stallMs: 500, clock: w.clock, sessions: createSessions<number>(), commits: w.commits, from: { index: 0, term: 0, time: 0 },
    machine: { state: 0, snapshot: () => { throw new Error('not asked for') }, restore: () => NEVER, apply: entries => of(doubled(entries)) },
    rested: () => w.clock.advance(50), applied: () => undefined, results: () => undefined,
    slow: tookMs => assert.fail(`slow ${tookMs}`), late: () => undefined, failed: (_, error) => assert.fail(error.message),
  })
  slow.committed([batch(1, 1), batch(2, 2)])
  w.clock.settle()
  assert.pass()
})

test('who was to look at the machine at rest, and was called off, does not', assert => {
  const answer = new Subject<readonly number[]>()
  const w = world(() => answer)
  w.applier.committed([batch(1, 1)])
  const seen: string[] = []
  const calledOff = w.applier.atRest(() => seen.push('one'))
  w.applier.atRest(({ index }) => seen.push(`another at ${index}`))
  calledOff()
  answer.next([2])
  answer.complete()
  assert.deepEqual(seen, ['another at 1'])
})
