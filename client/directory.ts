/** What a client knows of the members: who they are, where each is reached, and what came of the attempts. */
import type { Index, MemberId } from '../lib/types.js'

type Addresses = Readonly<Record<MemberId, string>>

export interface Target {
  readonly member: MemberId
  readonly address: string
}

export interface DirectoryOptions {
  /** What the client was given. It is never lost, whatever members tell. */
  readonly given: Addresses
  /** Whether an address that a member tells may be dialled. */
  readonly mayDial: (address: string) => boolean
}

export interface Directory {
  /**
   * A member tells who belonged at `index` of the log. Returns whether that is news: what is older than the newest that was told, as from a member that is
   * behind, changes nothing, and neither does what names nobody who may be dialled.
   */
  learn(index: Index, addresses: Addresses): boolean
  /** Who commits knows no newer membership than that of `index`: what was told of a later one was of a log that is lost, as after a recovery. */
  goBack(index: Index): void
  /** Whom to ask, in turn, beginning after this one: those of the newest membership, and in the end those that were given and do not belong to it. */
  round(behind: MemberId | undefined): readonly MemberId[]
  /**
   * Where to dial this member, the best first: where it was last reached, then where it has not been looked for, then where it was missed the longest ago. Of equals
   * the address in the newest membership comes before the given one, and that before the one that somebody pointed at.
   */
  find(member: MemberId, pointed?: string): readonly Target[]
  /** What came of dialling. */
  tried(target: Target, isReached: boolean): void
}

/** Neither half has a space in it. */
export const keyOf = ({ member, address }: Target): string => `${member} ${address}`

export const createDirectory = ({ given, mayDial }: DirectoryOptions): Directory => {
  let told: { readonly index: Index; readonly addresses: Addresses } | undefined
  /** The later it was reached the higher, the later it was not the lower; whatever is not known is in between. */
  const standing = new Map<string, number>()
  let attempts = 0

  const targetsOf = (member: MemberId, pointed?: string): readonly Target[] => {
    const known = [told?.addresses, given].flatMap(addresses => addresses !== undefined && Object.hasOwn(addresses, member) ? [addresses[member]!] : [])
    return [...new Set([...known, ...pointed !== undefined && mayDial(pointed) ? [pointed] : []])].map(address => ({ member, address }))
  }

  return {
    learn: (index, addresses) => {
      if (told !== undefined && index <= told.index) return false
      const dialled = Object.fromEntries(Object.entries(addresses).filter(([, address]) => mayDial(address)))
      if (Object.keys(dialled).length === 0) return false
      told = { index, addresses: dialled }
      const known = new Set([...Object.keys(dialled), ...Object.keys(given)].flatMap(member => targetsOf(member).map(keyOf)))
      for (const key of standing.keys()) if (!known.has(key)) standing.delete(key)
      return true
    },
    goBack: index => { if (told !== undefined && told.index > index) told = undefined },
    round: behind => {
      const members = Object.keys(told?.addresses ?? given)
      const first = behind === undefined ? 0 : members.indexOf(behind) + 1
      return [...members.slice(first), ...members.slice(0, first), ...Object.keys(given).filter(member => !members.includes(member))]
    },
    find: (member, pointed) => {
      const standingOf = (target: Target): number => standing.get(keyOf(target)) ?? 0
      return [...targetsOf(member, pointed)].sort((a, b) => standingOf(b) - standingOf(a))
    },
    tried: (target, isReached) => { standing.set(keyOf(target), isReached ? ++attempts : -++attempts) },
  }
}
