/** A machine that answers late, and one that is set to another state while it is at work. */
import test from 'ava'
import * as t from 'io-ts'
import { createDecodedCommands } from '../../../streams/machine/decoded-commands.js'
import { NEVER, Subject } from 'rxjs'
import { packEntries } from '../../../codecs/entries.js'
import { encodeValue } from '../../../codecs/values.js'
import { isLeft } from '../../../lib/prelude.js'
import type { CommandBatch } from '../../../lib/types.js'
import { createApply } from '../../../streams/machine/apply.js'
import { runMachine } from '../../../streams/machine/run-machine.js'
import type { Position } from '../../../streams/machine/machine.js'
import { createSessions } from '../../../streams/machine/sessions.js'
import { virtualClock } from '../member/world.js'
import { placeAt } from '../snapshots/fakes.js'

const bytesOf = (command: number): Uint8Array => {
  const bytes = encodeValue(t.number, command)
  if (isLeft(bytes)) throw new Error(bytes.left.join())
  return bytes.right
}

const batch = (firstIndex: number, ...commands: readonly number[]): CommandBatch => ({
  kind: 'command', firstIndex, term: 2, count: commands.length, time: 5, skip: 0, body: packEntries(commands.map(bytesOf)),
})

/** Calls of the machine and restorings, each ended by the test. */
const world = () => {
  const clock = virtualClock()
  const told: string[] = []
  let unheard: string | undefined
  const tell = (word: string): void => {
    if (word === unheard) throw new Error(word)
    told.push(word)
  }
  const calls: { readonly answer: (answer?: readonly number[]) => void; readonly fail: () => void }[] = []
  const applier = createApply({
    commands: createDecodedCommands<number>(),
    protocol: { command: t.number, result: t.number }, applyBudgetMs: 10, stallMs: 500, clock, sessions: createSessions<number>(), commits: new Subject(), from: { index: 0, term: 0, time: 0 },
    machine: {
      state: 0, snapshot: () => { throw new Error('not asked for') }, restore: () => NEVER,
      apply: entries => {
        told.push(`apply ${entries.map(({ index }) => index).join(' ')}`)
        const results = new Subject<readonly number[]>()
        calls.push({ fail: () => results.error(new Error('broken')), answer: (answer = entries.map(() => 0)) => {
          results.next(answer)
          results.complete()
        } })
        return results
      },
    },
    rested: ({ index }) => tell(`rests at ${index}`),
    applied: ({ index }) => told.push(`applied ${index}`),
    results: firstIndex => told.push(`results ${firstIndex}`),
    slow: () => undefined, late: () => undefined,
    failed: index => told.push(`failed at ${index}`),
  })
  let done: (at: Position) => void = () => undefined
  return {
    clock, applier, told,
    take: () => told.splice(0),
    answer: (answer?: readonly number[]) => calls.shift()?.answer(answer),
    fail: () => calls.shift()?.fail(),
    throwOnce: (word: string) => { unheard = word },
    restore: (name: string) => applier.restore(answer => {
      told.push(`restore ${name}`)
      done = answer
    }),
    restored: (index: number) => done({ index, term: 7, time: 8 }),
  }
}

test('what was answered late is told before the machine is called again, and in its turn where the budget is spent', assert => {
  const w = world()
  w.applier.committed([batch(1, 10), batch(2, 20), batch(3, 30)])
  w.answer()
  assert.deepEqual(w.take(), ['apply 1', 'results 1', 'rests at 1', 'applied 1', 'apply 2'])
  w.clock.stall(50)
  w.answer()
  assert.deepEqual(w.take(), ['results 2', 'rests at 2', 'applied 2'])
  w.clock.settle()
  assert.deepEqual(w.take(), ['apply 3'])
})

for (const [what, answer] of [['null', null], ['no list', { length: 1 }]] as const) {
  test(`a machine that answers ${what} later has failed at that index`, assert => {
    const w = world()
    w.applier.committed([batch(1, 10), batch(2, 20)])
    w.take()
    w.answer()
    w.answer(answer as never)
    assert.deepEqual(w.take(), ['results 1', 'rests at 1', 'applied 1', 'apply 2', 'failed at 2'])
  })
}

test('whatever is thrown while a late answer is concluded ends the work at the first entry that is not applied', assert => {
  const w = world()
  w.applier.committed([batch(1, 10), batch(2, 20)])
  w.throwOnce('rests at 1')
  w.answer()
  assert.deepEqual(w.take(), ['apply 1', 'results 1', 'applied 1', 'failed at 2'])
})

