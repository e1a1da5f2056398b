/** However many follow the log, one of them is given a slice of it in one turn of the event loop. */
import test from 'ava'
import { EMPTY } from 'rxjs'
import { append, emptyLog } from '../../../lib/log.js'
import type { RaftState } from '../../../lib/state.js'
import { createSessions } from '../../../streams/machine/sessions.js'
import { followLog } from '../../../streams/outputs/commits-from.js'
import { type Add, addBatch, counter } from '../member/world.js'

/** A log of so many commands in one batch, each of which takes so long to decode. */
const followed = (commands: number, { msEach = 0, budgetMs = 10 } = {}) => {
  const membership = { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: 'localhost:1' } }
  const log = append(emptyLog({ index: 0, term: 0, membership }, 0), [addBatch(1, 1, ...Array.from({ length: commands }, (_, i) => i))])
  const turns: (() => void)[] = []
  let now = 0
  const { commitsFrom } = followLog<Add, number>({
    protocol: counter, sessions: createSessions(), newest: () => ({ log }) as RaftState, from: { index: commands, term: 1, time: 5 }, look: () => () => undefined, maxBytes: 1e6, budgetMs,
    clock: {
      now: () => {
        now += msEach
        return now
      },
      endOfTurn: work => {
        turns.push(work)
        return () => undefined
      },
    },
    read: () => EMPTY,
  })
  const told: { readonly who: string; readonly first: number; readonly entries: number }[] = []
  const follow = (who: string): void => void commitsFrom(1, event => {
    if (event._tag === 'Committed') told.push({ who, first: event.entries[0]!.index, entries: event.entries.length })
    return EMPTY
  }).subscribe()
  /** What is told in the next turn. */
  const turn = (): readonly (readonly [string, number, number])[] => {
    turns.splice(0).forEach(work => work())
    return told.splice(0).map(({ who, first, entries }) => [who, first, entries] as const)
  }
  return { follow, turn }
}

test('a turn is a slice of one of them: the others have theirs in turns of their own, and nothing is left out', t => {
  const { follow, turn } = followed(300)
  for (const who of ['a', 'b', 'c']) follow(who)
  t.deepEqual([turn(), turn(), turn()], [[['a', 1, 256]], [['b', 1, 256]], [['c', 1, 256]]])
  t.deepEqual([turn(), turn(), turn(), turn()], [[['a', 257, 44]], [['b', 257, 44]], [['c', 257, 44]], []])
})

test('commands that take long to decode make short slices', t => {
  const { follow, turn } = followed(12, { msEach: 2, budgetMs: 10 })
  follow('a')
  t.deepEqual([turn(), turn(), turn(), turn()], [[['a', 1, 5]], [['a', 6, 5]], [['a', 11, 2]], []])
})
