import type { Numbering } from '../../codecs/entries.js'
import type { Index } from '../../lib/types.js'
import { MAX_OPEN_COMMANDS } from '../machine/sessions.js'

/** How one proposer counts its commands, in one session after another. No number is ever given to two of them. */
export interface Numbers {
  /** The session that is open, as far as is known here. */
  readonly session: Index | undefined
  /** Whether this session is known to be closed. */
  isExpired(session: Index): boolean
  /** Commands are counted in this session from now on, unless they are counted in one that is open, or it is known to be closed. */
  open(session: Index): void
  expire(session: Index): void
  /** How many more commands may be open, where `awaited` is the lowest number that is. */
  room(awaited: number | undefined): number
  /** Numbers for so many, `awaited` being the lowest number that is open before them. */
  take(count: number, awaited: number | undefined): Numbering | undefined
}

export const createNumbers = (): Numbers => {
  let session: Index | undefined
  let next = 1
  // Whoever counts goes from one session to a later one, so all up to the last that was closed are closed to it.
  let expiredUpTo: Index = 0
  return {
    get session() {
      return session
    },
    isExpired: id => id <= expiredUpTo,
    open: id => {
      if (session !== undefined || id <= expiredUpTo) return
      session = id
      next = 1
    },
    expire: id => {
      expiredUpTo = Math.max(expiredUpTo, id)
      if (session === id) session = undefined
    },
    room: awaited => awaited === undefined ? MAX_OPEN_COMMANDS : MAX_OPEN_COMMANDS - (next - awaited),
    take: (count, awaited = next) => {
      if (session === undefined) return undefined
      const first = next
      next += count
      return { session, first, awaited }
    },
  }
}
