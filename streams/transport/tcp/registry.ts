import { type Observable, Subject } from 'rxjs'
import type { Welcome } from '../../../codecs/handshake.js'
import { requestFrameBytes } from '../../../codecs/options.js'
import { type LinkMessage, isFromCore } from '../../../lib/requests.js'
import { isLeft } from '../../../lib/prelude.js'
import type { Incarnation, MemberId } from '../../../lib/types.js'
import { promptMs } from '../../../lib/window.js'
import { type Link, type LinkOptions, openLink } from './link.js'
import { type Endpoint, objectionTo, type Party, type TransportEvent, type TransportNotice, type Unanswered } from '../port.js'
import type { RollCall } from '../roll.js'
import { type Turns, createTurns } from '../turns.js'
import type { ByteStream } from './sockets.js'

/** Why a peer's message is not for this member; undefined when it is. */
const misdelivery = (party: Party, message: LinkMessage, self: MemberId): string | undefined =>
  party.type === 'member' && isFromCore(message) && message.to !== self ? `${party.id} sent a ${message.type} that is for another member` : undefined

/** What a link may hold: a client, which anybody may be, gets no more than it needs, is heard in turns, and waits for nobody's life signs. */
const boundsOf = (party: Party, endpoint: Endpoint, turns: Turns): Pick<LinkOptions, 'limits' | 'maxReadBytes' | 'promptMs' | 'turns'> => {
  const { limits } = endpoint
  return party.type === 'member'
    ? { limits, maxReadBytes: limits.maxFrameBytes, promptMs: promptMs(endpoint), turns: undefined }
    : { limits: { ...limits, maxSendBufferBytes: limits.maxClientBufferBytes }, maxReadBytes: requestFrameBytes(limits), promptMs: undefined, turns }
}

/** Who is linked right now: one live link per member, any number of clients. */
export interface Registry {
  readonly events$: Observable<TransportEvent>
  notice(notice: TransportNotice): void
  gone(peer: MemberId): void
  /** Opens a link for `party`, which counts once it has joined. */
  open(stream: ByteStream, party: Party, on: { confirmed(link: Link): void; refused(): void; closed(reason: string): void }): Link
  /** From now on messages to `party` go over `link`, if it is let in by now; an earlier link of the same member is cut. */
  join(party: Party, introduced: Introduced, link: Link): void
  linkedAs(peer: MemberId): Incarnation | undefined
  /** How many are linked that are not named: clients, and members that are let in all the same. */
  unnamed(): number
  /** Others belong, or the same ones anew: links with those that are not let in any more, or must present themselves anew, are ended, and all others that are named are asked for who they are. */
  review(): void
  send(to: Party, messages: readonly LinkMessage[]): void
  /** Keeps `close` waiting until the result is called. */
  hold(): () => void
  /** Closes every link; completes `events$` and calls `done` when nothing is held any more. */
  close(done: () => void): void
}

/** What the other end has said of itself; of a client there is nothing to remember. */
type Introduced = Pick<Welcome, 'incarnation' | 'machineVersion'>

interface Joined extends Introduced {
  readonly link: Link
}

/** Counts what is held, and calls those who wait once nothing is; before the first of them, `freed`. */
const createHolder = (freed: () => void) => {
  const waiting: (() => void)[] = []
  let held = 0
  const check = (): void => {
    if (held > 0 || waiting.length === 0) return
    freed()
    for (const done of waiting.splice(0)) done()
  }
  const hold = (): (() => void) => {
    let isHeld = true
    held++
    return () => {
      if (!isHeld) return
      isHeld = false
      held--
      check()
    }
  }
  const whenFree = (done: () => void): (() => void) => {
    waiting.push(done)
    return check
  }
  return { hold, whenFree, isFree: () => held === 0 }
}

