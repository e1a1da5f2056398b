/** When it is told that a certificate expires, by the clock alone. */
import test from 'ava'
import { right } from '../../../lib/prelude.js'
import type { TlsMaterial } from '../../../streams/transport/tcp/sockets.js'
import { watchExpiry } from '../../../streams/transport/tcp/trust.js'
import { virtualClock } from '../member/world.js'

const NOTHING: TlsMaterial = { cert: '', key: '', ca: '' }

/** A clock of the test's own, which knows how many timers are left. */
const countedTimers = () => {
  const { now, after, advance } = virtualClock()
  const left = new Set<object>()
  return {
    now, wall: now, advance, left: () => left.size,
    after: (ms: number, work: () => void) => {
      const timer = {}
      left.add(timer)
      const cancel = after(ms, () => {
        left.delete(timer)
        work()
      })
      return () => {
        left.delete(timer)
        cancel()
      }
    },
  }
}

test('that a certificate expires that lives for minutes is told in the last quarter of its life, and so of each that comes after it', t => {
  const MINUTE = 60_000
  const clock = countedTimers()
  let life = 0
  let validFrom = 0
  const told: string[] = []
  const look = (minutes: number): readonly string[] => {
    for (let second = 0; second < minutes * 60; second++) clock.advance(1_000)
    return told.splice(0)
  }
  const watch = () => watchExpiry({ inspect: () => right({ names: ['n1'], isForMembers: true, validFrom, validTo: validFrom + life }) }, () => NOTHING, clock, notAfter => {
    told.push(notAfter)
    t.is(clock.now() - validFrom, life * 3 / 4)
  })
  for (const minutes of [4, 60, 180]) {
    validFrom = clock.now()
    life = minutes * MINUTE
    const stop = watch()
    for (let renewals = 0; renewals < 3; renewals++) {
      const expires = new Date(validFrom + life).toISOString()
      t.deepEqual(look(minutes - 0.5), [expires])
      validFrom = clock.now()
    }
    stop()
    t.is(clock.left(), 0)
  }
})

test('whoever is told that a certificate expires may stop that from within', t => {
  const clock = countedTimers()
  const DAY = 24 * 3_600_000
  const sockets = { inspect: () => right({ names: ['n1'], isForMembers: true, validFrom: -365 * DAY, validTo: 31 * DAY }) }
  let told = 0
  const stop = watchExpiry(sockets, () => NOTHING, clock, () => {
    told++
    stop()
  })
  clock.advance(3 * DAY)
  t.is(told, 1)
  t.is(clock.left(), 0)
})
