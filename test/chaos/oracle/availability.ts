/** How long nothing was acknowledged although a majority was up, undisturbed and linked both ways. */
import type { MemberId, Millis } from '../../../lib/types.js'

export interface Availability {
  /** Something changed about members or links. */
  changed(): void
  /** A write was acknowledged. */
  acknowledged(): void
  /** The longest such silence so far, the one that is going on included. */
  longestMs(): Millis
  /** No more silence counts. */
  end(): void
}

const subsets = (ids: readonly MemberId[], size: number): readonly (readonly MemberId[])[] =>
  size === 0 ? [[]] : ids.flatMap((id, at) => subsets(ids.slice(at + 1), size - 1).map(rest => [id, ...rest]))

export const createAvailability = (
  ids: readonly MemberId[], now: () => Millis, isSound: (id: MemberId) => boolean, isLinked: (a: MemberId, b: MemberId) => boolean,
): Availability => {
  const majorities = subsets(ids, Math.floor(ids.length / 2) + 1)
  const isIntact = (group: readonly MemberId[]): boolean => group.every((a, at) => isSound(a) && group.slice(at + 1).every(b => isLinked(a, b)))
  let group: readonly MemberId[] | undefined
  let since = now()
  let longest = 0
  let isOver = false
  const settle = (): void => {
    if (group !== undefined && !isOver) longest = Math.max(longest, now() - since)
  }
  return {
    changed: () => {
      if (group !== undefined && isIntact(group)) return
      settle()
      group = majorities.find(isIntact)
      since = now()
    },
    acknowledged: () => {
      settle()
      since = now()
    },
    longestMs: () => {
      settle()
      return longest
    },
    end: () => {
      settle()
      isOver = true
    },
  }
}
