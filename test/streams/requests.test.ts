/** Every path of a proposal from its submission to its fate, at its origin and where it is taken in. */
import test, { type ExecutionContext } from 'ava'
import * as t from 'io-ts'
import { forEachEntry, packEntries } from '../../codecs/entries.js'
import { DEFAULT_LIMITS, type Limits } from '../../codecs/options.js'
import { decodeResults, encodeResults } from '../../codecs/results.js'
import { decodeValue, encodeValue } from '../../codecs/values.js'
import { MachineFailed, type ProposeError } from '../../lib/errors.js'
import { type Either, isLeft, isRight } from '../../lib/prelude.js'
import type { ProposeRefused, ProposeReply, ProposeRequest } from '../../lib/requests.js'
import type { EntryBody } from '../../lib/types.js'
import { type IntakeNotice, intake } from '../../streams/intake.js'
import { type Outlet, type Route, type SubmitOptions, outlet } from '../../streams/outlet.js'
import { virtualClock } from './world.js'

const protocol = { command: t.string, result: t.number }
const bodyOf = (...commands: readonly string[]): EntryBody => packEntries(commands.map(command => {
  const bytes = encodeValue(t.string, command)
  if (isLeft(bytes)) throw new Error(bytes.left.join())
  return bytes.right
}))
const commandsIn = (body: EntryBody): readonly string[] => {
  const commands: string[] = []
  forEachEntry(body, 0, body.count, entry => {
    const command = decodeValue(t.string, entry)
    commands.push(isLeft(command) ? '?' : command.right)
  })
  return commands
}

/** What a proposal came to, in few words. */
type Told = { readonly result: number } | { readonly tag: ProposeError['_tag']; readonly appended: ProposeError['appended'] }
const told = (outcome: Either<ProposeError, number>): Told =>
  isRight(outcome) ? { result: outcome.right } : { tag: outcome.left._tag, appended: outcome.left.appended }

const refused = (id: number, reason: ProposeRefused['reason'] = 'notLeader'): ProposeRefused => ({ type: 'refused', id, reason, leader: undefined })

/** An outlet in virtual time, with what it sent and what it told. */
const origin = (limits: Partial<Limits> = {}) => {
  const clock = virtualClock()
  const out: Outlet<string, number> = outlet({ protocol, limits: { ...DEFAULT_LIMITS, ...limits }, timeoutMs: 5000, heartbeatMs: 100, clock })
  const sent: (ProposeRequest & { readonly over: string })[] = []
  const outcomes: Record<string, Told> = {}
  const route = (key: string, term?: number): Route => ({ key, term, send: requests => sent.push(...requests.map(request => ({ ...request, over: key }))) })
  const committed = (key: string, id: number, ...results: readonly (number | MachineFailed)[]): void => out.settle(key, { type: 'committed', id, results })
  return {
    clock, out, sent, outcomes, committed,
    submit: (command: string, options: SubmitOptions = {}): void => out.submit(command, options, outcome => {
      if (command in outcomes) throw new Error(`${command} was told twice`)
      outcomes[command] = told(outcome)
    }),
    /** Ends the turn, so that what waits is sent. */
    turn: clock.settle,
    to: (key: string | undefined, term?: number): void => out.reroute(key === undefined ? undefined : route(key, term), key),
    wait: (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 50) {
        clock.advance(50)
        out.tick()
        clock.settle()
      }
    },
    /** The commands of each request, in the order of sending. */
    log: (): readonly string[] => sent.map(({ over, epoch, body }) => `${over} ${epoch}: ${commandsIn(body).join(' ')}`),
  }
}
type Origin = ReturnType<typeof origin>

/** A command that is on its way over a link to `n2`, as request 1. */
const inFlight = (o: Origin, options?: SubmitOptions): void => {
  o.to('n2')
  o.submit('a', options)
  o.turn()
}

