import { clusterIdOf } from '../codecs/cluster-id.js'
import { DEFAULT_HEARTBEAT_MS, type Limits, decodeClientOptions } from '../codecs/options.js'
import { firstMembership } from '../lib/membership.js'
import { isLeft, left, right } from '../lib/prelude.js'
import type { MemberId, Millis } from '../lib/types.js'
import { type Clock, systemClock } from '../streams/time/clock.js'
import type { Protocol } from '../streams/machine/machine.js'
import { type Outlet, createOutlet } from '../streams/requests/outlet.js'
import { proposerOf } from '../streams/proposer/proposer-of.js'
import type { Eventual, Proposer } from '../streams/proposer/proposer.js'
import { dialClient } from '../streams/transport/tcp/dial.js'
import type { TlsMaterial } from '../streams/transport/tcp/sockets.js'
import { type ConnectError, Unreachable } from './errors.js'
import { type Finder, type FinderOptions, createFinder } from './finder.js'

export interface ClientOptions<C, R> {
  readonly cluster: string
  /** The cluster's first members and their addresses, as its members name them. */
  readonly members: Readonly<Record<MemberId, string>>
  readonly protocol: Protocol<C, R>
  readonly tls?: TlsMaterial
  readonly limits?: Partial<Limits>
  /** How long to look for a member at first, and how long a proposal waits that names no time of its own; 5 000 unless told otherwise. */
  readonly timeoutMs?: Millis
}

/** A proposer outside the cluster. It never sends a command again that may have been appended. */
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
}

/** How often deadlines are looked at, and how soon a refused command is tried again where it was refused. */
const TICK_MS = 25

/** Connects to whichever member answers first, and from there finds the leader. */
export const connect = <C, R>(options: ClientOptions<C, R>): Eventual<ConnectError, Client<C, R>> =>
  connectWith({ clock: systemClock, random: Math.random, dial: dialClient }, options)

/** `connect` in a world of one's own. */
export const connectWith = <C, R>({ clock, random, dial }: ClientHost, options: ClientOptions<C, R>): Eventual<ConnectError, Client<C, R>> => {
  const checked = decodeClientOptions(options)
  if (isLeft(checked)) return Promise.resolve(checked)
  const { cluster, members, limits, timeoutMs } = checked.right
  const clusterId = clusterIdOf(cluster, firstMembership(members))
  const outlet: Outlet<C, R> = createOutlet({ protocol: options.protocol, limits, timeoutMs, heartbeatMs: DEFAULT_HEARTBEAT_MS, clock })
  const finder = createFinder({
    members, limits, clock, random, outlet, graceMs: DEFAULT_HEARTBEAT_MS,
    dial: (member, address) => dial({ clusterId, name: `client-${process.pid}`, member, address, tls: options.tls, limits, clock }),
  } satisfies FinderOptions)
  return begin(clock, timeoutMs, outlet, finder)
}

const begin = <C, R>(clock: Clock, timeoutMs: Millis, outlet: Outlet<C, R>, finder: Finder): Eventual<ConnectError, Client<C, R>> => {
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
    const cancelTimeout = clock.after(timeoutMs, () => {
      const reasons = { ...finder.reasons }
      void close().then(() => resolve(left(new Unreachable(reasons, timeoutMs))))
    })
    finder.begin(() => {
      cancelTimeout()
      resolve(right({ ...proposerOf(outlet.submit), close }))
    })
  })
}
