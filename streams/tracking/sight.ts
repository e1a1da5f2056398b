import type { Index, MemberId, Term } from '../../lib/types.js'

/** Where a command is on its way to the log, as far as whoever proposes it can see. */
export type Sight =
  /** It waits here for a way to the leader; again, after it was refused. */
  | { readonly type: 'queued' }
  /** It is on its way to the leader, which may be this member; again, where nobody answered. */
  | { readonly type: 'sent'; readonly to: MemberId }
  /** It stands in the log of this member, which leads. */
  | { readonly type: 'appended'; readonly index: Index; readonly term: Term }