/** Each path with the outcome of command `a`: above all, `appended` must never say less than what may have happened. */
const paths: Readonly<Record<string, readonly [(o: Origin) => void, Told]>> = {
  'committed': [o => { inFlight(o); o.committed('n2', 1, 7) }, { result: 7 }],
  'the machine failed on it': [o => { inFlight(o); o.committed('n2', 1, new MachineFailed('no')) }, { tag: 'MachineFailed', appended: 'yes' }],
  'waiting, no leader until the deadline': [o => { o.submit('a'); o.wait(5050) }, { tag: 'NotLeader', appended: 'never' }],
  'waiting behind a full window until the deadline': [o => {
    o.to('n2'); o.submit('x'.repeat(200)); o.turn(); o.submit('a'); o.wait(5050)
  }, { tag: 'TimedOut', appended: 'never' }],
  'waiting, aborted': [o => {
    const abort = new AbortController(); o.submit('a', { signal: abort.signal }); abort.abort()
  }, { tag: 'TimedOut', appended: 'never' }],
  'aborted before it began': [o => { o.submit('a', { signal: AbortSignal.abort() }) }, { tag: 'TimedOut', appended: 'never' }],
  'waiting, stopped without a leader': [o => { o.submit('a'); o.out.stop(() => undefined) }, { tag: 'Stopped', appended: 'never' }],
  'after a stop': [o => { o.out.stop(() => undefined); o.submit('a') }, { tag: 'Stopped', appended: 'never' }],
  'in flight until the deadline': [o => { inFlight(o); o.wait(5050) }, { tag: 'TimedOut', appended: 'unknown' }],
  'in flight, aborted': [o => {
    const abort = new AbortController(); inFlight(o, { signal: abort.signal }); abort.abort()
  }, { tag: 'TimedOut', appended: 'unknown' }],
  'in flight, lost by the leader': [o => { inFlight(o); o.out.settle('n2', { type: 'lost', id: 1 }) }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, disconnected': [o => { inFlight(o); o.out.gone('n2') }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, another leader, no answer in the grace': [o => { inFlight(o); o.to('n3'); o.wait(100) }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, another leader, answered in the grace': [o => { inFlight(o); o.to('n3'); o.wait(50); o.committed('n2', 1, 7) }, { result: 7 }],
  'in flight, stopped, no answer': [o => { inFlight(o, { timeoutMs: 60_000 }); o.out.stop(() => undefined); o.wait(5000) }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, stopped, answered in time': [o => { inFlight(o); o.out.stop(() => undefined); o.wait(4000); o.committed('n2', 1, 7) }, { result: 7 }],
  'in flight, answered with too few results': [o => { inFlight(o); o.committed('n2', 1) }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, answered with results that cannot be read': [o => {
    inFlight(o); o.out.replied('n2', { type: 'committed', id: 1, firstIndex: 1, term: 1, results: packEntries([Uint8Array.of(9)]) })
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'refused as busy until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 }); o.out.settle('n2', refused(1, 'busy')); o.wait(50); o.out.settle('n2', refused(2, 'busy')); o.wait(50)
  }, { tag: 'Busy', appended: 'never' }],
  'refused for want of a leader until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 }); o.out.settle('n2', refused(1)); o.to(undefined); o.wait(100)
  }, { tag: 'NotLeader', appended: 'never' }],
  'refused, then disconnected, until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 }); o.out.settle('n2', refused(1)); o.out.gone('n2'); o.wait(100)
  }, { tag: 'NotLeader', appended: 'never' }],
  'refused, and past its deadline before an earlier one has its fate': [o => {
    o.to('n2'); o.submit('b'); o.turn(); o.submit('a', { timeoutMs: 50 }); o.turn(); o.out.settle('n2', refused(2, 'notReady')); o.wait(50)
  }, { tag: 'NotLeader', appended: 'never' }],
  'refused, then aborted': [o => {
    const abort = new AbortController(); inFlight(o, { signal: abort.signal }); o.out.settle('n2', refused(1, 'busy')); abort.abort()
  }, { tag: 'TimedOut', appended: 'never' }],
  'refused, sent again, committed': [o => { inFlight(o); o.out.settle('n2', refused(1)); o.to('n3'); o.turn(); o.committed('n3', 2, 7) }, { result: 7 }],
  'refused, sent again, disconnected': [o => {
    inFlight(o); o.out.settle('n2', refused(1)); o.to('n3'); o.turn(); o.out.gone('n3')
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'refused while stopping, no other leader': [o => {
    inFlight(o); o.out.stop(() => undefined); o.out.settle('n2', refused(1)); o.to(undefined)
  }, { tag: 'Stopped', appended: 'never' }],
  'found invalid by the leader': [o => { inFlight(o); o.out.settle('n2', refused(1, 'invalid')) }, { tag: 'Rejected', appended: 'never' }],
  'proposed by a leadership that has ended': [o => { o.to('self', 4); o.submit('a', { term: 3 }) }, { tag: 'NotLeader', appended: 'never' }],
  'proposed by a leadership while another leads': [o => { o.to('n2'); o.submit('a', { term: 3 }) }, { tag: 'NotLeader', appended: 'never' }],
  'proposed by a leadership that ends before it is sent': [o => { o.to('self 3', 3); o.submit('a', { term: 3 }); o.to('n2') }, { tag: 'NotLeader', appended: 'never' }],
  'proposed by a leadership that ends, refused': [o => {
    o.to('self 3', 3); o.submit('a', { term: 3 }); o.turn(); o.to('n2'); o.out.settle('self 3', refused(1))
  }, { tag: 'NotLeader', appended: 'never' }],
  'proposed by a leadership that ends, lost': [o => {
    o.to('self 3', 3); o.submit('a', { term: 3 }); o.turn(); o.to('n2'); o.out.settle('self 3', { type: 'lost', id: 1 })
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'committed by the own core long after its leadership ended': [o => {
    o.to('self 3', 3); o.submit('a', { term: 3 }); o.turn(); o.to('n2'); o.wait(3000); o.committed('self 3', 1, 7)
  }, { result: 7 }],
}

for (const [path, [run, expected]] of Object.entries(paths)) {
  test(`the fate of a command: ${path}`, assert => {
    const o = origin({ maxInflightBytes: 150 })
    run(o)
    assert.deepEqual(o.outcomes['a'], expected)
    // Nothing is told twice, whatever comes late: `submit` throws.
    o.committed('n2', 1, 7)
    o.committed('n3', 2, 7)
    o.out.gone('n2')
    o.out.stop(() => undefined)
    o.wait(5050)
    assert.is(o.out.pending, 0, 'nothing is counted that has its fate')
    assert.is(o.out.inFlight, 0)
  })
}

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

test('commands of one turn travel together, up to maxBatchBytes', assert => {
  const o = origin({ maxBatchBytes: 12 })
  o.to('n2')
  for (const command of ['a', 'b', 'c', 'x'.repeat(30), 'd']) o.submit(command)
  assert.deepEqual(o.log(), [])
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: a b c', `n2 1: ${'x'.repeat(30)}`, 'n2 1: d'])
})

test('no more than maxInflightBytes are on their way; the rest follows as answers come', assert => {
  const o = origin({ maxBatchBytes: 1, maxInflightBytes: 30 })
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

test('after a refusal the same member is asked again with the next tick, another one at once', assert => {
  const o = origin()
  inFlight(o)
  o.out.settle('n2', refused(1, 'notReady'))
  o.turn()
  assert.is(o.sent.length, 1)
  o.wait(50)
  assert.deepEqual(o.log(), ['n2 1: a', 'n2 2: a'])
  o.out.settle('n2', refused(2))
  o.to('n3')
  o.turn()
  assert.deepEqual(o.log()[2], 'n3 4: a')
})

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

test('one invalid command among others is found by sending each by itself; the others are committed, in order', assert => {
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

test('a stop ends when the last fate is known, sends what waits meanwhile, and twice is once', assert => {
  const o = origin({ maxBatchBytes: 1, maxInflightBytes: 1 })
  o.to('n2')
  o.submit('a')
  o.submit('b')
  o.turn()
  const stops: string[] = []
  o.out.stop(() => stops.push('first'))
  o.out.stop(() => stops.push('second'))
  o.committed('n2', 1, 1)
  o.turn()
  assert.deepEqual(o.log(), ['n2 1: a', 'n2 1: b'])
  assert.deepEqual(stops, [])
  o.committed('n2', 2, 2)
  assert.deepEqual(stops, ['first', 'second'])
  o.out.stop(() => stops.push('third'))
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
  for (let i = 0; i < 50_000; i++) {
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

/** An intake with two links and the own outlet, and everything it said. */
const member = (limits: Partial<Limits> = {}) => {
  const proposed: number[] = []
  const notices: IntakeNotice[] = []
  const said: string[] = []
  const taken = intake({
    protocol, limits: { ...DEFAULT_LIMITS, ...limits }, propose: id => proposed.push(id), leader: () => ({ id: 'n3', address: '127.0.0.1:3' }),
    notice: notice => notices.push(notice),
  })
  const say = (who: string) => (reply: ProposeReply): void => {
    const results = reply.type === 'committed' ? decodeResults(t.number, reply.results) : undefined
    const shown = results === undefined ? '' : isLeft(results) ? ' ?' : ` ${results.right.map(one => one instanceof MachineFailed ? 'failed' : one).join(' ')}`
    said.push(`${who}: ${reply.type} ${reply.id}${reply.type === 'refused' ? ` ${reply.reason} ${reply.leader?.id}` : shown}`)
  }
  const self = taken.openSelf(fate => said.push(`self: ${fate.type} ${fate.id}${fate.type === 'committed' ? ` ${fate.results.join(' ')}` : ''}`))
  return {
    taken, proposed, notices, said, self, n1: taken.openLink('n1', say('n1')), n2: taken.openLink('n2', say('n2')),
    appended: (id: number, firstIndex: number, count = 1, term = 2): void => taken.answered([{ type: 'appended', id, firstIndex, count, term }]),
  }
}
const request = (id: number, epoch: number, ...commands: readonly string[]): ProposeRequest => ({ type: 'propose', id, epoch, body: bodyOf(...commands) })

test('a request is answered with its results when the machine has applied it', assert => {
  const m = member()
  m.n1.receive(request(10, 0, 'a', 'b'))
  m.n2.receive(request(10, 0, 'c'))
  m.self.receive(request(10, 0, 'd'))
  assert.deepEqual(m.proposed, [1, 2, 3])
  m.appended(1, 5, 2)
  m.appended(2, 7)
  m.appended(3, 8)
  assert.deepEqual(m.said, [])
  m.taken.applied(5, 2, [50, new MachineFailed('no'), 70])
  m.taken.applied(8, 2, [80])
  assert.deepEqual(m.said, ['n1: committed 10 50 failed', 'n2: committed 10 70', 'self: committed 10 80'])
  assert.is(m.taken.waiting, 0)
})

test('results that come in pieces are put together', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a', 'b', 'c'))
  m.appended(1, 5, 3)
  m.taken.applied(4, 2, [40, 50])
  m.taken.applied(6, 2, [60])
  assert.deepEqual(m.said, [])
  m.taken.applied(7, 2, [70, 80])
  assert.deepEqual(m.said, ['n1: committed 1 50 60 70'])
})

test('an entry of another term at the same index is not the answer', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.appended(1, 5, 1, 2)
  m.taken.applied(5, 3, [50])
  assert.deepEqual(m.said, ['n1: lost 1'])
})

test('a request whose leadership ended is lost, and a later one at its index gets its own results', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.appended(1, 5, 1, 2)
  m.taken.answered([{ type: 'lost', id: 1 }])
  m.n1.receive(request(2, 0, 'b'))
  m.appended(2, 5, 1, 4)
  m.taken.applied(5, 4, [51])
  assert.deepEqual(m.said, ['n1: lost 1', 'n1: committed 2 51'])
})

test('after one refusal everything later of its epoch is refused, of this link and no other', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.taken.answered([{ type: 'refused', id: 1, reason: 'busy' }])
  m.n1.receive(request(2, 0, 'b'))
  m.n2.receive(request(1, 0, 'x'))
  m.n1.receive(request(3, 1, 'a'))
  assert.deepEqual(m.said, ['n1: refused 1 busy n3', 'n1: refused 2 busy n3'])
  assert.deepEqual(m.proposed, [1, 2, 3])
})

test('a refusal that comes while the request is put into the inbox is heard', assert => {
  const said: string[] = []
  const full = intake<string, number>({
    protocol, limits: DEFAULT_LIMITS, leader: () => undefined, notice: () => undefined,
    propose: id => full.answered([{ type: 'refused', id, reason: 'busy' }]),
  })
  const door = full.openLink('n1', reply => said.push(`${reply.type} ${reply.id}`))
  door.receive(request(1, 0, 'a'))
  door.receive(request(2, 0, 'b'))
  assert.deepEqual(said, ['refused 1', 'refused 2'])
  assert.is(full.waiting, 0)
})

const invalid: Readonly<Record<string, readonly [Partial<Limits>, EntryBody]>> = {
  'a command that does not decode': [{}, packEntries([Uint8Array.of(0, 0x37)])],
  'a command above maxCommandBytes': [{ maxCommandBytes: 8 }, bodyOf('a', '123456')],
  'commands above maxBatchBytes': [{ maxBatchBytes: 6 }, bodyOf('a', 'b')],
}
for (const [what, [limits, body]] of Object.entries(invalid)) {
  test(`${what} from a link is refused as invalid and reported; what follows is asked to come again`, assert => {
    const m = member(limits)
    m.n1.receive({ type: 'propose', id: 1, epoch: 0, body })
    m.n1.receive(request(2, 0, 'a'))
    m.n1.receive(request(3, 1, 'a'))
    assert.deepEqual(m.said, ['n1: refused 1 invalid n3', 'n1: refused 2 notReady n3'])
    assert.deepEqual(m.proposed, [1])
    assert.like(m.notices, [{ type: 'invalidRequest', from: 'n1' }])
  })
}

test('a link that is down hears nothing, and its place can be taken by another', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.appended(1, 5)
  m.n1.close()
  m.n1.receive(request(2, 0, 'b'))
  m.taken.applied(5, 2, [50])
  assert.deepEqual(m.said, [])
  assert.deepEqual(m.proposed, [1])
  assert.is(m.taken.waiting, 0)
})

test('results that cannot be written, or not in a frame, leave the outcome unknown and are reported', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.appended(1, 5)
  m.taken.applied(5, 2, [Number.NaN])
  m.n1.receive(request(2, 0, 'b'))
  m.appended(2, 6)
  const small = member({ maxFrameBytes: 64 * 1024 })
  small.n1.receive(request(1, 0, 'a'))
  small.appended(1, 5)
  small.taken.applied(5, 2, [7])
  assert.deepEqual(small.said, ['n1: lost 1'])
  assert.like(small.notices, [{ type: 'unsendableResult', firstIndex: 5 }])
})

test('while it stops, a member refuses new requests and answers those it has; in the end the rest is lost', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.n1.receive(request(2, 0, 'b'))
  m.appended(1, 5)
  m.appended(2, 6)
  m.taken.refuseAll()
  m.n2.receive(request(1, 0, 'c'))
  m.taken.applied(5, 2, [50])
  m.taken.abandon()
  assert.deepEqual(m.said, ['n2: refused 1 stopped n3', 'n1: committed 1 50', 'n1: lost 2'])
  assert.is(m.taken.waiting, 0)
})

/** The log that an outlet and an intake make together over a slow link, when the core refuses as scheduled. */
const replayed = (assert: ExecutionContext, refusals: readonly boolean[]): void => {
  const o = origin({ maxBatchBytes: 1, maxInflightBytes: 100 })
  const log: string[] = []
  const wire: ProposeRequest[] = []
  const inbox: { readonly id: number; readonly body: EntryBody }[] = []
  const taken = intake<string, number>({
    protocol, limits: DEFAULT_LIMITS, leader: () => undefined, notice: () => undefined, propose: (id, body) => inbox.push({ id, body }),
  })
  const door = taken.openLink('n1', reply => o.out.replied('n2', reply))
  o.out.reroute({ key: 'n2', term: undefined, send: requests => wire.push(...requests) }, 'n2')
  const commands = Array.from({ length: 12 }, (_, i) => `c${i}`)
  commands.forEach(command => o.submit(command, { timeoutMs: 60_000 }))
  let decisions = 0
  for (let turn = 0; turn < 900 && Object.keys(o.outcomes).length < commands.length; turn++) {
    o.wait(50)
    wire.splice(0, 2).forEach(door.receive)
    // Within one batch the core refuses everything after its first refusal.
    let isRefusing = false
    for (const { id, body } of inbox.splice(0)) {
      isRefusing ||= refusals[decisions++ % refusals.length]!
      if (isRefusing) {
        taken.answered([{ type: 'refused', id, reason: 'busy' }])
        continue
      }
      log.push(...commandsIn(body))
      taken.answered([{ type: 'appended', id, firstIndex: log.length, count: body.count, term: 1 }])
      taken.applied(log.length, 1, [log.length])
    }
  }
  assert.deepEqual(log, commands, `refusals ${refusals.map(Number).join('')}`)
  assert.deepEqual(Object.values(o.outcomes), commands.map((_, i) => ({ result: i + 1 })))
}
test('whatever the core refuses, commands enter the log once and in order', assert => {
  for (let bits = 0; bits < 64; bits++) replayed(assert, [0, 1, 2, 3, 4, 5].map(bit => (bits >> bit & 1) === 1).concat(false))
})

test('results come back over a link as they left the machine', assert => {
  const results = [1, new MachineFailed('why not'), 3]
  const body = encodeResults(t.number, results)
  assert.true(isRight(body))
  if (isLeft(body)) return
  const o = origin()
  o.to('n2')
  for (const command of ['a', 'b', 'c']) o.submit(command)
  o.turn()
  o.out.replied('n2', { type: 'committed', id: 1, firstIndex: 1, term: 1, results: body.right })
  assert.deepEqual(o.outcomes, { a: { result: 1 }, b: { tag: 'MachineFailed', appended: 'yes' }, c: { result: 3 } })
})
