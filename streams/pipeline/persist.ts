import { type Observable, filter, map } from 'rxjs'
import { Damaged } from '../../lib/errors.js'
import type { Step } from '../../lib/step.js'
import type { Turn } from '../../lib/types.js'
import type { Completion } from './inbox.js'
import type { StorageEvent, Store } from '../storage/port.js'

/** Hands what a step writes and reads to the store, once, however often it is told of the step; nothing holds it back. */
export const persist = (store: Pick<Store, 'write' | 'read'>) => {
  let handed: Turn = -1
  return ({ ready: { turn, writes, logReads } }: Step): void => {
    if (turn <= handed) return
    handed = turn
    if (writes.length > 0) store.write(turn, writes)
    for (const read of logReads) store.read(read)
  }
}

type Stored = Extract<Completion, { type: 'persisted' | 'entriesRead' }>

/**
 * What the store answers, as the core hears it. A failed write or read is an error and ends the member: what the disk holds
 * after it is unknown until a restart reads it again. What was read for somebody who follows the log fails that one alone, unless it is damaged: the machine stands on it, too.
 */
export const stored = (events$: Observable<StorageEvent>): Observable<Stored> => events$.pipe(filter(isForCore))

const isForCore = (event: StorageEvent): event is Stored => {
  if (event.type === 'persisted') return true
  if (event.type === 'writeFailed') throw event.error
  const isFollowing = event.purpose.type === 'follow'
  if (event.type === 'readFailed' && (!isFollowing || event.error instanceof Damaged)) throw event.error
  return event.type === 'entriesRead' && !isFollowing
}

/** The turns whose writes are durable, for the gate. */
export const durableTurns = (events$: Observable<StorageEvent>): Observable<Turn> =>
  events$.pipe(filter(event => event.type === 'persisted'), map(({ turn }) => turn))
