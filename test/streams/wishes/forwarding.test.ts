/** A wish on its way to another member: over which link it goes, when it is asked, and what is told of it whatever ends first. */
import test from 'ava'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { LeaderWish, WishFate, WishReply, WishRequest } from '../../../lib/requests.js'
import type { Unanswered } from '../../../streams/transport/port.js'
import type { LinkEars, LinkLife } from '../../../streams/transport/linked.js'
import { createChanges } from '../../../streams/wishes/changes.js'
import { createWishIntake } from '../../../streams/wishes/intake.js'
import { type TransferOptions, createHandovers } from '../../../streams/wishes/handovers.js'
import { type FateListener, type Sending, type WishOutlet, createWishOutlet } from '../../../streams/wishes/outlet.js'
import { follower } from '../../lib/build.js'

const TERM = 4
const TRANSFER: LeaderWish = { type: 'transfer', to: 'n3' }
const ABANDON: LeaderWish = { type: 'abandon', from: undefined }
const linkTo = (id: string, life = 1): LinkLife => ({ key: `member ${id} ${life}`, party: { type: 'member', id } })
const NOT_TAKEN: WishFate = { type: 'notTaken' }
const LOST: WishFate = { type: 'lost' }
const DONE: WishFate = { type: 'handedOver', leader: 'n3' }

const outletStage = () => {
  const sent: { readonly to: string; readonly request: WishRequest }[] = []
  let ears: Partial<LinkEars> = {}
  const outlet = createWishOutlet({ listen: given => { ears = given }, term: () => TERM }, {
    send: (to, messages) => messages.forEach(message => { if (to.type === 'member' && message.type === 'wish') sent.push({ to: to.id, request: message }) }),
  })
  return {
    sent, outlet,
    leads: (id: string | undefined, life = 1) => ears.led?.(id === undefined ? undefined : { type: 'linked', key: linkTo(id, life).key, id }, id),
    leadsHere: () => ears.led?.({ type: 'here', key: 'self', office: { term: TERM, session: 1 } }, 'n1'),
    ends: (id: string, unanswered: Unanswered, life = 1) => ears.closed?.(linkTo(id, life).key, unanswered),
    replies: (id: string, request: number, fate: WishFate, life = 1) => outlet.replied(linkTo(id, life), { type: 'wishReply', id: request, fate }),
    wish: (wish: LeaderWish) => {
      const heard: WishFate[] = []
      const told: FateListener = fate => heard.push(fate)
      return { sent: outlet.send(wish, told), heard, giveUp: () => outlet.giveUp(told) }
    },
  }
}

test('a wish is sent to whoever leads, named by its term, and to nobody else', t => {
  const { leads, leadsHere, wish, sent } = outletStage()
  t.is(wish(TRANSFER).sent, 'noWay', 'nobody is known to lead')
  leadsHere()
  t.is(wish(TRANSFER).sent, 'noWay', 'this member is')
  leads('n2')
  t.is(wish(TRANSFER).sent, 'sent')
  t.is(wish(ABANDON).sent, 'sent')
  t.deepEqual(sent.map(({ to, request: { term, wish: { type } } }) => [to, term, type]), [['n2', TERM, 'transfer'], ['n2', TERM, 'abandon']])
  t.is(wish(TRANSFER).sent, 'busy', 'one of each kind at a time')
})

const ENDS: readonly (readonly [what: string, happens: (stage: ReturnType<typeof outletStage>) => void, heard: readonly WishFate[]])[] = [
  ['it is answered', ({ replies }) => replies('n2', 1, DONE), [DONE]],
  ['it is answered twice', ({ replies }) => { replies('n2', 1, DONE); replies('n2', 1, LOST) }, [DONE]],
  ['another wish is answered', ({ replies }) => replies('n2', 2, DONE), []],
  ['another member answers', ({ replies }) => replies('n3', 1, DONE), []],
  ['the answer comes over the next link', ({ replies }) => replies('n2', 1, DONE, 2), []],
  ['the link ends without a word', ({ ends }) => ends('n2', 'unknown'), [LOST]],
  ['the link ends with a farewell', ({ ends }) => ends('n2', 'unseen'), [NOT_TAKEN]],
  ['another link ends', ({ ends }) => ends('n3', 'unknown'), []],
  ['another leads', ({ leads }) => leads('n3'), []],
]
for (const [what, happens, heard] of ENDS) {
  test(`what is heard where ${what}`, t => {
    const stage = outletStage()
    stage.leads('n2')
    const wished = stage.wish(TRANSFER)
    happens(stage)
    t.deepEqual(wished.heard, heard)
    stage.leads('n2', 2)
    t.is(stage.wish(TRANSFER).sent, heard.length > 0 ? 'sent' : 'busy', 'the next one may be sent once this one has its fate')
  })
}

