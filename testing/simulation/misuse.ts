/** What a test may ask of a cluster: only of members that exist, and nothing that cannot be. */
import * as t from 'io-ts'
import { closed, optional } from '../../codecs/judging.js'
import { MembershipWish } from '../../codecs/membership.js'
import { Count, MemberId as Id, guard } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'
import type { MemberId } from '../../lib/types.js'
import type { DiskOperation } from '../memory-disk.js'
import { FILE_KINDS, type Fault, type FileKind } from './faults/fault.js'
import type { DiskMix } from './world/disks.js'
import type { NetworkMix } from './world/network-mix.js'

/** A test asked its cluster for what cannot be. Nothing was done. */
export class SimulationMisused extends Error {
  override readonly name = 'SimulationMisused'
  constructor(
    /** What was called. */
    readonly call: string,
    /** One line per fault, each with its path. */
    readonly report: readonly string[],
  ) {
    super(`${call}: ${report.join('; ')}`)
  }
}

const numeric = (name: string, isGood: (value: number) => boolean, what: string): t.Type<number> =>
  guard(name, value => typeof value === 'number' && isGood(value) ? undefined : `must be ${what}`)

const Chance = numeric('Chance', value => value >= 0 && value <= 1, 'a probability from 0 to 1')
const Span = numeric('Span', value => value >= 0 && value < Infinity, 'a number of milliseconds, 0 or more')
const Shift = numeric('Shift', Number.isFinite, 'a number of milliseconds')
const Factor = numeric('Factor', value => value > 0 && value < Infinity, 'a number above 0')
const Rate = numeric('Rate', value => value > 0, 'a number of bytes a second, above 0')
const Bytes = numeric('Bytes', value => value >= 0, 'a number of bytes, 0 or more')

const Answer = guard('Answer', value => typeof value === 'object' && value !== null && 'then' in value ? 'must say at once whether it holds' : undefined)

const OPERATIONS: Readonly<Record<DiskOperation, null>> = {
  makeDirectory: null, open: null, create: null, write: null, read: null, truncate: null, datasync: null, close: null, rename: null, unlink: null, syncDirectory: null, list: null, lock: null,
}
const Operation = guard<DiskOperation>('Operation', value =>
  typeof value === 'string' && Object.hasOwn(OPERATIONS, value) ? undefined : `must be one of ${Object.keys(OPERATIONS).join(', ')}`)

const Kind = guard<FileKind>('FileKind', value => FILE_KINDS.some(kind => kind === value) ? undefined : `must be one of ${FILE_KINDS.join(', ')}`)

const NetworkNow = closed({
  delayMs: optional(Span), bytesPerSecond: optional(Rate), loss: optional(Chance), resendMs: optional(Span), split: optional(Chance), corrupt: optional(Chance), reset: optional(Chance),
  drop: optional(Chance), duplicate: optional(Chance), stray: optional(Chance), strayMs: optional(Span),
} satisfies Record<keyof NetworkMix, t.Mixed>)
const DisksNow = closed({ syncMs: optional(Span), actMs: optional(Span) } satisfies Record<keyof DiskMix, t.Mixed>)

/** What each fault has beside its type. */
const shapesOf = (member: t.Type<MemberId>, newcomer: t.Type<MemberId>, link: t.Type<string>): { readonly [Type in Fault['type']]: t.Props } => ({
  cut: { links: t.readonlyArray(link, 'a list of links') },
  network: { mix: NetworkNow },
  disks: { mix: DisksNow },
  reset: { a: member, b: member },
  crash: { id: member, keep: Chance },
  kill: { id: member },
  start: { id: member },
  join: { id: newcomer },
  pause: { id: member },
  resume: { id: member },
  slowDisk: { id: member, factor: Factor },
  failDisk: { id: member, operation: Operation, code: t.string, skip: Count },
  fillDisk: { id: member, freeBytes: Bytes },
  damage: { id: member, kind: optional(Kind), file: Count, at: Count },
  damageLast: { id: member, at: Count },
  handOver: { id: member, to: optional(member) },
  change: { id: member, wish: MembershipWish },
  skew: { id: member, rate: optional(Factor), wallMs: optional(Shift) },
})

