/** Following a log in which some commands were proposed more than once. */
import test from 'ava'
import { EMPTY } from 'rxjs'
import { forEachEntry, packEntries, packOpening } from '../../../codecs/entries.js'
import { append, emptyLog } from '../../../lib/log.js'
import type { RaftState } from '../../../lib/state.js'
import type { EntryBatch } from '../../../lib/types.js'
import { MAX_VOID_RUNS, createSessions } from '../../../streams/machine/sessions.js'
import { followLog } from '../../../streams/outputs/commits-from.js'
import { type Add, addBatch, counter, virtualClock } from '../member/world.js'

/** A member that has applied these. */
const memberWith = (...batches: readonly EntryBatch[]) => {
  const clock = virtualClock()
  const sessions = createSessions<number>()
  const membership = { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:1' } }
  const log = append(emptyLog({ index: 0, term: 0, membership }, 0), batches)
  for (const batch of batches) if (sessions.begin(batch) === undefined && batch.kind === 'command') sessions.applied(batch, Array.from({ length: batch.count }, () => 0))
  const { commitsFrom } = followLog<Add, number>({
    protocol: counter, sessions, newest: () => ({ log }) as RaftState, from: { index: log.lastIndex, term: 1, time: 5 }, look: see => (see({ index: log.lastIndex, term: 1, time: 5, state: 9 }), () => undefined), maxBytes: 1000, budgetMs: 10, clock,
    read: () => EMPTY,
  })
  /** What somebody is told who follows it: index and number of each command, or the place and the state. */
  const from = (index: number): readonly string[] => {
    const events: string[] = []
    commitsFrom(index, event => {
      events.push(event._tag === 'Committed' ? event.entries.map(({ index, command }) => `${index}+${command.add}`).join(' ') : `${event.at.index}=${event.state}`)
      return EMPTY
    }).subscribe()
    clock.settle()
    return events
  }
  return { sessions, from }
}

const noop: EntryBatch = { kind: 'noop', firstIndex: 1, term: 1, count: 1, time: 5 }
/** The same commands, as a proposer numbers them. */
const numbered = (first: number, batch: EntryBatch): EntryBatch => {
  if (batch.kind !== 'command') return batch
  const commands: Uint8Array[] = []
  forEachEntry(batch.body, 0, batch.count, entry => commands.push(entry))
  return { ...batch, body: packEntries(commands, { session: 1, name: 1, first, awaited: 1 }) }
}

test('what stands in the log and changed nothing is left out: what was proposed again, and what opened a session', t => {
  const opening: EntryBatch = { kind: 'command', firstIndex: 7, term: 1, count: 1, time: 5, skip: 0, body: packOpening(1) }
  const { from } = memberWith(noop, numbered(1, addBatch(2, 1, 5, 6)), numbered(1, addBatch(4, 1, 5, 6, 7)), opening, numbered(4, addBatch(8, 1, 8)))
  t.deepEqual(from(1), ['2+5 3+6 6+7 8+8'])
  t.deepEqual(from(4), ['6+7 8+8'])
})

test('where it is not known any more what was proposed again, the state is told', t => {
  const again = Array.from({ length: MAX_VOID_RUNS + 1 }, (_, i) => [numbered(1, addBatch(3 + 2 * i, 1, 5)), addBatch(4 + 2 * i, 1, 1)]).flat()
  const { sessions, from } = memberWith(noop, numbered(1, addBatch(2, 1, 5)), ...again)
  t.is(sessions.table.forgottenUpTo, 3)
  t.deepEqual(from(3), [`${4 + 2 * MAX_VOID_RUNS}=9`])
  t.is(from(4)[0], '4+1 6+1 8+1')
})
