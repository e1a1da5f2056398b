/** A member comes to its end whatever goes wrong on the way there. */
import test from 'ava'
import { createEnding, haltAll } from '../../../streams/member/ending.js'
import type { Ended } from '../../../streams/outputs/outputs.js'
import { counter, leaderOf } from './world.js'

const throwing = (what: string) => (): never => { throw new Error(what) }

for (const [what, halt, ear] of [
  ['what halts it throws', throwing('no halt'), () => undefined],
  ['whoever hears of its end throws', () => undefined, throwing('no ear')],
] as const) {
  test(`${what}: the ports are closed, and who waits hears of it`, async t => {
    const turns: (() => void)[] = []
    const told: Ended[] = []
    let closed = 0
    const { stop } = createEnding(work => {
      turns.push(work)
      return () => undefined
    }, {
      drain: done => done(),
      halt,
      ended: how => {
        told.push(how)
        ear()
      },
      close: (_how, done) => {
        closed++
        done()
      },
    })
    const over = stop()
    t.throws(() => turns[0]!(), { message: /^no / })
    await over
    t.is(closed, 1)
    t.deepEqual(told, [{ _tag: 'Stopped' }])
  })
}

test('a part that throws when it is halted keeps no other from it', t => {
  const halted: string[] = []
  const part = (name: string) => ({ halt: (why: string): void => void halted.push(`${name}: ${why}`) })
  t.throws(() => haltAll([part('log'), { halt: throwing('no halt') }, part('reads'), { halt: throwing('nor this') }, part('outputs')], 'it was stopped'), { message: 'no halt' })
  t.deepEqual(halted, ['log: it was stopped', 'reads: it was stopped', 'outputs: it was stopped'])
})

test('stop waits for no tick behind the last answer, and its commit is told before the end', c => {
  const world = leaderOf(counter)
  const told: string[] = []
  world.raft.commits$.subscribe(({ _tag }) => told.push(_tag))
  world.raft.ended$.subscribe(({ _tag }) => told.push(_tag))
  void world.raft.propose({ add: 1 })
  void world.raft.stop()
  world.clock.settle()
  c.deepEqual(told, ['Applied', 'Stopped'])
})
