/** What an outlet does with proposals: bounds, order, epochs, routes and ends. */
import test from 'ava'
import * as t from 'io-ts'
import { DEFAULT_LIMITS } from '../../../codecs/options.js'
import { encodeResults } from '../../../codecs/results.js'
import { MachineFailed, Rejected } from '../../../lib/errors.js'
import { isLeft, isRight } from '../../../lib/prelude.js'
import { callOptions } from '../../../streams/proposer/call-options.js'
import { packCommand } from '../../../streams/requests/packing.js'
import { type Origin, commandsIn, inFlight, origin, refused, told } from './proposals.js'

test('a command that does not match its codec, or not after a journey through bytes, is rejected before it is queued', assert => {
  const o = origin()
  const wrong: readonly unknown[] = [7, undefined, { a: 1 }]
  wrong.forEach((command, i) => o.out.submit(command as string, {}, outcome => { o.outcomes[`wrong ${i}`] = told(outcome) }))
  for (const i of [0, 1, 2]) assert.deepEqual(o.outcomes[`wrong ${i}`], { tag: 'Rejected', appended: 'never' })
  assert.is(o.out.pending, 0)
})

test('a command above maxCommandBytes is too large; one of exactly as many is not', assert => {
  const o = origin({ maxCommandBytes: 10 })
  o.submit('1234567')
  o.submit('12345678')
  assert.deepEqual(o.outcomes, { 12345678: { tag: 'TooLarge', appended: 'never' } })
})

test('a command of more than maxCommandValues is refused, and told why, before it is read back or sent', assert => {
  const values = { command: t.array(t.number), result: t.number }
  const packed = (command: number[]) => packCommand(values, { ...DEFAULT_LIMITS, maxCommandValues: 4 }, command)
  assert.true(isRight(packed([1, 2, 3])))
  const refused = packed([1, 2, 3, 4])
  assert.deepEqual(isLeft(refused) && refused.left instanceof Rejected && refused.left.report, ['holds more than maxCommandValues = 4 values'])
})

test('beyond maxPendingProposals and maxPendingBytes a proposal is refused as busy, until a fate makes room', assert => {
  const few = origin({ maxPendingProposals: 2 })
  few.to('n2')
  for (const command of ['a', 'b', 'c']) few.submit(command)
  assert.deepEqual(few.outcomes, { c: { tag: 'Busy', appended: 'never' } })
  few.turn()
  few.committed('n2', 1, 1, 2)
  few.submit('d')
  assert.is(few.outcomes['d'], undefined)

  const small = origin({ maxPendingBytes: 20 })
  small.submit('0123456789')
  small.submit('x'.repeat(9))
  assert.deepEqual(Object.values(small.outcomes), [{ tag: 'Busy', appended: 'never' }])
})

test('a command that timed out in flight counts until its fate is known', assert => {
  const o = origin({ maxPendingProposals: 1 })
  inFlight(o, { timeoutMs: 50 })
  o.wait(50)
  assert.deepEqual(o.outcomes['a'], { tag: 'TimedOut', appended: 'unknown' })
  o.submit('b')
  assert.deepEqual(o.outcomes['b'], { tag: 'Busy', appended: 'never' })
  o.out.settle('n2', refused(1))
  o.submit('c')
  o.wait(50)
  assert.deepEqual(o.log().slice(1), ['n2 2: c'], 'and is not sent again')
})

test('commands of one turn travel together, up to maxBatchBytes with what each takes beside its bytes', assert => {
  const o = origin({ maxBatchBytes: 3 * (4 + 4) })
  o.to('n2')
  for (const command of ['a', 'b', 'c', 'x'.repeat(30), 'd']) o.submit(command)
  assert.deepEqual(o.log(), [])
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: a b c', `n2 1: ${'x'.repeat(30)}`, 'n2 1: d'])
})

test('no more than maxInflightBytes are on their way; the rest follows as answers come', assert => {
  const o = origin({ maxBatchBytes: 1, maxInflightBytes: 60 })
  o.to('n2')
  for (const command of ['a', 'b', 'c', 'd']) o.submit(command)
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: a', 'n2 1: b'])
  o.committed('n2', 1, 1)
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: a', 'n2 1: b', 'n2 1: c'])
})

/** Sends each command in a request of its own, the first as request 1. */
const sendEach = (o: Origin, ...commands: readonly string[]): void => {
  for (const command of commands) {
    o.submit(command)
    o.turn()
  }
}