test('after the end the machine is seen where it rests, and not where a call was under way or had failed', assert => {
  const looks = (w: ReturnType<typeof world>): readonly string[] => {
    w.take()
    w.applier.atRest(({ index }) => w.told.push(`looks at ${index}`))
    return w.take()
  }
  const [resting, calling, broken] = [world(), world(), world()]
  for (const w of [resting, calling, broken]) w.applier.committed([batch(1, 10)])
  resting.answer()
  broken.fail()
  resting.applier.halt()
  calling.applier.halt()
  calling.answer()
  assert.deepEqual([resting, calling, broken].map(looks), [['looks at 1'], [], []])
})

test('it begins once the call under way is over, whose results count for nothing, and what is committed next is applied to it', assert => {
  const w = world()
  w.applier.committed([batch(1, 10), batch(2, 20)])
  w.restore('nine')
  w.applier.committed([batch(10, 100)])
  assert.deepEqual(w.take(), ['apply 1'])
  w.answer()
  assert.deepEqual(w.take(), ['restore nine'])
  w.clock.settle()
  w.restored(9)
  assert.deepEqual(w.take(), ['rests at 9', 'apply 10', 'applied 9'])
  w.answer()
  w.clock.settle()
  assert.deepEqual(w.take(), ['results 10', 'rests at 10', 'applied 10'])
})

test('it begins at once where the machine rests, and what was put off is not taken up again', assert => {
  const w = world()
  w.restore('nine')
  assert.deepEqual(w.take(), ['restore nine'])
  w.applier.committed([batch(10, 100)])
  w.clock.settle()
  assert.deepEqual(w.take(), [])
  w.restored(9)
  assert.deepEqual(w.take(), ['rests at 9', 'apply 10', 'applied 9'])
})

test('whoever wants to look at the machine meanwhile looks at the state that it gets', assert => {
  const w = world()
  w.applier.committed([batch(1, 10)])
  w.restore('nine')
  w.applier.atRest(({ index }) => w.told.push(`looks at ${index}`))
  w.answer()
  assert.deepEqual(w.take(), ['apply 1', 'restore nine'])
  w.restored(9)
  assert.deepEqual(w.take(), ['rests at 9', 'looks at 9', 'applied 9'])
})

test('whoever waited to look at the machine before looks at the state that it gets, too: the call under way is not counted where it stands', assert => {
  const w = world()
  w.applier.committed([batch(1, 10)])
  w.applier.atRest(({ index }) => w.told.push(`looks at ${index}`))
  w.restore('nine')
  w.answer()
  assert.deepEqual(w.take(), ['apply 1', 'restore nine'])
  w.restored(9)
  assert.deepEqual(w.take(), ['rests at 9', 'looks at 9', 'applied 9'])
})

test('of two the later counts', assert => {
  const w = world()
  w.restore('nine')
  w.restore('twelve')
  w.applier.committed([batch(13, 1)])
  w.restored(9)
  assert.deepEqual(w.take(), ['restore nine', 'rests at 0', 'restore twelve'])
  w.restored(12)
  assert.deepEqual(w.take(), ['rests at 12', 'apply 13', 'applied 12'])
})

test('after the end nothing is restored', assert => {
  const w = world()
  w.restore('nine')
  w.applier.halt()
  w.restored(9)
  w.restore('twelve')
  assert.deepEqual(w.take(), ['restore nine'])
})

/** A machine whose restorings are ended by the test. */
const operated = () => {
  const told: string[] = []
  let done: (failure: string | undefined) => void = () => undefined
  const applier = runMachine({
    commands: createDecodedCommands<number>(),
    protocol: { command: t.number, result: t.number }, applyBudgetMs: 10, stallMs: 500, clock: virtualClock(), sessions: createSessions<number>(), commits: new Subject(), from: { index: 0, term: 0, time: 0 },
    machine: { state: 0, snapshot: () => { throw new Error('not asked for') }, restore: () => NEVER, apply: () => NEVER },
    restoreMachine: answer => {
      done = answer
      return () => told.push('called off')
    },
    rested: ({ index }) => told.push(`rests at ${index}`),
    applied: ({ index }) => told.push(`applied ${index}`),
    results: (firstIndex, term, { length }) => told.push(`${length} results from ${firstIndex} of term ${term}`),
    notice: () => undefined,
    failed: error => told.push(error.message),
  })
  applier.restore({ ...placeAt(9), bytes: 1, checksum: 1 })
  return { applier, told, end: (failure?: string) => done(failure) }
}

test('whoever waits for results of what the snapshot stands for hears that there are none', assert => {
  const { told, end } = operated()
  end()
  assert.deepEqual(told, ['0 results from 10 of term 1', 'rests at 9', 'applied 9'])
})

test('a machine that does not begin from it ends the member', assert => {
  const { told, end } = operated()
  end('no such format')
  assert.deepEqual(told, ['The machine could not be restored from the snapshot at 9: no such format'])
})

test('the end of the member calls off what is under way', assert => {
  const { applier, told } = operated()
  applier.halt()
  assert.deepEqual(told, ['called off'])
})
