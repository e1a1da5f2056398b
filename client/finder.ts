import type { Limits } from '../codecs/options.js'
import { type LinkMessage, type ProposeRefused, isReply } from '../lib/requests.js'
import type { MemberId, Millis, Term } from '../lib/types.js'
import type { Cancel, Clock } from '../streams/time/clock.js'
import type { Outlet } from '../streams/requests/outlet.js'
import type { Route } from '../streams/requests/route.js'
import type { ClientLink } from '../streams/transport/port.js'

export interface FinderOptions {
  readonly members: Readonly<Record<MemberId, string>>
  readonly limits: Pick<Limits, 'reconnectMinMs' | 'reconnectMaxMs'>
  readonly clock: Clock
  /** A number in [0, 1). */
  readonly random: () => number
  readonly dial: (member: MemberId, address: string) => ClientLink
  readonly outlet: Pick<Outlet<never, unknown>, 'reroute' | 'replied' | 'gone' | 'inFlight'>
  /** How long a link that was left may still bring answers once there is another. */
  readonly graceMs: Millis
}

/** Finds the leader: talks to one member at a time, goes where it points, and otherwise asks the next in turn. */
export interface Finder {
  /** Calls `found` whenever a link is up. */
  begin(found: () => void): void
  /** Gives up links that were left and have brought what they had. */
  tick(): void
  /** Closes every link, then calls `done`. */
  close(done: () => void): void
  /** What came of the last attempt at each member. */
  readonly reasons: Readonly<Record<MemberId, string>>
}

/** One link to one member, from the dialling to its end. */
interface Attempt {
  readonly route: Route
  /** Names this very link to the outlet. */
  readonly key: string
  readonly member: MemberId
  readonly link: ClientLink
  /** When the link was up. */
  upSince: Millis | undefined
}

interface Search extends FinderOptions {
  readonly order: readonly MemberId[]
  readonly reasons: Record<MemberId, string>
  found: () => void
  /** The newest term that a member named: requests mean its leader. Before anything is known they are refused and told who leads. */
  term: Term
  /** The member to ask next when nobody points elsewhere. */
  turn: number
  /** Attempts since the last commit: what the wait before the next one grows with. */
  fruitless: number
  /** Whether a pointer was followed since the last commit: the first is followed at once, and two members may point at each other. */
  hasFollowed: boolean
  made: number
  /** When some member last let this client in: a dead one between two that live is no reason to slow down. */
  answeredAt: Millis
  present: Attempt | undefined
  /** Links that were left, and may still bring answers. */
  readonly left: Set<Attempt>
  cancel: Cancel
  isClosing: boolean
  whenClosed: (() => void)[]
}

/** While some member answers, the leader is sought at this multiple of the shortest wait at most: an election is short. */
const SEEKING_FACTOR = 5

const waitMs = ({ limits, fruitless, random, clock, answeredAt }: Search): Millis => {
  const isUp = clock.now() - answeredAt <= limits.reconnectMaxMs
  const longest = isUp ? Math.min(limits.reconnectMaxMs, SEEKING_FACTOR * limits.reconnectMinMs) : limits.reconnectMaxMs
  return fruitless === 0 ? 0 : Math.min(longest, limits.reconnectMinMs * 2 ** (fruitless - 1)) * (1 + random()) / 2
}

const nextInTurn = (search: Search): MemberId => {
  const member = search.order[search.turn % search.order.length]!
  search.turn++
  return member
}

const schedule = (search: Search, member: MemberId, wait: Millis): void => {
  search.fruitless++
  search.cancel()
  search.cancel = search.clock.after(wait, () => attempt(search, member))
}

const attempt = (search: Search, member: MemberId): void => {
  const link = search.dial(member, search.members[member]!)
  const key = `${member} ${++search.made}`
  const send: Route['send'] = requests => link.send(requests.map(request => ({ ...request, term: search.term })))
  const present: Attempt = { key, member, link, route: { key, term: undefined, send }, upSince: undefined }
  search.present = present
  link.events$.subscribe(event => {
    switch (event.type) {
      case 'connected': return connected(search, present)
      case 'received': return received(search, present, event.message)
      case 'refused': case 'disconnected': return over(search, present, event.reason)
    }
  })
}

