import type { Observable } from 'rxjs'
import type { Limits } from '../../codecs/options.js'
import type { StartError } from '../../lib/errors.js'
import type { Either } from '../../lib/prelude.js'
import { type LinkMessage, isFromCore } from '../../lib/requests.js'
import type { Incarnation, Index, MemberId, Millis } from '../../lib/types.js'
import type { Clock } from '../time/clock.js'

/** Who is at the other end: a member by its id, a client by a number that this transport minted. */
export type Party = { readonly type: 'member'; readonly id: MemberId } | { readonly type: 'client'; readonly link: number }

/** A party as the key of a map. */
export const partyKey = (party: Party): string => party.type === 'member' ? `member ${party.id}` : `client ${party.link}`

/** Why `party` may not say this; undefined when it may. A member speaks for its own core and forwards requests, a client only asks, and is told who belongs. */
export const objectionTo = (party: Party, message: LinkMessage): string | undefined => {
  if (party.type === 'client') return message.type === 'propose' ? undefined : `a client sent a ${message.type}`
  if (message.type === 'members') return `${party.id} sent a member what is for clients`
  return isFromCore(message) && message.from !== party.id ? `${party.id} sent a ${message.type} under another name` : undefined
}

/**
 * What a link's end says of the requests that were sent over it and not answered. `unseen`: the other end has told, as the last thing, that it
 * answered all that it looked at. Without such a word, as when it is killed or the way is cut, nothing is known.
 */
export type Unanswered = 'unseen' | 'unknown'

export type TransportEvent =
  | { readonly type: 'received'; readonly from: Party; readonly message: LinkMessage }
  /** A link is up: from now on messages to `party` leave. A member has told the `machineVersion` of its endpoint; 0 where this is left out. */
  | { readonly type: 'connected'; readonly party: Party; readonly machineVersion?: number }
  /** A link went down. */
  | { readonly type: 'disconnected'; readonly party: Party; readonly unanswered: Unanswered }
  /**
   * The link to `peer` went down, and nobody listens any more where it is reached: its process has ended. Told only of one that refuses, a few
   * times in a row at most, and never while there is a link; a peer that is silent or cannot be reached may be at work.
   */
  | { readonly type: 'gone'; readonly peer: MemberId }
  /** Something or someone was refused, or something was dropped; nothing changed. */
  | { readonly type: 'noticed'; readonly notice: TransportNotice }

export type TransportNotice =
  /** A peer that we dialled, or that dialled us, did not pass the handshake. */
  | { readonly type: 'handshakeRefused'; readonly remote: string; readonly reason: string }
  /** The peer does not answer when dialled. Told once until the reason changes or a link is up. */
  | { readonly type: 'unreachable'; readonly peer: MemberId; readonly reason: string }
  /** The peer's log does not name us, which passes once it has caught up: told as `refusedByPeer` where it lasts. Told once until the reason changes or a link is up. */
  | { readonly type: 'unknownToPeer'; readonly peer: MemberId; readonly reason: string }
  /** The peer refused us. Told once until the reason changes or a link is up. */
  | { readonly type: 'refusedByPeer'; readonly peer: MemberId; readonly reason: string }
  | { readonly type: 'badFrame'; readonly remote: string; readonly reason: string }
  /** Messages were dropped, so many since this was last told: the peer does not read as fast as we write, or they were too large. */
  | { readonly type: 'sendBufferFull'; readonly party: Party; readonly dropped: number; readonly bound: 'maxSendBufferBytes' | 'maxFrameBytes' }
  | { readonly type: 'tooManyLinks'; readonly remote: string; readonly bound: string }
  /** What was renewed cannot be shown, and what was shown before goes on. Told once until the reason changes or it can. */
  | { readonly type: 'renewalFailed'; readonly reason: string }
  /** What is shown expires soon, or has, and then nobody lets this member in any more, nor is let in by it. Told once a day. */
  | { readonly type: 'certificateExpires'; readonly notAfter: string }

/** For how many election timeouts a peer may not know us before that is a refusal: by then it has heard of a change, unless it is far behind. */
export const LASTING_TIMEOUTS = 3

/** The bounds that a transport keeps. */
export type LinkLimits = Pick<Limits,
  | 'maxCommandBytes' | 'maxBatchBytes' | 'maxFrameBytes' | 'maxSendBufferBytes' | 'maxClientBufferBytes' | 'maxLinks' | 'maxHandshakes'
  | 'handshakeTimeoutMs' | 'keepAliveMs' | 'reconnectMinMs' | 'reconnectMaxMs'>

/** Who belongs to the cluster, as far as a member knows. */
export interface Roll {
  /** Every member with its advertised address `host:port`; this one may be among them. */
  readonly addresses: Readonly<Record<MemberId, string>>
  /** Whether others are let in, too, who prove to be of this cluster: a member that is behind does not know who was added since. */
  readonly isOpen: boolean
  /** Where the newest committed membership stands that names this member, whose peers may be behind; left out where none does but the first. */
  readonly named?: Index
}

