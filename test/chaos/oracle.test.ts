/** The witnesses of a run: each must see what it is there to see. */
import test from 'ava'
import type { Recovered } from '../../streams/index.js'
import type { Status } from '../../lib/status.js'
import type { CommandBatch } from '../../lib/types.js'
import { commands } from '../../testing/open-store.js'
import { createAvailability } from './oracle/availability.js'
import { createLedger } from './oracle/ledger.js'
import { compareLogs } from './oracle/logs.js'
import { createTerms } from './oracle/terms.js'

const FIRST = ['2 1 100 0 77;', '3 1 100 1 78;', '5 2 101.5 2 79;']

test('the ledger takes one sequence, and beginnings of it', t => {
  const ledger = createLedger()
  const faults = [
    ...FIRST.map(line => ledger.add('n1', 0, line)), ...FIRST.slice(0, 2).map(line => ledger.add('n2', 1, line)),
    ...FIRST.map(line => ledger.add('n2', 2, line)), ledger.add('n2', 2, '6 2 102 4 80;'), ledger.add('n1', 0, '6 2 102 4 80;'), ledger.add('n1', 0, '7 2 10'),
  ]
  t.deepEqual(faults.filter(fault => fault !== undefined), [])
  t.deepEqual([ledger.size, ledger.lastIndex(), ledger.indexOf(2), ledger.indexOf(3)], [4, 6, 5, undefined])
})

test('a life may begin behind a snapshot, and then nothing is left out', t => {
  const ledger = createLedger()
  FIRST.forEach(line => ledger.add('n1', 0, line))
  t.deepEqual([ledger.add('n2', 1, 'from 4;'), ledger.add('n2', 1, FIRST[2]!)], [undefined, undefined])
  t.is(ledger.add('n3', 2, 'from 3;'), undefined)
  t.truthy(ledger.add('n3', 2, '6 2 102 4 80;'))
})

const WRONG: Readonly<Record<string, readonly [line: string, life: number]>> = {
  'something else at the same index': ['2 1 100 9 77;', 1],
  'another result of the same command': ['2 1 100 0 76;', 1],
  'an entry that others have applied is skipped': ['3 1 100 1 78;', 1],
  'an operation twice': ['6 2 102 1 78;', 0],
  'an index that falls': ['4 2 102 5 70;', 0],
  'a term that falls': ['6 1 102 5 70;', 0],
  'a time that falls': ['6 2 101 5 70;', 0],
}

for (const [what, [line, life]] of Object.entries(WRONG)) {
  test(`the ledger sees ${what}`, t => {
    const ledger = createLedger()
    FIRST.forEach(each => ledger.add('n1', 0, each))
    t.truthy(ledger.add(life === 0 ? 'n1' : 'n2', life, line))
  })
}

test('the ledger allows a torn line only as the last one of a life', t => {
  const ledger = createLedger()
  t.is(ledger.add('n1', 0, '2 1 100 0 7'), undefined)
  t.truthy(ledger.add('n1', 0, FIRST[0]!))
})

const status = (id: string, term: number, leader?: string): Status => ({ id, term, leader, role: 'follower', commitIndex: 0, appliedIndex: 0, lastIndex: 0 })

test('terms have one leader each, and never fall', t => {
  const terms = createTerms()
  t.deepEqual([terms.add(status('a', 1)), terms.add(status('a', 1, 'a')), terms.add(status('b', 1, 'a')), terms.add(status('b', 3, 'c'))], [undefined, undefined, undefined, undefined])
  t.is(terms.elections(), 2)
  t.truthy(terms.add(status('c', 1, 'b')), 'two leaders')
  t.truthy(terms.add(status('b', 2)), 'a term that fell')
})

test('silence counts while a majority is sound and linked, from the moment it is', t => {
  let now = 0
  const down = new Set<string>()
  const cut = new Set<string>()
  const availability = createAvailability(['a', 'b', 'c'], () => now, id => !down.has(id), (x, y) => !cut.has(`${x}${y}`))
  const at = (ms: number, act: () => void): void => {
    now = ms
    act()
    availability.changed()
  }
  at(0, () => undefined)
  at(100, availability.acknowledged)
  at(130, () => down.add('a'))
  t.is(availability.longestMs(), 100)
  at(140, () => cut.add('bc'))
  at(1000, () => undefined)
  t.is(availability.longestMs(), 100, 'nobody could have been expected to lead')
  at(1010, () => cut.clear())
  at(1200, () => undefined)
  t.is(availability.longestMs(), 190)
  at(1300, availability.acknowledged)
  availability.end()
  now = 5000
  t.is(availability.longestMs(), 290)
})

const stored = (...batches: readonly CommandBatch[]): Pick<Recovered, 'tail'> => ({ tail: batches })

test('logs on disk are compared entry by entry', t => {
  const one = stored(commands(1, 1, 'a', 'b'), commands(3, 2, 'c'))
  const same = stored(commands(1, 1, 'a', 'b'), commands(3, 2, 'c', 'uncommitted'))
  t.deepEqual(compareLogs(new Map([['n1', one], ['n2', same]]), 3), [])
  for (const [what, other] of Object.entries({
    'another command': stored(commands(1, 1, 'a', 'x'), commands(3, 2, 'c')),
    'another term': stored(commands(1, 1, 'a', 'b'), commands(3, 3, 'c')),
    'a missing entry': stored(commands(1, 1, 'a', 'b')),
  })) t.is(compareLogs(new Map([['n1', one], ['n2', other]]), 3).length, 1, what)
})
