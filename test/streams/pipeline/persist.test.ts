import test from 'ava'
import { Subject } from 'rxjs'
import { Damaged } from '../../../lib/errors.js'
import type { Write } from '../../../lib/events.js'
import type { Step } from '../../../lib/step.js'
import type { StorageEvent } from '../../../streams/storage/port.js'
import { persist, stored } from '../../../streams/pipeline/persist.js'

const append: Write = { type: 'append', batches: [] }

/** Only what is handed to a store. */
const stepOf = (turn: number, writes: readonly Write[], reads: readonly number[] = []): Step =>
  ({ ready: { turn, writes, logReads: reads.map(from => ({ from })) } }) as unknown as Step

test('what a step writes and reads is handed over once, whoever tells of the step first and again', t => {
  const journal: string[] = []
  const write = persist({
    write: (turn, writes) => journal.push(`write ${turn}: ${writes.map(({ type }) => type).join(' ')}`),
    read: ({ from }) => journal.push(`read ${from}`),
  })
  const [first, second, third] = [stepOf(0, [append], [7]), stepOf(1, [], [8, 9]), stepOf(2, [append])]
  for (const step of [first, first, second, third, second, third]) write(step)
  t.deepEqual(journal, ['write 0: append', 'read 7', 'read 8', 'read 9', 'write 2: append'])
})

test('what could not be read for somebody who follows the log ends nothing of the core, unless it is damaged', t => {
  const FAILURES: readonly (readonly [StorageEvent, isEnd: boolean])[] = [
    [{ type: 'readFailed', purpose: { type: 'follow', id: 1 }, error: new Error('no file left') }, false],
    [{ type: 'readFailed', purpose: { type: 'follow', id: 1 }, error: new Damaged('segment', 0, 1, 'torn') }, true],
    [{ type: 'readFailed', purpose: { type: 'apply' }, error: new Error('no file left') }, true],
    [{ type: 'writeFailed', turn: 1, error: new Error('full') }, true],
  ]
  for (const [failure, isEnd] of FAILURES) {
    const events$ = new Subject<StorageEvent>()
    const heard: string[] = []
    stored(events$).subscribe({ next: ({ type }) => heard.push(type), error: () => heard.push('ended') })
    events$.next(failure)
    events$.next({ type: 'persisted', turn: 2 })
    t.deepEqual(heard, [isEnd ? 'ended' : 'persisted'], failure.type)
  }
})
