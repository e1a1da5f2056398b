import type { Answer, ReadAnswer } from '../../lib/events.js'
import type { RequestId } from '../../lib/types.js'
import type { MemberNotice } from '../outputs/diagnostics.js'
import type { Inputs } from '../pipeline/inbox.js'

/** What found the inbox full in a turn: dropped messages are repeated by Raft, refused proposals and reads by their origin. */
export interface Overflow {
  readonly add: Inputs['overflowed']
  /** The refusals of this turn, each told once. */
  take(): { readonly answers: readonly Answer[]; readonly readAnswers: readonly ReadAnswer[] }
}

const NONE: ReturnType<Overflow['take']> = { answers: [], readAnswers: [] }

export const createOverflow = (notice: (notice: MemberNotice) => void): Overflow => {
  let dropped = 0
  let proposals: RequestId[] = []
  let reads: RequestId[] = []
  return {
    add: event => {
      dropped++
      if (event.type === 'proposed') proposals.push(event.id)
      else if (event.type === 'readAsked') reads.push(event.id)
    },
    take: () => {
      if (dropped === 0) return NONE
      const answers = proposals.map((id): Answer => ({ type: 'refused', id, reason: 'inboxFull' }))
      const readAnswers = reads.map((id): ReadAnswer => ({ type: 'readRefused', id, reason: 'inboxFull' }))
      notice({ type: 'inboxFull', dropped, bound: 'maxInboxEvents' })
      dropped = 0
      proposals = []
      reads = []
      return { answers, readAnswers }
    },
  }
}