const demand = (call: string, props: t.Props, value: object): void => {
  const decoded = decodeWith(closed(props), value)
  if (isLeft(decoded)) throw new SimulationMisused(call, decoded.left)
}

/** Checks of what a cluster of these members, who may become more, is asked for. Each throws `SimulationMisused`. */
export const createChecks = (ids: readonly MemberId[], belongs: (id: MemberId) => boolean) => {
  const clients = new Set<string>()
  const client = guard<string>('Client', value =>
    typeof value === 'string' && clients.has(value) ? undefined : `must be a client that connects, ${clients.size === 0 ? 'of which there is none' : `one of ${[...clients].join(', ')}`}`)
  const member = guard<MemberId>('Member', value =>
    ids.some(id => id === value) ? undefined : `must be one of the members ${ids.join(', ')}`)
  const link = guard<string>('Link', value => {
    const ends = typeof value === 'string' ? value.split('>') : []
    return ends.length === 2 && ends.every(end => member.is(end) || client.is(end)) ? undefined : `must be a way from one member to another, as "${ids[0]}>${ids[1] ?? 'n2'}", of the members ${ids.join(', ')}`
  })
  const newcomer = guard<MemberId>('Newcomer', value => !Id.is(value) || !/^[A-Za-z][\w-]*$/.test(value) ? 'must be a name that a host can have'
    : clients.has(value) ? 'must not be the name of a client' : undefined)
  const shapes = shapesOf(member, newcomer, link)
  const members = t.readonlyArray(member, 'a list of members')
  return {
    fault: (call: string, fault: Fault): void => {
      const type: unknown = Object(fault).type
      const shape = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type as Fault['type']] : undefined
      if (shape === undefined) throw new SimulationMisused(call, [`type: must be one of ${Object.keys(shapes).join(', ')}`])
      demand(call, { type: t.string, ...shape }, fault)
    },
    member: (call: string, id: MemberId): void => demand(call, { id: member }, { id }),
    newcomer: (call: string, id: MemberId): void => {
      demand(call, { id: newcomer }, { id })
      if (belongs(id)) throw new SimulationMisused(call, [`id: ${id} belongs to the cluster, and has to be removed before it may come back with nothing`])
    },
    ends: (call: string, from: string, to: string): void => {
      const end = (name: string): t.Mixed => client.is(name) ? client : member
      demand(call, { from: end(from), to: end(to) }, { from, to })
    },
    /** A client that connects is known from now on. */
    client: (call: string, name: string, options: object): void => {
      const newcomer = guard<string>('Client', value => !Id.is(value) || value.includes('>') ? 'must be a name of visible ASCII characters without ">"'
        : member.is(value) ? 'must not be the name of a member' : clients.has(value) ? 'must be another name than those of the clients before' : undefined)
      demand(call, { client: newcomer, timeoutMs: t.unknown }, { client: name, ...options })
      clients.add(name)
    },
    groups: (call: string, groups: readonly (readonly MemberId[])[]): void => {
      demand(call, { groups: t.readonlyArray(members) }, { groups })
      const named = groups.flat()
      const twice = named.find((id, at) => named.indexOf(id) < at)
      if (twice !== undefined) throw new SimulationMisused(call, [`groups: ${twice} can be in one of them only`])
    },
    span: (call: string, name: string, value: number): void => demand(call, { [name]: Span }, { [name]: value }),
    /** What a condition says: a promise would count as yes, whatever it comes to. */
    answer: (call: string, name: string, value: boolean): boolean => {
      demand(call, { [name]: Answer }, { [name]: value })
      return value
    },
    rest: (call: string, rest: object): void => demand(call, { down: optional(members), links: optional(t.readonlyArray(link, 'a list of links')) }, rest),
    proposal: (call: string, options: object): void =>
      demand(call, { at: optional(member), through: optional(client), client: optional(t.string), timeoutMs: t.unknown }, options),
    reading: (call: string, options: object): void => demand(call, { at: optional(member), client: optional(t.string), timeoutMs: t.unknown }, options),
  }
}

export type Checks = ReturnType<typeof createChecks>