test('a wish that is given up makes room for the next, which does not hear what the leader says of the former', t => {
  const { leads, wish, replies } = outletStage()
  leads('n2')
  const former = wish(TRANSFER)
  const other = wish(ABANDON)
  former.giveUp()
  const next = wish(TRANSFER)
  t.is(next.sent, 'sent')
  replies('n2', 1, LOST)
  t.is(wish(TRANSFER).sent, 'busy', 'the next is open as before')
  replies('n2', 3, DONE)
  replies('n2', 2, NOT_TAKEN)
  t.deepEqual([former.heard, next.heard, other.heard], [[], [DONE], [NOT_TAKEN]])
})

const intakeStage = () => {
  const replies: { readonly to: string; readonly reply: WishReply }[] = []
  const granted: ((fate: WishFate) => void)[] = []
  let ears: Partial<LinkEars> = {}
  const made = createWishIntake({
    linked: { listen: given => { ears = given } },
    sender: { to: (to, message) => { if (to.type === 'member' && message.type === 'wishReply') replies.push({ to: to.id, reply: message }) } },
    grant: (_wish, _term, told) => granted.push(told),
  })
  ears.opened?.(linkTo('n2'))
  return {
    replies, granted, made,
    asks: (id: number, wish: LeaderWish, link = linkTo('n2')) => made.requested(link, { type: 'wish', id, term: TERM, wish }),
    opens: (link: LinkLife) => ears.opened?.(link),
    closes: (link: LinkLife) => ears.closed?.(link.key, 'unknown'),
    said: () => replies.map(({ to, reply }) => [to, reply.id, reply.fate.type]),
  }
}

test('each wish of a link is answered once, those of one kind by their names', t => {
  const { asks, granted, said } = intakeStage()
  asks(1, TRANSFER)
  asks(2, TRANSFER)
  asks(3, ABANDON)
  for (let twice = 0; twice < 2; twice++) granted[1]!({ type: 'notHandedOver', reason: 'another transfer is under way' })
  granted[0]!(DONE)
  t.deepEqual(said(), [['n2', 2, 'notHandedOver'], ['n2', 1, 'handedOver']])
})

test('an answer goes to the life of the link that asked, or to nobody', t => {
  const { asks, granted, said, opens, closes } = intakeStage()
  asks(1, TRANSFER)
  closes(linkTo('n2'))
  opens(linkTo('n2', 2))
  granted[0]!(DONE)
  t.deepEqual(said(), [])
  asks(1, TRANSFER, linkTo('n2', 2))
  granted[0]!(LOST)
  granted[1]!(DONE)
  t.deepEqual(said(), [['n2', 1, 'handedOver']])
})

test('whoever ends has answered all that it looked at', t => {
  const { asks, granted, said, made } = intakeStage()
  asks(1, TRANSFER)
  asks(2, ABANDON)
  made.halt()
  granted[0]!(DONE)
  t.deepEqual(said(), [['n2', 1, 'lost'], ['n2', 2, 'lost']])
})

const TIMEOUT_MS = 100
const at = (now: number, leader: { readonly leader?: string } = { leader: 'n2' }) => ({ ...follower(leader), now, settings: { ...follower().settings, electionTimeoutMs: TIMEOUT_MS } })
const summary = (outcome: Either<{ readonly _tag: string; readonly appended?: string; readonly message: string }, string>): string =>
  isLeft(outcome) ? `${outcome.left._tag} ${outcome.left.appended ?? ''}` : outcome.right

/** Of a member that does not lead. */
const handovers = (outlet: Pick<WishOutlet, 'send' | 'giveUp'>) => {
  const made = createHandovers({ first: at(0), outlet, here: { transfer: () => { throw new Error('this member does not lead') } } })
  const heard: string[] = []
  return {
    ...made, heard,
    ask: (options?: TransferOptions, to?: string) => made.transfer(to, options, outcome => heard.push(summary(outcome))),
  }
}
const through = (send: (wish: LeaderWish, told: FateListener) => Sending): Pick<WishOutlet, 'send' | 'giveUp'> => ({ send, giveUp: () => undefined })

const FATES: readonly (readonly [WishFate, outcome: string])[] = [
  [DONE, 'n3'], [{ type: 'notHandedOver', reason: 'so' }, 'TransferFailed '], [NOT_TAKEN, 'NotLeader never'], [LOST, 'OutcomeUnknown unknown'],
  [{ type: 'changeRefused', reason: 'an answer to something else' }, 'OutcomeUnknown unknown'],
]
for (const [fate, expected] of FATES) {
  test(`of ${fate.type} is told: ${expected}`, t => {
    let tell: FateListener | undefined
    const { ask, heard } = handovers(through((_wish, told) => { tell = told; return 'sent' }))
    ask({}, 'n3')
    tell!(fate)
    tell!(DONE)
    t.deepEqual(heard, [expected])
  })
}

