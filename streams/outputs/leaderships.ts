import type { RaftState } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import type { Term } from '../../lib/types.js'

/** Follows this member through its terms of office: at most one leadership at a time, each with a signal that ends with it. */
export interface Leaderships<L> {
  current(): L | undefined
  /** A state whose messages have left: a leadership begins when it is ready, unless it is known to have ended since. */
  begin(state: RaftState): void
  /** The newest state, durable or not: a leadership ends as soon as it is lost, whatever the disk does. */
  follow(state: RaftState): void
  end(): void
}

const isLeading = (state: RaftState, term: Term): boolean => state.role === 'leader' && state.term === term

/** `make` is called once for each term of office that becomes ready, and `lost` as its signal is aborted, before anybody else hears of that: then there is none any more. */
export const createLeaderships = <L>(make: (term: Term, signal: AbortSignal) => L, lost: () => void): Leaderships<L> => {
  let held: { readonly term: Term; readonly leadership: L; readonly controller: AbortController } | undefined
  let newest: RaftState | undefined

  const end = (): void => {
    const controller = held?.controller
    held = undefined
    controller?.abort()
  }

  return {
    current: () => held?.leadership,
    begin: state => {
      if (!isReady(state) || held?.term === state.term) return
      if (newest !== undefined && newest.turn > state.turn && !isLeading(newest, state.term)) return
      end()
      const controller = new AbortController()
      controller.signal.addEventListener('abort', lost)
      held = { term: state.term, leadership: make(state.term, controller.signal), controller }
    },
    follow: state => {
      newest = state
      if (held !== undefined && !isLeading(state, held.term)) end()
    },
    end,
  }
}
