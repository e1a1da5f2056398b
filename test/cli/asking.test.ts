/** Whom the commands ask, in which order, for how long, and what they make of the answers. */
import test from 'ava'
import { type Errand, askInTurn } from '../../cli/ask/ask.js'
import { timeOf } from '../../cli/ask/shares.js'
import { askOnceLed, askTowardsLeader, towardsLeader } from '../../cli/ask/towards-leader.js'
import { membershipInWords } from '../../cli/members/words.js'
import { right } from '../../lib/prelude.js'
import type { Address } from '../../streams/transport/tcp/addresses.js'
import { serving } from './serving.js'

test('what is for the leader is asked of it first, then of whoever knows it, the newest term first', async t => {
  const status = { cluster: 'c', id: 'n1', role: 'follower', term: 2, leader: 'n2', ready: true, commitIndex: 1, appliedIndex: 1, lastIndex: 1, snapshot: null, capturing: null, members: {}, machineVersion: 0, lowestMachineVersion: 0, tls: false }
  const saying = (own: Partial<Record<keyof typeof status, unknown>>): Promise<{ readonly host: string; readonly port: number }> => serving(t, (_request, response) => {
    response.writeHead(200).end(JSON.stringify({ ...status, ...own }))
  })
  const [nobody, old, knowing, leading, deposed, alone] = [
    { host: '127.0.0.1', port: 1 }, await saying({ term: 1 }), await saying({}), await saying({ role: 'leader' }), await saying({ role: 'leader', term: 1 }), await saying({ leader: null }),
  ]
  t.deepEqual(await towardsLeader([nobody, alone, old, knowing, deposed, leading]), right([leading, knowing, deposed, old]))
  t.deepEqual(await towardsLeader([knowing, nobody]), right([knowing]), 'the leader itself need not be asked')
  const refused = await askTowardsLeader([alone, nobody], timeOf(5_000), { method: 'POST', path: () => '/transfer', body: '{}' })
  t.like(refused, { type: 'refused', refusal: { tag: 'NotLeader', appended: 'never' } })
  t.regex(refused.type === 'refused' ? refused.refusal.message : '', /^No leader is known to the members that were asked; 127\.0\.0\.1:1: /)
})

test('what waits for a leader asks again until there is one, and no longer than it may', async t => {
  const status = { cluster: 'c', id: 'n1', role: 'follower', term: 2, ready: true, commitIndex: 1, appliedIndex: 1, lastIndex: 1, snapshot: null, capturing: null, members: {}, machineVersion: 0, lowestMachineVersion: 0, tls: false }
  const asked: string[] = []
  const leaderAfter = (looks: number) => serving(t, ({ method }, response) => {
    asked.push(method ?? '')
    const isRefused = method === 'POST' && asked.filter(each => each === 'POST').length < 2
    const leader = asked.length > looks ? 'n1' : null
    if (isRefused) response.writeHead(503).end(JSON.stringify({ tag: 'Stopped', message: 'stopping', appended: 'never' }))
    else response.end(JSON.stringify(method === 'POST' ? { voters: [] } : { ...status, leader }))
  })
  const waited: string[] = []
  const times: number[] = []
  const errand: Errand = { method: 'POST', body: '{}', path: ({ leftMs }) => {
    times.push(leftMs)
    return '/members'
  } }
  const within = (at: Address, timeoutMs: number) => askOnceLed([at], timeOf(timeoutMs), errand, why => waited.push(why))
  t.like(await within(await leaderAfter(1), 20_000), { type: 'done' })
  t.deepEqual(asked, ['GET', 'GET', 'POST', 'GET', 'POST'])
  t.deepEqual(waited, ['No leader is known to the members that were asked.', 'stopping'])
  t.true(times.every((time, i) => time < (times[i - 1] ?? 20_000)), 'with what is left of the time')
  t.like(await within(await leaderAfter(Infinity), 700), { type: 'refused', refusal: { tag: 'NotLeader', appended: 'never' } })
  t.is(times.length, 2, 'nobody who could do it was asked')
  t.true(waited.length > 2)
  const [silent, leading] = [await serving(t, () => undefined), await serving(t, ({ method }, response) => response.end(JSON.stringify(method === 'POST' ? {} : { ...status, role: 'leader', leader: 'n1' })))]
  const outcome = await askOnceLed([silent, leading], timeOf(1_000), errand, () => undefined)
  t.deepEqual([outcome.type, times.at(-1)! > 250], ['done', true], 'whoever says nothing leaves time for the question')
})

