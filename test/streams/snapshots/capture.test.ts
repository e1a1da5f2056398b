/** When a snapshot is due, who joins it, and what becomes of one that fails: in virtual time, with a machine and a store in hand. */
import test from 'ava'
import type { Snapshot } from '../../../lib/types.js'
import { LIMITS, kept, taken, world } from './capture-world.js'
import { bytes, heldChunks, heldWriter, placeAt, rest } from './fakes.js'

test('whoever is told of a result and asks at once gets a snapshot that holds it', async t => {
  const w = world()
  w.apply(10)
  w.tells(11)
  w.ask()
  await w.finish()
  w.apply(11)
  await w.finish()
  t.deepEqual([w.outcomes, taken(w)], [['snapshot at 11'], ['snapshot at 10', 'snapshot at 11']])
})

test('one is taken when enough entries or enough bytes were applied, whichever comes first', async t => {
  const byEntries = world()
  byEntries.apply(9)
  t.deepEqual(byEntries.journal, [])
  byEntries.apply(10)
  t.deepEqual(byEntries.journal, ['snapshot at 10', 'pull'])
  t.deepEqual(byEntries.places, [{ ...placeAt(10), membership: { ...placeAt(10).membership, learners: ['as of 10'] } }])
  const byBytes = world()
  byBytes.apply(1, 999)
  byBytes.apply(2, 1)
  t.deepEqual(taken(byBytes), ['snapshot at 2'])
})

test('a log may grow as large as the last snapshot, whatever the bytes that are asked for', t => {
  const large = world({ restored: { ...kept(5), bytes: 3000 }, from: 5 })
  large.apply(6, 2999)
  t.deepEqual(taken(large), [], 'or nearly all that is written would be snapshots')
  large.apply(7, 1)
  t.deepEqual(taken(large), ['snapshot at 7'])
  const small = world({ restored: { ...kept(5), bytes: 999 }, from: 5 })
  small.apply(6, 999)
  t.deepEqual(taken(small), [])
  small.apply(7, 1)
  t.deepEqual(taken(small), ['snapshot at 7'])
  const long = world({ restored: { ...kept(5), bytes: 3000 }, from: 5 })
  long.apply(15)
  t.deepEqual(taken(long), ['snapshot at 15'], 'entries are counted as ever: they bound how long a start takes')
})

test('where nobody is known to belong none is taken, and who asks is told why', async t => {
  const nobody = { voters: [], outgoing: [], learners: [], addresses: {} }
  const w = world({ membershipAt: index => index < 25 ? nobody : placeAt(index).membership })
  w.apply(24, 5000)
  w.ask()
  t.deepEqual([w.journal, w.places, await w.heard()], [[], [], ['SnapshotFailed']])
  w.apply(25)
  t.deepEqual(taken(w), ['snapshot at 25'], 'as soon as it is known')
})

test('the next one counts from where the last one stands, not from where it became durable', async t => {
  const w = world()
  w.apply(10, 500)
  w.apply(15, 600)
  w.apply(25, 600)
  t.deepEqual(taken(w), ['snapshot at 10'], 'one at a time')
  await w.finish()
  t.deepEqual(taken(w), ['snapshot at 10', 'snapshot at 25'], 'what was applied meanwhile counts')
  await w.finish()
  w.apply(34, 999)
  t.is(taken(w).length, 2)
  w.apply(35, 0)
  t.is(taken(w).length, 3)
})

test('a machine that began from a snapshot counts from there', t => {
  const w = world({ restored: kept(100), from: 100 })
  w.apply(109)
  t.deepEqual(taken(w), [])
  w.apply(110)
  t.deepEqual(taken(w), ['snapshot at 110'])
})

test('while the store holds a newer one that could not be restored, none is due', t => {
  const w = world({ snapshots: { newest: () => kept(50), write: place => heldWriter([], place).writer } })
  w.apply(30)
  w.apply(50)
  t.deepEqual(taken(w), [])
  w.apply(51)
  t.deepEqual(taken(w), ['snapshot at 51'])
})

