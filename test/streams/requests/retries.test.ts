/** Commands that are sent again because nobody knows what became of them: under the same numbers, in order, and applied once. */
import test from 'ava'
import { type Numbering, isOpening, numberingOf, openingOf } from '../../../codecs/entries.js'
import { encodeResults, EXPIRED, OPENED, type Told } from '../../../codecs/results.js'
import type { ProposeReply } from '../../../lib/requests.js'
import type { CommandBatch, EntryBody, Index } from '../../../lib/types.js'
import { MAX_OPEN_COMMANDS, createSessions } from '../../../streams/machine/sessions.js'
import type { Unaddressed } from '../../../streams/requests/route.js'
import { createDice } from '../../../testing/simulation/world/dice.js'
import { type Origin, commandsIn, origin, protocol, refused } from './proposals.js'

/** What was sent, in order: way, session and numbers, the lowest that is awaited, and the commands. */
const sent = (o: Origin): readonly string[] => o.sent.map(({ over, body }) => {
  const numbers: Numbering | undefined = numberingOf(body)
  if (isOpening(body)) return `${over} opens`
  return numbers === undefined ? `${over}: ${commandsIn(body).join(' ')}` : `${over} ${numbers.session}/${numbers.first} from ${numbers.awaited}: ${commandsIn(body).join(' ')}`
})

/** Each in a request of its own. */
const submitEach = (o: Origin, ...commands: readonly string[]): void => {
  for (const command of commands) {
    o.submit(command)
    o.turn()
  }
}

const opened = (o: Origin, key: string, id: number, firstIndex: Index): void => {
  o.out.settle(key, { type: 'committed', id, firstIndex, results: [OPENED] })
  o.turn()
}

test('a session is asked for when it is first needed, once, and the commands wait for it', assert => {
  const o = origin()
  o.toOther('n2')
  o.turn()
  assert.deepEqual(sent(o), [], 'not before')
  submitEach(o, 'a', 'b')
  assert.deepEqual(sent(o), ['n2 opens'])
  opened(o, 'n2', 1, 41)
  submitEach(o, 'c')
  assert.deepEqual(sent(o).slice(1), ['n2 41/1 from 1: a b', 'n2 41/3 from 1: c'])
})

test('a session that may not have been opened is asked for again; one of the own term serves, too', assert => {
  const o = origin()
  o.toOther('n2')
  submitEach(o, 'a')
  o.out.gone('n2', 'unknown')
  o.toOther('n3')
  o.turn()
  o.out.settle('n3', refused(2, 'notReady'))
  o.wait(50)
  assert.deepEqual(sent(o), ['n2 opens', 'n3 opens', 'n3 opens'])
  o.out.gone('n3', 'unknown')
  o.to('self 4', 4, 17)
  o.turn()
  assert.deepEqual(sent(o).slice(3), ['self 4 17/1 from 1: a'])
})

test('what is lost goes again under its numbers before what was refused and what came later, which get new ones', assert => {
  const o = origin()
  o.to('n2')
  submitEach(o, 'a', 'b', 'c', 'd')
  o.submit('e')
  o.committed('n2', 1, 1)
  o.out.settle('n2', refused(4))
  o.out.gone('n2', 'unknown')
  o.to('n3')
  o.turn()
  assert.deepEqual(sent(o).slice(4), ['n3 1/2 from 2: b', 'n3 1/3 from 2: c', 'n3 1/5 from 2: d e'])
  o.committed('n3', 5, 2)
  o.committed('n3', 6, 3)
  submitEach(o, 'f')
  assert.deepEqual(sent(o).slice(7), ['n3 1/7 from 5: f'])
})

test('what follows a refusal was refused, too, although its answer is lost', assert => {
  const o = origin()
  o.to('n2')
  submitEach(o, 'a', 'b', 'c')
  o.out.settle('n2', refused(2))
  o.out.gone('n2', 'unknown')
  o.to('n3')
  o.turn()
  assert.deepEqual(sent(o).slice(3), ['n3 1/1 from 1: a', 'n3 1/4 from 1: b c'])
})

