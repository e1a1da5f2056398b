/** Where reads begin, between a leader and a machine that a test holds in its hands. */
import test from 'ava'
import type { ReadError } from '../../../lib/errors.js'
import { type Either, isLeft } from '../../../lib/prelude.js'
import { callOptions } from '../../../streams/proposer/call-options.js'
import type { Position } from '../../../streams/machine/machine.js'
import type { ReadOptions } from '../../../streams/reads/pending-read.js'
import { type ReaderOptions, createReader } from '../../../streams/reads/reader.js'
import { virtualClock } from '../member/world.js'

const at = (index: number): Position => ({ index, term: 1, time: 1000 + index })

const worldOf = ({ maxPendingReads = 100, applyBudgetMs = 10, ...given }: Partial<ReaderOptions<string> & ReaderOptions<string>['limits']> = {}) => {
  const clock = virtualClock()
  const asked: string[] = []
  const outcomes: string[] = []
  const machine = { state: 'nothing' }
  let applied = at(0)
  let isCalling = false
  const looks = new Set<(at: Position) => void>()
  const reader = createReader<string>({
    limits: { maxPendingReads, applyBudgetMs }, timeoutMs: 100, clock, machine,
    atRest: look => {
      if (isCalling) looks.add(look)
      else look(applied)
      return () => { looks.delete(look) }
    }, ...given,
  })
  const say = (name: string) => (outcome: Either<ReadError, unknown>): void => {
    outcomes.push(`${name}: ${isLeft(outcome) ? outcome.left._tag : String(outcome.right)}`)
  }
  return {
    clock, asked, outcomes, machine, reader, looks,
    read: (name: string, options: ReadOptions = {}, select: (state: string, at: Position) => unknown = state => state): void => reader.read(select, options, say(name)),
    leads: (id: string, key = id): void => reader.reroute({ key, ask: question => asked.push(`${key} ${question}`) }, id),
    answer: (key: string, id: number, index: number): void => reader.answered(key, { type: 'readable', id, index }),
    refuse: (key: string, id: number, reason: 'notLeader' | 'notReady' | 'busy' | 'inboxFull' = 'notReady'): void => reader.answered(key, { type: 'readRefused', id, reason }),
    /** The machine begins with a call, and is done with it. */
    begins: (): void => { isCalling = true },
    applies: (to: number | Position, state = String(to)): void => {
      isCalling = false
      applied = typeof to === 'number' ? at(to) : to
      machine.state = state
      reader.rested(applied)
    },
    tick: (ms: number): void => {
      clock.advance(ms)
      reader.tick()
      clock.settle()
    },
  }
}
/** A leader is known, and one read has been asked of it. */
const begun = (given?: Parameters<typeof worldOf>[0]) => {
  const world = worldOf(given)
  world.leads('n2')
  world.read('a')
  world.clock.settle()
  return world
}

test('select is told how much of the log the state is made of, whether the machine rests then or had to come so far', t => {
  const { clock, outcomes, read, leads, answer, applies } = worldOf()
  const place = (state: string, { index, time }: Position): string => `${state} at ${index}, ${time}`
  leads('n2')
  applies(3, 'three')
  read('a', {}, place)
  clock.settle()
  answer('n2', 1, 2)
  read('b', {}, place)
  clock.settle()
  answer('n2', 2, 5)
  applies(6, 'six')
  t.deepEqual(outcomes, ['a: three at 3, 1003', 'b: six at 6, 1006'])
})

test('nobody writes into the position that the machine goes on from, nor into that of another read', t => {
  const { clock, outcomes, read, leads, answer, applies } = worldOf()
  const mine = at(3)
  leads('n2')
  applies(mine)
  read('a', {}, (_, place) => Object.assign(place, { index: 99 }))
  read('b', {}, (_, { index }) => index)
  clock.settle()
  answer('n2', 1, 2)
  t.deepEqual([outcomes, mine], [['a: SelectFailed', 'b: 3'], at(3)])
})

