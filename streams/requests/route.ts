import type { Told } from '../../codecs/results.js'
import type { ProposeReply, ProposeRequest } from '../../lib/requests.js'
import type { Index, MemberId } from '../../lib/types.js'
import type { Office } from '../transport/linked.js'

/** A request to which its route will add the term whose leader it means. */
export type Unaddressed = Omit<ProposeRequest, 'term'>

/** The way to the leader. */
export interface Route {
  /** Names this very link, or this term of office: a new link to the same member, or a new term, is another route. */
  readonly key: string
  /** Who is at its end. */
  readonly to: MemberId
  /** Of this member, where the route leads to its own core; undefined for a link. */
  readonly office: Office | undefined
  /** Hands requests over, in order. */
  send(requests: readonly Unaddressed[]): void
}

/** What became of one request. From the own core the results come as they are; over a link they come packed, as a `ProposeReply`. */
export type Fate<R> =
  | { readonly type: 'committed'; readonly id: number; readonly firstIndex: Index; readonly results: readonly Told<R>[] }
  | Exclude<ProposeReply, { readonly type: 'committed' }>
