/** The log as the core needs it, and the views that share it. */
import test from 'ava'
import { bytesOf, dropAfter, dropBefore, lastIndexOf } from '../../lib/batch.js'
import {
  type Log, append, batchesFrom, evict, firstInMemory, lastEntry, lastNotAbove, membershipAt, membershipOf as newestMembership, openLog, termAt, truncateFrom,
} from '../../lib/log.js'
import type { EntryBatch, MembershipBatch } from '../../lib/types.js'
import { dice, entries, entryId, held, membershipOf, showBatches, stored } from './build.js'

const logOf = (log: string, base = '0@0'): Log => openLog(stored({ log, base }))
const show = (log: Log): string => showBatches(held(log))
const terms = (log: Log): string => Array.from({ length: log.lastIndex - log.base.index + 1 }, (_, i) => termAt(log, log.base.index + i)).join(' ')
const bytesHeld = (log: Log): number => held(log).reduce((sum, batch) => sum + bytesOf(batch), 0)
const setMembership = (firstIndex: number, voters: string): MembershipBatch =>
  ({ kind: 'membership', firstIndex, term: 1, count: 1, time: 0, membership: membershipOf(voters) })

test('G02 an empty log ends where it begins', t => {
  t.deepEqual(lastEntry(logOf('')), { index: 0, term: 0 })
  t.deepEqual(lastEntry(logOf('', '3@1')), { index: 3, term: 1 })
})

test('the term of an index is known from the base to the last entry, and nowhere else', t => {
  const log = logOf('4-6@2 7@2 8@5', '3@1')
  t.is(terms(log), '1 2 2 2 2 5')
  for (const index of [0, 2, 9, -1]) t.is(termAt(log, index), undefined)
  t.is(termAt(logOf(''), 0), 0)
})

test('entries of the base\'s own term have a term, too', t => {
  const log = append(logOf('', '3@2'), entries('4@2 5-6@2 7@3'))
  t.is(terms(log), '2 2 2 2 3')
  t.deepEqual(log.terms, [{ firstIndex: 4, term: 2 }, { firstIndex: 7, term: 3 }])
})

test('the membership in force at an index is the last one set up to there', t => {
  const log = append(logOf('1-3@1'), [setMembership(4, 'a b'), ...entries('5@1 6@1'), setMembership(7, 'a b c')])
  const voters = [0, 1, 3, 4, 6, 7].map(index => membershipAt(log, index).voters.join(''))
  t.deepEqual(voters, [log.base.membership.voters.join(''), log.base.membership.voters.join(''), log.base.membership.voters.join(''), 'ab', 'ab', 'abc'])
})

test('a log of one term has one run, however long', t => {
  let log = logOf('1@1')
  for (let index = 2; index <= 500; index++) log = append(log, entries(`${index}@1`))
  t.is(log.terms.length, 1)
})

const hints: readonly (readonly [string, number, number, string])[] = [
  ['1@1 2@1 3@2 4@4 5@4', 5, 4, '5@4'],
  ['1@1 2@1 3@2 4@4 5@4', 5, 3, '3@2'],
  ['1@1 2@1 3@2 4@4 5@4', 5, 2, '3@2'],
  ['1@1 2@1 3@2 4@4 5@4', 4, 1, '2@1'],
  ['1@1 2@1 3@2 4@4 5@4', 2, 9, '2@1'],
  ['1@1 2@1 3@2 4@4 5@4', 99, 4, '5@4'],
  ['1@3 2@3', 2, 1, '0@0'],
  ['', 5, 5, '0@0'],
]
for (const [log, index, term, expected] of hints) {
  test(`in [${log}] the last entry at or before ${index} that is not above term ${term} is ${expected}`, t => {
    t.deepEqual(lastNotAbove(logOf(log), index, term), entryId(expected))
  })
}

