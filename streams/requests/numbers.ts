import type { Numbering } from '../../codecs/entries.js'
import type { Index } from '../../lib/types.js'
import { MAX_OPEN_COMMANDS } from '../machine/sessions.js'

/** How one proposer counts its commands, in one session after another. No number is ever given to two of them. */
export interface Numbers {
  /** The session that is open, as far as is known here. */
  readonly session: Index | undefined
  /** How many commands more may be numbered now; none without a session. */
  readonly room: number
  /** Whether this session is known to be closed. */
  isExpired(session: Index): boolean
  /** This was opened at one's own request, so it is open wherever its entry stands: commands are counted in it from now on, unless they are counted in one that is open. */
  begin(session: Index): void
  /** The same of one that was found open, unless it is known to be closed. */
  adopt(session: Index): void
  expire(session: Index): void
  /** Numbers for so many, which are open until they are `settled`. */
  take(count: number): Numbering | undefined
  /** The same numbers, and what is awaited by now. */
  renewed(numbering: Numbering): Numbering
  /** Nobody waits any more for what became of these. */
  settled(numbering: Numbering): void
}

export const createNumbers = (): Numbers => {
  let session: Index | undefined
  let next = 1
  // No bound says it: a cluster that has lost its log opens sessions at indices that it had before.
  const expired = new Set<Index>()
  /** Those that are open, of all sessions, in the order in which they were taken. */
  const open = new Set<Numbering>()

  /** The lowest number of this session that is open, or what comes next. */
  const lowest = (id: Index): number => {
    for (const numbering of open) if (numbering.session === id) return numbering.first
    return next
  }
  const begin = (id: Index): void => {
    if (session !== undefined) return
    expired.delete(id)
    session = id
    next = 1
  }
  return {
    get session() {
      return session
    },
    get room() {
      return session === undefined ? 0 : MAX_OPEN_COMMANDS - (next - lowest(session))
    },
    isExpired: id => expired.has(id),
    begin,
    adopt: id => { if (!expired.has(id)) begin(id) },
    expire: id => {
      expired.add(id)
      if (session === id) session = undefined
    },
    take: count => {
      if (session === undefined) return undefined
      const numbering = { session, first: next, awaited: lowest(session) }
      open.add(numbering)
      next += count
      return numbering
    },
    renewed: numbering => ({ ...numbering, awaited: lowest(numbering.session) }),
    settled: numbering => { open.delete(numbering) },
  }
}
