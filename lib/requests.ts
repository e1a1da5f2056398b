import type { ChangeAnswer, ReadAnswer, RefusalReason } from './events.js'
import type { Message } from './messages.js'
import type { EntryBody, Index, MemberId, Membership, MembershipWish, Term } from './types.js'

/** Commands for the leader, all to be appended or none. `id` counts up within a link. */
export interface ProposeRequest {
  readonly type: 'propose'
  readonly id: number
  /** After one refusal everything later in the same epoch is refused, so that no window is applied with a hole. */
  readonly epoch: number
  /** The term whose leader is meant. Every other leader refuses, so that a request which comes late is not appended after its successors. */
  readonly term: Term
  readonly body: EntryBody
}

/** Committed and applied; `results` holds one packed entry per command, as `codecs/results` writes them. */
export interface ProposeCommitted {
  readonly type: 'committed'
  readonly id: number
  readonly firstIndex: Index
  readonly term: Term
  readonly results: EntryBody
}

/** Nothing was appended; who leads, where known. */
export interface ProposeRefused {
  readonly type: 'refused'
  readonly id: number
  /**
   * `invalid`: a command of the body does not pass the codec or the bounds of the one asked; asking again changes nothing. `afterInvalid`: it follows one that was refused as that in its
   * epoch, and nothing else speaks against it.
   */
  readonly reason: RefusalReason | 'stopped' | 'invalid' | 'afterInvalid'
  /** Which command is invalid, the first of the body being 1; undefined where it is the body as a whole. */
  readonly place: number | undefined
  readonly leader: KnownLeader | undefined
}

/** Who leads, where, and in which term. */
export interface KnownLeader {
  readonly id: MemberId
  readonly address: string
  readonly term: Term
}

/** May or may not be appended. */
export interface ProposeLost {
  readonly type: 'lost'
  readonly id: number
}

/** The fate of a request, as in `events`' Answer, with results. */
export type ProposeReply = ProposeCommitted | ProposeRefused | ProposeLost

/** A member that does not lead wants to know how much it must have applied to read. Any leader may tell it, with a `ReadAnswer`. `id` counts up within the member's life. */
export interface ReadIndexRequest {
  readonly type: 'readIndex'
  readonly id: number
}

/** What an operator wants of whoever leads. */
export type LeaderWish =
  | { readonly type: 'transfer'; readonly to: MemberId | undefined }
  /** Only if the newest membership in the leader's log is `from`, where that is given. */
  | (MembershipWish & { readonly from: Membership | undefined })

/** A wish that was uttered where another member leads, for the leader of `term`. `id` counts up within the member's life. */
export interface WishRequest {
  readonly type: 'wish'
  readonly id: number
  readonly term: Term
  readonly wish: LeaderWish
}

/** What the leader makes of a wish. */
export type WishFate =
  | { readonly type: 'handedOver'; readonly leader: MemberId }
  | { readonly type: 'notHandedOver'; readonly reason: string }
  /** What the change comes to stands in the log, which whoever asked has, too. */
  | Omit<Extract<ChangeAnswer, { readonly type: 'changeTaken' }>, 'id'>
  | { readonly type: 'changeRefused'; readonly reason: string }
  /** Nothing came of it: the one that was asked does not lead in that term, or cannot do it right now. */
  | { readonly type: 'notTaken' }
  /** What came of it is not known any more. */
  | { readonly type: 'lost' }

/** Every wish is answered once, unless its link ends before. */
export interface WishReply {
  readonly type: 'wishReply'
  readonly id: number
  readonly fate: WishFate
}

/**
 * A member tells a client who belongs to the cluster by the newest membership that it knows to be committed, and where that stands: of two, the one with the
 * higher index is newer, whoever told it.
 */
export interface MembersNews {
  readonly type: 'members'
  readonly index: Index
  readonly membership: Membership
}

/** All that travels over a link once the two ends know each other. */
export type LinkMessage = Message | ProposeRequest | ProposeReply | ReadIndexRequest | ReadAnswer | WishRequest | WishReply | MembersNews

/** Cores speak under their names and repeat what is lost; requests and replies do neither. */
export const isFromCore = (message: LinkMessage): message is Message => 'from' in message

export const isReply = (message: LinkMessage): message is ProposeReply =>
  message.type === 'committed' || message.type === 'refused' || message.type === 'lost'

/** What proposals come to on a link, in either direction: commands and results, which may be large, and are in order. */
export const isOfProposals = (message: LinkMessage): message is ProposeRequest | ProposeReply => message.type === 'propose' || isReply(message)

export const isReadAnswer = (message: LinkMessage): message is ReadAnswer => message.type === 'readable' || message.type === 'readRefused'
