/** Entries read beside the core, for those who follow the log. */
import { Observable } from 'rxjs'
import type { EntryBatch, Index } from '../../lib/types.js'
import type { Store } from '../storage/port.js'

/**
 * Entries from `from` up to `to`: whole batches, at least one, about `maxBytes`; none where the log begins after `from` by now. One
 * value, or none where the store is closed; an error where they cannot be read.
 */
export type ReadLog = (from: Index, to: Index, maxBytes: number) => Observable<readonly EntryBatch[]>

export const createLogReads = ({ events$, read }: Pick<Store, 'events$' | 'read'>): ReadLog => {
  let lastId = 0
  return (from, to, maxBytes) => new Observable(subscriber => {
    const id = ++lastId
    const answer = events$.subscribe({
      next: event => {
        if ((event.type !== 'entriesRead' && event.type !== 'readFailed') || event.purpose.type !== 'follow' || event.purpose.id !== id) return
        if (event.type === 'readFailed') return subscriber.error(event.error)
        subscriber.next(event.batches)
        subscriber.complete()
      },
      complete: () => subscriber.complete(),
    })
    read({ purpose: { type: 'follow', id }, from, to, maxBytes })
    return answer
  })
}
