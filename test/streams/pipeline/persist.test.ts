import test from 'ava'
import type { Write } from '../../../lib/events.js'
import type { Step } from '../../../lib/step.js'
import { persist } from '../../../streams/pipeline/persist.js'

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
