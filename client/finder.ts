import type { Limits } from '../codecs/options.js'
import { type LinkMessage, type MembersNews, type ProposeRefused, isReply } from '../lib/requests.js'
import type { MemberId, Millis, Term } from '../lib/types.js'
import type { Cancel, Clock } from '../streams/time/clock.js'
import type { Outlet } from '../streams/requests/outlet.js'
import type { Route } from '../streams/requests/route.js'
import type { ClientLink, Unanswered } from '../streams/transport/port.js'
import { type Directory, type DirectoryOptions, type Target, createDirectory, keyOf } from './directory.js'

export interface FinderOptions extends DirectoryOptions {
  readonly limits: Pick<Limits, 'reconnectMinMs' | 'reconnectMaxMs'>
  readonly clock: Clock
  /** A number in [0, 1). */
  readonly random: () => number
  readonly dial: (member: MemberId, address: string) => ClientLink
  readonly outlet: Pick<Outlet<never, unknown>, 'reroute' | 'replied' | 'gone' | 'inFlight'>
  /** How long a link that was left may still bring answers once there is another. */
  readonly graceMs: Millis
}

/**
 * Finds the leader: talks to one member at a time, goes where it points, and otherwise asks the next in turn. Whoever does not
 * answer soon is not waited for: the next is dialled too, and the first to let the client in is the one it talks to. Each tells who
 * belongs to the cluster by now, so that a client may outlive all whom it was given.
 */
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
interface Attempt extends Target {
  readonly route: Route
  /** Names this very link to the outlet. */
  readonly key: string
  readonly link: ClientLink
  /** What it told last of who belongs, until it commits something. */
  news: MembersNews | undefined
  /** Whether somebody had said that it leads. */
  wasPointed: boolean
  /** When the link was up. */
  upSince: Millis | undefined
}

interface Search extends FinderOptions {
  readonly directory: Directory
  readonly reasons: Record<MemberId, string>
  found: () => void
  /** The newest term that a member named, or that in which the one who is asked says that it leads: requests mean its leader. Before anything is known they are refused and told who leads. */
  term: Term
  /** The round of those who are asked while nobody points elsewhere begins after this one. */
  behind: MemberId | undefined
  /** How many have had their turn in it. */
  turn: number
  /** How often the present member was asked again because it knew of no leader. */
  leaderless: number
  /** Attempts since the last commit: what the wait before the next one grows with. */
  fruitless: number
  /** Whether a pointer was followed since the last commit: the first is followed at once, and two members may point at each other. */
  hasFollowed: boolean
  made: number
  /** When some member last let this client in: a dead one between two that live is no reason to slow down. */
  answeredAt: Millis
  /** Who have not let the client in yet. */
  readonly dialling: Set<Attempt>
  /** Whom a member pointed at, until something comes of it: it is waited for when another answers sooner, or a far leader would never be reached. */
  pointed: MemberId | undefined
  present: Attempt | undefined
  /** Links that were left, and may still bring answers. */
  readonly left: Set<Attempt>
  cancel: Cancel
  isClosing: boolean
  whenClosed: (() => void)[]
}

/** Whoever has not let the client in after so long is no longer the only one that is dialled. */
const PATIENCE_MS = 250
/** While some member answers, the leader is sought at this multiple of the shortest wait at most: an election is short. */
const SEEKING_FACTOR = 5

/** Who knows of no leader is asked again after so long each time, and only then the next: an election can be over in a moment. */
const ASK_AGAIN_MS: readonly Millis[] = [5, 10, 20, 40]

const waitMs = ({ limits, fruitless, random, clock, answeredAt }: Search): Millis => {
  const isUp = clock.now() - answeredAt <= limits.reconnectMaxMs
  const longest = isUp ? Math.min(limits.reconnectMaxMs, SEEKING_FACTOR * limits.reconnectMinMs) : limits.reconnectMaxMs
  return fruitless === 0 ? 0 : Math.min(longest, limits.reconnectMinMs * 2 ** (fruitless - 1)) * (1 + random()) / 2
}

const isDialled = ({ dialling }: Search, target: Target): boolean => [...dialling].some(attempt => keyOf(attempt) === keyOf(target))

