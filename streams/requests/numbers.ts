import type { Numbering } from '../../codecs/entries.js'
import type { Index } from '../../lib/types.js'
import { MAX_OPEN_COMMANDS } from '../machine/sessions.js'

/** How one proposer counts its commands, in one session after another. No number is ever given to two of them. */
export interface Numbers {
  /** The name of the session that is open, as far as is known here. */
  readonly name: number | undefined
  /** How many commands more may be numbered now; none without a session. */
  readonly room: number
  /** Whether the session of this name is known to be closed. */
  isExpired(name: number): boolean
  /** This was opened at one's own request, so it is open wherever its entry stands: commands are counted in it from now on, unless they are counted in one that is open. */
  begin(session: Index, name: number): void
  /** The same of one that was found open, unless it is known to be closed. */
  adopt(session: Index, name: number): void
  expire(name: number): void
  /** Numbers for so many, which are open until they are `settled`. */
  take(count: number): Numbering | undefined
  /** The same numbers, and what is awaited by now. */
  renewed(numbering: Numbering): Numbering
  /** Nobody waits any more for what became of these. */
  settled(numbering: Numbering): void
}

export const createNumbers = (): Numbers => {
  let current: Pick<Numbering, 'session' | 'name'> | undefined
  let next = 1
  // No index says it: a cluster that has lost its log opens sessions at those that it had before. The last one, and those that open numbers carry.
  const expired = new Set<number>()
  /** Those that are open, of all sessions, in the order in which they were taken. */
  const open = new Set<Numbering>()

  /** The lowest number of this session that is open, or what comes next. */
  const lowest = (name: number): number => {
    for (const numbering of open) if (numbering.name === name) return numbering.first
    return next
  }
  const begin = (session: Index, name: number): void => {
    if (current !== undefined) return
    current = { session, name }
    next = 1
  }
  return {
    get name() {
      return current?.name
    },
    get room() {
      return current === undefined ? 0 : MAX_OPEN_COMMANDS - (next - lowest(current.name))
    },
    isExpired: name => expired.has(name),
    begin,
    adopt: (session, name) => { if (!expired.has(name)) begin(session, name) },
    expire: name => {
      for (const former of expired) if (![...open].some(numbering => numbering.name === former)) expired.delete(former)
      expired.add(name)
      if (current?.name === name) current = undefined
    },
    take: count => {
      if (current === undefined) return undefined
      const { session, name } = current
      const numbering = { session, name, first: next, awaited: lowest(name) }
      open.add(numbering)
      next += count
      return numbering
    },
    renewed: numbering => ({ ...numbering, awaited: lowest(numbering.name) }),
    settled: numbering => { open.delete(numbering) },
  }
}
