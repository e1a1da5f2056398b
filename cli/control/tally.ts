/** What has happened at a member since somebody began to count. */
import { Subscription } from 'rxjs'
import type { MemberId, Term } from '../../lib/types.js'
import type { Raft } from '../../streams/member/member.js'
import type { Severity } from '../../streams/outputs/diagnostics.js'

export interface Tally {
  /** Terms that have begun. */
  readonly elections: number
  /** How often another than before was known to lead, or the same in another term. */
  readonly leaderChanges: number
  readonly diagnostics: Readonly<Record<Severity, number>>
}

export interface Counting {
  now(): Tally
  close(): void
}

export const countAt = <C, R, S>({ status$, diagnostics$ }: Pick<Raft<C, R, S>, 'status$' | 'diagnostics$'>): Counting => {
  let term: Term | undefined
  let leader: { readonly id: MemberId; readonly term: Term } | undefined
  let elections = 0
  let leaderChanges = 0
  const diagnostics: Record<Severity, number> = { info: 0, warning: 0, error: 0 }
  const all = new Subscription()
  all.add(status$.subscribe(status => {
    elections += status.term - (term ?? status.term)
    term = status.term
    if (status.leader === undefined || (status.leader === leader?.id && status.term === leader.term)) return
    if (leader !== undefined) leaderChanges++
    leader = { id: status.leader, term: status.term }
  }))
  all.add(diagnostics$.subscribe(({ severity }) => { diagnostics[severity]++ }))
  return { now: () => ({ elections, leaderChanges, diagnostics: { ...diagnostics } }), close: () => all.unsubscribe() }
}