/** Undefined while everybody is being dialled. */
const nextInTurn = (search: Search): Target | undefined => {
  const round = search.directory.round(search.behind)
  for (let passed = 0; passed < round.length; passed++) {
    const target = search.directory.find(round[search.turn++ % round.length]!).find(target => !isDialled(search, target))
    if (target !== undefined) return target
  }
  return undefined
}

/** The search was at the right place. Who follows a leader that is gone is the first to stand for its office, and those who do not belong any more come last. */
const beginRound = (search: Search, behind: MemberId): void => {
  search.behind = behind
  search.turn = 0
}

/** Dials `target`, or without one whoever is next in turn by then, after `wait`. */
const schedule = (search: Search, wait: Millis, target?: Target): void => {
  search.cancel()
  search.cancel = search.clock.after(wait, () => attempt(search, target ?? nextInTurn(search)))
}

const attempt = (search: Search, target: Target | undefined): void => {
  if (target === undefined) return
  const { member, address } = target
  search.fruitless++
  search.reasons[member] ??= 'has not answered yet'
  const link = search.dial(member, address)
  const key = `${member} ${++search.made}`
  const send: Route['send'] = requests => link.send(requests.map(request => ({ ...request, term: search.term })))
  const made: Attempt = { key, member, address, link, route: { key, to: member, office: undefined, send }, news: undefined, wasPointed: false, upSince: undefined }
  search.dialling.add(made)
  link.events$.subscribe(event => {
    switch (event.type) {
      case 'connected': return connected(search, made)
      case 'received': return received(search, made, event.message)
      // Of a link that never was, nothing is unanswered.
      case 'refused': return over(search, made, event.reason, 'unseen')
      case 'disconnected': return over(search, made, event.reason, event.unanswered)
    }
  })
  schedule(search, PATIENCE_MS)
}

const connected = (search: Search, winner: Attempt): void => {
  const { dialling, outlet, clock, reasons } = search
  search.directory.tried(winner, true)
  if (!dialling.delete(winner)) return
  const isPointed = winner.member === search.pointed
  if (search.present !== undefined && !isPointed) return giveUp(search, winner)
  if (search.present !== undefined) search.left.add(search.present)
  winner.wasPointed = isPointed
  if (isPointed) search.pointed = undefined
  search.cancel()
  for (const other of dialling) if (other.member !== search.pointed) giveUp(search, other)
  search.present = winner
  search.leaderless = 0
  winner.upSince = clock.now()
  search.answeredAt = winner.upSince
  delete reasons[winner.member]
  outlet.reroute(winner.route, winner.member)
  search.found()
}

/** Somebody else was sooner. */
const giveUp = ({ dialling, left }: Search, attempt: Attempt): void => {
  dialling.delete(attempt)
  left.add(attempt)
  attempt.link.close()
}

const received = (search: Search, from: Attempt, message: LinkMessage): void => {
  if (message.type === 'members') return learned(search, from, message)
  if (!isReply(message)) return
  if (message.type === 'committed') {
    certain(search, from)
    beginRound(search, from.member)
    search.fruitless = 0
    search.leaderless = 0
    search.hasFollowed = false
    search.pointed = undefined
  }
  const isRefused = message.type === 'refused' && (message.reason === 'notLeader' || message.reason === 'stopped')
  const leader = message.type === 'refused' ? message.leader : undefined
  // The right member was asked, in another term than the one it leads.
  const isHere = leader?.id === from.member && message.type === 'refused' && message.reason === 'notLeader'
  // Whoever says that it leads itself is believed of an earlier term, too: what led in later ones may be lost with its disks, and what was sent to it is known by its numbers.
  const isNews = leader !== undefined && (isHere ? leader.term !== search.term : leader.term > search.term)
  if (isNews) search.term = leader.term
  // Before the outlet hears of it: it must not try the same member again.
  if (isRefused && !isHere && search.present === from) moveOrWait(search, from, message)
  search.outlet.replied(from.key, message)
  if (isRefused && isHere && isNews && search.present === from) askAgain(search, from)
}

/** From now on these are looked for, and what was given is the last resort. */
const learned = (search: Search, from: Attempt, news: MembersNews): void => {
  const { index, membership } = news
  from.news = news
  if (search.directory.learn(index, membership.addresses)) beginRound(search, from.member)
}