test('what was refused goes again before what came later, in the order of submission, in a new epoch', assert => {
  const o = origin()
  o.to('n2')
  sendEach(o, 'a', 'b', 'c')
  o.submit('d')
  // The answers to b and c arrive before that to a: until all are known, nothing is sent.
  o.out.settle('n2', refused(3))
  o.out.settle('n2', refused(2))
  o.wait(50)
  assert.is(o.sent.length, 3)
  o.committed('n2', 1, 1)
  o.wait(50)
  assert.deepEqual(o.log().slice(3), ['n2 2: b c d'])
  assert.deepEqual(o.outcomes, { a: { result: 1 } })
})

// Whoever was told of no invalid command cannot follow one.
for (const reason of ['notReady', 'afterInvalid'] as const) {
  test(`after a refusal, as ${reason}, the same member is asked again with the next tick, another one at once`, assert => {
    const o = origin()
    inFlight(o)
    o.out.settle('n2', refused(1, reason))
    o.turn()
    assert.is(o.sent.length, 1)
    o.wait(50)
    assert.deepEqual(o.log(), ['n2 1: a', 'n2 2: a'])
    o.out.settle('n2', refused(2))
    o.to('n3')
    o.turn()
    assert.deepEqual(o.log()[2], 'n3 4: a')
  })
}

test('nothing is sent to another leader before the former has answered, or its grace has passed', assert => {
  const o = origin()
  inFlight(o)
  o.to('n3')
  o.submit('b')
  o.turn()
  assert.is(o.sent.length, 1)
  o.wait(50)
  o.committed('n2', 1, 1)
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: a', 'n3 2: b'])
  // The grace was for the former route: it does not end what is in flight on the present one.
  o.wait(500)
  assert.is(o.outcomes['b'], undefined)
})

test('a leader that is lost and found again keeps what it was given', assert => {
  const o = origin()
  inFlight(o)
  o.to(undefined)
  o.wait(1000)
  o.to('n2')
  o.committed('n2', 1, 5)
  assert.deepEqual(o.outcomes, { a: { result: 5 } })
})

test('a fate counts only from the route over which the request went, and once', assert => {
  const o = origin()
  inFlight(o)
  o.committed('n3', 1, 9)
  o.committed('n2', 2, 9)
  assert.deepEqual(o.outcomes, {})
  o.committed('n2', 1, 1)
  o.committed('n2', 1, 2)
  assert.deepEqual(o.outcomes, { a: { result: 1 } })
})

test('one invalid command among others is found; the others are committed, in order', assert => {
  const o = origin()
  o.to('n2')
  for (const command of ['a', 'bad', 'c']) o.submit(command)
  o.turn()
  o.out.settle('n2', refused(1, 'invalid'))
  o.turn()
  assert.deepEqual(o.log().slice(1), ['n2 2: a', 'n2 2: bad', 'n2 2: c'])
  o.committed('n2', 2, 1)
  o.out.settle('n2', refused(3, 'invalid'))
  o.out.settle('n2', refused(4, 'notReady'))
  o.wait(50)
  assert.deepEqual(o.log().slice(4), ['n2 3: c'])
  o.committed('n2', 5, 3)
  assert.deepEqual(o.outcomes, { a: { result: 1 }, bad: { tag: 'Rejected', appended: 'never' }, c: { result: 3 } })
})

test('a command that is named as invalid is told so at once, and the others go on without a pause: what passed before it, and then more with each answer', assert => {
  const o = origin()
  o.to('n2')
  for (const command of ['a', 'b', 'bad', 'd', 'e', 'f', 'g', 'h', 'i']) o.submit(command)
  o.turn()
  o.submit('j')
  o.turn()
  o.out.settle('n2', refused(1, 'invalid', 3))
  assert.deepEqual(o.outcomes, { bad: { tag: 'Rejected', appended: 'never' } })
  o.out.settle('n2', refused(2, 'afterInvalid'))
  o.turn()
  assert.deepEqual(o.log().slice(2), ['n2 2: a b', 'n2 2: d e', 'n2 2: f g', 'n2 2: h i'])
  o.committed('n2', 3, 1, 2)
  for (const command of ['k', 'l', 'm', 'n']) o.submit(command)
  o.turn()
  assert.deepEqual(o.log().slice(6), ['n2 2: j k l m', 'n2 2: n'])
})

test('whoever waits after an invalid command does not miss a leader', assert => {
  const o = origin()
  inFlight(o, { timeoutMs: 50 })
  o.submit('b', { timeoutMs: 50 })
  o.turn()
  o.out.settle('n2', refused(1, 'invalid', 1))
  o.out.settle('n2', refused(2, 'afterInvalid'))
  o.turn()
  o.wait(50)
  assert.deepEqual(o.outcomes, { a: { tag: 'Rejected', appended: 'never' }, b: { tag: 'TimedOut', appended: 'unknown' } })
})

