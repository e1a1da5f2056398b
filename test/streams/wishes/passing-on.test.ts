/** A wish on its way to another member: over which link it goes, when it is asked, and what is told of it whatever ends first. */
import test from 'ava'
import { type Either, isLeft } from '../../../lib/prelude.js'
import type { LeaderWish, WishFate, WishReply, WishRequest } from '../../../lib/requests.js'
import type { Unanswered } from '../../../streams/transport/port.js'
import type { LinkEars, LinkLife } from '../../../streams/transport/linked.js'
import { createWishDesk } from '../../../streams/wishes/desk.js'
import { createPassedTransfers } from '../../../streams/wishes/passed-transfer.js'
import { createWishPost } from '../../../streams/wishes/post.js'
import { follower } from '../../lib/build.js'

const TERM = 4
const TRANSFER: LeaderWish = { type: 'transfer', to: 'n3' }
const ABANDON: LeaderWish = { type: 'members', change: { type: 'abandon' }, from: undefined }
const linkTo = (id: string, life = 1): LinkLife => ({ key: `member ${id} ${life}`, party: { type: 'member', id } })
const NOT_TAKEN: WishFate = { type: 'notTaken' }
const LOST: WishFate = { type: 'lost' }
const DONE: WishFate = { type: 'handedOver', leader: 'n3' }

const posting = () => {
  const sent: { readonly to: string; readonly request: WishRequest }[] = []
  let ears: LinkEars | undefined
  const post = createWishPost({ listen: given => { ears = given }, term: () => TERM }, {
    send: (to, messages) => messages.forEach(message => { if (to.type === 'member' && message.type === 'wish') sent.push({ to: to.id, request: message }) }),
  })
  return {
    sent, post,
    leads: (id: string | undefined, life = 1) => ears!.led(id === undefined ? undefined : { type: 'linked', key: linkTo(id, life).key, id }, id),
    leadsHere: () => ears!.led({ type: 'here', key: 'self', term: TERM, session: 1 }, 'n1'),
    ends: (id: string, unanswered: Unanswered, life = 1) => ears!.closed(linkTo(id, life).key, unanswered),
    replies: (id: string, request: number, fate: WishFate, life = 1) => post.replied(linkTo(id, life), { type: 'wishReply', id: request, fate }),
    wish: (wish: LeaderWish) => {
      const heard: WishFate[] = []
      return { isSent: post.send(wish, fate => heard.push(fate)), heard }
    },
  }
}

test('a wish is sent to whoever leads, named by its term, and to nobody else', t => {
  const { leads, leadsHere, wish, sent } = posting()
  t.false(wish(TRANSFER).isSent, 'nobody is known to lead')
  leadsHere()
  t.false(wish(TRANSFER).isSent, 'this member is')
  leads('n2')
  t.true(wish(TRANSFER).isSent)
  t.true(wish(ABANDON).isSent)
  t.deepEqual(sent.map(({ to, request: { term, wish: { type } } }) => [to, term, type]), [['n2', TERM, 'transfer'], ['n2', TERM, 'members']])
  t.false(wish(TRANSFER).isSent, 'one of each kind at a time')
})

const ENDS: readonly (readonly [what: string, happens: (stage: ReturnType<typeof posting>) => void, heard: readonly WishFate[]])[] = [
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
    const stage = posting()
    stage.leads('n2')
    const wished = stage.wish(TRANSFER)
    happens(stage)
    t.deepEqual(wished.heard, heard)
    stage.leads('n2', 2)
    t.is(stage.wish(TRANSFER).isSent, heard.length > 0, 'the next one may be sent once this one has its fate')
  })
}

const desk = () => {
  const replies: { readonly to: string; readonly reply: WishReply }[] = []
  const granted: ((fate: WishFate) => void)[] = []
  let ears: LinkEars | undefined
  const made = createWishDesk({
    linked: { listen: given => { ears = given } },
    sender: { to: (to, message) => { if (to.type === 'member' && message.type === 'wishReply') replies.push({ to: to.id, reply: message }) } },
    grant: (_wish, _term, told) => granted.push(told),
  })
  ears!.opened(linkTo('n2'))
  return {
    replies, granted, made,
    asks: (id: number, wish: LeaderWish, link = linkTo('n2')) => made.requested(link, { type: 'wish', id, term: TERM, wish }),
    opens: (link: LinkLife) => ears!.opened(link),
    closes: (link: LinkLife) => ears!.closed(link.key, 'unknown'),
    said: () => replies.map(({ to, reply }) => [to, reply.id, reply.fate.type]),
  }
}

test('each wish of a link is answered once, and one of each kind is open', t => {
  const { asks, granted, said } = desk()
  asks(1, TRANSFER)
  asks(2, TRANSFER)
  asks(3, ABANDON)
  t.is(granted.length, 2)
  for (let twice = 0; twice < 2; twice++) granted[0]!(DONE)
  asks(4, TRANSFER)
  t.is(granted.length, 3)
  t.deepEqual(said(), [['n2', 2, 'notTaken'], ['n2', 1, 'handedOver']])
})

test('an answer goes to the life of the link that asked, or to nobody', t => {
  const { asks, granted, said, opens, closes } = desk()
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
  const { asks, granted, said, made } = desk()
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

const FATES: readonly (readonly [WishFate, outcome: string])[] = [
  [DONE, 'n3'], [{ type: 'notHandedOver', reason: 'so' }, 'TransferFailed '], [NOT_TAKEN, 'NotLeader never'], [LOST, 'OutcomeUnknown unknown'],
  [{ type: 'changeRefused', why: 'an answer to something else' }, 'OutcomeUnknown unknown'],
]
for (const [fate, expected] of FATES) {
  test(`of ${fate.type} is told: ${expected}`, t => {
    let tell: ((fate: WishFate) => void) | undefined
    const transfers = createPassedTransfers(at(0), (_wish, told) => { tell = told; return true })
    const heard: string[] = []
    transfers.transfer('n3', outcome => heard.push(summary(outcome)))
    transfers.transfer('n3', outcome => heard.push(summary(outcome)))
    tell!(fate)
    tell!(DONE)
    t.deepEqual(heard, ['TransferFailed ', expected])
  })
}

test('a leader that never answers is waited for as long as it may take, and no longer', t => {
  const transfers = createPassedTransfers(at(0), () => true)
  let heard: string | undefined
  transfers.transfer(undefined, outcome => { heard = summary(outcome) })
  transfers.follow(at(5 * TIMEOUT_MS))
  t.is(heard, undefined)
  transfers.follow(at(5 * TIMEOUT_MS + 1))
  t.is(heard, 'OutcomeUnknown unknown')
})

test('where no way leads to a leader, and after the end, it is refused at once', t => {
  const transfers = createPassedTransfers(at(0), () => false)
  const reasons: string[] = []
  const ask = (): void => transfers.transfer('n3', outcome => reasons.push(isLeft(outcome) ? outcome.left.message : outcome.right))
  ask()
  transfers.follow(at(1, {}))
  ask()
  transfers.halt()
  ask()
  t.deepEqual(reasons.map(reason => reason.slice(0, 40)), [
    '"n2" leads, and cannot be asked from her', 'No leader is known here that could hand ', 'This was refused because the member or c',
  ])
})