test('reads of one turn are one question, and are answered when the machine has applied what the leader says', t => {
  const { clock, asked, outcomes, read, leads, answer, applies } = worldOf()
  leads('n2')
  read('a')
  read('b', {}, state => state.length)
  t.deepEqual(asked, [])
  clock.settle()
  t.deepEqual(asked, ['n2 1'])
  applies(4, 'four')
  answer('n2', 1, 5)
  applies(4, 'four')
  t.deepEqual(outcomes, [], 'a state that is too old is shown to nobody')
  applies(6, 'at six')
  t.deepEqual(outcomes, ['a: at six', 'b: 6'])
})

test('what is applied already is read at once', t => {
  const { outcomes, applies, answer } = begun()
  applies(7, 'seven')
  answer('n2', 1, 7)
  t.deepEqual(outcomes, ['a: seven'])
})

test('while the machine is at work nobody looks at it', t => {
  const { outcomes, begins, applies, answer, machine, looks } = begun()
  applies(7, 'seven')
  begins()
  machine.state = 'half of eight'
  answer('n2', 1, 7)
  t.deepEqual(outcomes, [])
  t.is(looks.size, 0, 'nor is anything kept of whoever would')
  applies(8, 'eight')
  t.deepEqual(outcomes, ['a: eight'])
})

test('an answer serves no read that came after its question had left', t => {
  const { clock, asked, outcomes, read, answer, applies } = begun()
  applies(9, 'nine')
  read('b')
  answer('n2', 1, 5)
  t.deepEqual(outcomes, ['a: nine'])
  clock.settle()
  t.deepEqual(asked, ['n2 1', 'n2 2'])
  answer('n2', 1, 5)
  t.deepEqual(outcomes, ['a: nine'])
  answer('n2', 2, 9)
  t.deepEqual(outcomes, ['a: nine', 'b: nine'])
})

test('answers may come in any order, and each has an index of its own', t => {
  const { clock, outcomes, read, answer, applies } = begun()
  read('b')
  clock.settle()
  answer('n2', 2, 3)
  answer('n2', 1, 8)
  applies(3, 'three')
  t.deepEqual(outcomes, ['b: three'])
  applies(8, 'eight')
  t.deepEqual(outcomes, ['b: three', 'a: eight'])
})

test('what is refused is asked again with the next tick, together with what came meanwhile', t => {
  const { clock, asked, outcomes, read, refuse, answer, applies, tick } = begun()
  applies(1, 'one')
  refuse('n2', 1)
  read('b')
  clock.settle()
  t.deepEqual(asked, ['n2 1'], 'the same question at once would get the same answer')
  tick(10)
  t.deepEqual(asked, ['n2 1', 'n2 2'])
  answer('n2', 1, 1)
  t.deepEqual(outcomes, [])
  answer('n2', 2, 1)
  t.deepEqual(outcomes, ['a: one', 'b: one'])
})

test('who was refused does not wait for a tick where another leads', t => {
  const { clock, asked, refuse, leads } = begun()
  refuse('n2', 1, 'notLeader')
  leads('n3')
  clock.settle()
  t.deepEqual(asked, ['n2 1', 'n3 2'])
})

test('where the way is gone a read is asked again over the next one, and answers over the former count no more', t => {
  const { clock, asked, outcomes, reader, leads, answer, applies } = begun()
  applies(1, 'one')
  reader.gone('n2')
  clock.settle()
  t.deepEqual(asked, ['n2 1'])
  leads('n2', 'n2 again')
  clock.settle()
  t.deepEqual(asked, ['n2 1', 'n2 again 2'])
  answer('n2', 1, 1)
  answer('n2', 2, 1)
  t.deepEqual(outcomes, [])
  answer('n2 again', 2, 1)
  t.deepEqual(outcomes, ['a: one'])
})