test('a leader that does not name the invalid command among a thousand is asked by halves, not by a thousand requests', assert => {
  const o = origin()
  o.to('n2')
  const commands = Array.from({ length: 1000 }, (_, i) => i === 700 ? 'bad' : `c${i}`)
  for (const command of commands) o.submit(command, { timeoutMs: 60_000 })
  o.turn()
  const committed: string[] = []
  for (let answered = 0, closed = -1; answered < o.sent.length; answered++) {
    const { id, epoch, body } = o.sent[answered]!
    const inside = commandsIn(body)
    if (epoch <= closed) o.out.settle('n2', refused(id, 'notReady'))
    else if (inside.includes('bad')) {
      closed = epoch
      o.out.settle('n2', refused(id, 'invalid'))
    } else {
      committed.push(...inside)
      o.committed('n2', id, ...inside.map(() => 1))
    }
    o.wait(50)
  }
  assert.deepEqual(committed, commands.filter(command => command !== 'bad'))
  assert.deepEqual(o.outcomes['bad'], { tag: 'Rejected', appended: 'never' })
  assert.true(o.sent.length < 100, `${o.sent.length} requests`)
})

test('options that make no sense are refused by name, whatever plain JavaScript made of them', assert => {
  const o = origin()
  o.to('n2')
  const nonsense: readonly unknown[] = [{ timeoutMs: -1 }, { timeoutMs: Number.NaN }, { timeoutMs: Number.POSITIVE_INFINITY }, { timeoutMs: 'x' }, { signal: 3 }]
  nonsense.forEach((options, i) => o.submit(`c${i}`, callOptions(options)))
  o.turn()
  assert.deepEqual(Object.values(o.outcomes), nonsense.map(() => ({ tag: 'Rejected', appended: 'never' })))
  assert.deepEqual(o.log(), [])
  o.out.drain(() => undefined)
})

test('a signal is known by what it can do: a test environment may have a class of its own', assert => {
  const o = origin()
  const listeners: (() => void)[] = []
  const foreign = { aborted: false, addEventListener: (_: string, listener: () => void) => listeners.push(listener), removeEventListener: () => undefined }
  o.submit('a', { signal: foreign as unknown as AbortSignal })
  listeners.forEach(abort => abort())
  assert.deepEqual(o.outcomes, { a: { tag: 'TimedOut', appended: 'never' } })
})

test('a stop ends when the last fate is known, sends what waits meanwhile, and twice is once', assert => {
  const o = origin({ maxBatchBytes: 1, maxInflightBytes: 1 })
  o.to('n2')
  o.submit('a')
  o.submit('b')
  o.turn()
  const stops: string[] = []
  o.out.drain(() => stops.push('first'))
  o.out.drain(() => stops.push('second'))
  o.committed('n2', 1, 1)
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: a', 'n2 1: b'])
  assert.deepEqual(stops, [])
  o.committed('n2', 2, 2)
  assert.deepEqual(stops, ['first', 'second'])
  o.out.drain(() => stops.push('third'))
  assert.deepEqual(stops, ['first', 'second', 'third'])
})

test('a signal is listened to once, however many proposals share it, and no longer than they last', assert => {
  const o = origin()
  const { signal } = new AbortController()
  let listeners = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  Object.assign(signal, {
    addEventListener: (...args: Parameters<typeof add>) => { listeners++; add(...args) },
    removeEventListener: (...args: Parameters<typeof remove>) => { listeners--; remove(...args) },
  })
  o.to('n2')
  for (const command of ['a', 'b', 'c']) o.submit(command, { signal })
  assert.is(listeners, 1)
  o.turn()
  o.committed('n2', 1, 1, 2, 3)
  assert.is(listeners, 0)
})

test('commands that are given up while they wait leave nothing behind', assert => {
  const o = origin({ maxPendingProposals: 10 })
  for (let i = 0; i < 5_000; i++) {
    const abort = new AbortController()
    o.submit(`c${i}`, { signal: abort.signal })
    abort.abort()
  }
  assert.is(o.out.pending, 0)
  o.submit('last')
  o.to('n2')
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: last'])
})

test('a proposer that proposes from within its outcome is served', assert => {
  const o = origin()
  o.to('n2')
  o.out.submit('a', {}, () => o.submit('b'))
  o.turn()
  o.committed('n2', 1, 1)
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: a', 'n2 1: b'])
})

test('results come back over a link as they left the machine', assert => {
  const results = [1, new MachineFailed('why not'), 3]
  const { body } = encodeResults(t.number, results)
  const o = origin()
  o.to('n2')
  for (const command of ['a', 'b', 'c']) o.submit(command)
  o.turn()
  o.out.replied('n2', { type: 'committed', id: 1, firstIndex: 1, term: 1, results: body })
  assert.deepEqual(o.outcomes, { a: { result: 1 }, b: { tag: 'MachineFailed', appended: 'yes' }, c: { result: 3 } })
})
