/** Where proposals reach the core, and how their fates find the way back. */
import test, { type ExecutionContext } from 'ava'
import * as t from 'io-ts'
import { createDecodedCommands } from '../../../streams/machine/decoded-commands.js'
import { packEntries, packOpening } from '../../../codecs/entries.js'
import { DEFAULT_LIMITS, FRAME_SLACK_BYTES, type Limits } from '../../../codecs/options.js'
import { decodeResults } from '../../../codecs/results.js'
import { MachineFailed } from '../../../lib/errors.js'
import type { ProposeReply, ProposeRequest } from '../../../lib/requests.js'
import type { EntryBody } from '../../../lib/types.js'
import { type IntakeNotice, createIntake } from '../../../streams/requests/intake.js'
import { bodyOf, commandsIn, encoded, origin, protocol } from './proposals.js'

/** An intake with two links and the own outlet, and everything it said. */
const member = (limits: Partial<Limits> = {}) => {
  const proposed: number[] = []
  const notices: IntakeNotice[] = []
  const said: string[] = []
  const intake = createIntake({
    commands: createDecodedCommands<string>(),
    protocol, limits: { ...DEFAULT_LIMITS, ...limits }, propose: id => proposed.push(id), leader: () => ({ id: 'n3', address: '127.0.0.1:3', term: 3 }), term: () => 1,
    notice: notice => notices.push(notice),
  })
  const say = (who: string) => (reply: ProposeReply): void => {
    const results = reply.type === 'committed' ? decodeResults(t.number, reply.results) : undefined
    const shown = results === undefined ? '' : ` ${results.map(one => one instanceof MachineFailed ? 'failed' : String(one)).join(' ')}`
    said.push(`${who}: ${reply.type} ${reply.id}${reply.type === 'refused' ? ` ${reply.reason} ${reply.leader?.id}` : shown}`)
  }
  const self = intake.openSelf(fate => said.push(`self: ${fate.type} ${fate.id}${fate.type === 'committed' ? ` ${fate.results.join(' ')}` : ''}`), (id, index) => said.push(`self: appended ${id} at ${index}`))
  return {
    intake, proposed, notices, said, self, n1: intake.openLink({ type: 'member', id: 'n1' }, say('n1')), n2: intake.openLink({ type: 'member', id: 'n2' }, say('n2')),
    appended: (id: number, firstIndex: number, count = 1, term = 2): void => intake.answered([{ type: 'appended', id, firstIndex, count, term }]),
  }
}
const request = (id: number, epoch: number, ...commands: readonly string[]): ProposeRequest => ({ type: 'propose', id, epoch, term: 1, body: bodyOf(...commands) })

test('a request is answered with its results when the machine has applied it', assert => {
  const m = member()
  m.n1.receive(request(10, 0, 'a', 'b'))
  m.n2.receive(request(10, 0, 'c'))
  m.self.receive(request(10, 0, 'd'))
  assert.deepEqual(m.proposed, [1, 2, 3])
  m.appended(1, 5, 2)
  m.appended(2, 7)
  m.appended(3, 8)
  assert.deepEqual(m.said.splice(0), ['self: appended 10 at 8'], 'who asks over a link is told the end alone')
  m.intake.applied(5, 2, [50, new MachineFailed('no'), 70])
  m.intake.applied(8, 2, [80])
  assert.deepEqual(m.said, ['n1: committed 10 50 failed', 'n2: committed 10 70', 'self: committed 10 80'])
  assert.is(m.intake.waiting, 0)
})

test('results that come in pieces are put together', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a', 'b', 'c'))
  m.appended(1, 5, 3)
  m.intake.applied(4, 2, [40, 50])
  m.intake.applied(6, 2, [60])
  assert.deepEqual(m.said, [])
  m.intake.applied(7, 2, [70, 80])
  assert.deepEqual(m.said, ['n1: committed 1 50 60 70'])
})

