import test from 'ava'
import { type LogIndex, type Span, createLogIndex } from '../../../streams/storage/log/log-index.js'

/** Records in the order of the files. */
interface Appended {
  readonly first: number
  readonly last: number
  readonly segment: number
}

const RECORDS_PER_SEGMENT = 20

const diceFrom = (seed: number): ((below: number) => number) => {
  let state = seed
  return below => (state = (state * 48271) % 2147483647) % below
}

/** A log of four hundred records that is cut now and then, and for each of its live entries the record that holds it. */
const randomLog = (dice: (below: number) => number): { readonly log: readonly Appended[]; readonly live: readonly number[] } => {
  const log: Appended[] = []
  const live: number[] = []
  for (let at = 0; at < 400; at++) {
    const first = dice(12) === 0 ? 1 + dice(live.length + 1) : live.length + 1
    const last = first + dice(5)
    log.push({ first, last, segment: 1 + Math.floor(at / RECORDS_PER_SEGMENT) })
    live.length = first - 1
    for (let i = first; i <= last; i++) live.push(at)
  }
  return { log, live }
}

const indexOf = (log: readonly Appended[], index: LogIndex): void =>
  log.forEach(({ first, last, segment }, at) => index.add(first, last, { segment, offset: at }, 40_000))

/** What reading on from each span's place finds, by the order in which records were added. */
const walk = (log: readonly Appended[], spans: readonly Span[]): readonly (readonly [number, number])[] =>
  spans.flatMap(({ place, from, to }) => {
    const found: (readonly [number, number])[] = []
    let next = from
    for (let at = place.offset; next <= to; at++) {
      const { first, last } = log[at]!
      for (; next >= first && next <= Math.min(last, to); next++) found.push([next, at])
    }
    return found
  })

test('the index finds the live record of every entry, however often the log was cut and the index thinned', t => {
  const dice = diceFrom(7)
  for (let round = 0; round < 30; round++) {
    const { log, live } = randomLog(dice)
    const index = createLogIndex(0, 16)
    indexOf(log, index)
    t.is(index.lastIndex(), live.length)
    const from = 1 + dice(live.length)
    const to = from + dice(live.length - from + 1)
    t.deepEqual(walk(log, index.spans(from, to)), live.slice(from - 1, to).map((at, i) => [from + i, at] as const))
    t.deepEqual(index.spans(live.length + 1, live.length + 5), [])
  }
})

test('what is left after forgetting is found, and never by way of a segment that may be gone', t => {
  const dice = diceFrom(11)
  for (let round = 0; round < 60; round++) {
    const { log, live } = randomLog(dice)
    const index = createLogIndex(0, 16)
    indexOf(log, index)
    let forgotten = 0
    for (let step = 0; step < 4 && forgotten < live.length; step++) {
      forgotten += 1 + dice(live.length - forgotten)
      index.forget(forgotten)
      index.forget(forgotten - 1)
      t.deepEqual(index.spans(forgotten, live.length), [])
      t.true(index.isGone(forgotten, 0) && !index.isGone(forgotten + 1, 0))
      const spans = index.spans(forgotten + 1, live.length)
      t.deepEqual(walk(log, spans), live.slice(forgotten).map((at, i) => [forgotten + 1 + i, at] as const))
      if (spans.length > 0) t.is(spans[0]!.place.segment, log[live[forgotten]!]!.segment)
    }
  }
})

test('a log that begins anew is found from its new beginning on', t => {
  const index = createLogIndex(0)
  indexOf(randomLog(diceFrom(3)).log, index)
  index.restart(1000)
  t.deepEqual([index.lastIndex(), index.restarts(), index.spans(1, 2000), index.isGone(5000, 0)], [1000, 1, [], true])
  index.add(1001, 1003, { segment: 99, offset: 512 }, 10)
  t.deepEqual(index.spans(1001, 1002), [{ place: { segment: 99, offset: 512 }, from: 1001, to: 1002 }])
  t.deepEqual(index.spans(1000, 1002), [])
})
