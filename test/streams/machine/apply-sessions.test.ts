/** Committed entries that were proposed more than once, on their way into the machine. */
import test from 'ava'
import * as t from 'io-ts'
import { NEVER, type ObservableInput, Subject, of } from 'rxjs'
import { type Numbering, packEntries, packOpening } from '../../../codecs/entries.js'
import { EXPIRED, OPENED, type Told } from '../../../codecs/results.js'
import { encodeValue } from '../../../codecs/values.js'
import { isLeft } from '../../../lib/prelude.js'
import type { CommandBatch, EntryBatch } from '../../../lib/types.js'
import { createApply } from '../../../streams/machine/apply.js'
import { createDecodedCommands } from '../../../streams/machine/decoded-commands.js'
import type { CommitEvent, Entry } from '../../../streams/machine/machine.js'
import { createSessions } from '../../../streams/machine/sessions.js'
import { virtualClock } from '../member/world.js'

const bytesOf = (command: unknown): Uint8Array => {
  const bytes = encodeValue(t.unknown, command)
  if (isLeft(bytes)) throw new Error(bytes.left.join())
  return bytes.right
}

const placed = { term: 2, time: 100 }
const noop: EntryBatch = { kind: 'noop', ...placed, firstIndex: 1, count: 1 }
const numbered = ({ session = 1, first, awaited = 1 }: Partial<Numbering> & Pick<Numbering, 'first'>, firstIndex: number, ...commands: readonly unknown[]): CommandBatch =>
  ({ kind: 'command', ...placed, firstIndex, count: commands.length, skip: 0, body: packEntries(commands.map(bytesOf), { session, name: placed.term, first, awaited }) })

const doubled = (entries: readonly Entry<number>[]): readonly number[] => entries.map(({ command }) => 2 * command)

/** An applier with all that it told; the machine doubles. */
const world = (apply: (entries: readonly Entry<number>[]) => ObservableInput<readonly number[]> = entries => of(doubled(entries))) => {
  const clock = virtualClock()
  const calls: (readonly number[])[] = []
  const told: string[] = []
  const rests: number[] = []
  const results: Told<number>[] = []
  const commits = new Subject<CommitEvent<number, number, number>>()
  const committed: number[] = []
  commits.subscribe(event => { if (event._tag === 'Applied') committed.push(...event.commits.map(({ index }) => index)) })
  const applier = createApply({
    commands: createDecodedCommands<number>(), sessions: createSessions<number>(), protocol: { command: t.number, result: t.number },
    applyBudgetMs: 10, stallMs: 500, clock, commits, from: { index: 0, term: 0, time: 0 },
    machine: {
      state: 0, snapshot: () => { throw new Error('not asked for') }, restore: () => NEVER,
      apply: entries => {
        calls.push(entries.map(({ index }) => index))
        return apply(entries)
      },
    },
    rested: ({ index }) => rests.push(index),
    applied: ({ index }) => told.push(`applied ${index}`),
    results: (firstIndex, term, list) => {
      told.push(`results ${firstIndex} of ${term}: ${list.length}`)
      results.push(...list)
    },
    slow: () => undefined, late: () => undefined,
    failed: (index, error) => told.push(`failed at ${index}: ${error.message}`),
  })
  return { clock, calls, told, rests, results, committed, applier }
}

test('what was applied before is not given to the machine again: its results answer, it rests behind them, and nobody is told of a commit', assert => {
  const w = world()
  w.applier.committed([noop, numbered({ first: 1 }, 2, 10, 20), numbered({ first: 1 }, 4, 10, 20), numbered({ first: 2 }, 6, 20, 30)])
  assert.deepEqual(w.calls, [[2, 3], [7]])
  assert.deepEqual(w.results, [20, 40, 20, 40, 40, 60])
  assert.deepEqual(w.told, ['results 2 of 2: 2', 'results 4 of 2: 2', 'results 6 of 2: 1', 'results 7 of 2: 1', 'applied 7'])
  assert.deepEqual(w.rests, [1, 3, 5, 6, 7])
  assert.deepEqual(w.committed, [2, 3, 7])
})

test('what opens a session is no command of the machine, nor is what comes for one that is not open, whether it decodes or not', assert => {
  const w = world()
  const opening: CommandBatch = { kind: 'command', ...placed, firstIndex: 1, count: 1, skip: 0, body: packOpening(placed.term) }
  w.applier.committed([opening, numbered({ first: 1 }, 2, 10), numbered({ session: 9, first: 1 }, 3, 'no number')])
  assert.deepEqual(w.calls, [[2]])
  assert.deepEqual(w.results, [OPENED, 20, EXPIRED])
  assert.deepEqual(w.told.at(-1), 'applied 3')
})

test('what the machine is at counts as applied when it has answered, and not before', async assert => {
  let answer: () => void = () => undefined
  const w = world(entries => new Promise(resolve => { answer = () => resolve(doubled(entries)) }))
  w.applier.committed([noop, numbered({ first: 1 }, 2, 10), numbered({ first: 1 }, 3, 10)])
  assert.deepEqual(w.told, ['applied 1'])
  answer()
  await Promise.resolve().then(() => undefined).then(() => undefined)
  w.clock.settle()
  assert.deepEqual(w.calls, [[2]])
  assert.deepEqual(w.results, [20, 20])
})
