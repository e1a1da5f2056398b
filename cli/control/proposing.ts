/** A command for somebody who has other members to ask. */
import { NEVER, type Observable, firstValueFrom, fromEvent, map, of, switchMap, takeUntil, timer } from 'rxjs'
import { NotLeader, type ProposeError, TimedOut } from '../../lib/errors.js'
import { type Either, left, right } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import type { Raft } from '../../streams/member/member.js'

/** How a call is waited for. */
export interface Wait {
  readonly signal: AbortSignal
  readonly timeoutMs?: Millis
}

/** The same of what is given up where nobody who leads can be had within `leaderMs`. */
export interface LeaderWait extends Wait {
  readonly leaderMs?: Millis
}

/** Proposes it, and gives it up where nobody who leads can be had within `leaderMs`; what is on its way by then has all of `timeoutMs`. */
export const proposeTo = <C, R, S>(raft: Pick<Raft<C, R, S>, 'propose' | 'track'>, command: C, { leaderMs, timeoutMs, signal }: LeaderWait): Promise<Either<ProposeError, R>> => {
  if (leaderMs === undefined || signal.aborted) return raft.propose(command, { signal, timeoutMs })
  const until = performance.now() + leaderMs
  const nobody = left(new NotLeader(undefined, `No leader took the command within ${leaderMs} ms; it is not applied, and will not be.`))
  const outcome$ = raft.track(command, { timeoutMs }).pipe(
    switchMap((stage): Observable<Either<ProposeError, R>> => {
      switch (stage.type) {
        // Whatever waits here has left for nowhere, or has come back as refused.
        case 'queued': return timer(Math.max(0, until - performance.now())).pipe(map(() => nobody))
        case 'applied': return of(right(stage.result))
        case 'failed': return of(left(stage.error))
        default: return NEVER
      }
    }),
    takeUntil(fromEvent(signal, 'abort')),
  )
  return firstValueFrom(outcome$, { defaultValue: left(new TimedOut('unknown', 'Nobody waits for it any more.')) })
}