/** What a transport must know of the member that opens it. */
export interface Endpoint {
  readonly clusterId: string
  /** What clients show instead, who know the cluster by its name alone. */
  readonly clusterNameId: string
  readonly id: MemberId
  readonly incarnation: Incarnation
  /** Of the machine that this member runs: told to each member that it is linked with. */
  readonly machineVersion: number
  /** Where this member is reached, `host:port`, whether or not it belongs to the cluster yet. */
  readonly address: string
  /** Who was said to belong when the member was started: a fault in these addresses keeps it from starting. What its log names was agreed on, and is not dialled where it may not be. */
  readonly given: Roll['addresses']
  /** The `join` that the member was started with: its own address, while it has yet to be added. Where `address` is neither this nor in `given`, it was read from the store. */
  readonly join: string | undefined
  /** Who belongs when the member starts; `Links.update` tells what has changed since. */
  readonly roll: Roll
  /**
   * Whether a member that presents itself with this incarnation is the one we know, or is said, by a membership `named` that is news to us, to belong by now. Asked again,
   * without that, of those that are linked and named with each update. Left: why not.
   */
  readonly admit: (peer: MemberId, incarnation: Incarnation, decide: (outcome: Either<string, void>) => void, named?: Index) => void
  /**
   * Whether it is named and has not presented itself as this one since. Its link ends, which may be that of a process that is no more, let in when nothing named it or from
   * before it left: whoever is there presents itself anew.
   */
  readonly isUnproven: (peer: MemberId, incarnation: Incarnation) => boolean
  readonly limits: LinkLimits
  /** What cores say must not be late by this much, whatever else is on its way: without word for so long a leader is replaced. */
  readonly electionTimeoutMs: Millis
  readonly clock: Clock
  /** A number in [0, 1); spreads reconnects. */
  readonly random: () => number
}

/** An open transport: messages in, events out. */
export interface Links {
  /** Where this member listens, `host:port`: the port that the system chose, where it was asked to. */
  readonly address: string
  /** Why this address is never dialled, by whoever runs with the same options; undefined where it is. Left out where any is. */
  readonly objection?: (address: string) => string | undefined
  /** Hot, no replay; subscribe before the first turn of the event loop ends. Events never arrive during a call of `send`. Completes when closed. */
  readonly events$: Observable<TransportEvent>
  /**
   * Hands messages over in one write, in order. Never blocks and never throws. Messages between cores are dropped while there
   * is no link or its buffer is full, because Raft repeats them. Results that find it full may be told as lost, which is short; what would be lost otherwise cuts the link.
   * Proposals and their replies are in order among themselves, and whatever else is said may pass them: where they are more than the link carries at a time
   * it has to.
   */
  send(to: Party, messages: readonly LinkMessage[]): void
  /**
   * From now on these belong: newcomers are reached, and one that has moved is looked for at its new address once its link is down. Who is neither named
   * nor let in besides is dialled no more and refused, told why, and its link is ended once what was sent has left.
   */
  update(roll: Roll): void
  /**
   * Stops listening, closes every link, completes `events$`, then calls `done`. Whoever closes has answered all that it received and looks at nothing
   * more: that is the last word on each link, after what was sent. Calling twice is calling once.
   */
  close(done: () => void): void
}

/** What a member is started with, before anything is opened. */
export type Start = Pick<Endpoint, 'id' | 'given' | 'join'>

/** How members and clients reach each other. Never a promise, so that the real code runs in virtual time. */
export interface Transport {
  /** What is wrong with its own options and with the addresses of a start: a line per fault, with its path. Asked before the store is opened, so that such a start leaves no folder. A transport around another that reaches members elsewhere answers this itself. */
  faults?(start: Start): readonly string[]
  open(endpoint: Endpoint, done: (outcome: Either<StartError, Links>) => void): void
}

/** What a client learns from its link. `refused` and `disconnected` are last words. */
export type ClientLinkEvent =
  /** The link is up: from now on requests leave. */
  | { readonly type: 'connected' }
  | { readonly type: 'received'; readonly message: LinkMessage }
  /** There was no link and nothing was sent. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'disconnected'; readonly reason: string; readonly unanswered: Unanswered }

/** A client's link to one member: one attempt, one life; whoever wants another dials again. */
export interface ClientLink {
  /** Hot, no replay; subscribe in the turn of dialling. Events never arrive during a call of `send`. Completes after the last word. */
  readonly events$: Observable<ClientLinkEvent>
  /** Hands messages over in one write, in order; without effect before `connected` and after the last word. */
  send(messages: readonly LinkMessage[]): void
  /** Closes once everything sent has left. Calling twice is calling once. */
  close(): void
}