test('what is lost goes again few at a time, and one more with each answer: it may have been too much for its link; the own core has it at once', assert => {
  for (const isAnswered of [true, false]) {
    const o = origin()
    o.to('n2')
    submitEach(o, ...'abcdefghijkl')
    assert.is(o.sent.length, 12)
    // However it is lost.
    if (isAnswered) for (let id = 1; id <= 12; id++) o.out.settle('n2', { type: 'lost', id })
    else o.out.gone('n2', 'unknown')
    o.to('n3')
    o.turn()
    assert.is(o.sent.length, 16)
    o.committed('n3', 13, 1)
    o.turn()
    assert.is(o.sent.length, 18)
    o.out.gone('n3', 'unknown')
    o.to('n4')
    o.turn()
    assert.is(o.sent.length, 22, 'few again')
    o.out.gone('n4', 'unknown')
    o.to('self 4', 4)
    o.turn()
    assert.is(o.sent.length, 33)
  }
})

test('a member that comes to lead takes its own lost commands in turns, and each costs the same however many there are', assert => {
  const count = 16_000
  const o = origin()
  o.to('n2')
  for (let i = 0; i < count; i++) submitEach(o, `${i}`)
  o.out.gone('n2', 'unknown')
  const began = performance.now()
  const turns: number[] = []
  o.out.reroute({ key: 'self 4', to: 'n1', office: { term: 4, session: 1 }, send: requests => turns.push(requests.length) }, 'n1')
  o.turn()
  const tookMs = performance.now() - began
  assert.deepEqual([turns.reduce((sum, more) => sum + more), Math.max(...turns)], [count, 256])
  assert.true(tookMs < 1500, `${tookMs} ms`)
})

test('what is refused goes again few at a time, wherever it goes, and all of it once one is taken', assert => {
  const o = origin({ maxBatchBytes: 1 })
  const count = 12
  o.to('n2')
  for (const command of 'abcdefghijkl') o.submit(command)
  o.turn()
  const refuseAll = (key: string): void => { for (const { id } of o.sent.splice(0)) o.out.settle(key, refused(id, 'busy')) }
  assert.is(o.sent.length, count)
  refuseAll('n2')
  for (const key of ['n2', 'n2', 'n3', 'self 4']) {
    if (key !== 'n2') o.to(key, key === 'n3' ? undefined : 4)
    o.wait(50)
    assert.is(o.sent.length, 4, key)
    if (key !== 'self 4') refuseAll(key)
  }
  o.committed('self 4', o.sent[0]!.id, 1)
  o.turn()
  assert.is(o.sent.length, count)
})

test('that it is refused when it is sent again says nothing of the first time: it stays in its place', assert => {
  const o = origin()
  o.to('n2')
  submitEach(o, 'a', 'b')
  o.out.gone('n2', 'unknown')
  o.to('n3')
  o.turn()
  o.out.settle('n3', refused(3, 'busy'))
  o.out.settle('n3', refused(4, 'busy'))
  submitEach(o, 'c')
  o.wait(50)
  assert.deepEqual(sent(o).slice(4), ['n3 1/1 from 1: a', 'n3 1/2 from 1: b', 'n3 1/3 from 1: c'])
})

test('what nobody waits for is not sent again, and makes room', assert => {
  const o = origin({ maxPendingProposals: 2 })
  o.to('n2')
  const abort = new AbortController()
  o.submit('a', { signal: abort.signal })
  o.turn()
  submitEach(o, 'b')
  o.out.gone('n2', 'unknown')
  abort.abort()
  o.wait(50)
  assert.is(o.out.pending, 1)
  o.to('n3')
  o.turn()
  assert.deepEqual(sent(o).slice(2), ['n3 1/2 from 2: b'])
})

test('a leadership\'s command has no number, travels with no others, and is never sent again', assert => {
  const o = origin()
  o.to('self 3', 3)
  o.submit('a')
  o.submit('b', { term: 3 })
  o.submit('c')
  o.turn()
  assert.deepEqual(sent(o), ['self 3 1/1 from 1: a', 'self 3: b', 'self 3 1/2 from 1: c'])
  for (const id of [1, 2, 3]) o.out.settle('self 3', { type: 'lost', id })
  o.to('n2')
  o.turn()
  assert.deepEqual(sent(o).slice(3), ['n2 1/1 from 1: a', 'n2 1/2 from 1: c'])
  assert.deepEqual(o.outcomes, { b: { tag: 'OutcomeUnknown', appended: 'unknown' } })
})

test('a session that turns out to be closed is replaced, and what was sent once goes again in the next, in order', assert => {
  const o = origin()
  o.toOther('n2')
  submitEach(o, 'a')
  opened(o, 'n2', 1, 41)
  submitEach(o, 'b', 'c')
  o.committed('n2', 2, 1)
  o.committed('n2', 3, EXPIRED)
  o.turn()
  assert.is(o.sent.length, 4, 'nothing before all have come back')
  o.out.gone('n2', 'unknown')
  o.toOther('n3')
  o.turn()
  opened(o, 'n3', 5, 90)
  assert.deepEqual(sent(o).slice(4), ['n3 opens', 'n3 90/1 from 1: b c'])
})