test('whoever asks gets one now, or joins the one that is being taken', async t => {
  const w = world()
  w.apply(3)
  w.ask()
  w.ask()
  t.deepEqual(taken(w), ['snapshot at 3'])
  await w.finish()
  t.deepEqual(w.outcomes, ['snapshot at 3', 'snapshot at 3'])
  t.deepEqual(w.events.map(({ type }) => type), ['capturing', 'captured'])
})

for (const [how, end, first] of [
  ['is done', (w: ReturnType<typeof world>) => w.finish(), 'snapshot at 3'],
  ['fails', (w: ReturnType<typeof world>) => { w.source().fail(new Error('no fuel')); return rest(w.clock) }, 'SnapshotFailed'],
] as const) {
  test(`whoever asks for what the one that is being taken does not hold gets another, once that one ${how}`, async t => {
    const w = world()
    w.apply(3)
    w.ask()
    w.apply(4)
    w.ask()
    w.ask()
    t.deepEqual(taken(w), ['snapshot at 3'])
    await end(w)
    t.deepEqual(w.outcomes, [first])
    t.deepEqual(taken(w), ['snapshot at 3', 'snapshot at 4'], 'one for both, and at once')
    await w.finish()
    t.deepEqual(w.outcomes, [first, 'snapshot at 4', 'snapshot at 4'])
  })
}

test('whoever waits for another one is told where another member\'s takes its place, and at the end', async t => {
  const w = world()
  for (const [index, end, told] of [[4, () => w.capture.restored(kept(9))(), 'snapshot at 9'], [14, () => w.capture.halt('the member was stopped'), 'Stopped']] as const) {
    w.apply(index - 1)
    w.ask()
    w.apply(index)
    w.ask()
    end()
    t.deepEqual((await w.heard()).splice(0), [told, told])
  }
  await rest(w.clock)
})

test('however many ask, those who wait for the same snapshot share one promise', async t => {
  const w = world()
  w.apply(3)
  const first = w.ask()
  w.apply(4)
  const later = w.ask()
  t.not(later, first)
  for (let i = 0; i < 200_000; i++) if (w.capture.snapshot() !== later) return t.fail('a promise of its own')
  await w.finish()
  await w.finish()
  t.deepEqual(w.outcomes, ['snapshot at 3', 'snapshot at 4'])
  t.not(w.ask(), later, 'what is over is over')
})

test('where nothing was applied since, the newest will do; where nothing was applied at all, there is none', async t => {
  const w = world()
  w.ask()
  t.deepEqual([await w.heard(), w.notices, w.events], [['SnapshotFailed'], [], []])
  w.apply(2)
  w.ask()
  await w.finish()
  w.ask()
  t.deepEqual((await w.heard()).slice(1), ['snapshot at 2', 'snapshot at 2'])
  t.deepEqual(taken(w), ['snapshot at 2'])
  t.deepEqual(w.stored, [2, 2], 'the core is told again: it may have given up the newest')
})

test('while the machine is at work it is waited for, and asked at the position it comes to', async t => {
  const w = world()
  w.apply(3)
  w.busy()
  w.ask()
  t.deepEqual(w.journal, [])
  w.apply(7)
  t.deepEqual(taken(w), ['snapshot at 7'])
})

test('one that fails is told and tried again, each time after twice the wait, up to the longest', async t => {
  const w = world()
  w.apply(10)
  for (let i = 0; i < 4; i++) {
    w.source().fail(new Error('no fuel'))
    await rest(w.clock)
    const { retryMs } = w.notices.at(-1) as { retryMs: number }
    w.clock.advance(retryMs - 1)
    t.is(taken(w).length, i + 1)
    w.clock.advance(2)
    t.is(taken(w).length, i + 2)
  }
  t.deepEqual(w.notices, [100, 200, 300, 300].map(retryMs => ({ type: 'snapshotFailed', index: 10, reason: 'no fuel', retryMs })))
  t.deepEqual(w.events.filter(({ type }) => type === 'captureFailed'), w.notices.map(notice => ({ ...notice, type: 'captureFailed' })))
  await w.finish()
  w.apply(20)
  w.source().fail(new Error('no fuel'))
  await rest(w.clock)
  t.like(w.notices.at(-1), { retryMs: 100 }, 'a success makes the wait short again')
})

