import type { MemberId } from '../../lib/types.js'
import type { Endpoint, Roll } from './port.js'

/** Who belongs by now, as a transport asks for it. */
export interface RollCall {
  isNamed(peer: MemberId): boolean
  /** All that are named but this member itself. */
  others(): readonly MemberId[]
  /** Where `peer` is reached; undefined of those that are not named. */
  addressOf(peer: MemberId): string | undefined
  /** Why `peer` is not let in; undefined when it is. */
  objectionTo(peer: MemberId): string | undefined
  /** What this end says of the membership that names it. */
  named(): Pick<Roll, 'named'>
  /** From now on this roll counts. */
  replace(roll: Roll): void
}

export const createRollCall = ({ id, roll }: Pick<Endpoint, 'id' | 'roll'>): RollCall => {
  /** Who was named once: one that is turned away learns that it is no member any more. */
  const ever = new Set(Object.keys(roll.addresses))
  let { addresses, isOpen, named = 0 } = roll
  const isNamed = (peer: MemberId): boolean => Object.hasOwn(addresses, peer)
  return {
    isNamed,
    others: () => Object.keys(addresses).filter(peer => peer !== id),
    addressOf: peer => isNamed(peer) ? addresses[peer] : undefined,
    objectionTo: peer => isNamed(peer) || isOpen ? undefined : ever.has(peer) ? `${peer} is no member any more` : `${peer} is not a member`,
    named: () => named === 0 ? {} : { named },
    replace: next => {
      ;({ addresses, isOpen, named = 0 } = next)
      for (const peer of Object.keys(addresses)) ever.add(peer)
    },
  }
}
