import * as t from 'io-ts'
import { Subscription } from 'rxjs'
import { Protocol, closed, having, optional } from '../../codecs/judging.js'
import { TimerMs, checked, guard, integer } from '../../codecs/primitives.js'
import { decodeWith, messageOf } from '../../codecs/report.js'
import { InvalidOptions, type ListenFailed, type PortInUse } from '../../lib/errors.js'
import { type Either, type SomeOf, isLeft, left, right } from '../../lib/prelude.js'
import type { Raft } from '../../streams/member/member.js'
import type { Eventual } from '../../streams/proposer/proposer.js'
import { formatAddress, isLoopback, parseAddress } from '../../streams/transport/tcp/addresses.js'
import type { Machine } from '../../streams/machine/machine.js'
import { type ControlEndpoint, type EndpointOptions, openControl } from './endpoint.js'
import { type ControlLimits, DEFAULT_CONTROL_LIMITS } from './limits.js'
import { type MemberView, viewMember } from './member-view.js'
import { hasPort } from './visitors.js'

export interface ControlServerOptions<C, R, S> {
  /** The cluster's name, the same that `createRaft` was given. */
  readonly cluster: string
  /** The member's machine, of which only the codecs are used: commands come and results leave as the JSON that these take and give. */
  readonly machine: Pick<Machine<C, R, S>, 'command' | 'result'>
  /** Where to listen, `host:port`; port 0 lets the system choose. Loopback, unless there is `withoutAuthentication`. */
  readonly listen: string
  /** Says that `listen` may be beyond loopback, though whoever reaches it there can read and write everything. */
  readonly withoutAuthentication?: true | undefined
  /** Names by which it may be asked, without a port, beside localhost, the host of `listen` and addresses in digits: requests with another `Host` are refused, as a web page may have made it up. None unless told otherwise. */
  readonly names?: readonly string[] | undefined
  /** Whether the member's transport was given `tls`, which `rxraft pipe` is told, as it goes on to the members. False unless told otherwise. */
  readonly tls?: boolean | undefined
  /** Each bound has its default where it is left out. */
  readonly limits?: SomeOf<ControlLimits> | undefined
}

/** A server that the commands of `rxraft`, probes, Prometheus and curl speak to. It closes by itself when its member ends. */
export interface ControlServer extends AsyncDisposable {
  /** Where it listens, `host:port`, the port as the system chose it. */
  readonly address: string
  /** For a member that is about to stop: from now on `/ready` says no, and what would change anything is refused as `Stopped`. */
  leave(): void
  /** Takes no more connections, gives answers that are under way a second, and resolves when all are closed. Never rejects, and twice is once; the member goes on. */
  close(): Promise<void>
}

/** Why there is no control server; the member goes on all the same. */
export type ControlError = InvalidOptions | PortInUse | ListenFailed

const MAX_NAME_CHARACTERS = 253

const Text = guard<string>('Text', value => typeof value === 'string' && value !== '' && value.length <= MAX_NAME_CHARACTERS ? undefined : `must be a string of 1 to ${MAX_NAME_CHARACTERS} characters`)
const Name = checked(Text, name => hasPort(name) ? `must be a name without a port, not "${name}"` : undefined)
const Listen = guard<string>('Listen', value => typeof value === 'string' && !isLeft(parseAddress(value)) ? undefined : 'must be an address "host:port"')
const Bound = optional(integer('Bound', 1, 2 ** 30))
const Time = optional(TimerMs)

const Given = closed({
  cluster: Text,
  machine: Protocol,
  listen: Listen,
  withoutAuthentication: optional(t.literal(true)),
  names: optional(t.readonlyArray(Name, 'a list of names')),
  tls: optional(t.boolean),
  limits: optional(closed({
    maxCommandBytes: Bound, maxCommandValues: Bound, maxConnections: Bound, maxPipelined: Bound, maxBodyBytes: Bound, maxReadBytes: Bound, maxAnswerBytes: Bound,
    maxPathNames: Bound, maxWatchers: Bound, stallMs: Time, watchAliveMs: Time, requestTimeoutMs: Time,
  } satisfies Record<keyof ControlLimits, t.Type<number | undefined, unknown>>)),
} satisfies Record<keyof ControlServerOptions<never, never, never>, t.Mixed>)

