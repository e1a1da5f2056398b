import { clusterIdOf, clusterNameIdOf } from '../../codecs/cluster-id.js'
import type { CheckedOptions } from '../../codecs/options.js'
import type { RunEnd } from '../../codecs/recording/segment.js'
import { messageOf } from '../../codecs/report.js'
import { InvalidOptions, type StartError } from '../../lib/errors.js'
import { openLog } from '../../lib/log.js'
import { NO_MEMBERSHIP, firstMembership, membersOf } from '../../lib/membership.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import { namedAt, reachable } from '../../lib/reach.js'
import type { Millis } from '../../lib/types.js'
import { type Admission, createAdmission } from './admission.js'
import type { Recorder, Recording } from '../recorder/port.js'
import type { Clock } from '../time/clock.js'
import type { Notice } from '../outputs/diagnostics.js'
import type { Begun } from '../snapshots/begin.js'
import type { Storage, Store } from '../storage/port.js'
import type { Links, Transport } from '../transport/port.js'

/** What a member stands on, once it could be had. */
export interface Ports {
  readonly store: Store
  readonly links: Links
  readonly recording: Recording | undefined
  readonly admission: Admission
}

export interface Opening<C, R, S> {
  readonly options: CheckedOptions
  readonly machineVersion: number
  readonly storage: Storage
  readonly transport: Transport
  readonly recorder: Recorder | undefined
  readonly clock: Clock
  /** A number in [0, 1). */
  readonly random: () => number
  readonly notice: (notice: Notice) => void
  /** Sets up the machine by what is stored. */
  readonly begin: (store: Store, done: (outcome: Either<StartError, Begun<C, R, S>>) => void) => void
}

/** All that a member runs with, once it could be had. */
interface Opened<C, R, S> {
  readonly ports: Ports
  readonly begun: Begun<C, R, S>
}

/** Whether nothing was ever appended to a folder that began as that of one of the first members. */
const isFounders = ({ lastIndex, base }: Store['recovered']): boolean => lastIndex === 0 && membersOf(base.membership).length > 0

/** It may be of a member that lost its disk and was started once as if it had not: it would vote by what it has forgotten. */
const FOUNDERS = 'join: must not be given for a data folder that an earlier start without it has made, as of one of the first members: where this member lost its disk and was removed from the cluster, remove the folder'

/** Recovers what is stored, sets up the machine, then listens. What was opened is closed again when the rest cannot be had. */
export const openPorts = <C, R, S>(opening: Opening<C, R, S>, done: (outcome: Either<StartError, Opened<C, R, S>>) => void): void => {
  const { options: { cluster, id, members, join, electionTimeoutMs, limits }, machineVersion, storage, transport, recorder, clock, random, notice, begin } = opening
  const first = firstMembership(members)
  const clusterId = clusterIdOf(cluster, first)
  // Who joins belongs to nothing until the log says so; the cluster is the same all the same.
  const owner = { clusterId, id, membership: join === undefined ? first : NO_MEMBERSHIP, tailBytes: limits.logCacheBytes }
  const record = (answer: (outcome: Either<StartError, Recording | undefined>) => void): void =>
    answer(recorder === undefined ? right(undefined) : recorder.open({ clusterId, id }, notice))
  // First, since it only looks at its options: what was opened after it need not be closed for its sake.
  attempt('recorder', record, recorded => isLeft(recorded) ? done(recorded) : attempt<Store>('storage', answer => storage.open(owner, answer), opened => {
    if (isLeft(opened)) return done(opened)
    const store = opened.right
    const { recovered } = store
    const known = { log: openLog(recovered), commitIndex: recovered.hardState.commitIndex }
    const addresses = reachable(known)
    const admission = createAdmission(store, addresses, notice)
    const endpoint = {
      clusterId, clusterNameId: clusterNameIdOf(cluster), id, incarnation: recovered.incarnation, machineVersion,
      address: addresses[id] ?? join ?? members[id] ?? '', given: members, join, roll: { addresses, isOpen: true, named: namedAt(known, id) }, admit: admission.admit, isUnproven: admission.isUnproven, limits, electionTimeoutMs, clock, random,
    }
    const refused = (error: StartError): void => store.close(() => done(left(error)))
    if (join !== undefined && isFounders(recovered)) return refused(new InvalidOptions([FOUNDERS]))
    const listen = (begun: Begun<C, R, S>): void => attempt<Links>('transport', answer => transport.open(endpoint, answer), listening => isLeft(listening)
      ? refused(listening.left)
      : done(right({ ports: { store, links: listening.right, recording: recorded.right, admission }, begun })))
    begin(store, begun => isLeft(begun) ? refused(begun.left) : listen(begun.right))
  }))
}

/** Opens a port and passes on its answer; where `open` throws instead of answering, the answer is an error with what it threw. */
const attempt = <A>(name: string, open: (answer: (outcome: Either<StartError, A>) => void) => void, done: (outcome: Either<StartError, A>) => void): void => {
  let isAnswered = false
  try {
    open(outcome => {
      isAnswered = true
      done(outcome)
    })
  } catch (thrown) {
    if (isAnswered) throw thrown
    done(left(new InvalidOptions([`${name}: open failed: ${messageOf(thrown)}`])))
  }
}

/**
 * What there is to say of the start, once somebody can hear it. Ids that differ from the configured ones were changed by the log, for the cluster's id is made
 * of the first; and so may addresses be, once any change is in the log.
 */
export const startNotices = ({ members }: CheckedOptions, { store: { recovered } }: Ports): readonly Notice[] => {
  const notes = recovered.notes.map((note): Notice => ({ type: 'storageNote', note }))
  const { memberships, base: { membership: { addresses } } } = recovered
  const ids = Object.keys(members)
  const isUnchanged = memberships.length === 0 && ids.length === Object.keys(addresses).length && ids.every(id => Object.hasOwn(addresses, id))
  const differs = isUnchanged && ids.some(id => addresses[id] !== members[id])
  return differs ? [...notes, { type: 'membersDiffer', configured: members, stored: addresses }] : notes
}

/** Gives back the address, the files and the lock; what does not finish within `timeoutMs` is left to itself. */
export const closePorts = ({ store, links, recording }: Ports, end: RunEnd, clock: Clock, timeoutMs: Millis, timedOut: () => void, done: () => void): void => {
  let open = 3
  const cancel = clock.after(timeoutMs, () => {
    open = 0
    timedOut()
    done()
  })
  const closed = (): void => {
    if (--open !== 0) return
    cancel()
    done()
  }
  links.close(closed)
  store.close(closed)
  if (recording === undefined) closed()
  else recording.close(end, closed)
}