test('what an answer costs is not more where much has been asked before', t => {
  const ways: Readonly<Record<string, (world: ReturnType<typeof worldOf>, ids: readonly number[]) => void>> = {
    refused: ({ refuse }, ids) => ids.forEach(id => refuse('n2', id)),
    lost: ({ reader }) => reader.gone('n2'),
    answered: ({ answer, applies }, ids) => {
      for (const id of ids) answer('n2', id, id)
      for (const id of ids) applies(id)
    },
  }
  for (const [way, happens] of Object.entries(ways)) {
    const world = worldOf({ maxPendingReads: 30_000 })
    world.leads('n2')
    const ids = Array.from({ length: 30_000 }, (_, i) => i + 1)
    for (const id of ids) {
      world.read(`${id}`)
      world.clock.settle()
    }
    const began = performance.now()
    happens(world, ids)
    const tookMs = performance.now() - began
    t.true(tookMs < 1000, `${way}: ${tookMs} ms`)
    if (way !== 'answered') world.leads('n3')
    world.clock.settle()
    t.is(world.asked.length, way === 'answered' ? 30_000 : 30_001)
    t.is(world.outcomes.length, way === 'answered' ? 30_000 : 0)
  }
})

test('as long as nobody else is known to lead the former leader may still answer', t => {
  const { outcomes, reader, answer, applies } = begun()
  applies(1, 'one')
  reader.reroute(undefined, undefined)
  answer('n2', 1, 1)
  t.deepEqual(outcomes, ['a: one'])
})

test('where another leads it is asked at once, and what the former says is not heard', t => {
  const { clock, asked, outcomes, leads, answer, applies } = begun()
  applies(1, 'one')
  leads('n3')
  clock.settle()
  t.deepEqual(asked, ['n2 1', 'n3 2'])
  answer('n2', 1, 1)
  t.deepEqual(outcomes, [])
})

const late: readonly (readonly [string, string, (world: ReturnType<typeof worldOf>) => void])[] = [
  ['nobody leads', 'NotLeader', () => undefined],
  ['the leader says nothing', 'TimedOut', ({ leads }) => leads('n2')],
  ['the machine does not come along', 'TimedOut', ({ leads, clock, answer }) => { leads('n2'); clock.settle(); answer('n2', 1, 5) }],
  ['the leader is not ready', 'NotLeader', ({ leads, clock, refuse }) => { leads('n2'); clock.settle(); refuse('n2', 1) }],
  ['too many wait at the leader', 'Busy', ({ leads, clock, refuse }) => { leads('n2'); clock.settle(); refuse('n2', 1, 'busy') }],
  ['the inbox of the leader is full', 'Busy', ({ leads, clock, refuse }) => { leads('n2'); clock.settle(); refuse('n2', 1, 'inboxFull') }],
]
for (const [title, tag, happens] of late) {
  test(`a read ends when its time is up: ${title}`, t => {
    const world = worldOf()
    world.read('a', { timeoutMs: 50 })
    happens(world)
    world.clock.advance(49)
    t.deepEqual(world.outcomes, [])
    world.tick(1)
    t.deepEqual(world.outcomes, [`a: ${tag}`])
    world.applies(9, 'nine')
    world.answer('n2', 1, 9)
    t.deepEqual(world.outcomes, [`a: ${tag}`], 'and is told once')
    t.is(world.reader.pending, 0)
  })
}

test('a read can be given up, before it is asked and at any time after', t => {
  for (const [title, , happens] of late) {
    const world = worldOf()
    const controller = new AbortController()
    world.read('a', { signal: controller.signal })
    world.read('b')
    happens(world)
    controller.abort()
    t.deepEqual(world.outcomes, ['a: TimedOut'], title)
    world.tick(0)
    t.is(world.reader.pending, 1, title)
  }
  const world = worldOf()
  world.read('a', { signal: AbortSignal.abort() })
  t.deepEqual(world.outcomes, ['a: TimedOut'])
})

test('beyond maxPendingReads a read is refused as busy, until one of those before is over', t => {
  const { outcomes, read, answer, applies, reader } = begun({ maxPendingReads: 2 })
  read('b')
  read('c')
  t.deepEqual(outcomes, ['c: Busy'])
  applies(1, 'one')
  answer('n2', 1, 1)
  t.is(reader.pending, 1)
  read('d')
  t.deepEqual(outcomes, ['c: Busy', 'a: one'])
})

