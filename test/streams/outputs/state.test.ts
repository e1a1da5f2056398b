/** A test for the promise of docs/streams.md about states that are changed in place. */
import ava from 'ava'
import { EMPTY, Observable } from 'rxjs'
import type { Machine } from '../../../streams/machine/machine.js'
import { counter, leaderOf } from '../member/world.js'
import { namedTests, promises, quoted } from './promises.js'

const { names, test } = namedTests()

/** Counts its commands in a list that it changes in place; each call is over when the test says so, or at once. */
const listing = (isPrompt: boolean) => {
  const open: (() => void)[] = []
  const list: number[] = []
  const machine: Machine<{ add: number }, number, readonly number[]> = {
    ...counter,
    start: () => ({
      state: list, snapshot: () => { throw new Error('not asked for') }, restore: () => EMPTY,
      apply: entries => {
        list.push(...entries.map(({ command }) => command.add))
        const results = entries.map(() => 0)
        return isPrompt ? [results] : new Observable(subscriber => {
          open.push(() => {
            subscriber.next(results)
            subscriber.complete()
          })
        })
      },
    }),
  }
  return { world: leaderOf(machine), answer: () => open.shift()?.() }
}

test('state$ shows a state that is changed in place only between two calls of the machine, in whose midst whoever subscribes waits', t => {
  const { world: { raft, clock }, answer } = listing(false)
  const seen = (name: string) => ({ index, state }: { readonly index: number; readonly state: readonly number[] }): void => { all.push(`${name}: ${state.length} at ${index}`) }
  const all: string[] = []
  raft.state$.subscribe(seen('early'))
  const propose = (add: number): void => {
    void raft.propose({ add })
    clock.settle()
  }
  propose(1)
  raft.state$.subscribe(seen('late'))
  propose(2)
  propose(3)
  t.deepEqual(all, ['early: 0 at 1'])
  answer()
  clock.settle()
  t.deepEqual(all.splice(0).sort(), ['early: 0 at 1', 'early: 1 at 2', 'late: 1 at 2'])
  raft.state$.subscribe(seen('later'))
  void raft.stop()
  clock.advance(60_000)
  raft.state$.subscribe({ next: seen('too late'), complete: () => all.push('complete') })
  t.deepEqual(all, ['complete'], 'it ended in the midst of a call')
  const prompt = listing(true)
  prompt.world.raft.commits$.subscribe(() => prompt.world.raft.state$.subscribe(seen('at once')))
  for (const add of [1, 2]) void prompt.world.raft.propose({ add })
  prompt.world.clock.settle()
  t.deepEqual(all.slice(1), ['at once: 2 at 3'])
})

/** A member in whose machine a call is under way, and how often that is looked at. */
const inACall = () => {
  let looks = 0
  let end: () => void = () => undefined
  const machine: Machine<{ add: number }, number, number> = {
    ...counter,
    start: () => ({
      get state() { return looks++ }, snapshot: () => { throw new Error('not asked for') }, restore: () => EMPTY,
      apply: entries => new Observable(subscriber => {
        end = () => {
          subscriber.next(entries.map(() => 0))
          subscriber.complete()
        }
      }),
    }),
  }
  const { raft, clock } = leaderOf(machine)
  void raft.propose({ add: 1 })
  clock.settle()
  looks = 0
  return { raft, looks: () => looks, end: () => { end(); clock.settle() } }
}

ava('however many wait for the end of a call, the machine is looked at once for all of them', t => {
  const { raft, looks, end } = inACall()
  const seen: number[] = []
  for (let i = 0; i < 1000; i++) raft.state$.subscribe(({ index }) => seen.push(index))
  end()
  t.deepEqual(seen, Array.from({ length: 1000 }, () => 2))
  t.true(looks() <= 2, `${looks()} looks`)
})

ava('who no longer waits for the end of a call is forgotten', t => {
  const { raft, looks, end } = inACall()
  const seen: number[] = []
  for (let i = 0; i < 1000; i++) raft.state$.subscribe(({ index }) => seen.push(index)).unsubscribe()
  end()
  t.deepEqual(seen, [])
  t.true(looks() <= 2, `${looks()} looks`)
})

ava('docs/streams.md names the test of states that are changed in place', t => {
  t.deepEqual(promises('state.test.ts').map(quoted), names)
})