test('a membership says what is not certain yet, and who was a voter before', t => {
  const addresses = { n1: 'h:1', n2: 'h:2', n3: 'h:3' }
  const joint = { voters: ['n1', 'n3'], outgoing: ['n1', 'n2'], learners: [], addresses }
  t.is(membershipInWords({ ...joint, isCommitted: false }), [
    'n1  h:1  voter, in the membership before, too', 'n2  h:2  leaves', 'n3  h:3  voter', 'not committed yet: a new leader may take it back',
  ].join('\n'))
  t.is(membershipInWords({ ...joint, outgoing: [], learners: ['n2'] }), 'n1  h:1  voter\nn2  h:2  learner\nn3  h:3  voter')
})

test('the next endpoint is asked only where nothing can have come of the one before', async t => {
  const asked: string[] = []
  const answering = (name: string, status: number, value: unknown): Promise<{ readonly host: string; readonly port: number }> => serving(t, (_request, response) => {
    asked.push(name)
    response.writeHead(status).end(JSON.stringify(value))
  })
  const nobody = { host: '127.0.0.1', port: 1 }
  const cutting = await serving(t, request => {
    asked.push('cut')
    request.socket.destroy()
  })
  const leaderless = await answering('leaderless', 503, { tag: 'NotLeader', message: 'none', appended: 'never' })
  const unknown = await answering('unknown', 504, { tag: 'TimedOut', message: 'late', appended: 'unknown' })
  const stranger = await answering('stranger', 503, { tag: 'NotAdded', message: 'none' })
  const rejecting = await answering('rejecting', 400, { tag: 'Rejected', message: 'no', appended: 'never' })
  const done = await answering('done', 200, { result: 1 })
  const post: Errand = { method: 'POST', path: () => '/propose', body: '1' }
  const get: Errand = { method: 'GET', path: () => '/read' }
  const asking = (endpoints: readonly Address[], errand: Errand) => askInTurn(endpoints, timeOf(15_000), errand)
  const cases: readonly (readonly [string, Errand, readonly Address[], readonly string[], unknown])[] = [
    ['nobody there, then one', post, [nobody, done], ['done'], { type: 'done' }],
    ['no leader there, then one', post, [leaderless, done], ['leaderless', 'done'], { type: 'done' }],
    ['it may have been heard', post, [cutting, done], ['cut'], { refusal: { appended: 'unknown', message: `127.0.0.1:${cutting.port} was asked, and how it ended is unknown: the connection ended without an answer: the member has ended meanwhile, or this is no control endpoint.` } }],
    ['a question may be asked again', get, [cutting, done], ['cut', 'done'], { type: 'done' }],
    ['it belongs to nothing yet', get, [stranger, done], ['stranger', 'done'], { type: 'done' }],
    ['nor does anybody', get, [stranger, nobody], ['stranger'], { refusal: { tag: 'NotAdded' } }],
    ['it may be in the log', post, [unknown, done], ['unknown'], { refusal: { appended: 'unknown' } }],
    ['nobody will take it', post, [rejecting, done], ['rejecting'], { refusal: { tag: 'Rejected' } }],
    ['nobody at all', post, [nobody, nobody], [], { refusal: { tag: 'Unreachable', appended: 'never' } }],
    ['nobody to answer a question', get, [nobody], [], { refusal: { tag: 'Unreachable', appended: undefined } }],
  ]
  for (const [what, question, endpoints, names, claim] of cases) {
    asked.length = 0
    t.like(await asking(endpoints, question), claim as object, what)
    t.deepEqual(asked, [...names], what)
  }
  t.like(await asking([await answering('other', 404, 'nothing of ours')], get), { refusal: { tag: 'NoControl' } })
  const [proxy, web] = [await answering('proxy', 504, '<html>'), await answering('web', 405, '<html>')]
  asked.length = 0
  t.like(await asking([proxy, done], post), { refusal: { tag: 'NoControl', appended: 'unknown' } }, 'whoever is behind a proxy may be at work')
  t.like(await asking([proxy, done], get), { type: 'done' })
  t.like(await asking([web, done], post), { type: 'done' }, 'there is no such route')
  t.deepEqual(asked, ['proxy', 'proxy', 'done', 'web', 'done'])
})
