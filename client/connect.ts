import { clusterNameIdOf } from '../codecs/cluster-id.js'
import { type CheckedClientOptions, DEFAULT_HEARTBEAT_MS, type Limits, decodeClientOptions } from '../codecs/options.js'
import { messageOf } from '../codecs/report.js'
import { InvalidOptions } from '../lib/errors.js'
import { type Either, type SomeOf, isLeft, left, right } from '../lib/prelude.js'
import type { MemberId, Millis } from '../lib/types.js'
import { type Clock, systemClock } from '../streams/time/clock.js'
import type { Protocol } from '../streams/machine/machine.js'
import { type Outlet, createOutlet } from '../streams/requests/outlet.js'
import { proposerOf } from '../streams/proposer/proposer-of.js'
import type { Eventual, Proposer } from '../streams/proposer/proposer.js'
import { thenTold } from '../streams/proposer/then-told.js'
import { dialClient } from '../streams/transport/tcp/dial.js'
import { nodeSockets } from '../streams/transport/tcp/node-sockets.js'
import { type Credentials, type Trust, addressFaults, inspectTrust, objectionToText } from '../streams/transport/tcp/trust.js'
import { type ConnectError, Unreachable } from './errors.js'
import { type Finder, type FinderOptions, createFinder } from './finder.js'

export interface ClientOptions<C, R> extends Trust {
  readonly cluster: string
  /** One or more members and their addresses; they tell who belongs to the cluster by now, and where. */
  readonly members: Readonly<Record<MemberId, string>>
  readonly protocol: Protocol<C, R>
  readonly limits?: SomeOf<Limits> | undefined
  /** How long to look for a member at first, and how long a proposal waits that names no time of its own; 5 000 unless told otherwise. */
  readonly timeoutMs?: Millis | undefined
}

/**
 * A proposer outside the cluster. What it sent and was not answered it sends again, to whoever leads, until the time of the command is up: each has a number in the
 * client's session, by which all members know it again, so that it is applied once. Another client, also one that takes its place, has another session.
 */
export interface Client<C, R> extends Proposer<C, R> {
  /** Refuses new commands, waits up to `stopTimeoutMs` for those it has, closes its links, then resolves; never rejects, and twice is once. */
  close(): Promise<void>
}

/** What a client knows of the world outside; tests bring their own. */
export interface ClientHost {
  readonly clock: Clock
  /** A number in [0, 1). */
  readonly random: () => number
  readonly dial: typeof dialClient
  /** Hears of each outcome, that of connecting included, after those who wait for it. */
  readonly told?: () => void
}

/** How often deadlines are looked at, and how soon a refused command is tried again where it was refused. */
const TICK_MS = 25

/** Connects to whichever member answers first, and from there finds the leader. Never throws and never rejects. */
export const connect = <C, R>(options: ClientOptions<C, R>): Eventual<ConnectError, Client<C, R>> =>
  connectWith({ clock: systemClock, random: Math.random, dial: dialClient }, options)

/** `connect` in a world of one's own. */
export const connectWith = <C, R>({ clock, random, dial, told }: ClientHost, options: ClientOptions<C, R>): Eventual<ConnectError, Client<C, R>> => {
  const prepared = prepare(options)
  if (isLeft(prepared)) return Promise.resolve(prepared)
  const { cluster, members, limits, timeoutMs, protocol, trust, credentials } = prepared.right
  const clusterNameId = clusterNameIdOf(cluster)
  const outlet: Outlet<C, R> = createOutlet({ protocol, limits, timeoutMs, heartbeatMs: DEFAULT_HEARTBEAT_MS, clock, random, isSeeking: true })
  const finder = createFinder({
    given: members, limits, clock, random, outlet, graceMs: DEFAULT_HEARTBEAT_MS,
    mayDial: address => objectionToText(trust, address) === undefined,
    dial: (member, address) => dial({ clusterNameId, name: `client-${process.pid}`, member, address, tls: credentials?.(() => undefined), limits, clock }),
  } satisfies FinderOptions)
  return begin(clock, prepared.right, outlet, finder, told)
}

interface Prepared<C, R> extends CheckedClientOptions {
  readonly protocol: Protocol<C, R>
  readonly trust: Trust
  readonly credentials: Credentials | undefined
}

/** Reads the options once: whatever they do, the outcome is a value, and what cannot be used is not found out by dialling. */
const prepare = <C, R>(options: ClientOptions<C, R>): Either<InvalidOptions, Prepared<C, R>> => {
  const checked = decodeClientOptions(options)
  if (isLeft(checked)) return checked
  try {
    const { protocol: { command, result }, tls, plaintext } = options
    const trust: Trust = { tls, plaintext }
    const addresses = Object.entries(checked.right.members).map(([id, address]) => [`members.${id}`, address] as const)
    const own = inspectTrust(nodeSockets, trust, { path: '', objection: () => undefined })
    const faults = [...addressFaults(trust, addresses), ...(isLeft(own) ? [own.left] : [])]
    return isLeft(own) || faults.length > 0 ? left(new InvalidOptions(faults)) : right({ ...checked.right, protocol: { command, result }, trust, credentials: own.right })
  } catch (thrown) {
    return left(new InvalidOptions([`reading the options failed: ${messageOf(thrown)}`]))
  }
}

const begin = <C, R>(clock: Clock, { cluster, timeoutMs }: Pick<CheckedClientOptions, 'cluster' | 'timeoutMs'>, outlet: Outlet<C, R>, finder: Finder, told: ClientHost['told']): Eventual<ConnectError, Client<C, R>> => {
  const telling = thenTold(told)
  const tick = (): void => {
    cancelTick = clock.after(TICK_MS, tick)
    outlet.tick()
    finder.tick()
  }
  let cancelTick = clock.after(TICK_MS, tick)
  const close = (): Promise<void> => new Promise(resolve => outlet.drain(() => {
    cancelTick()
    finder.close(resolve)
  }))
  return new Promise(resolve => {
    const connected = telling(resolve)
    const cancelTimeout = clock.after(timeoutMs, () => {
      const reasons = { ...finder.reasons }
      void close().then(() => connected(left(new Unreachable(reasons, timeoutMs, cluster))))
    })
    finder.begin(() => {
      cancelTimeout()
      connected(right({ ...proposerOf<C, R>((command, options, done) => outlet.submit(command, options, telling(done))), close }))
    })
  })
}
