import { type Observable, filter, map } from 'rxjs'
import type { Step } from '../../lib/step.js'
import type { Turn } from '../../lib/types.js'
import type { Completion } from './inbox.js'
import type { StorageEvent, Store } from '../storage/port.js'

/** Hands a step's writes and reads to the store at once; nothing holds them back. */
export const persist = (store: Pick<Store, 'write' | 'read'>) => ({ ready }: Step): void => {
  if (ready.writes.length > 0) store.write(ready.turn, ready.writes)
  for (const read of ready.logReads) store.read(read)
}

type Stored = Extract<Completion, { type: 'persisted' | 'entriesRead' }>

/**
 * What the store answers, as the core hears it. A failed write or read is an error and ends the member: what the disk holds
 * after it is unknown until a restart reads it again.
 */
export const stored = (events$: Observable<StorageEvent>): Observable<Stored> => events$.pipe(filter(isForCore))

const isForCore = (event: StorageEvent): event is Stored => {
  if (event.type === 'writeFailed' || event.type === 'readFailed') throw event.error
  return event.type === 'persisted' || event.purpose.type !== 'follow'
}

/** The turns whose writes are durable, for the gate. */
export const durableTurns = (events$: Observable<StorageEvent>): Observable<Turn> =>
  events$.pipe(filter(event => event.type === 'persisted'), map(({ turn }) => turn))
