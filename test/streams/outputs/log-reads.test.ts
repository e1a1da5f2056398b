import test from 'ava'
import { Subject } from 'rxjs'
import { createLogReads } from '../../../streams/outputs/log-reads.js'
import type { StorageEvent, StoreRead } from '../../../streams/storage/port.js'

test('what cannot be read fails whoever asked for it, and nobody else', t => {
  const events$ = new Subject<StorageEvent>()
  const asked: StoreRead[] = []
  const read = createLogReads({ events$, read: one => void asked.push(one) })
  const heard: string[] = []
  for (const who of ['a', 'b']) read(1, 9, 100).subscribe({ next: () => heard.push(who), error: (error: Error) => heard.push(`${who}: ${error.message}`) })
  events$.next({ type: 'readFailed', purpose: asked[0]!.purpose, error: new Error('no file left') })
  t.deepEqual(heard, ['a: no file left'])
  events$.next({ type: 'entriesRead', purpose: asked[1]!.purpose, from: 1, batches: [] })
  t.deepEqual(heard, ['a: no file left', 'b'])
})
