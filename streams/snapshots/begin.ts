/** What a member's machine begins with: the newest snapshot, or nothing. */
import { messageOf } from '../../codecs/report.js'
import { InvalidOptions, SnapshotLost } from '../../lib/errors.js'
import { openLog, termAt } from '../../lib/log.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { MemberId, Snapshot } from '../../lib/types.js'
import type { Applied, Machine, Position, RunningMachine } from '../machine/machine.js'
import { type Sessions, createSessions } from '../machine/sessions.js'
import { withSessions } from '../machine/with-sessions.js'
import { decidesAlone } from '../storage/alone.js'
import type { Snapshots, Store } from '../storage/port.js'
import type { SnapshotNotice } from './events.js'
import { type RestoreFailure, type Restoring, restore } from './restore.js'

/** A machine that is ready to go on from where it is. */
export interface Begun<C, R, S> {
  /** Its snapshots have the sessions in them. */
  readonly machine: RunningMachine<C, R, S>
  readonly sessions: Sessions<R>
  readonly applied: Applied<S>
  /** What it was restored from, if it was. */
  readonly restored: Snapshot | undefined
  readonly notices: readonly SnapshotNotice[]
}

const NOTHING_APPLIED: Position = { index: 0, term: 0, time: 0 }

type Recipe<C, R, S> = Pick<Machine<C, R, S>, 'start' | 'result'>

/** What is wrong with what `start` returned: a machine may be plain JavaScript, and one that is none would end its member at the first command. */
const faultsOf = (started: unknown): readonly string[] => {
  if (typeof started !== 'object' || started === null) return ['machine: start must return an object with apply, snapshot and restore']
  if (typeof Reflect.get(started, 'then') === 'function') return ['machine: start must return a running machine, and no promise of one']
  return ['apply', 'snapshot', 'restore'].filter(name => typeof Reflect.get(started, name) !== 'function').map(name => `machine: what start returns must have a function ${name}`)
}

/** A copy of the machine in its first state; whatever `start` does, the outcome is a value. */
export const startMachine = <C, R, S>(recipe: Recipe<C, R, S>): Either<InvalidOptions, Begun<C, R, S>> => {
  try {
    const sessions = createSessions<R>()
    const started = recipe.start()
    const faults = faultsOf(started)
    if (faults.length > 0) return left(new InvalidOptions(faults))
    const machine = withSessions(started, sessions, recipe.result)
    return right({ machine, sessions, applied: appliedOf(machine, NOTHING_APPLIED), restored: undefined, notices: [] })
  } catch (thrown) {
    return left(new InvalidOptions([`machine: could not be started: ${messageOf(thrown)}`]))
  }
}

const appliedOf = <C, R, S>(machine: RunningMachine<C, R, S>, { index, term, time }: Position): Applied<S> => ({ index, term, time, state: machine.state })

/** Why the snapshot does not stand for a part of this log, if it does not: what follows it could not be applied to it. */
const objectionTo = ({ index, term }: Snapshot, { recovered }: Pick<Store, 'recovered'>): string | undefined => {
  const found = termAt(openLog(recovered), index)
  return found === term ? undefined : `it stands at ${index} of term ${term}, where this log has ${found === undefined ? 'no entry' : `an entry of term ${found}`}`
}

interface Beginning extends Pick<Restoring, 'clock' | 'stallMs'> {
  readonly id: MemberId
  readonly store: Pick<Store, 'recovered'> & { readonly snapshots: Pick<Snapshots, 'newest' | 'read'> }
}

/**
 * Begins from the newest snapshot. Where it cannot be had the machine begins anew, and the whole log is applied; or, where the log no
 * longer holds all there ever was, the leader sends its own. Only a member that decides alone has nobody to ask.
 */
export const beginMachine = <C, R, S>(
  first: Begun<C, R, S>, recipe: Recipe<C, R, S>, beginning: Beginning,
  done: (outcome: Either<InvalidOptions | SnapshotLost, Begun<C, R, S>>) => void,
): void => {
  const { id, store, clock, stallMs } = beginning
  const { recovered, snapshots } = store
  const { base, notes, hardState: { commitIndex } } = recovered
  const snapshot = snapshots.newest()
  const without = ({ reason, isUnreadable }: RestoreFailure): void => {
    if (base.index > 0 && (!isUnreadable || decidesAlone(recovered, commitIndex, id))) return done(left(new SnapshotLost(base.index, reason)))
    const again = startMachine(recipe)
    done(isLeft(again) ? again : right({ ...again.right, notices: [{ type: 'snapshotUnusable', index: snapshot?.index ?? base.index, reason }] }))
  }
  // What the store noted may be why: nobody else hears of it where the start is refused.
  if (snapshot === undefined) return base.index > 0 ? without({ reason: ['there is no snapshot', ...notes].join('; '), isUnreadable: true }) : done(right(first))
  const objection = objectionTo(snapshot, store)
  if (objection !== undefined) return without({ reason: objection, isUnreadable: true })
  restore(first.machine, { snapshots, clock, stallMs }, failure => {
    if (failure !== undefined) return without(failure)
    let applied: Applied<S>
    try {
      applied = appliedOf(first.machine, snapshot)
    } catch (thrown) {
      return without({ reason: messageOf(thrown), isUnreadable: false })
    }
    done(right({ ...first, applied, restored: snapshot }))
  })
}