test('what a slice of results costs is not more where many wait for theirs', assert => {
  const m = member()
  const count = 60_000
  const body = bodyOf('a')
  for (let id = 1; id <= count; id++) m.self.receive({ ...request(id, 0), body })
  m.intake.answered(m.proposed.map((id, i) => ({ type: 'appended', id, firstIndex: i + 1, count: 1, term: 1 })))
  m.said.length = 0
  const began = performance.now()
  for (let index = 1; index <= count; index++) m.intake.applied(index, 1, [index])
  const tookMs = performance.now() - began
  assert.deepEqual([m.said.length, m.said.at(-1), m.intake.waiting], [count, `self: committed ${count} ${count}`, 0])
  assert.true(tookMs < 2500, `${tookMs} ms`)
})

test('an entry of another term at the same index is not the answer', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.appended(1, 5, 1, 2)
  m.intake.applied(5, 3, [50])
  assert.deepEqual(m.said, ['n1: lost 1'])
})

test('what a snapshot passed over is lost at once, whether or not it had some of its results, and what follows is not', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a', 'b'))
  m.n1.receive(request(2, 0, 'c'))
  m.n1.receive(request(3, 0, 'd'))
  m.appended(1, 5, 2)
  m.appended(2, 7)
  m.appended(3, 8)
  m.intake.applied(5, 2, [50])
  m.intake.applied(8, 4, [])
  assert.deepEqual(m.said, ['n1: lost 1', 'n1: lost 2'])
  m.intake.applied(8, 2, [80])
  assert.deepEqual(m.said.slice(2), ['n1: committed 3 80'])
})

test('a request whose leadership ended is lost, and a later one at its index gets its own results', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.appended(1, 5, 1, 2)
  m.intake.answered([{ type: 'lost', id: 1 }])
  m.n1.receive(request(2, 1, 'b'))
  m.appended(2, 5, 1, 4)
  m.intake.applied(5, 4, [51])
  assert.deepEqual(m.said, ['n1: lost 1', 'n1: committed 2 51'])
})

test('what was sent before it was heard that something before it is lost is refused, whoever leads by then: it would be appended first', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.n2.receive(request(1, 0, 'x'))
  m.appended(1, 5, 1, 2)
  m.intake.answered([{ type: 'lost', id: 1 }])
  m.n1.receive(request(2, 0, 'b'))
  m.n2.receive(request(2, 0, 'y'))
  assert.deepEqual(m.said, ['n1: lost 1', 'n1: refused 2 notReady n3'])
  m.n1.receive(request(3, 1, 'a'))
  assert.deepEqual(m.proposed, [1, 2, 3, 4])
})

test('after one refusal everything later of its epoch is refused, of this link and no other', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.intake.answered([{ type: 'refused', id: 1, reason: 'busy' }])
  m.n1.receive(request(2, 0, 'b'))
  m.n2.receive(request(1, 0, 'x'))
  m.n1.receive(request(3, 1, 'a'))
  assert.deepEqual(m.said, ['n1: refused 1 busy n3', 'n1: refused 2 busy n3'])
  assert.deepEqual(m.proposed, [1, 2, 3])
})

test('a request for the leader of another term closes the epoch of its own origin, and the core never hears of it', assert => {
  const m = member()
  m.n1.receive({ ...request(1, 0, 'a'), term: 0 })
  m.n1.receive(request(2, 0, 'b'))
  m.n2.receive(request(1, 0, 'x'))
  m.n2.receive({ ...request(2, 1, 'y'), term: 2 })
  m.n1.receive(request(3, 1, 'a'))
  assert.deepEqual(m.said, ['n1: refused 1 notLeader n3', 'n1: refused 2 notLeader n3', 'n2: refused 2 notLeader n3'])
  assert.deepEqual(m.proposed, [1, 2])
})

test('a refusal that comes while the request is put into the inbox is heard', assert => {
  const said: string[] = []
  const full = createIntake<string, number>({
    commands: createDecodedCommands<string>(),
    protocol, limits: DEFAULT_LIMITS, leader: () => undefined, term: () => 1, notice: () => undefined,
    propose: id => full.answered([{ type: 'refused', id, reason: 'busy' }]),
  })
  const link = full.openLink({ type: 'member', id: 'n1' }, reply => said.push(`${reply.type} ${reply.id}`))
  link.receive(request(1, 0, 'a'))
  link.receive(request(2, 0, 'b'))
  assert.deepEqual(said, ['refused 1', 'refused 2'])
  assert.is(full.waiting, 0)
})

