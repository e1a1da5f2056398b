import { unreachable } from '../../../lib/prelude.js'
import type { MemberId, MembershipWish } from '../../../lib/types.js'
import type { Written } from '../../memory-disk.js'
import type { Member } from '../member.js'
import { CALM_DISK, type DiskMix } from '../world/disks.js'
import { CALM_NETWORK, type NetworkMix } from '../world/network-mix.js'
import type { Network } from '../world/network.js'
import type { Fault } from './fault.js'

/** A cluster as faults know it. */
export interface Field<C, R, S> {
  readonly network: Network
  /** Undefined of one that has not joined. */
  readonly member: (id: MemberId) => Member<C, R, S> | undefined
  /** Nothing happens while the member belongs: an empty disk would break what it promised. */
  readonly join: (id: MemberId) => void
  networkMix: NetworkMix
  diskMix: DiskMix
}

/** Flips bit `at`, counted around, of what lies between the two offsets. */
const flip = <C, R, S>({ disk: { files }, damaged }: Member<C, R, S>, { path, from, to }: Written, at: number): void => {
  damaged()
  files.tamper(path, bytes => {
    const bit = 8 * from + at % (8 * (to - from))
    bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7))
    return bytes
  })
}

const damage = <C, R, S>(member: Member<C, R, S>, { kind, file, at }: Extract<Fault, { type: 'damage' }>): void => {
  const { files } = member.disk
  const paths = files.files().filter(path => path.includes(`/${kind ?? ''}`))
  const path = paths[file % paths.length]
  if (path !== undefined) flip(member, { path, from: 0, to: files.contents(path).length }, at)
}

const damageLast = <C, R, S>(member: Member<C, R, S>, at: number): void => {
  const written = member.disk.files.lastWritten()
  if (written !== undefined) flip(member, written, at)
}

const change = <C, R, S>({ raft$ }: Member<C, R, S>, wish: MembershipWish): void => {
  if (wish.type === 'abandon') return void raft$.value?.members.abandon()
  const { voters, learners, remove, newcomers } = wish
  void raft$.value?.members.change({ voters, learners, remove, newcomers })
}

/** Makes it happen, now. What cannot happen as things stand, such as the crash of a member that is down, does not. */
export const perform = <C, R, S>(field: Field<C, R, S>, fault: Fault): void => {
  switch (fault.type) {
    case 'cut': return field.network.cut(new Set(fault.links))
    case 'network':
      field.networkMix = { ...field.networkMix, ...fault.mix }
      return field.network.set(field.networkMix)
    case 'disks':
      field.diskMix = { ...field.diskMix, ...fault.mix }
      return
    case 'reset': return field.network.reset(fault.a, fault.b)
    case 'join': return field.join(fault.id)
    default: break
  }
  const member = field.member(fault.id)
  if (member === undefined) return
  switch (fault.type) {
    case 'crash': return member.crash(fault.keep)
    case 'kill': return member.kill()
    case 'start': return member.start()
    case 'pause': return member.pause()
    case 'resume': return member.resume()
    case 'slowDisk': return member.disk.slow(fault.factor)
    case 'failDisk': return member.disk.files.failNext(fault.operation, fault.code, fault.skip)
    case 'fillDisk': return member.disk.files.setCapacity(member.disk.files.usedBytes() + fault.freeBytes)
    case 'damage': return damage(member, fault)
    case 'damageLast': return damageLast(member, fault.at)
    case 'handOver': return void member.raft$.value?.transferLeadership(fault.to)
    case 'change': return change(member, fault.wish)
    case 'skew': return member.timepiece.skew(fault)
    default: return unreachable(fault)
  }
}

/** No fault is left, but for members that lost what they had stored. */
export const mendAll = <C, R, S>(field: Field<C, R, S>, members: readonly Member<C, R, S>[]): void => {
  field.networkMix = CALM_NETWORK
  field.diskMix = CALM_DISK
  field.network.set(CALM_NETWORK)
  field.network.cut(new Set())
  for (const { disk, isPaused, resume, kill, start } of members) {
    disk.slow(1)
    disk.files.setCapacity(Number.POSITIVE_INFINITY)
    disk.files.forgetFailures()
    // Only a restart makes good what a failed act has left.
    if (disk.files.hasFailed()) kill()
    if (isPaused()) resume()
    start()
  }
}
