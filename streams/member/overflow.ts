import type { Answer } from '../../lib/events.js'
import type { RequestId } from '../../lib/types.js'
import type { MemberNotice } from '../outputs/diagnostics.js'
import type { Inputs } from '../pipeline/inbox.js'

/** What found the inbox full in a turn: dropped messages are repeated by Raft, refused proposals by their origin. */
export interface Overflow {
  readonly add: Inputs['overflowed']
  /** The refusals of this turn, each told once. */
  take(): readonly Answer[]
}

export const createOverflow = (notice: (notice: MemberNotice) => void): Overflow => {
  let dropped = 0
  let refused: RequestId[] = []
  return {
    add: event => {
      dropped++
      if (event.type === 'proposed') refused.push(event.id)
    },
    take: () => {
      if (dropped === 0) return []
      const answers = refused.map((id): Answer => ({ type: 'refused', id, reason: 'inboxFull' }))
      notice({ type: 'inboxFull', dropped, bound: 'maxInboxEvents' })
      dropped = 0
      refused = []
      return answers
    },
  }
}
