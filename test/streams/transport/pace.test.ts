/** How much of what may be large is on its way: what fits, what asks for a receipt, and what the window becomes. */
import test from 'ava'
import type { Millis } from '../../../lib/types.js'
import { createPace } from '../../../streams/transport/pace.js'

const KIB = 1024
const PROMPT_MS = 250

/** A pace with its clock in hand, in KiB. */
const paced = () => {
  let at: Millis = 0
  const pace = createPace({ now: () => at }, PROMPT_MS)
  return {
    pace, later: (ms: Millis): void => { at += ms },
    part: (): number => pace.partBytes() / KIB,
    fits: (kib: number): boolean => pace.fits(kib * KIB),
    left: (kib: number): void => pace.left(kib * KIB),
    /** A part of all that may leave, whose receipt comes after so long; what may leave next. */
    round: (ms: Millis): number => {
      pace.asked(pace.partBytes())
      at += ms
      pace.arrived()
      return pace.partBytes() / KIB
    },
  }
}

test('half a window leaves whole, and nothing is asked', t => {
  const { fits, left, part } = paced()
  t.deepEqual([fits(32), fits(33), part()], [true, false, 64])
  left(20)
  t.deepEqual([fits(12), fits(13), part()], [true, false, 44])
})

test('behind a part that asks a whole window is on its way, and no other part before the receipt', t => {
  const { pace, fits, left, later, part } = paced()
  left(30)
  pace.asked(10 * KIB)
  t.deepEqual([fits(24), fits(25), part()], [true, false, 0])
  left(20)
  t.deepEqual([fits(4), fits(5), part()], [true, false, 0])
  later(PROMPT_MS)
  t.true(pace.arrived())
  t.deepEqual([fits(12), fits(13), part()], [true, false, 44], 'what left behind it is not known to have arrived')
})

test('a receipt is owed once, to a part', t => {
  const { pace } = paced()
  t.false(pace.arrived())
  pace.left(KIB)
  t.false(pace.arrived())
  pace.asked(KIB)
  t.deepEqual([pace.arrived(), pace.arrived()], [true, false])
})

test('the window doubles with each full one that arrives promptly, is halved by each that is late, and never goes below the least', t => {
  const { round } = paced()
  t.deepEqual([PROMPT_MS, 1, 0].map(round), [128, 256, 512])
  t.deepEqual([PROMPT_MS + 1, 300, 300, 300, 300].map(round), [256, 128, 64, 64, 64])
})

test('what is not much says nothing of a whole window', t => {
  const { pace, round, part } = paced()
  round(1)
  pace.asked(10 * KIB)
  pace.arrived()
  t.is(part(), 128)
})

test('what fills half a window only in the course of time says nothing either, however soon it arrives', t => {
  const { pace, left, later, part } = paced()
  left(30)
  later(60_000)
  pace.asked(30 * KIB)
  later(1)
  pace.arrived()
  t.is(part(), 64)
})

test('half a window has to arrive in half the time', t => {
  for (const [ms, next] of [[PROMPT_MS * 35 / 64, 128], [PROMPT_MS * 35 / 64 + 1, 64]] as const) {
    const { pace, later, part } = paced()
    pace.asked(35 * KIB)
    later(ms)
    pace.arrived()
    t.is(part(), next, `${ms} ms`)
  }
})

test('a part is worth its header, however much has left', t => {
  const { pace, part } = paced()
  for (let n = 0; n < 3; n++) pace.left(32 * KIB)
  t.is(part(), 1)
})
