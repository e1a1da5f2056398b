import type { Observable } from 'rxjs'
import type { LinkMessage } from '../lib/requests.js'
import type { MemberId } from '../lib/types.js'
import type { Links, Party, TransportEvent, TransportNotice, Unanswered } from '../streams/transport/port.js'

/** How long something that must come may take: far longer than it does, so that a slow machine fails nothing. */
const PATIENCE_MS = 5_000

/** A member with everything that its transport told. */
export interface Watched {
  readonly links: Links
  readonly events: readonly TransportEvent[]
  readonly isComplete: () => boolean
  /** Resolves as soon as `holds`, now or after some event. */
  until(what: string, holds: (events: readonly TransportEvent[]) => boolean): Promise<void>
  close(): Promise<void>
}

/** An event in few words, whatever it carries. */
const shown = (event: TransportEvent): string => {
  switch (event.type) {
    case 'received': return `a ${event.message.type}`
    case 'noticed': return JSON.stringify(event.notice)
    case 'gone': return `gone ${event.peer}`
    default: return `${event.type} ${JSON.stringify(event.party)}`
  }
}

/** Subscribes at once, keeps all that is told, and wakes those who wait for some of it. */
export const hear = <E>(events$: Observable<E>, show: (event: E) => string) => {
  const events: E[] = []
  const checks = new Set<() => void>()
  let isComplete = false
  const check = (): void => checks.forEach(one => one())
  events$.subscribe({
    next: event => {
      events.push(event)
      check()
    },
    complete: () => {
      isComplete = true
      check()
    },
  })
  const until = (what: string, holds: (events: readonly E[]) => boolean): Promise<void> => new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      checks.delete(checkOne)
      clearTimeout(timer)
      settle()
    }
    const timer = setTimeout(() => end(() => reject(new Error(`waited in vain: ${what}; heard ${events.slice(-8).map(show).join(', ')}`))), PATIENCE_MS)
    const checkOne = (): void => {
      if (holds(events)) end(resolve)
    }
    checks.add(checkOne)
    checkOne()
  })
  return { events, isComplete: () => isComplete, until }
}

export const watch = (links: Links): Watched =>
  ({ links, ...hear(links.events$, shown), close: () => new Promise(resolve => links.close(resolve)) })

export const member = (id: MemberId): Party => ({ type: 'member', id })

/** Selects what is said of the link to one member. */
export const isAbout = (type: 'connected' | 'disconnected', id: MemberId) => (event: TransportEvent): boolean =>
  event.type === type && event.party.type === 'member' && event.party.id === id

/** Whether a link to `id` came up, or went down, at least so many times. */
export const count = (type: 'connected' | 'disconnected', id: MemberId, times: number) => (events: readonly TransportEvent[]): boolean =>
  events.filter(isAbout(type, id)).length >= times

/** What the end of each link to `id` said of what was not answered. */
export const unansweredBy = (events: readonly TransportEvent[], id: MemberId): readonly Unanswered[] =>
  events.flatMap(event => event.type === 'disconnected' && isAbout('disconnected', id)(event) ? [event.unanswered] : [])

/** Whether this member was told of as gone at least so many times. */
export const hasGone = (peer: MemberId, times = 1) => (events: readonly TransportEvent[]): boolean =>
  events.filter(event => event.type === 'gone' && event.peer === peer).length >= times

export const messagesOf = (events: readonly TransportEvent[]): readonly LinkMessage[] =>
  events.flatMap(event => event.type === 'received' ? [event.message] : [])

export const noticesOf = <Type extends TransportNotice['type']>(
  events: readonly TransportEvent[], type: Type,
): readonly Extract<TransportNotice, { type: Type }>[] => {
  const isOfType = (notice: TransportNotice): notice is Extract<TransportNotice, { type: Type }> => notice.type === type
  return events.flatMap(event => event.type === 'noticed' && isOfType(event.notice) ? [event.notice] : [])
}

/** Whether a notice of this type came at least so many times. */
export const noticed = (type: TransportNotice['type'], times = 1) => (events: readonly TransportEvent[]): boolean =>
  noticesOf(events, type).length >= times
