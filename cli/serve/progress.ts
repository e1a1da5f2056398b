/** Long work on snapshots, as a person at the terminal sees it: a bar while it goes on, and a line when it is done. What is soon over is not shown. */
import type { Observable } from 'rxjs'
import type { Index, Millis, Snapshot } from '../../lib/types.js'
import type { SnapshotEvent } from '../../streams/snapshots/events.js'
import type { Cancel, Clock } from '../../streams/time/clock.js'
import type { Screen } from '../screen.js'
import { sizeInWords } from '../words.js'

/** Work that takes no longer is nobody's concern. */
const SHOWN_AFTER_MS: Millis = 1_000
/** A bar is drawn again so often, as something else may have been written where it was. */
const DRAWN_EVERY_MS: Millis = 500
/** What travels and has not moved for so long is not shown until it moves: its other end may be gone, of which no event tells, or the line is slow. */
const STALE_AFTER_MS: Millis = 10_000

interface Work {
  /** The index of the snapshot. */
  readonly of: Index
  /** When work on it began. */
  readonly since: Millis
  /** When it last moved. */
  readonly at: Millis
  readonly fraction: number | undefined
  readonly caption: string
  readonly travels: boolean
}

/** What an event says of one work: that it goes on, or what was done. */
type News =
  | ({ readonly key: string } & Omit<Work, 'since' | 'at'>)
  | { readonly key: string; readonly done: string | undefined }

const partOf = (bytes: number, { bytes: all }: Pick<Snapshot, 'bytes'>): Pick<Work, 'fraction'> => ({ fraction: all === 0 ? undefined : bytes / all })
const named = ({ index, bytes }: Snapshot): string => `snapshot at ${index}, ${sizeInWords(bytes)}`

/** `before` is the size of the newest snapshot, with which that of the next is guessed. */
const newsOf = (event: SnapshotEvent, before: number | undefined): News => {
  switch (event.type) {
    case 'capturing': return { key: 'own', of: event.index, ...partOf(event.bytes, { bytes: before ?? 0 }), caption: `taking a snapshot at ${event.index}: ${sizeInWords(event.bytes)}`, travels: false }
    case 'captured': return { key: 'own', done: `took the ${named(event.snapshot)}` }
    case 'captureFailed': return { key: 'own', done: undefined }
    case 'sending': return { key: `to ${event.to}`, of: event.snapshot.index, ...partOf(event.bytes, event.snapshot), caption: `sending ${event.to} the ${named(event.snapshot)}: ${sizeInWords(event.bytes)}`, travels: true }
    case 'sent': return { key: `to ${event.to}`, done: `sent ${event.to} the ${named(event.snapshot)}` }
    case 'receiving': return { key: 'from', of: event.snapshot.index, ...partOf(event.bytes, event.snapshot), caption: `receiving the ${named(event.snapshot)}: ${sizeInWords(event.bytes)}`, travels: true }
    case 'received': return { key: 'from', of: event.snapshot.index, fraction: undefined, caption: `restoring the ${named(event.snapshot)}`, travels: false }
    case 'restored': return { key: 'from', done: `restored the ${named(event.snapshot)}` }
  }
}

/** Shows work until the result is called. */
export const showSnapshots = (snapshots$: Observable<SnapshotEvent>, screen: Screen, clock: Pick<Clock, 'now' | 'after'>): Cancel => {
  const works = new Map<string, Work>()
  let before: number | undefined
  let isDrawn = false
  let cancelTick: Cancel | undefined

  const isLong = ({ since }: Work): boolean => clock.now() - since >= SHOWN_AFTER_MS
  const isStale = ({ travels, at }: Work): boolean => travels && clock.now() - at >= STALE_AFTER_MS
  const wipe = (): void => {
    screen.end()
    isDrawn = false
  }
  const draw = (): void => {
    const [newest] = [...works.values()].filter(work => isLong(work) && !isStale(work)).sort((a, b) => b.at - a.at)
    if (newest === undefined) return isDrawn ? wipe() : undefined
    screen.bar(newest.fraction, newest.caption)
    isDrawn = true
  }
  const end = (key: string, done: string | undefined): void => {
    const work = works.get(key)
    if (work === undefined) return
    works.delete(key)
    if (!isLong(work)) return
    wipe()
    if (done !== undefined) screen.event(`${done}, in ${((clock.now() - work.since) / 1000).toFixed(1)} s`)
  }
  const tick = (): void => {
    draw()
    cancelTick = [...works.values()].every(isStale) ? undefined : clock.after(DRAWN_EVERY_MS, tick)
  }
  const watching = snapshots$.subscribe(event => {
    const news = newsOf(event, before)
    if ('snapshot' in event && event.type !== 'sending' && event.type !== 'sent') before = event.snapshot.bytes
    if ('done' in news) return end(news.key, news.done)
    const { key, ...work } = news
    const known = works.get(key)
    works.set(key, { ...work, since: known?.of === work.of ? known.since : clock.now(), at: clock.now() })
    draw()
    cancelTick ??= clock.after(DRAWN_EVERY_MS, tick)
  })
  return () => {
    watching.unsubscribe()
    cancelTick?.()
    if (isDrawn) screen.end()
  }
}
