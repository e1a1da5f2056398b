/** What a member shows to its program: never of the past, and never ahead of its disk. */
import type { Status } from '../../../lib/status.js'
import type { Index, MemberId } from '../../../lib/types.js'
import type { Raft } from '../../../streams/member/member.js'
import type { Ledger } from './ledger.js'
import type { Judge } from './violation.js'

const brief = ({ role, term, commitIndex, appliedIndex, lastIndex }: Status): string =>
  `${role} in ${term}, commit ${commitIndex}, applied ${appliedIndex} of ${lastIndex}`

/** Looks at the streams of one life to its end. */
export const watchShown = <C, R, S>(id: MemberId, raft: Pick<Raft<C, R, S>, 'status$' | 'state$'>, { durable }: Ledger, { demand }: Judge): void => {
  let before: Status | undefined
  let applied: Index = 0
  raft.status$.subscribe(status => {
    const { term, commitIndex, appliedIndex } = status
    const earlier = before ?? status
    demand(term >= earlier.term && commitIndex >= earlier.commitIndex && appliedIndex >= earlier.appliedIndex,
      () => `${id} shows itself as ${brief(status)} after ${brief(earlier)}`)
    const { hardState, terms } = durable()
    demand(hardState.term >= term || (terms.at(-1) ?? 0) >= term, () => `${id} shows term ${term} before it is durable`)
    before = status
  })
  raft.state$.subscribe(({ index }) => {
    demand(index >= applied, () => `${id} shows what it had become at ${index} after ${applied}`)
    applied = index
  })
}