const cuts: readonly (readonly [string, number, string, string])[] = [
  ['1@1 2@1 3@2', 3, '1@1 2@1', '0 1 1'],
  ['1@1 2@1 3@2', 2, '1@1', '0 1'],
  ['1@1 2@1 3@2', 1, '', '0'],
  ['1@1 2@1 3@2', 4, '1@1 2@1 3@2', '0 1 1 2'],
  ['1-5@1 6-9@2', 8, '1-5@1 6-7@2', '0 1 1 1 1 1 2 2'],
  ['1-5@1 6-9@2', 6, '1-5@1', '0 1 1 1 1 1'],
  ['1-5@1 6-9@2', 3, '1-2@1', '0 1 1'],
]
for (const [log, first, expected, expectedTerms] of cuts) {
  test(`[${log}] without its entries from ${first} on is [${expected}]`, t => {
    const before = logOf(log)
    const after = truncateFrom(before, first)
    t.is(show(after), expected)
    t.is(terms(after), expectedTerms)
    t.is(show(before), log)
    t.is(after.tail.bytes, bytesHeld(after))
  })
}

test('views share one array: only the one that ends where the array ends grows in place', t => {
  const early = logOf('1@1 2@1')
  const late = append(early, entries('3@1'))
  t.is(late.tail.batches, early.tail.batches)
  const other = append(early, entries('3@2'))
  t.not(other.tail.batches, early.tail.batches)
  const cut = append(truncateFrom(late, 2), entries('2@3 3@3'))
  t.deepEqual([early, late, other, cut].map(show), ['1@1 2@1', '1@1 2@1 3@1', '1@1 2@1 3@2', '1@1 2@3 3@3'])
})

test('a cut inside a batch shares its body and never touches the earlier view', t => {
  const before = logOf('1-5@1')
  const after = append(truncateFrom(before, 4), entries('4@2'))
  t.is(show(after), '1-3@1 4@2')
  t.is(show(before), '1-5@1')
  const [whole, slice] = [held(before)[0]!, held(after)[0]!]
  t.is(whole.kind === 'command' && whole.body, slice.kind === 'command' && slice.body)
})

test('a slice knows which entries of its body are its own', t => {
  const [batch] = entries('10-19@1')
  t.like(dropBefore(batch!, 13), { firstIndex: 13, count: 7, skip: 3 })
  t.like(dropAfter(dropBefore(batch!, 13), 15), { firstIndex: 13, count: 3, skip: 3 })
  t.like(dropBefore(dropBefore(batch!, 13), 15), { firstIndex: 15, count: 5, skip: 5 })
  t.is(dropBefore(batch!, 10), batch!)
  t.is(dropAfter(batch!, 19), batch!)
})

test('eviction lets go of the oldest batches that are on the disk, and of no others', t => {
  const weight = bytesOf(entries('1@1')[0]!)
  const log = logOf('1@1 2@1 3@1 4@1 5@1 6@1')
  t.is(show(evict(log, 6, 2 * weight)), '5@1 6@1')
  t.is(show(evict(log, 3, 2 * weight)), '4@1 5@1 6@1')
  t.is(show(evict(log, 6, 0)), '')
  t.is(evict(log, 6, 6 * weight), log)
  const little = evict(log, 6, 2 * weight)
  t.deepEqual([little.tail.bytes, firstInMemory(little), little.lastIndex], [2 * weight, 5, 6])
  t.is(terms(little), '0 1 1 1 1 1 1')
  t.is(show(log), '1@1 2@1 3@1 4@1 5@1 6@1')
})

test('what was evicted is given back, and what is appended follows on', t => {
  let log = logOf('')
  for (let index = 1; index <= 1000; index++) log = evict(append(log, entries(`${index}@1`)), index, 1360)
  t.is(firstInMemory(log), 991)
  t.true(log.tail.batches.length < 30)
  const none = evict(log, 1000, 0)
  t.is(firstInMemory(none), 1001)
  t.is(show(append(none, entries('1001@2'))), '1001@2')
})

