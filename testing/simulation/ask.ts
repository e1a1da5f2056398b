/** Questions to a member from within its own process: whoever asks hears no answer once this life of it is over. */
import { Stopped } from '../../lib/errors.js'
import { left } from '../../lib/prelude.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { Raft } from '../../streams/member/member.js'
import type { Eventual } from '../../streams/proposer/proposer.js'
import type { World } from './world.js'

/** Whom to ask, and how long to wait. */
export interface Asked {
  readonly at: MemberId
  readonly timeoutMs: Millis | undefined
}

/** Resolves with what comes of it, or with `gone` once the member's life is over; where it does not live nothing is asked. */
export const askAt = <C, R, S, E, A>(
  world: World<C, R, S>, { at, timeoutMs }: Asked, ask: (raft: Raft<C, R, S>, options: { readonly timeoutMs?: Millis }) => Eventual<E, A>, gone: () => E,
): Eventual<E | Stopped, A> => {
  const raft$ = world.member(at)?.raft$
  const raft = raft$?.value
  if (raft$ === undefined || raft === undefined) {
    world.stir()
    return Promise.resolve(left(new Stopped()))
  }
  return new Promise(resolve => {
    const life = raft$.subscribe(now => {
      if (now === raft) return
      resolve(left(gone()))
      world.stir()
    })
    void ask(raft, timeoutMs === undefined ? {} : { timeoutMs }).then(outcome => {
      life.unsubscribe()
      resolve(outcome)
    })
  })
}
