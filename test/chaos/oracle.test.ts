/** The witnesses of a run: each must see what it is there to see. */
import test from 'ava'
import type { Status } from '../../lib/status.js'
import type { CommandBatch } from '../../lib/types.js'
import { commands } from '../../testing/open-store.js'
import { createAvailability } from './oracle/availability.js'
import { createLedger } from './oracle/ledger.js'
import { createInstalls } from './oracle/installs.js'
import { type KeptLog, compareLogs } from './oracle/logs.js'
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

test('a life may go on behind a snapshot, and leaves out nothing else', t => {
  const ledger = createLedger()
  FIRST.forEach(line => ledger.add('n1', 0, line))
  t.deepEqual([ledger.add('n2', 1, 'from 4 after 2;'), ledger.add('n2', 1, FIRST[2]!)], [undefined, undefined])
  t.deepEqual([ledger.add('n3', 2, FIRST[0]!), ledger.add('n3', 2, 'from 3 after 2;'), ledger.add('n3', 2, FIRST[2]!)], [undefined, undefined, undefined])
  t.is(ledger.add('n4', 3, 'from 3 after 2;'), undefined)
  t.truthy(ledger.add('n4', 3, '6 2 102 4 80;'))
  t.deepEqual(ledger.end(), [])
})

test('a snapshot may be heard of before what it stands for, and not without', t => {
  const ledger = createLedger()
  t.deepEqual([ledger.add('n2', 1, 'from 3 after 2;'), ledger.add('n2', 1, FIRST[2]!), ledger.add('n2', 1, '6 2 102 4 80;')], [undefined, undefined, undefined])
  t.is(ledger.end().length, 1)
  t.deepEqual([ledger.add('n1', 0, FIRST[0]!), ledger.size], [undefined, 1])
  t.deepEqual([ledger.add('n1', 0, FIRST[1]!), ledger.size], [undefined, 4])
  t.deepEqual(ledger.end(), [])
  t.truthy(ledger.add('n1', 0, '5 2 101.5 3 79;'))
})

test('the ledger sees snapshots that lead back, and ones that hold too much or too little', t => {
  for (const line of ['from 3 after 2;', 'from 5 after 2;', 'from 8 after 2;', 'from 8 after 1;']) {
    const ledger = createLedger()
    FIRST.forEach(each => ledger.add('n1', 0, each))
    t.truthy(ledger.add('n1', 0, line), line)
  }
  const ledger = createLedger()
  FIRST.forEach(each => ledger.add('n1', 0, each))
  t.truthy(ledger.add('n2', 1, 'from 3 after 3;'))
  t.truthy(ledger.add('n3', 2, 'from 5 after 2;'))
})

test('installs that end, and those that do not', t => {
  const counts: Record<string, number> = {}
  const installs = createInstalls(what => { counts[what] = (counts[what] ?? 0) + 1 })
  const hear = (id: string, event: 'receiving' | 'received' | 'restored', bytes = 0) => installs.heard(id, { type: 'snapshot', event, bytes })
  hear('a', 'restored')
  hear('a', 'receiving')
  hear('a', 'receiving', 5000)
  hear('a', 'receiving')
  installs.died('a')
  installs.died('a')
  t.deepEqual(counts, { 'starts from a snapshot': 1, 'installs begun': 2, 'installs interrupted': 2 })
  hear('a', 'receiving')
  hear('a', 'received', 9000)
  hear('a', 'restored', 9000)
  t.deepEqual(counts, { 'starts from a snapshot': 1, 'installs begun': 3, 'installs interrupted': 2, 'snapshots installed': 1 })
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
  terms.forget('b')
  t.is(terms.add(status('b', 0)), undefined, 'another one of that name')
  t.truthy(terms.add(status('c', 3, 'b')), 'what led a term is not forgotten')
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

const NO_BASE = { index: 0, term: 0, membership: { voters: [], outgoing: [], learners: [], addresses: {} } }
const stored = (...batches: readonly CommandBatch[]): KeptLog => ({ recovered: { base: NO_BASE, tail: batches }, newest: undefined })
const cutTo = (index: number, term: number, { recovered: { tail } }: KeptLog, newest = index): KeptLog =>
  ({ recovered: { base: { ...NO_BASE, index, term }, tail }, newest: { index: newest } })

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

test('logs on disk are compared as far as they reach back', t => {
  const whole = stored(commands(1, 1, 'a', 'b'), commands(3, 2, 'c'))
  const compared = (other: KeptLog): number => compareLogs(new Map([['n1', whole], ['n2', other]]), 3).length
  t.is(compared(cutTo(2, 1, stored(commands(3, 2, 'c')))), 0)
  t.is(compared(cutTo(3, 2, stored())), 0)
  t.is(compared(cutTo(2, 1, stored(commands(3, 2, 'x')))), 1, 'another command behind the snapshot')
  t.is(compared(cutTo(2, 1, stored())), 1, 'a missing entry behind the snapshot')
  t.is(compared(cutTo(2, 2, stored(commands(3, 2, 'c')))), 1, 'another term at the cut')
  t.is(compared(cutTo(2, 1, stored(commands(3, 2, 'c')), 1)), 1, 'a snapshot that does not reach the log')
})