for (const [what, options, patienceMs] of [['it may take', {}, 5 * TIMEOUT_MS], ['the caller wants', { timeoutMs: 30 }, 30]] as const) {
  test(`a leader that never answers is waited for as long as ${what}, and no longer; and then asked again`, t => {
    const { leads, outlet, replies, sent } = outletStage()
    leads('n2')
    const { ask, heard, follow } = handovers(outlet)
    ask(options)
    ask(options)
    t.deepEqual(heard, ['TransferFailed '], 'another one is under way')
    follow(at(patienceMs - 1))
    t.is(heard.length, 1)
    follow(at(patienceMs))
    t.is(heard[1], 'TimedOut unknown')
    ask(options)
    replies('n2', 1, { type: 'notHandedOver', reason: 'so' })
    t.is(heard.length, 2, 'that was said of the former')
    replies('n2', 2, DONE)
    t.is(heard[2], 'n3')
    t.is(sent.length, 2)
  })
}

test('a signal gives up waiting, and makes room for the next wish', t => {
  const { leads, outlet, sent } = outletStage()
  leads('n2')
  const { ask, heard } = handovers(outlet)
  const controller = new AbortController()
  ask({ signal: controller.signal })
  controller.abort()
  ask({ signal: controller.signal })
  ask({})
  t.deepEqual(heard, ['TimedOut unknown', 'TimedOut never'])
  t.is(sent.length, 2, 'what was given up before is not sent')
})

test('a change that ended while the leader was asked does not block the next', t => {
  const { leads, outlet, replies } = outletStage()
  leads('n2')
  const changes = createChanges({ first: at(0), ask: (change, from, told) => outlet.send({ ...change, from }, told), giveUp: outlet.giveUp, objection: undefined })
  const heard: string[] = []
  const ask = (): void => changes.change(right({ type: 'abandon' }), { timeoutMs: 100 }, outcome => heard.push(isLeft(outcome) ? outcome.left.message : 'done'))
  ask()
  ask()
  t.deepEqual(heard, ['The membership was not changed: another change is under way.'])
  changes.follow(at(100))
  t.is(heard[1], 'The membership was not changed within 100 ms.')
  ask()
  replies('n2', 1, { type: 'changeRefused', reason: 'the former' })
  replies('n2', 2, { type: 'changeRefused', reason: 'so' })
  t.deepEqual(heard.slice(2), ['The membership was not changed: so.'])
})

test('a change waits for somebody who can be asked as long as it may, and for what was asked as long as there is time', t => {
  const { leads, outlet, replies } = outletStage()
  const changes = createChanges({ first: at(0), ask: (change, from, told) => outlet.send({ ...change, from }, told), giveUp: outlet.giveUp, objection: undefined })
  const heard: string[] = []
  const ask = (): void => changes.change(right({ type: 'abandon' }), { timeoutMs: 200, leaderMs: 50 }, outcome => heard.push(isLeft(outcome) ? `${summary(left(outcome.left))}: ${outcome.left.message}` : 'done'))
  ask()
  changes.follow(at(49))
  t.deepEqual(heard, [])
  changes.follow(at(50))
  t.deepEqual(heard, ['TimedOut never: "n2" leads, and could not be had to change the membership within 50 ms.'])
  leads('n2')
  ask()
  changes.follow(at(249))
  t.is(heard.length, 1, 'it may have been taken')
  changes.follow(at(250))
  t.is(heard[1], 'TimedOut unknown: The membership was not changed within 200 ms.')
  ask()
  replies('n2', 2, NOT_TAKEN)
  changes.follow(at(310))
  t.regex(heard[2] ?? '', /^TimedOut never: /)
})

test('an address that nobody would dial is refused before anybody is asked', t => {
  const { leads, outlet, sent } = outletStage()
  leads('n2')
  const changes = createChanges({ first: at(0), ask: (change, from, told) => outlet.send({ ...change, from }, told), giveUp: outlet.giveUp, objection: address => address === 'far:1' ? 'too far' : undefined })
  const heard: string[] = []
  changes.change(right({ type: 'change', voters: { n4: 'far:1', n5: 'near:1' }, learners: { n6: 'far:1' }, remove: [], newcomers: undefined }), {}, outcome => heard.push(isLeft(outcome) ? `${outcome.left._tag}: ${outcome.left.message}` : 'done'))
  t.deepEqual([heard.map(text => text.replace(/: .*?: /, ' ')), sent], [['Rejected n4: too far; n6: too far'], []])
})

test('where no way leads to a leader, and after the end, it is refused at once', t => {
  const { transfer, follow, halt } = handovers(through(() => 'noWay'))
  const reasons: string[] = []
  const ask = (): void => transfer('n3', {}, outcome => reasons.push(isLeft(outcome) ? outcome.left.message : outcome.right))
  ask()
  follow(at(1, {}))
  ask()
  halt('it ended')
  ask()
  t.deepEqual(reasons.map(reason => reason.slice(0, 40)), [
    '"n2" leads, and cannot be asked from her', 'No leader is known here that could hand ', 'This was refused because it ended.',
  ])
})