const connected = (search: Search, present: Attempt): void => {
  if (search.present !== present) return
  present.upSince = search.clock.now()
  search.answeredAt = present.upSince
  delete search.reasons[present.member]
  search.outlet.reroute(present.route, present.member)
  search.found()
}

const received = (search: Search, from: Attempt, message: LinkMessage): void => {
  if (!isReply(message)) return
  if (message.type === 'committed') {
    search.fruitless = 0
    search.hasFollowed = false
  }
  const isRefused = message.type === 'refused' && (message.reason === 'notLeader' || message.reason === 'stopped')
  const leader = message.type === 'refused' ? message.leader : undefined
  // The right member was asked, in another term than the one it leads.
  const isHere = leader?.id === from.member
  const isNews = leader !== undefined && leader.term > search.term
  if (isNews) search.term = leader.term
  // Before the outlet hears of it: it must not try the same member again.
  if (isRefused && !isHere && search.present === from) move(search, from, message)
  search.outlet.replied(from.key, message)
  if (isRefused && isHere && isNews && search.present === from) askAgain(search, from)
}

/** At once, since the term is known now: the outlet would wait for the next tick. */
const askAgain = ({ outlet }: Search, { route, member }: Attempt): void => {
  outlet.reroute(undefined, member)
  outlet.reroute(route, member)
}

/** Leaves this member for the one it points at, if that is one we know, or for the next in turn. */
const move = (search: Search, from: Attempt, { leader }: ProposeRefused): void => {
  const isKnown = leader !== undefined && leader.id !== from.member && Object.hasOwn(search.members, leader.id)
  search.present = undefined
  search.left.add(from)
  search.outlet.reroute(undefined, isKnown ? leader.id : undefined)
  const wait = isKnown && !search.hasFollowed ? 0 : waitMs(search)
  search.hasFollowed ||= isKnown
  schedule(search, isKnown ? leader.id : nextInTurn(search), wait)
}

const over = (search: Search, attempt: Attempt, reason: string): void => {
  search.reasons[attempt.member] = reason
  search.left.delete(attempt)
  search.outlet.gone(attempt.key)
  if (search.isClosing) return closed(search)
  if (search.present !== attempt) return
  search.present = undefined
  const { upSince } = attempt
  if (upSince !== undefined && search.clock.now() - upSince > search.limits.reconnectMaxMs) search.fruitless = 0
  schedule(search, nextInTurn(search), waitMs(search))
}

const tick = ({ left, outlet, present, clock, graceMs }: Search): void => {
  if (left.size === 0) return
  const isReplaced = present?.upSince !== undefined && clock.now() - present.upSince > graceMs
  if (outlet.inFlight === 0 || isReplaced) left.forEach(attempt => attempt.link.close())
}

const close = (search: Search, done: () => void): void => {
  search.whenClosed.push(done)
  search.isClosing = true
  search.cancel()
  if (search.present !== undefined) search.left.add(search.present)
  search.present = undefined
  search.left.forEach(attempt => attempt.link.close())
  closed(search)
}

const closed = ({ left, whenClosed }: Search): void => {
  if (left.size === 0) whenClosed.splice(0).forEach(done => done())
}

/** The finder of one client. It asks a member drawn at random first, so that clients spread. */
export const createFinder = (options: FinderOptions): Finder => {
  const order = Object.keys(options.members)
  const search: Search = {
    ...options, order, reasons: {}, found: () => undefined, term: 0, turn: Math.floor(options.random() * order.length), fruitless: 0, hasFollowed: false, made: 0, answeredAt: Number.NEGATIVE_INFINITY,
    present: undefined, left: new Set(), cancel: () => undefined, isClosing: false, whenClosed: [],
  }
  return {
    begin: found => {
      search.found = found
      schedule(search, nextInTurn(search), 0)
    },
    tick: () => tick(search),
    close: done => close(search, done),
    reasons: search.reasons,
  }
}