test('no client counts in the session of a leader, which anybody can name; a member that has led goes on in its own', assert => {
  const m = member()
  const client = m.intake.openLink({ type: 'client', link: 1 }, reply => m.said.push(`client: ${reply.type} ${reply.id}${reply.type === 'refused' ? ` ${reply.reason}` : ''}`))
  const numbered = (id: number, epoch: number, name: number): ProposeRequest =>
    ({ ...request(id, epoch), body: packEntries([encoded('a')], { session: 3, name, first: 1000, awaited: 1 }) })
  client.receive(numbered(1, 0, 1))
  client.receive(numbered(2, 1, 0))
  client.receive(numbered(3, 2, 2 ** 32))
  client.receive({ ...request(4, 2), body: packOpening(2 ** 32) })
  m.n1.receive(numbered(5, 0, 1))
  m.self.receive(numbered(6, 0, 1))
  assert.deepEqual(m.said, ['client: refused 1 invalid', 'client: refused 2 invalid'])
  assert.is(m.intake.waiting, 4)
  assert.deepEqual(m.notices, [1, 2].map(() => ({ type: 'invalidRequest', from: 'client 1', reason: 'its commands are numbered in the session of a leader' })))
})

test('what follows a command that cannot pass is not looked at', assert => {
  const m = member()
  // There is no second entry to look at, which would throw.
  m.n1.receive({ type: 'propose', id: 1, epoch: 0, term: 1, body: { ...packEntries([new Uint8Array(0)]), count: 1_000_000 } })
  assert.deepEqual(m.said, ['n1: refused 1 invalid n3'])
})

const invalid: Readonly<Record<string, readonly [Partial<Limits>, EntryBody]>> = {
  'a command that does not decode': [{}, packEntries([Uint8Array.of(0, 0x37)])],
  'a command above maxCommandBytes': [{ maxCommandBytes: 8 }, bodyOf('a', '123456')],
  'commands above maxBatchBytes': [{ maxBatchBytes: 2 * (4 + 4) - 1 }, bodyOf('a', 'b')],
}
for (const [what, [limits, body]] of Object.entries(invalid)) {
  test(`${what} from a link is refused as invalid and reported; what follows is asked to come again`, assert => {
    const m = member(limits)
    m.n1.receive({ type: 'propose', id: 1, epoch: 0, term: 1, body })
    m.n1.receive(request(2, 0, 'a'))
    m.n1.receive(request(3, 1, 'a'))
    assert.deepEqual(m.said, ['n1: refused 1 invalid n3', 'n1: refused 2 afterInvalid n3'])
    assert.deepEqual(m.proposed, [1])
    assert.like(m.notices, [{ type: 'invalidRequest', from: 'member n1' }])
  })
}

test('a command of more than maxCommandValues is refused before the codec sees it', assert => {
  const m = member({ maxCommandValues: 3 })
  m.n1.receive({ type: 'propose', id: 1, epoch: 0, term: 1, body: packEntries([encoded('a'), Buffer.from('\0[1, [2, []]]')]) })
  assert.deepEqual(m.notices, [{ type: 'invalidRequest', from: 'member n1', reason: 'command 1 holds more than maxCommandValues = 3 values' }])
  assert.deepEqual(m.said, ['n1: refused 1 invalid n3'])
})

test('commands that just keep maxBatchBytes pass', assert => {
  const m = member({ maxBatchBytes: 2 * (4 + 4) })
  m.n1.receive(request(1, 0, 'a', 'b'))
  assert.deepEqual(m.proposed, [1])
})

test('a link that is down hears nothing, and its place can be taken by another', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.appended(1, 5)
  m.n1.close()
  m.n1.receive(request(2, 0, 'b'))
  m.intake.applied(5, 2, [50])
  assert.deepEqual(m.said, [])
  assert.deepEqual(m.proposed, [1])
  assert.is(m.intake.waiting, 0)
})

test('a result that cannot be written, or finds no room in a frame, is told to be unknown, and reported, and no other is', assert => {
  const saidWithin = (bytes: number): readonly string[] => {
    const m = member({ maxFrameBytes: FRAME_SLACK_BYTES + bytes })
    m.n1.receive(request(1, 0, 'a', 'b', 'c'))
    m.appended(1, 5, 3)
    m.intake.applied(5, 2, [7, Symbol('x') as never, 1234567])
    assert.like(m.notices, [{ type: 'unsendableResult', firstIndex: 5, reason: 'result 1: symbol has no JSON form' }])
    return m.said
  }
  const [others, none] = ['n1: committed 1 7 Symbol(forgotten) 1234567', 'n1: committed 1 7 Symbol(forgotten) Symbol(forgotten)']
  assert.deepEqual([33, 32].map(saidWithin), [[others], [none]])
})