const Stream = having('subscribe')

/** What is asked of the member. */
const Member = t.type({
  raft: t.intersection([
    having('propose', 'track', 'read', 'commitsFrom', 'transferLeadership', 'snapshot'),
    t.type({ members: having('change', 'abandon'), status$: Stream, leadership$: Stream, membership$: Stream, snapshots$: Stream, diagnostics$: Stream, health$: Stream, ended$: Stream }),
  ]),
})

const limitsWith = (given: SomeOf<ControlLimits>): ControlLimits =>
  ({ ...DEFAULT_CONTROL_LIMITS, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) })

/** Reads the options once: whatever they do, the outcome is a value. The member is looked at from here on. */
const prepare = <C, R, S>(raft: Raft<C, R, S>, options: ControlServerOptions<C, R, S>): Either<InvalidOptions, EndpointOptions<C, R, S>> => {
  const [member, given] = [decodeWith(Member, { raft }), decodeWith(Given, options)]
  const faults = [member, given].flatMap(decoded => isLeft(decoded) ? decoded.left : [])
  if (isLeft(given) || faults.length > 0) return left(new InvalidOptions(faults))
  try {
    const { cluster, listen, withoutAuthentication, names = [], tls = false, limits = {} } = given.right
    const { command, result } = options.machine
    const address = parseAddress(listen)
    if (isLeft(address)) return left(new InvalidOptions([`listen: ${address.left}`]))
    if (!isLoopback(address.right) && withoutAuthentication !== true) {
      return left(new InvalidOptions([`listen: ${formatAddress(address.right)} is beyond loopback, where whoever reaches it could read and write; say withoutAuthentication: true if that is meant`]))
    }
    return right({
      raft, machine: { command, result }, limits: limitsWith(limits), address: address.right,
      names: [address.right.host, ...names].map(name => name.toLowerCase()), view: viewMember(raft, { cluster, tls }),
    })
  } catch (thrown) {
    return left(new InvalidOptions([`reading the options failed: ${messageOf(thrown)}`]))
  }
}

/** Closes once, whoever asks for it, and with the member. */
const served = <C, R, S>({ ended$ }: Pick<Raft<C, R, S>, 'ended$'>, view: MemberView, endpoint: ControlEndpoint): ControlServer => {
  let closed: Promise<void> | undefined
  const following = new Subscription()
  const close = (): Promise<void> => {
    following.unsubscribe()
    return closed ??= endpoint.close().then(() => view.close())
  }
  const leave = (): void => {
    view.stopping()
    endpoint.leave()
  }
  following.add(ended$.subscribe(() => void close()))
  return { address: endpoint.address, leave, close, [Symbol.asyncDispose]: close }
}

/**
 * Opens a member to the commands of `rxraft` (`status`, `members`, `transfer`, `snapshot`, `propose`, `read`, `watch`, `pipe`), to probes (`/ready`) and to Prometheus (`/metrics`): HTTP and
 * JSON without authentication, so on loopback unless told otherwise. Resolves when it listens, or with `InvalidOptions`, `PortInUse` or `ListenFailed`; never throws and never rejects. What it
 * counts begins with this call, so make it as soon as there is a member. `docs/control.md` has its routes, its metrics and its limits.
 */
export const controlServer = async <C, R, S>(raft: Raft<C, R, S>, options: ControlServerOptions<C, R, S>): Eventual<ControlError, ControlServer> => {
  const prepared = prepare(raft, options)
  if (isLeft(prepared)) return prepared
  const endpoint = await openControl(prepared.right)
  if (!isLeft(endpoint)) return right(served(raft, prepared.right.view, endpoint.right))
  prepared.right.view.close()
  return endpoint
}
