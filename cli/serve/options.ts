/** What `rxraft serve` was told. */
import { MAX_TIMER_MS } from '../../codecs/primitives.js'
import type { Limits } from '../../codecs/options.js'
import type { Compression } from '../../lib/types.js'
import { formatAddress, isLoopback } from '../../streams/transport/tcp/addresses.js'
import type { TcpOptions } from '../../streams/transport/tcp/tcp.js'
import type { ControlServerOptions } from '../control/index.js'
import { hasPort } from '../control/visitors.js'
import { addressBehind, atMost, choice, listed, pairs, parsed, required, wholeNumber } from '../arguments.js'
import { Mistake } from '../mistake.js'
import { TRUST, trustBehind } from '../trust.js'

export interface ServeOptions {
  readonly cluster: string
  readonly id: string
  readonly members: Readonly<Record<string, string>>
  /** Where a member is reached that has yet to be added. */
  readonly join: string | undefined
  readonly folder: string
  /** A file whose default export is the machine; the key-value store without one. */
  readonly machine: string | undefined
  readonly control: Pick<ControlServerOptions<never, never, never>, 'listen' | 'withoutAuthentication' | 'names'> | undefined
  readonly transport: TcpOptions
  readonly recorder: string | undefined
  readonly json: boolean
  /** Handed on to `createRaft`, which looks at them. */
  readonly timing: { readonly electionTimeoutMs?: number; readonly heartbeatMs?: number; readonly readLeaseMs?: number; readonly snapshotCompression?: Compression }
  readonly limits: Partial<Limits>
}

const OPTIONS = {
  cluster: { type: 'string' }, id: { type: 'string' }, members: { type: 'string' }, join: { type: 'string' }, data: { type: 'string' }, machine: { type: 'string' },
  control: { type: 'string' }, 'control-name': { type: 'string', multiple: true }, 'control-without-authentication': { type: 'boolean' },
  listen: { type: 'string' }, ...TRUST, recorder: { type: 'string' }, 'election-timeout-ms': { type: 'string' }, 'heartbeat-ms': { type: 'string' },
  'read-lease-ms': { type: 'string' }, 'snapshot-compression': { type: 'string' }, limit: { type: 'string', multiple: true }, json: { type: 'boolean' },
} as const

type Typed = ReturnType<typeof parsed<{ options: typeof OPTIONS }>>['values']

const controlBehind = ({ control, 'control-name': names = [], 'control-without-authentication': isOpen }: Typed): ServeOptions['control'] => {
  if (control === undefined) {
    const lonely = names.length > 0 ? 'control-name' : isOpen === true ? 'control-without-authentication' : undefined
    if (lonely !== undefined) throw new Mistake(`--${lonely} goes with --control`)
    return undefined
  }
  const address = addressBehind('control', control, 0)
  const ported = names.find(hasPort)
  if (ported !== undefined) throw new Mistake(`--control-name takes a name without a port, not "${ported}"`)
  if (!isLoopback(address) && isOpen !== true) {
    throw new Mistake(`--control ${formatAddress(address)} is beyond loopback, where whoever reaches it could read and write; say --control-without-authentication if that is meant`)
  }
  return { listen: formatAddress(address), names, ...(isOpen === true && { withoutAuthentication: isOpen }) }
}

const limitsBehind = (texts: readonly string[]): Partial<Limits> =>
  Object.fromEntries(pairs('limit', texts, 'NAME=NUMBER').map(([name, text]) => [name, wholeNumber(`limit ${name}`, text, 0)]))

const timingBehind = (values: Typed): ServeOptions['timing'] => {
  const { 'election-timeout-ms': election, 'heartbeat-ms': heartbeat, 'read-lease-ms': lease, 'snapshot-compression': compression } = values
  return {
    ...(election !== undefined && { electionTimeoutMs: wholeNumber('election-timeout-ms', election, 1, MAX_TIMER_MS) }),
    ...(heartbeat !== undefined && { heartbeatMs: wholeNumber('heartbeat-ms', heartbeat, 1, MAX_TIMER_MS) }),
    ...(lease !== undefined && { readLeaseMs: wholeNumber('read-lease-ms', lease, 0, MAX_TIMER_MS) }),
    ...(compression !== undefined && { snapshotCompression: choice('snapshot-compression', compression, ['none', 'gzip', 'zstd']) }),
  }
}

export const serveOptions = (args: readonly string[]): ServeOptions => {
  const { values, positionals } = parsed({ args: [...args], options: OPTIONS, allowPositionals: true })
  atMost(0, positionals, 'nothing beside the options')
  const { machine, recorder, listen, join, limit = [], json } = values
  return {
    cluster: required('cluster', values.cluster, 'the name of the cluster, equal on all members'),
    id: required('id', values.id, 'which of the members this one is'),
    members: Object.fromEntries(pairs('members', listed(required('members', values.members, 'the first members with their addresses, as n1=127.0.0.1:7001,n2=…')), 'ID=HOST:PORT[,…]')),
    folder: required('data', values.data, 'the folder in which this member keeps its log'),
    join, machine, recorder, json: json === true,
    control: controlBehind(values),
    transport: { ...trustBehind(values), ...(listen !== undefined && { listen }) },
    timing: timingBehind(values),
    limits: limitsBehind(limit),
  }
}
