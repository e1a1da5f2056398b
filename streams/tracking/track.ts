/**
 * The fate of one command, for whoever watches it:
 *
 *     queued ──► sent ──► appended ──► durable on ever more members ──► committed ──► applied, with its result
 *
 * What stands between `sent` and `applied` is seen where the leader is. Nothing is done for commands that nobody watches.
 */
import { Observable } from 'rxjs'
import type { ProposeError } from '../../lib/errors.js'
import { termAt } from '../../lib/log.js'
import { type Either, isLeft } from '../../lib/prelude.js'
import { type Leader, type RaftState, membership } from '../../lib/state.js'
import type { Index, MemberId, Millis, Term } from '../../lib/types.js'
import { type CallOptions, timeoutOptions } from '../proposer/call-options.js'
import type { CommandStage } from '../requests/proposal.js'

/** A stage of a command on its way to the log. Of `applied` and `failed` one comes, as the last. */
export type Tracked<R> =
  /** It waits here for a way to the leader; again, after the leader refused it. */
  | { readonly type: 'queued' }
  /** It is on its way to the leader, which may be this member; again, where nobody answered. */
  | { readonly type: 'sent'; readonly to: MemberId }
  /** It stands in the log of this member, which leads. */
  | { readonly type: 'appended'; readonly index: Index; readonly term: Term }
  /**
   * On the disks of these members, learners among them. It is committed once a majority of `voters`, and in joint consensus one of `outgoing`, is among them
   * (§5.3, §4.3).
   */
  | {
    readonly type: 'durable'; readonly index: Index; readonly term: Term
    readonly on: readonly MemberId[]; readonly voters: readonly MemberId[]; readonly outgoing: readonly MemberId[]
  }
  /** Nothing can undo it any more. */
  | { readonly type: 'committed'; readonly index: Index; readonly term: Term }
  | { readonly type: 'applied'; readonly result: R }
  /** `error.appended` says whether it may be in the log. */
  | { readonly type: 'failed'; readonly error: ProposeError }

export interface TrackOptions {
  /** How long to wait for a result, a leader included; 5 000 unless told otherwise. */
  readonly timeoutMs?: Millis | undefined
}

type Submit<C, R> = (command: C, options: CallOptions & { readonly watch: (stage: CommandStage) => void }, done: (outcome: Either<ProposeError, R>) => void) => void

export interface Tracking<C, R> {
  track(command: C, options?: TrackOptions): Observable<Tracked<R>>
  /** To be called with each state before what it committed is applied. */
  follow(state: RaftState): void
}

/** A command that stands in this leader's log, and what was told of it. */
interface Track {
  readonly index: Index
  readonly term: Term
  readonly tell: (stage: Extract<Tracked<never>, { type: 'durable' | 'committed' }>) => void
  durableOn: number
}

const holders = ({ persistedIndex, progress, settings: { id } }: Leader, index: Index): readonly MemberId[] =>
  [...persistedIndex >= index ? [id] : [], ...progress.filter(({ matchIndex }) => matchIndex >= index).map(one => one.id)]

/** Tells what this state says of the command. Whether there is more to come. */
const look = (track: Track, state: RaftState): boolean => {
  const { index, term } = track
  if (state.role === 'leader' && state.term === term) {
    const on = holders(state, index)
    const { voters, outgoing } = membership(state)
    if (on.length > track.durableOn) track.tell({ type: 'durable', index, term, on, voters, outgoing })
    track.durableOn = on.length
  }
  if (state.commitIndex < index) return true
  if (termAt(state.log, index) === term) track.tell({ type: 'committed', index, term })
  return false
}

export const createTracking = <C, R>(submit: Submit<C, R>): Tracking<C, R> => {
  const tracks = new Set<Track>()
  return {
    track: (command, options) => new Observable(subscriber => {
      const unsubscribed = new AbortController()
      let track: Track | undefined
      const forget = (): void => { if (track !== undefined) tracks.delete(track) }
      const watch = (stage: CommandStage): void => {
        subscriber.next(stage)
        if (stage.type !== 'appended') return
        forget()
        track = { index: stage.index, term: stage.term, durableOn: 0, tell: next => subscriber.next(next) }
        tracks.add(track)
      }
      subscriber.add(() => {
        forget()
        unsubscribed.abort()
      })
      submit(command, { ...timeoutOptions(options), signal: unsubscribed.signal, watch }, outcome => {
        subscriber.next(isLeft(outcome) ? { type: 'failed', error: outcome.left } : { type: 'applied', result: outcome.right })
        subscriber.complete()
      })
    }),
    follow: state => {
      for (const track of tracks) if (!look(track, state)) tracks.delete(track)
    },
  }
}