test('one that a follower needs is taken at once, and after a failure not before its wait is over, however often it is asked for', async t => {
  const w = world()
  w.apply(3)
  w.capture.take()
  t.deepEqual(taken(w), ['snapshot at 3'])
  w.capture.take()
  w.source().fail(new Error('no fuel'))
  await rest(w.clock)
  w.capture.take()
  w.clock.advance(99)
  w.capture.take()
  t.deepEqual(taken(w), ['snapshot at 3'])
  w.clock.advance(2)
  w.capture.take()
  t.deepEqual(taken(w), ['snapshot at 3', 'snapshot at 3'])
  w.capture.halt('the member was stopped')
  w.capture.take()
  t.is(taken(w).length, 2)
})

test('what was applied before a failure and during it still counts', async t => {
  const w = world({ limits: { ...LIMITS, snapshotEntries: 1000 } })
  w.apply(1, 600)
  w.ask()
  w.apply(2, 399)
  w.source().fail(new Error('no fuel'))
  await rest(w.clock)
  w.clock.advance(150)
  t.is(taken(w).length, 1, 'none is due')
  w.apply(3, 1)
  t.is(taken(w).length, 2)
})

test('whoever waits for one that fails is told, and may ask again at once', async t => {
  const w = world()
  w.apply(3)
  w.ask()
  w.source().give('text')
  await rest(w.clock)
  t.deepEqual(w.outcomes, ['SnapshotFailed'])
  w.ask()
  await w.finish()
  t.deepEqual(w.outcomes, ['SnapshotFailed', 'snapshot at 3'])
  w.clock.advance(1000)
  t.is(taken(w).length, 2, 'the wait for another try is called off')
})

test('whoever asks as soon as it hears of a failure joins the next one', async t => {
  const w = world({
    events: { observed: true, next: ({ type }) => { if (type === 'captureFailed' && w.outcomes.length === 0) w.ask() } },
  })
  w.apply(3)
  w.ask()
  w.source().fail(new Error('no fuel'))
  await rest(w.clock)
  t.deepEqual(w.outcomes, ['SnapshotFailed'])
  await w.finish()
  t.deepEqual(w.outcomes, ['SnapshotFailed', 'snapshot at 3'])
})

test('a machine that throws instead of answering, or answers something else, is a failure before anything is written', t => {
  const answers: readonly (() => unknown)[] = [() => { throw new Error('no fuel') }, () => undefined, () => [bytes(1)]]
  for (const snapshot of answers) {
    const w = world({ machine: { snapshot: snapshot as () => AsyncIterable<Uint8Array> } })
    w.apply(10)
    t.deepEqual(w.notices, [], 'whoever hears of it may ask again: not in the same breath')
    w.clock.settle()
    t.deepEqual([w.places, w.notices.map(({ type }) => type)], [[], ['snapshotFailed']])
  }
})

test('the failure of one whose place another has taken is told to nobody', async t => {
  let isBroken = true
  const w = world({ machine: { snapshot: () => {
    if (isBroken) throw new Error('no fuel')
    return heldChunks([]).chunks
  } } })
  w.apply(10)
  w.capture.restored(kept(40))()
  isBroken = false
  w.apply(50)
  void w.ask()
  w.clock.settle()
  t.deepEqual([await w.heard(), w.notices], [[], []])
  t.deepEqual(w.events.map(event => 'index' in event ? `${event.type} ${event.index}` : event.type), ['captureFailed 10', 'capturing 50'])
})

