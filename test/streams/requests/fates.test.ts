/** The fate of a command on every path from its submission, at its origin. */
import test from 'ava'
import { packEntries } from '../../../codecs/entries.js'
import { EXPIRED, FORGOTTEN } from '../../../codecs/results.js'
import { MachineFailed } from '../../../lib/errors.js'
import { isLeft } from '../../../lib/prelude.js'
import { type Origin, type Outcome, inFlight, origin, refused, sentAgain } from './proposals.js'

/** Each path with the outcome of command `a`: above all, `appended` must never say less than what may have happened. */
const paths: Readonly<Record<string, readonly [(o: Origin) => void, Outcome]>> = {
  'committed': [o => {
    inFlight(o)
    o.committed('n2', 1, 7)
  }, { result: 7 }],
  'the machine failed on it': [o => {
    inFlight(o)
    o.committed('n2', 1, new MachineFailed('no'))
  }, { tag: 'MachineFailed', appended: 'yes' }],
  'waiting, no leader until the deadline': [o => {
    o.submit('a')
    o.wait(5050)
  }, { tag: 'NotLeader', appended: 'never' }],
  'waiting behind a full window until the deadline': [o => {
    o.to('n2')
    o.submit('x'.repeat(200))
    o.turn()
    o.submit('a')
    o.wait(5050)
  }, { tag: 'TimedOut', appended: 'never' }],
  'waiting, aborted': [o => {
    const abort = new AbortController()
    o.submit('a', { signal: abort.signal })
    abort.abort()
  }, { tag: 'TimedOut', appended: 'never' }],
  'aborted before it began': [o => o.submit('a', { signal: AbortSignal.abort() }), { tag: 'TimedOut', appended: 'never' }],
  'waiting, stopped without a leader': [o => {
    o.submit('a')
    o.out.drain(() => undefined)
  }, { tag: 'Stopped', appended: 'never' }],
  'after a stop': [o => {
    o.out.drain(() => undefined)
    o.submit('a')
  }, { tag: 'Stopped', appended: 'never' }],
  'in flight until the deadline': [o => {
    inFlight(o)
    o.wait(5050)
  }, { tag: 'TimedOut', appended: 'unknown' }],
  'in flight, aborted': [o => {
    const abort = new AbortController()
    inFlight(o, { signal: abort.signal })
    abort.abort()
  }, { tag: 'TimedOut', appended: 'unknown' }],
  'in flight, lost by the leader, and known by the next': [o => {
    inFlight(o)
    o.out.settle('n2', { type: 'lost', id: 1 })
    o.to('n3')
    o.turn()
    o.committed('n3', 2, 7)
  }, { result: 7 }],
  'in flight, disconnected, and known by the same leader': [o => {
    inFlight(o)
    o.out.gone('n2', 'unknown')
    o.to('n2 again')
    o.turn()
    o.committed('n2 again', 2, 7)
  }, { result: 7 }],
  'in flight, disconnected, and no leader until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 })
    o.out.gone('n2', 'unknown')
    o.wait(100)
  }, { tag: 'TimedOut', appended: 'unknown' }],
  'in flight, disconnected, and stopped': [o => {
    inFlight(o)
    o.out.gone('n2', 'unknown')
    o.out.halt('it ended')
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, disconnected, sent again, and refused until the deadline': [o => {
    sentAgain(o, { timeoutMs: 200 })
    o.out.settle('n3', refused(2))
    o.to('n4')
    o.wait(200)
  }, { tag: 'TimedOut', appended: 'unknown' }],
  'in flight, disconnected, sent again, and never looked at': [o => {
    sentAgain(o)
    o.out.gone('n3', 'unseen')
    o.out.halt('it ended')
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, disconnected, sent again, and found invalid': [o => {
    sentAgain(o)
    o.out.settle('n3', refused(2, 'invalid'))
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, disconnected, sent again, and its session closed': [o => {
    sentAgain(o)
    o.committed('n3', 2, EXPIRED)
  }, { tag: 'SessionExpired', appended: 'unknown' }],
  'in flight, disconnected, sent again, and its result forgotten': [o => {
    sentAgain(o)
    o.committed('n3', 2, FORGOTTEN)
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, its session closed, and committed in another': [o => {
    inFlight(o)
    o.committed('n2', 1, EXPIRED)
    o.to('self 3', 3, 9)
    o.turn()
    o.committed('self 3', 2, 7)
  }, { result: 7 }],
  'in flight, its session closed, and no leader until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 })
    o.committed('n2', 1, EXPIRED)
    o.to(undefined)
    o.wait(100)
  }, { tag: 'NotLeader', appended: 'never' }],
  'in flight, never looked at, and taken by the next leader': [o => {
    inFlight(o)
    o.out.gone('n2', 'unseen')
    o.to('n3')
    o.turn()
    o.committed('n3', 2, 7)
  }, { result: 7 }],
  'in flight, never looked at, and another leads already': [o => {
    inFlight(o)
    o.to('n3')
    o.out.gone('n2', 'unseen')
    o.turn()
    o.committed('n3', 2, 7)
  }, { result: 7 }],
  'in flight, never looked at, and no other leader until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 })
    o.out.gone('n2', 'unseen')
    o.wait(100)
  }, { tag: 'NotLeader', appended: 'never' }],
  'in flight and aborted, never looked at': [o => {
    const abort = new AbortController()
    inFlight(o, { signal: abort.signal })
    abort.abort()
    o.out.gone('n2', 'unseen')
  }, { tag: 'TimedOut', appended: 'unknown' }],
  'in flight, lost, on a link that is never looked at again': [o => {
    inFlight(o)
    o.out.settle('n2', { type: 'lost', id: 1 })
    o.out.gone('n2', 'unseen')
    o.out.halt('it ended')
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, another leader, no answer in the grace': [o => {
    inFlight(o)
    o.to('n3')
    o.wait(100)
    o.committed('n3', 2, 7)
  }, { result: 7 }],
  'in flight, another leader, answered in the grace': [o => {
    inFlight(o)
    o.to('n3')
    o.wait(50)
    o.committed('n2', 1, 7)
  }, { result: 7 }],
  'in flight, stopped, no answer': [o => {
    inFlight(o, { timeoutMs: 60_000 })
    o.out.drain(() => undefined)
    o.wait(5000)
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, stopped, answered in time': [o => {
    inFlight(o)
    o.out.drain(() => undefined)
    o.wait(4000)
    o.committed('n2', 1, 7)
  }, { result: 7 }],
  'in flight, answered with too few results': [o => {
    inFlight(o)
    o.committed('n2', 1)
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'in flight, answered with results that cannot be read': [o => {
    inFlight(o)
    o.out.replied('n2', { type: 'committed', id: 1, firstIndex: 1, term: 1, results: packEntries([Uint8Array.of(9)]) })
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'refused as busy until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 })
    o.out.settle('n2', refused(1, 'busy'))
    o.wait(50)
    o.out.settle('n2', refused(2, 'busy'))
    o.wait(50)
  }, { tag: 'Busy', appended: 'never' }],
  'refused for want of a leader until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 })
    o.out.settle('n2', refused(1))
    o.to(undefined)
    o.wait(100)
  }, { tag: 'NotLeader', appended: 'never' }],
  'refused, then disconnected, until the deadline': [o => {
    inFlight(o, { timeoutMs: 100 })
    o.out.settle('n2', refused(1))
    o.out.gone('n2', 'unknown')
    o.wait(100)
  }, { tag: 'NotLeader', appended: 'never' }],
  'refused, and past its deadline before an earlier one has its fate': [o => {
    o.to('n2')
    o.submit('b')
    o.turn()
    o.submit('a', { timeoutMs: 50 })
    o.turn()
    o.out.settle('n2', refused(2, 'notReady'))
    o.wait(50)
  }, { tag: 'NotLeader', appended: 'never' }],
  'refused, then aborted': [o => {
    const abort = new AbortController()
    inFlight(o, { signal: abort.signal })
    o.out.settle('n2', refused(1, 'busy'))
    abort.abort()
  }, { tag: 'TimedOut', appended: 'never' }],
  'refused, sent again, committed': [o => {
    inFlight(o)
    o.out.settle('n2', refused(1))
    o.to('n3')
    o.turn()
    o.committed('n3', 2, 7)
  }, { result: 7 }],
  'refused, sent again, disconnected': [o => {
    inFlight(o)
    o.out.settle('n2', refused(1))
    o.to('n3')
    o.turn()
    o.out.gone('n3', 'unknown')
    o.to('n4')
    o.turn()
    o.committed('n4', 3, 7)
  }, { result: 7 }],
  'refused while stopping, no other leader': [o => {
    inFlight(o)
    o.out.drain(() => undefined)
    o.out.settle('n2', refused(1))
    o.to(undefined)
  }, { tag: 'Stopped', appended: 'never' }],
  'found invalid by the leader': [o => {
    inFlight(o)
    o.out.settle('n2', refused(1, 'invalid'))
  }, { tag: 'Rejected', appended: 'never' }],
  'proposed by a leadership that has ended': [o => {
    o.to('self', 4)
    o.submit('a', { term: 3 })
  }, { tag: 'NotLeader', appended: 'never' }],
  'proposed by a leadership while another leads': [o => {
    o.to('n2')
    o.submit('a', { term: 3 })
  }, { tag: 'NotLeader', appended: 'never' }],
  'proposed by a leadership that ends before it is sent': [o => {
    o.to('self 3', 3)
    o.submit('a', { term: 3 })
    o.to('n2')
  }, { tag: 'NotLeader', appended: 'never' }],
  'proposed by a leadership that ends, refused': [o => {
    o.to('self 3', 3)
    o.submit('a', { term: 3 })
    o.turn()
    o.to('n2')
    o.out.settle('self 3', refused(1))
  }, { tag: 'NotLeader', appended: 'never' }],
  'proposed by a leadership that ends, lost': [o => {
    o.to('self 3', 3)
    o.submit('a', { term: 3 })
    o.turn()
    o.to('n2')
    o.out.settle('self 3', { type: 'lost', id: 1 })
  }, { tag: 'OutcomeUnknown', appended: 'unknown' }],
  'committed by the own core long after its leadership ended': [o => {
    o.to('self 3', 3)
    o.submit('a', { term: 3 })
    o.turn()
    o.to('n2')
    o.wait(3000)
    o.committed('self 3', 1, 7)
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
    o.out.gone('n2', 'unknown')
    o.out.drain(() => undefined)
    o.wait(5050)
    assert.is(o.out.pending, 0, 'nothing is counted that has its fate')
    assert.is(o.out.inFlight, 0)
  })
}

test('who gives up at the very moment that it hears of the queue is told so, and nothing is sent', assert => {
  const o = origin()
  o.to('n2')
  const gave = new AbortController()
  o.submit('a', { signal: gave.signal, watch: () => gave.abort() })
  o.turn()
  assert.deepEqual([o.sent.length, o.out.pending, o.outcomes], [0, 0, { a: { tag: 'TimedOut', appended: 'never' } }])
})

test('what stands in the log and changed nothing, in a session that was closed, is not told to be nowhere', assert => {
  const o = origin()
  let message = ''
  o.to('n2')
  o.out.submit('a', { timeoutMs: 100 }, outcome => { message = isLeft(outcome) ? outcome.left.message : 'a result' })
  o.turn()
  o.committed('n2', 1, EXPIRED)
  o.to(undefined)
  o.wait(150)
  assert.is(message, 'No leader took the command; it is not applied, and will not be.')
})