test('while it stops, a member refuses new requests and answers those it has; in the end the rest is lost', assert => {
  const m = member()
  m.n1.receive(request(1, 0, 'a'))
  m.n1.receive(request(2, 0, 'b'))
  m.appended(1, 5)
  m.appended(2, 6)
  m.intake.refuseAll()
  m.n2.receive(request(1, 0, 'c'))
  m.intake.applied(5, 2, [50])
  m.intake.halt()
  assert.deepEqual(m.said, ['n2: refused 1 stopped n3', 'n1: committed 1 50', 'n1: lost 2'])
  assert.is(m.intake.waiting, 0)
})

test('a request whose answer could not be handed over is not forgotten: whoever ends says that it is lost', assert => {
  const said: string[] = []
  const intake = createIntake<string, number>({
    commands: createDecodedCommands<string>(), protocol, limits: DEFAULT_LIMITS, leader: () => undefined, term: () => 1, notice: () => undefined, propose: () => undefined,
  })
  const link = intake.openLink({ type: 'member', id: 'n1' }, ({ type, id }) => {
    if (type === 'committed') throw new Error('no way')
    said.push(`${type} ${id}`)
  })
  link.receive(request(7, 0, 'a'))
  intake.answered([{ type: 'appended', id: 1, firstIndex: 5, count: 1, term: 2 }])
  assert.throws(() => intake.applied(5, 2, [50]), { message: 'no way' })
  intake.halt()
  assert.deepEqual(said, ['lost 7'])
})

/** The log that an outlet and an intake make together over a slow link, when the core refuses as scheduled. */
const replayed = (assert: ExecutionContext, refusals: readonly boolean[]): void => {
  const o = origin({ maxBatchBytes: 1, maxInflightBytes: 250 })
  const log: string[] = []
  const wire: ProposeRequest[] = []
  const inbox: { readonly id: number; readonly body: EntryBody }[] = []
  const intake = createIntake<string, number>({
    commands: createDecodedCommands<string>(),
    protocol, limits: DEFAULT_LIMITS, leader: () => undefined, term: () => 1, notice: () => undefined, propose: (id, body) => inbox.push({ id, body }),
  })
  const link = intake.openLink({ type: 'member', id: 'n1' }, reply => o.out.replied('n2', reply))
  o.open()
  o.out.reroute({ key: 'n2', to: 'n2', office: undefined, send: requests => wire.push(...requests.map(unsent => ({ ...unsent, term: 1 }))) }, 'n2')
  const commands = Array.from({ length: 12 }, (_, i) => `c${i}`)
  commands.forEach(command => o.submit(command, { timeoutMs: 60_000 }))
  let decisions = 0
  for (let turn = 0; turn < 900 && Object.keys(o.outcomes).length < commands.length; turn++) {
    o.wait(50)
    wire.splice(0, 2).forEach(link.receive)
    // Within one batch the core refuses everything after its first refusal.
    let isRefusing = false
    for (const { id, body } of inbox.splice(0)) {
      isRefusing ||= refusals[decisions++ % refusals.length]!
      if (isRefusing) {
        intake.answered([{ type: 'refused', id, reason: 'busy' }])
        continue
      }
      log.push(...commandsIn(body))
      intake.answered([{ type: 'appended', id, firstIndex: log.length, count: body.count, term: 1 }])
      intake.applied(log.length, 1, [log.length])
    }
  }
  assert.deepEqual(log, commands, `refusals ${refusals.map(Number).join('')}`)
  assert.deepEqual(Object.values(o.outcomes), commands.map((_, i) => ({ result: i + 1 })))
}
test('whatever the core refuses, commands enter the log once and in order', assert => {
  for (let bits = 0; bits < 64; bits++) replayed(assert, [0, 1, 2, 3, 4, 5].map(bit => (bits >> bit & 1) === 1).concat(false))
})