/** The links that count, by whom they lead to. */
const createRoster = (tell: (event: TransportEvent) => void) => {
  const members = new Map<MemberId, Joined>()
  const clients = new Map<number, Joined>()
  const at = (party: Party): Joined | undefined => party.type === 'member' ? members.get(party.id) : clients.get(party.link)
  const leave = (party: Party, unanswered: Unanswered): void => {
    if (party.type === 'member') members.delete(party.id)
    else clients.delete(party.link)
    tell({ type: 'disconnected', party, unanswered })
  }
  return {
    at,
    leave,
    join: (party: Party, joined: Joined): void => {
      const earlier = at(party)
      if (earlier !== undefined) {
        earlier.link.cut('a newer link of the same member took its place')
        leave(party, earlier.link.unanswered)
      }
      if (party.type === 'member') members.set(party.id, joined)
      else clients.set(party.link, joined)
      const { machineVersion } = joined
      tell({ type: 'connected', party, ...machineVersion !== undefined && { machineVersion } })
    },
    clients: (): number => clients.size,
    members: (): readonly (readonly [MemberId, Joined])[] => [...members],
  }
}

/** Whether there may be a link with `peer` as this one; otherwise it ends once what was sent has left. */
const isLetIn = (roll: RollCall, { isUnproven }: Pick<Endpoint, 'isUnproven'>, peer: MemberId, { link, incarnation }: Joined): boolean => {
  const objection = roll.objectionTo(peer) ?? (isUnproven(peer, incarnation) ? `${peer} has to present itself as a member` : undefined)
  if (objection !== undefined) link.dismiss(objection)
  return objection === undefined
}

/** The links of one member, and the one place from which its transport tells what happens. */
export const createRegistry = (endpoint: Endpoint, roll: RollCall): Registry => {
  const { id, clock, admit } = endpoint
  const events = new Subject<TransportEvent>()
  const links = new Set<Link>()
  const turns = createTurns(clock)
  const notice = (what: TransportNotice): void => events.next({ type: 'noticed', notice: what })
  const { at, leave, join, clients, members } = createRoster(event => events.next(event))
  const { hold, isFree, whenFree } = createHolder(() => events.complete())

  return {
    events$: events.asObservable(),
    notice,
    gone: peer => events.next({ type: 'gone', peer }),
    hold,
    open: (stream, party, on) => {
      const release = hold()
      const isJoined = (): boolean => at(party)?.link === link
      const link: Link = openLink({
        stream, clock, ...boundsOf(party, endpoint, turns),
        objection: message => objectionTo(party, message) ?? misdelivery(party, message, id),
        events: {
          confirmed: () => on.confirmed(link),
          refused: on.refused,
          received: message => {
            if (isJoined()) events.next({ type: 'received', from: party, message })
          },
          unreadable: reason => notice({ type: 'badFrame', remote: stream.remote, reason }),
          dropped: (dropped, bound) => notice({ type: 'sendBufferFull', party, dropped, bound }),
          closed: reason => {
            links.delete(link)
            if (isJoined()) leave(party, link.unanswered)
            on.closed(reason)
            release()
          },
        },
      })
      links.add(link)
      return link
    },
    join: (party, { incarnation, machineVersion }, link) => {
      const joined = { link, incarnation, ...machineVersion !== undefined && { machineVersion } }
      if (party.type === 'client' || isLetIn(roll, endpoint, party.id, joined)) join(party, joined)
    },
    linkedAs: peer => at({ type: 'member', id: peer })?.incarnation,
    unnamed: () => clients() + members().filter(([peer]) => !roll.isNamed(peer)).length,
    review: () => {
      for (const [peer, joined] of members()) {
        const { link, incarnation } = joined
        if (isLetIn(roll, endpoint, peer, joined) && roll.isNamed(peer)) admit(peer, incarnation, outcome => { if (isLeft(outcome)) link.dismiss(outcome.left) })
      }
    },
    send: (to, messages) => at(to)?.link.send(messages),
    close: done => {
      const check = whenFree(done)
      for (const link of links) link.end('the link was closed here')
      if (isFree()) clock.endOfTurn(check)
    },
  }
}