/** Whoever commits is not behind: what it told counts, even where somebody told of a later place in a log that was lost since. */
const certain = (search: Search, from: Attempt): void => {
  const { news } = from
  if (news === undefined || search.present !== from) return
  from.news = undefined
  search.directory.goBack(news.index)
  search.directory.learn(news.index, news.membership.addresses)
}

/** Without waiting for the next tick, as the outlet would. */
const askAgain = ({ outlet }: Search, { route, member }: Attempt): void => {
  outlet.reroute(undefined, member)
  outlet.reroute(route, member)
}

/** Where a member points, if that may be dialled. */
const targetOf = ({ directory }: Search, from: Attempt, { leader }: ProposeRefused): Target | undefined =>
  leader === undefined || leader.id === from.member ? undefined : directory.find(leader.id, leader.address)[0]

/** What was refused in one go is one refusal. */
const moveOrWait = (search: Search, from: Attempt, refused: ProposeRefused): void => {
  const wait = refused.reason === 'notLeader' && refused.leader === undefined ? ASK_AGAIN_MS[search.leaderless] : undefined
  if (wait === undefined) return move(search, from, refused)
  search.outlet.reroute(undefined, from.member)
  search.cancel()
  search.cancel = search.clock.after(wait, () => {
    search.leaderless++
    askAgain(search, from)
  })
}

/** Leaves this member for the one it points at, or for the next in turn. */
const move = (search: Search, from: Attempt, refused: ProposeRefused): void => {
  const target = targetOf(search, from, refused)
  // Who lets in and leads nowhere is what is left of a member that may be elsewhere by now: where else it can be is looked for first.
  if (target === undefined) search.directory.tried(from, false)
  search.present = undefined
  search.left.add(from)
  search.pointed = target?.member
  search.outlet.reroute(undefined, target?.member)
  if (target !== undefined && isDialled(search, target)) return schedule(search, PATIENCE_MS)
  const wait = target !== undefined && !search.hasFollowed ? 0 : waitMs(search)
  search.hasFollowed ||= target !== undefined
  schedule(search, wait, target)
}

const over = (search: Search, attempt: Attempt, reason: string, unanswered: Unanswered): void => {
  search.reasons[attempt.member] = reason
  search.left.delete(attempt)
  search.outlet.gone(attempt.key, unanswered)
  if (search.isClosing) return closed(search)
  const isPresent = search.present === attempt
  if (isPresent) {
    search.present = undefined
    // Who lets in and ends, again and again, keeps nobody from their turn, unless it was said to lead.
    if (search.fruitless === 0 || attempt.wasPointed) beginRound(search, attempt.member)
  } else if (search.dialling.delete(attempt)) search.directory.tried(attempt, false)
  else return
  if (attempt.member === search.pointed) search.pointed = undefined
  const { upSince } = attempt
  if (upSince !== undefined && search.clock.now() - upSince > search.limits.reconnectMaxMs) search.fruitless = 0
  if (search.present === undefined) schedule(search, waitMs(search))
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
  search.dialling.forEach(attempt => giveUp(search, attempt))
  closed(search)
}

const closed = ({ left, whenClosed }: Search): void => {
  if (left.size === 0) whenClosed.splice(0).forEach(done => done())
}

/** The finder of one client. It asks a member drawn at random first, so that clients spread. */
export const createFinder = (options: FinderOptions): Finder => {
  const search: Search = {
    ...options, directory: createDirectory(options), reasons: {}, found: () => undefined, term: 0,
    behind: undefined, turn: Math.floor(options.random() * Object.keys(options.given).length), leaderless: 0, fruitless: 0, hasFollowed: false,
    made: 0, answeredAt: Number.NEGATIVE_INFINITY, dialling: new Set(), pointed: undefined, present: undefined, left: new Set(), cancel: () => undefined,
    isClosing: false, whenClosed: [],
  }
  return {
    begin: found => {
      search.found = found
      schedule(search, 0)
    },
    tick: () => tick(search),
    close: done => close(search, done),
    reasons: search.reasons,
  }
}