test('who gave up takes no place, and little memory, before the next tick or after', t => {
  const { outcomes, read, reader } = begun({ maxPendingReads: 2 })
  for (let i = 0; i < 5000; i++) {
    const controller = new AbortController()
    read('b', { signal: controller.signal })
    controller.abort()
    t.is(reader.pending, 1)
  }
  t.deepEqual(new Set(outcomes), new Set(['b: TimedOut']))
})

test('a select that throws is told to its own caller and harms nobody', t => {
  const { clock, outcomes, read, leads, answer, applies, reader } = worldOf()
  leads('n2')
  const cause = new Error('no such field')
  let error: ReadError | undefined
  reader.read(() => { throw cause }, {}, outcome => { error = isLeft(outcome) ? outcome.left : undefined })
  read('b')
  clock.settle()
  applies(1, 'one')
  answer('n2', 1, 1)
  t.true(error?._tag === 'SelectFailed' && error.cause === cause && error.message.includes('no such field'))
  t.deepEqual(outcomes, ['b: one'])
})

test('so it is whatever is thrown in place of an error that says something', t => {
  const { clock, outcomes, read, leads, answer, applies } = worldOf()
  leads('n2')
  const silent = (message: unknown) => (): never => { throw Object.defineProperty(new Error(), 'message', { value: message }) }
  read('a', {}, silent(Object.create(null)))
  read('b', {}, silent(Symbol('x')))
  read('c', {}, () => { throw Object.create(null) })
  read('d')
  clock.settle()
  applies(1, 'one')
  answer('n2', 1, 1)
  t.deepEqual(outcomes, ['a: SelectFailed', 'b: SelectFailed', 'c: SelectFailed', 'd: one'])
})

test('a machine that does not show its state fails the reads, not the member', t => {
  const { outcomes, answer, applies } = begun({ machine: { get state(): string { throw new Error('not now') } } })
  t.notThrows(() => applies(1, 'one'))
  answer('n2', 1, 1)
  t.deepEqual(outcomes, ['a: SelectFailed'])
})

test('options that make no sense are refused with each fault', t => {
  const { reader } = worldOf()
  const refused: unknown[] = []
  const given: readonly (readonly [unknown, object])[] = [['motd', {}], [() => 1, { timeoutMs: -1 }], [() => 1, { timeoutMs: 'soon' }], [undefined, { signal: 'stop' }]]
  for (const [select, options] of given) {
    reader.read(select as () => unknown, callOptions(options), outcome => refused.push(isLeft(outcome) && outcome.left._tag === 'Rejected' && outcome.left.report.length))
  }
  t.deepEqual(refused, [1, 1, 1, 2])
})

test('who stops takes no more reads and finishes those it has; in the end all are told', t => {
  const { clock, outcomes, read, reader, answer, applies } = begun()
  read('b')
  clock.settle()
  reader.refuseAll()
  read('c')
  applies(1, 'one')
  answer('n2', 1, 1)
  t.deepEqual(outcomes, ['c: Stopped', 'a: one'])
  reader.halt('the member was stopped')
  answer('n2', 2, 1)
  t.deepEqual(outcomes, ['c: Stopped', 'a: one', 'b: Stopped'])
})

test('reads that take long do so in slices, and everything else goes on between them', t => {
  const { clock, outcomes, read, leads, answer, applies } = worldOf({ applyBudgetMs: 10 })
  leads('n2')
  for (const name of ['a', 'b', 'c', 'd', 'e']) read(name, {}, state => { clock.advance(6); return state })
  clock.settle()
  applies(1, 'one')
  answer('n2', 1, 1)
  t.deepEqual(outcomes, ['a: one', 'b: one'])
  clock.settle()
  t.deepEqual(outcomes, ['a: one', 'b: one', 'c: one', 'd: one', 'e: one'])
})
