/** A call of the machine that takes long without holding up anything else is told of while it goes on. */
import test from 'ava'
import { Observable } from 'rxjs'
import type { Diagnostic } from '../../../streams/outputs/diagnostics.js'
import type { Machine } from '../../../streams/machine/machine.js'
import { type Add, counter, leaderOf } from '../member/world.js'

/** A leader in whose machine the first call goes on until the test ends it. */
const inACall = () => {
  let end: () => void = () => undefined
  const machine: Machine<Add, number, number> = {
    ...counter,
    start: () => ({
      ...counter.start(), state: 0,
      apply: entries => new Observable(subscriber => {
        end = () => {
          subscriber.next(entries.map(() => 0))
          subscriber.complete()
        }
      }),
    }),
  }
  const { raft, clock, disk } = leaderOf(machine, { limits: { stallMs: 100 } })
  disk.flow()
  const told: Diagnostic[] = []
  raft.diagnostics$.subscribe(diagnostic => told.push(diagnostic))
  void raft.propose({ add: 1 }, { timeoutMs: 60_000 })
  clock.settle()
  return { clock, told: () => told.splice(0).filter(({ type }) => type === 'lateApply'), end: () => { end(); clock.settle() } }
}
const late = (lastsMs: number): Diagnostic => ({ type: 'lateApply', index: 2, lastsMs, bound: 'stallMs', severity: 'warning' })

test('a call that has not answered for stallMs is told, and again after twice the wait, until it is over', t => {
  const { clock, told, end } = inACall()
  clock.advance(99)
  t.deepEqual(told(), [])
  clock.advance(1)
  t.deepEqual(told(), [late(100)])
  clock.advance(599)
  t.deepEqual(told(), [late(300)])
  end()
  clock.advance(10_000)
  t.deepEqual(told(), [])
})

test('the time of those who are told of commits is not held against the machine', t => {
  const { raft, clock, disk } = leaderOf(counter)
  disk.flow()
  const told: Diagnostic[] = []
  raft.diagnostics$.subscribe(diagnostic => told.push(diagnostic))
  let heard = 0
  raft.commits$.subscribe(() => {
    heard++
    clock.advance(40)
  })
  void raft.propose({ add: 1 })
  clock.settle()
  t.is(heard, 1)
  t.deepEqual(told.filter(({ type }) => type === 'slowApply'), [])
})
