/** What can happen to a cluster, as data: recorded as it happens, told as a story, and done again. */
import type { MemberId, MembershipWish, Millis } from '../../../lib/types.js'
import type { DiskOperation } from '../../memory-disk.js'
import type { DiskMix } from '../world/disks.js'
import type { NetworkMix } from '../world/network-mix.js'

export type Fault =
  /** Replaces all cuts: ordered pairs as `from>to`. */
  | { readonly type: 'cut'; readonly links: readonly string[] }
  | { readonly type: 'network'; readonly mix: Partial<NetworkMix> }
  /** Breaks the connection between two members. */
  | { readonly type: 'reset'; readonly a: MemberId; readonly b: MemberId }
  /** Power is lost; of what was not synced each sector survives with probability `keep`. */
  | { readonly type: 'crash'; readonly id: MemberId; readonly keep: number }
  /** The process is killed; nothing that was written is lost. */
  | { readonly type: 'kill'; readonly id: MemberId }
  | { readonly type: 'start'; readonly id: MemberId }
  /** A machine of this name with an empty disk, new or in the place of another; its member waits to be added. Not while it belongs. */
  | { readonly type: 'join'; readonly id: MemberId }
  | { readonly type: 'pause'; readonly id: MemberId }
  | { readonly type: 'resume'; readonly id: MemberId }
  | { readonly type: 'disks'; readonly mix: Partial<DiskMix> }
  | { readonly type: 'slowDisk'; readonly id: MemberId; readonly factor: number }
  /** The act of this name after `skip` others fails once. */
  | { readonly type: 'failDisk'; readonly id: MemberId; readonly operation: DiskOperation; readonly code: string; readonly skip: number }
  /** So much can still be written. */
  | { readonly type: 'fillDisk'; readonly id: MemberId; readonly freeBytes: number }
  /** One bit of a stored file is changed; `file` and `at` count from the first, and around. Of all files, or of those of one kind. */
  | { readonly type: 'damage'; readonly id: MemberId; readonly kind?: FileKind; readonly file: number; readonly at: number }
  /** One bit of what was written last is changed; `at` counts from its first bit, and around. */
  | { readonly type: 'damageLast'; readonly id: MemberId; readonly at: number }
  /** Its user asks it to hand its leadership over: to the one that is named, or to whoever is ready first. */
  | { readonly type: 'handOver'; readonly id: MemberId; readonly to?: MemberId }
  /** Its user asks it for another membership. */
  | { readonly type: 'change'; readonly id: MemberId; readonly wish: MembershipWish }
  | { readonly type: 'skew'; readonly id: MemberId; readonly rate?: number; readonly wallMs?: Millis }

const tellMix = (mix: object): string => Object.entries(mix).filter(([, value]) => value !== 0)
  .map(([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(2)) : value}`).join(', ')

export const FILE_KINDS = ['identity', 'hard-state', 'segment', 'snapshot', 'incoming'] as const
/** What files of a store are called, before their numbers. */
export type FileKind = (typeof FILE_KINDS)[number]

const tellWish = (wish: MembershipWish): string => wish.type === 'abandon'
  ? 'abandon the change that is under way'
  : `change the membership: voters ${Object.keys(wish.voters).join(' ') || 'as they are'}, learners ${Object.keys(wish.learners).join(' ') || 'as they are'}, without ${wish.remove.join(' ') || 'nobody'}`

/** In the words of a story. */
export const tellFault = (fault: Fault): string => {
  switch (fault.type) {
    case 'cut': return fault.links.length === 0 ? 'every way is free' : `cut: ${fault.links.join(' ')}`
    case 'network': return `the network is now: ${tellMix(fault.mix)}`
    case 'disks': return `disks are now: ${tellMix(fault.mix)}`
    case 'reset': return `the connection between ${fault.a} and ${fault.b} breaks`
    case 'crash': return `${fault.id} loses power, and keeps ${Math.round(fault.keep * 100)} % of what was not synced`
    case 'kill': return `${fault.id} is killed`
    case 'start': return `${fault.id} starts`
    case 'join': return `${fault.id} starts with an empty disk, and waits to be added`
    case 'pause': return `${fault.id} is stopped`
    case 'resume': return `${fault.id} goes on`
    case 'slowDisk': return `the disk of ${fault.id} takes ${fault.factor} times as long`
    case 'failDisk': return `a ${fault.operation} on the disk of ${fault.id} will fail with ${fault.code}, after ${fault.skip} others`
    case 'fillDisk': return `the disk of ${fault.id} has room for ${fault.freeBytes} bytes`
    case 'damage': return `a bit is flipped on the disk of ${fault.id}`
    case 'damageLast': return `a bit of what was written last is flipped on the disk of ${fault.id}`
    case 'handOver': return `${fault.id} is asked to hand over to ${fault.to ?? 'whoever is ready first'}`
    case 'change': return `${fault.id} is asked to ${tellWish(fault.wish)}`
    case 'skew': return `the clock of ${fault.id} is skewed: ${fault.rate === undefined ? '' : `rate ${fault.rate} `}${fault.wallMs === undefined ? '' : `wall ${fault.wallMs} ms`}`
  }
}