test('what was sent once in a session that had closed before changed nothing, also where the leader has lost it', assert => {
  const o = origin()
  o.to('n2')
  submitEach(o, 'a', 'b')
  o.committed('n2', 1, EXPIRED)
  o.out.settle('n2', { type: 'lost', id: 2 })
  o.wait(50)
  opened(o, 'n2', 3, 90)
  assert.deepEqual(sent(o).slice(2), ['n2 opens', 'n2 90/1 from 1: a b'])
  assert.deepEqual(o.outcomes, {})
})

test('of what was sent again, and finds its session closed, nobody can tell: that is said by name, and what follows goes on in the next session', assert => {
  const o = origin()
  o.to('n2')
  submitEach(o, 'a', 'b')
  o.committed('n2', 1, 7)
  o.out.gone('n2', 'unknown')
  o.toOther('n3')
  submitEach(o, 'c')
  o.committed('n3', 3, EXPIRED)
  o.committed('n3', 4, EXPIRED)
  o.turn()
  opened(o, 'n3', 5, 90)
  assert.deepEqual(sent(o).slice(2), ['n3 1/2 from 2: b', 'n3 1/3 from 2: c', 'n3 opens', 'n3 90/1 from 1: c'])
  assert.deepEqual(o.outcomes, { a: { result: 7 }, b: { tag: 'SessionExpired', appended: 'unknown' } })
})

test('the session of the own term is not taken again once it is closed', assert => {
  const o = origin()
  o.to('self 3', 3, 5)
  submitEach(o, 'a')
  o.committed('self 3', 1, EXPIRED)
  o.turn()
  opened(o, 'self 3', 2, 70)
  assert.deepEqual(sent(o), ['self 3 5/1 from 1: a', 'self 3 opens', 'self 3 70/1 from 1: a'])
})

test('a session is taken wherever it is opened, also before one that is closed, as in a cluster that has lost its log', assert => {
  const o = origin()
  o.toOther('n2')
  submitEach(o, 'a')
  opened(o, 'n2', 1, 30_000)
  o.committed('n2', 2, 1)
  submitEach(o, 'b')
  o.committed('n2', 3, EXPIRED)
  o.turn()
  opened(o, 'n2', 4, 5)
  assert.deepEqual(sent(o).slice(2), ['n2 30000/2 from 2: b', 'n2 opens', 'n2 5/1 from 1: b'])
})

for (const [what, fate] of [
  ['refused as invalid', refused(1, 'invalid')], ['refused', refused(1, 'busy')], ['lost', { type: 'lost', id: 1 }],
  ['answered with something else', { type: 'committed', id: 1, firstIndex: 9, results: [] }],
] as const) test(`an opening that is ${what} is asked for again with the next tick, and not before`, assert => {
  const o = origin()
  o.toOther('n2')
  submitEach(o, 'a')
  o.out.settle('n2', fate)
  o.turn()
  assert.deepEqual(sent(o), ['n2 opens'])
  o.wait(50)
  assert.deepEqual(sent(o), ['n2 opens', 'n2 opens'])
  opened(o, 'n2', 2, 41)
  assert.deepEqual(sent(o).slice(2), ['n2 41/1 from 1: a'])
})

test('each session has a name of its own, also at the same index, which all its commands carry; what is sent again keeps the name that it had', assert => {
  const o = origin()
  o.toOther('n2')
  submitEach(o, 'a')
  opened(o, 'n2', 1, 41)
  o.out.gone('n2', 'unknown')
  o.to('self 4', 4, 17)
  o.turn()
  o.committed('self 4', 3, EXPIRED)
  submitEach(o, 'b')
  opened(o, 'self 4', 4, 41)
  const names = o.sent.map(({ body }) => openingOf(body) ?? numberingOf(body)?.name)
  assert.deepEqual(sent(o), ['n2 opens', 'n2 41/1 from 1: a', 'self 4 41/1 from 1: a', 'self 4 opens', 'self 4 41/1 from 1: b'])
  const [first = 0, second = 0, ...others] = new Set(names)
  assert.deepEqual([others, names], [[], [first, first, first, second, second]])
  assert.true(Math.min(first, second) >= 2 ** 32, 'none is as low as a term, which names the session of a leader')
})