test('a log without entries in memory can be cut, and grows on', t => {
  const log = evict(logOf('1@1 2@1 3@2'), 3, 0)
  const cut = append(truncateFrom(log, 3), entries('3@4'))
  t.is(terms(cut), '0 1 1 4')
  t.is(show(cut), '3@4')
})

const slices: readonly (readonly [number, number, number, string])[] = [
  [1, 9, Number.POSITIVE_INFINITY, '1-3@1 4@1 5-9@2'],
  [2, 9, Number.POSITIVE_INFINITY, '2-3@1 4@1 5-9@2'],
  [3, 6, Number.POSITIVE_INFINITY, '3@1 4@1 5-6@2'],
  [6, 7, Number.POSITIVE_INFINITY, '6-7@2'],
  [1, 9, 1, '1-3@1'],
  [1, 9, 152 + 136, '1-3@1 4@1'],
]
for (const [first, last, maxBytes, expected] of slices) {
  test(`G07 from ${first} to ${last} within ${maxBytes} bytes: [${expected}]`, t => {
    t.is(showBatches(batchesFrom(logOf('1-3@1 4@1 5-9@2'), first, last, maxBytes)), expected)
  })
}

test('the newest membership in the log counts, and ends with its entry', t => {
  const log = append(append(logOf('1@1'), [setMembership(2, 'a b')]), [setMembership(3, 'a b c')])
  t.deepEqual(newestMembership(log).voters, ['a', 'b', 'c'])
  t.deepEqual(newestMembership(truncateFrom(log, 3)).voters, ['a', 'b'])
  t.deepEqual(newestMembership(truncateFrom(log, 2)).voters, ['f1', 'L', 'f2'])
})

test('the log remembers the latest time it ever held', t => {
  const at = (index: number, time: number): EntryBatch => ({ kind: 'noop', firstIndex: index, term: 1, count: 1, time })
  const log = append(logOf(''), [at(1, 100), at(2, 300)])
  t.is(log.time, 300)
  t.is(truncateFrom(log, 2).time, 300)
  t.is(append(truncateFrom(log, 2), [at(2, 200)]).time, 300)
})

/** A generator of its own for every test. */
test('a log does what a plain array of terms does, whatever is appended, cut and let go of', t => {
  const draw = dice(3)
  let log = logOf('')
  let plain: readonly number[] = []
  const views: (readonly [Log, string])[] = []
  for (let i = 0; i < 3000; i++) {
    const act = draw(10)
    if (act < 6) {
      const count = 1 + draw(4)
      const term = (plain.at(-1) ?? 1) + (draw(6) === 0 ? 1 : 0)
      log = append(log, entries(`${plain.length + 1}-${plain.length + count}@${term}`))
      plain = [...plain, ...Array.from({ length: count }, () => term)]
    } else if (act < 8 && plain.length > 0) {
      const first = Math.max(1, plain.length - draw(6))
      log = truncateFrom(log, first)
      plain = plain.slice(0, first - 1)
    } else if (act === 8) {
      log = evict(log, plain.length, draw(2000))
    } else {
      views.push([log, show(log)])
    }
    t.is(log.lastIndex, plain.length)
    t.is(log.tail.bytes, bytesHeld(log))
    const inMemory = held(log)
    for (const batch of inMemory) t.is(plain[batch.firstIndex - 1], batch.term)
    t.is(firstInMemory(log), inMemory[0]?.firstIndex ?? plain.length + 1)
    for (let tried = 0; tried < 3 && plain.length > 0; tried++) {
      const index = 1 + draw(plain.length)
      t.is(termAt(log, index), plain[index - 1])
      const term = draw(1 + plain.at(-1)!)
      let naive = index
      while (naive > 0 && plain[naive - 1]! > term) naive--
      t.is(lastNotAbove(log, index, term).index, naive)
    }
    for (let at = 1; at < inMemory.length; at++) t.is(inMemory[at]!.firstIndex, lastIndexOf(inMemory[at - 1]!) + 1)
  }
  for (const [view, text] of views) t.is(show(view), text)
})