test('a machine that keeps everything waiting while it makes its state is reported', t => {
  const w = world({ machine: { snapshot: () => {
    w.clock.advance(25)
    return heldChunks([]).chunks
  } } })
  w.apply(10)
  t.deepEqual(w.notices, [{ type: 'slowSnapshot', index: 10, tookMs: 25, budgetMs: 10 }])
})

test('so is a generator that keeps everything waiting before it gives a chunk', async t => {
  const w = world({ machine: { snapshot: async function* () {
    w.clock.advance(25)
    yield bytes(1)
    w.clock.advance(5)
  } } })
  w.apply(10)
  await rest(w.clock)
  t.deepEqual(w.notices, [{ type: 'slowSnapshot', index: 10, tookMs: 25, budgetMs: 10 }])
})

test('progress is told at the beginning and once for every 4 MiB', async t => {
  const w = world()
  w.apply(10)
  for (let mebibytes = 0; mebibytes < 9; mebibytes++) {
    w.source().give(bytes(1 << 20))
    await rest(w.clock)
    w.sink().did()
  }
  await w.finish()
  t.deepEqual(w.events.map(event => event.type === 'capturing' ? event.bytes >> 20 : event.type), [0, 4, 8, 'captured'])
})

test('after the end nothing is taken: what runs is given up, and whoever waits or asks is told', async t => {
  const w = world()
  w.apply(3)
  w.ask()
  w.capture.halt('the member was stopped')
  t.deepEqual(w.journal, ['snapshot at 3', 'pull', 'return', 'abort'])
  w.ask()
  w.apply(100)
  w.clock.advance(10_000)
  await rest(w.clock)
  t.deepEqual(w.outcomes, ['Stopped', 'Stopped'])
  t.is(taken(w).length, 1)

  const waiting = world()
  waiting.apply(10)
  waiting.source().fail(new Error('no fuel'))
  await rest(waiting.clock)
  waiting.capture.halt('the member was stopped')
  waiting.clock.advance(10_000)
  t.is(taken(waiting).length, 1, 'no other try')

  const broken = world({ machine: { snapshot: () => { throw new Error('no fuel') } } })
  broken.apply(3)
  broken.ask()
  broken.capture.halt('the member was stopped')
  broken.clock.advance(10_000)
  broken.ask()
  t.deepEqual([await broken.heard(), broken.notices], [['Stopped', 'Stopped'], []], 'a failure that nobody had heard of at the end')

  const asked = world()
  asked.apply(3)
  asked.busy()
  asked.ask()
  asked.capture.halt('the member was stopped')
  asked.apply(4)
  t.deepEqual([await asked.heard(), taken(asked)], [['Stopped'], []])
})

test('where the machine goes on from another member\'s snapshot, what is being taken is given up, and the next one counts from there', async t => {
  const w = world()
  w.apply(10)
  w.ask()
  w.capture.restored(kept(40))()
  t.deepEqual(w.journal, ['snapshot at 10', 'pull', 'return', 'abort'])
  t.deepEqual([await w.heard(), w.notices], [['snapshot at 40'], []])
  t.deepEqual(w.events.map(({ type }) => type), ['capturing', 'captureFailed'], 'whoever follows it hears of its end')
  t.like(w.events.at(-1), { index: 10, retryMs: 0 })
  w.capture.restored(kept(40))()
  t.is(w.events.length, 2, 'where nothing is being taken nothing ends')
  w.apply(49, 0)
  t.is(taken(w).length, 1)
  w.apply(50, 0)
  t.deepEqual(taken(w), ['snapshot at 10', 'snapshot at 50'])
})

test('one that the store no longer has is taken again, where it stands', async t => {
  let newest: Snapshot | undefined = kept(7)
  const w = world({ restored: kept(7), from: 7, snapshots: { newest: () => newest, write: place => heldWriter([], place).writer } })
  w.apply(7)
  w.ask()
  t.deepEqual([taken(w), await w.heard()], [[], ['snapshot at 7']])
  newest = undefined
  w.ask()
  t.deepEqual(taken(w), ['snapshot at 7'])
})