test('no more commands are open than results are kept', assert => {
  const o = origin()
  o.to('n2')
  for (let i = 0; i < MAX_OPEN_COMMANDS + 10; i++) o.submit(`${i}`)
  o.turn()
  const count = (): number => o.sent.reduce((sum, { body }) => sum + body.count, 0)
  assert.is(count(), MAX_OPEN_COMMANDS)
  const [{ id, body } = { id: 0, body: { count: 0 } }] = o.sent
  o.committed('n2', id, ...Array.from({ length: body.count }, () => 1))
  o.turn()
  assert.is(count(), MAX_OPEN_COMMANDS + 10)
})

test('a stop waits for what is lost, as long as it may', assert => {
  const o = origin()
  o.to('n2')
  submitEach(o, 'a')
  o.out.gone('n2', 'unknown')
  let stopped = 0
  o.out.drain(() => stopped++)
  assert.is(stopped, 0)
  o.to('n3')
  o.turn()
  o.committed('n3', 2, 7)
  assert.deepEqual([stopped, o.outcomes], [1, { a: { result: 7 } }])
})

// ── whatever happens ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A cluster as an outlet sees it: a log, a machine that answers with how many commands it has had, and links that refuse, lose and answer late. */
const clusterOf = (o: Origin, dice: ReturnType<typeof createDice>) => {
  const sessions = createSessions<number>()
  const applied: string[] = []
  let last: Index = 0
  let made = 0
  let life = { key: '', closedEpoch: -1 }
  let wire: Unaddressed[] = []
  const apply = (body: EntryBody): readonly Told<number>[] => {
    let batch: CommandBatch = { kind: 'command', firstIndex: last + 1, term: 1, count: body.count, time: 5, skip: 0, body }
    last += body.count
    const answers = sessions.begin(batch) ?? []
    batch = { ...batch, firstIndex: batch.firstIndex + answers.length, skip: answers.length, count: batch.count - answers.length }
    if (batch.count === 0) return answers
    const results = commandsIn(body).slice(batch.skip).map(command => applied.push(command))
    sessions.applied(batch, results)
    return [...answers, ...results]
  }
  const replyTo = (id: number, body: EntryBody): ProposeReply => {
    const firstIndex = last + 1
    return { type: 'committed', id, firstIndex, term: 1, results: encodeResults(protocol.result, apply(body)).body }
  }
  const answer = ({ id, epoch, body }: Unaddressed): ProposeReply => {
    if (epoch <= life.closedEpoch || dice.chance(0.1)) {
      life.closedEpoch = Math.max(life.closedEpoch, epoch)
      return refused(id, 'busy')
    }
    const reply = replyTo(id, body)
    if (!dice.chance(0.1)) return reply
    life.closedEpoch = epoch
    return { type: 'lost', id }
  }
  return {
    applied,
    link: (): void => {
      wire = []
      life = { key: `link ${++made}`, closedEpoch: -1 }
      o.out.reroute({ key: life.key, to: 'n2', office: undefined, send: requests => wire.push(...requests) }, 'n2')
    },
    /** The leader gets some of what is on the wire; of what it has answered perhaps nothing arrives. */
    deliver: (): void => {
      const [cut, { key }] = [dice.chance(0.15), life]
      for (const request of wire.splice(0, dice.integer(0, 4))) {
        const reply = answer(request)
        if (!cut) o.out.replied(key, reply)
      }
      if (cut) o.out.gone(key, 'unknown')
    },
  }
}

test('whatever is refused, lost and answered late, every command is applied once, in order, and its outcome is known', assert => {
  for (let seed = 1; seed <= 300; seed++) {
    const dice = createDice(seed)
    const o = origin({ maxBatchBytes: dice.pick([1, 40, 1000]), maxInflightBytes: dice.pick([1, 200, 100_000]) })
    const cluster = clusterOf(o, dice)
    const commands = Array.from({ length: 40 }, (_, i) => `c${i}`)
    let next = 0
    cluster.link()
    for (let turn = 0; turn < 4000 && Object.keys(o.outcomes).length < commands.length; turn++) {
      for (let more = dice.integer(0, 3); more > 0 && next < commands.length; more--) o.submit(commands[next++]!, { timeoutMs: 1e6 })
      cluster.deliver()
      if (dice.chance(0.2)) cluster.link()
      o.wait(50)
    }
    assert.deepEqual(cluster.applied, commands, `seed ${seed}`)
    assert.deepEqual(commands.map(command => o.outcomes[command]), commands.map((_, i) => ({ result: i + 1 })), `seed ${seed}`)
  }
})
