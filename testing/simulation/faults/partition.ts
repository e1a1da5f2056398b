import type { MemberId } from '../../../lib/types.js'
import type { Dice } from '../world/dice.js'

/** One way of cutting a network. */
export type Shape = 'halves' | 'alone' | 'couple' | 'singles' | 'deaf' | 'mute' | 'pair' | 'oneWayPair' | 'ring' | 'bridge' | 'random'
export const SHAPES: readonly Shape[] = ['halves', 'alone', 'couple', 'singles', 'deaf', 'mute', 'pair', 'oneWayPair', 'ring', 'bridge', 'random']

/**
 * The ordered pairs that a partition cuts, as `from>to`; `victim` is who is cut off where the shape is about one, and `companion` the other one
 * where it is about two: whoever comes first, unless told otherwise.
 */
export const drawPartition = (dice: Dice, shape: Shape, ids: readonly MemberId[], victim: MemberId, companion?: MemberId): ReadonlySet<string> => {
  const order = dice.shuffled(ids)
  const half = dice.integer(1, Math.max(1, order.length - 1))
  const place = new Map(order.map((id, at) => [id, at]))
  const other = companion ?? order.find(id => id !== victim) ?? victim
  const isOfTwo = (id: MemberId): boolean => id === victim || id === other
  const between = (a: MemberId, b: MemberId): number => Math.abs(place.get(a)! - place.get(b)!)
  const isSevered = (from: MemberId, to: MemberId): boolean => {
    switch (shape) {
      case 'halves': return (place.get(from)! < half) !== (place.get(to)! < half)
      case 'alone': return from === victim || to === victim
      case 'couple': return isOfTwo(from) !== isOfTwo(to)
      case 'singles': return isOfTwo(from) || isOfTwo(to)
      case 'deaf': return to === victim
      case 'mute': return from === victim
      case 'pair': return (from === victim && to === other) || (from === other && to === victim)
      case 'oneWayPair': return from === victim && to === other
      case 'ring': return between(from, to) !== 1 && between(from, to) !== order.length - 1
      case 'bridge': return from !== victim && to !== victim && (place.get(from)! < half) !== (place.get(to)! < half)
      case 'random': return dice.chance(0.35)
    }
  }
  const cuts = new Set<string>()
  for (const from of ids) for (const to of ids) if (from !== to && isSevered(from, to)) cuts.add(`${from}>${to}`)
  return cuts
}
