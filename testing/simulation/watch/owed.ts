/** Which committed commands every machine has to be given, by what cores hand over: all but those that came before, or whose session may have been closed. */
import { numberingOf, openingOf } from '../../../codecs/entries.js'
import { lastIndexOf } from '../../../lib/batch.js'
import type { CommandBatch, EntryBatch, Index, Millis } from '../../../lib/types.js'
import { MAX_SESSIONS, SESSION_MS } from '../../../streams/machine/sessions.js'

export interface Owed {
  /** A core hands these over. Whoever is the first with an entry says what stands there; all others have the same, or are found out. */
  readonly handed: (batches: readonly EntryBatch[]) => void
  /** When the command at `index` was appended, if each machine that applies it by itself is to be given it. */
  readonly timeAt: (index: Index) => Millis | undefined
}

interface Session {
  readonly name: number
  last: number
  usedAt: Millis
}

/** What sessions are held to without a look at how members keep them; where one may be closed, nothing is owed to it. */
export const createOwed = (): Owed => {
  const times = new Map<Index, Millis>()
  /** By the index that opened it; who was used last stands last. */
  const sessions = new Map<Index, Session>()
  let next: Index = 1

  const use = (id: Index, session: Session): void => {
    sessions.delete(id)
    for (const [oldest] of sessions) {
      if (sessions.size < MAX_SESSIONS) break
      sessions.delete(oldest)
    }
    sessions.set(id, session)
  }
  const isOwed = ({ body, skip, firstIndex, time }: CommandBatch, index: Index): boolean => {
    const numbering = numberingOf(body)
    if (numbering === undefined) return true
    const { session: id, name, first } = numbering
    const session = sessions.get(id)
    if (session?.name !== name) return false
    sessions.delete(id)
    if (time - session.usedAt > SESSION_MS) return false
    const number = first + skip + index - firstIndex
    use(id, { name, last: Math.max(session.last, number), usedAt: time })
    return number > session.last
  }
  const enter = (batch: EntryBatch, index: Index): void => {
    const { kind, term, time } = batch
    const opening = kind === 'noop' ? term : kind === 'command' ? openingOf(batch.body) : undefined
    if (opening !== undefined) use(index, { name: opening, last: 0, usedAt: time })
    else if (kind === 'command' && isOwed(batch, index)) times.set(index, time)
  }
  return {
    timeAt: index => times.get(index),
    handed: batches => {
      for (const batch of batches) for (; batch.firstIndex <= next && next <= lastIndexOf(batch); next++) enter(batch, next)
    },
  }
}
