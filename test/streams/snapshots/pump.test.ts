/** From a machine's chunks to a store's writer: one at a time, and whatever goes wrong ends both. */
import test from 'ava'
import type { Compression } from '../../../lib/types.js'
import { pump } from '../../../streams/snapshots/pump.js'
import { bytes, heldChunks, heldWriter, placeAt, rest, virtualClock } from './fakes.js'

const world = (compression: Compression = 'none') => {
  const clock = virtualClock()
  const journal: string[] = []
  const source = heldChunks(journal)
  const sink = heldWriter(journal, placeAt(3))
  const running = pump({ chunks: source.chunks, compression, writer: sink.writer, stallMs: 100, clock, held: () => undefined, wrote: total => journal.push(`wrote ${total}`) }, outcome =>
    journal.push(outcome._tag === 'Right' ? `snapshot of ${outcome.right.bytes}` : `failed: ${outcome.left}`))
  return { clock, journal, source, sink, running }
}

test('a chunk is pulled when the one before is written, and the end makes the snapshot', async t => {
  const { clock, journal, source, sink } = world()
  source.give(bytes(10))
  await rest(clock)
  t.deepEqual(journal, ['pull', 'write 10'])
  sink.did()
  t.deepEqual(journal.splice(0), ['pull', 'write 10', 'wrote 10', 'pull'])
  source.give(bytes(5))
  await rest(clock)
  sink.did()
  source.end()
  await rest(clock)
  t.deepEqual(journal.splice(0), ['write 5', 'wrote 15', 'pull', 'finish'])
  sink.did()
  t.deepEqual(journal, ['snapshot of 15'])
})

test('a machine without state makes an empty snapshot', async t => {
  const { clock, journal, source, sink } = world()
  source.end()
  await rest(clock)
  sink.did()
  t.deepEqual(journal, ['pull', 'finish', 'snapshot of 0'])
})

const wrong: Readonly<Record<string, readonly [act: (w: ReturnType<typeof world>) => void, reason: RegExp]>> = {
  'fails': [({ source }) => source.fail(new Error('no fuel')), /^failed: no fuel$/],
  'gives text': [({ source }) => source.give('text'), /^failed: the machine gave something that is no Uint8Array$/],
  'gives nothing at all': [({ source }) => source.give(undefined), /^failed: the machine gave something that is no Uint8Array$/],
  'gives no result': [({ source }) => source.answer(undefined), /^failed: Cannot read properties of undefined/],
  'stalls': [({ clock }) => clock.advance(101), /^failed: the machine gave nothing for 100 ms \(snapshotStallMs\)$/],
}
for (const [what, [act, reason]] of Object.entries(wrong)) {
  test(`a machine that ${what} is let go, and nothing is left of its snapshot`, async t => {
    const w = world()
    act(w)
    await rest(w.clock)
    t.deepEqual(w.journal.slice(0, 3), ['pull', 'return', 'abort'])
    t.regex(w.journal[3] ?? '', reason)
    w.clock.advance(1000)
    await rest(w.clock)
    t.is(w.journal.length, 4, 'it is told once')
  })
}

test('a machine that gives only empty chunks is stalled, and keeps nobody else from the process', async t => {
  const { clock, journal, source } = world()
  for (let i = 0; i < 5; i++) {
    source.give(bytes(0))
    await rest(clock)
  }
  t.deepEqual(journal, Array.from({ length: 6 }, () => 'pull'))
  clock.advance(101)
  await rest(clock)
  t.regex(journal.at(-1) ?? '', /nothing for 100 ms/)
})

for (const compression of ['none', 'gzip'] as const) {
  test(`${compression}: whoever gives only empty chunks is asked once a turn, and others get theirs between`, async t => {
    const clock = virtualClock()
    let asked = 0
    async function* nothing(): AsyncGenerator<Uint8Array> {
      for (; asked < 10_000; asked++) yield bytes(0)
    }
    const running = pump({ chunks: nothing(), compression, writer: heldWriter([], placeAt(1)).writer, stallMs: 100, clock, held: () => undefined, wrote: () => undefined }, () => undefined)
    await rest(clock)
    t.true(asked > 0 && asked < 100, `${asked}`)
    running.abort()
  })
}

test('compressed, it is still the machine that must go on, and not what comes of it', async t => {
  const { clock, journal, source, sink } = world('gzip')
  for (let i = 0; i < 10; i++) {
    source.give(bytes(100))
    await rest(clock)
    sink.did()
    clock.advance(60)
  }
  source.end()
  while (!/^(finish|failed)/.test(journal.at(-1)!)) {
    sink.did()
    await rest(clock)
  }
  t.deepEqual([journal.filter(line => line === 'pull').length, journal.at(-1)], [11, 'finish'])
})

test('compressed, a machine that stalls is let go all the same, and one that is given up is not waited for', async t => {
  const stalled = world('gzip')
  stalled.clock.advance(101)
  while (stalled.journal.length < 4) await rest(stalled.clock)
  t.deepEqual(stalled.journal, ['pull', 'return', 'abort', 'failed: the machine gave nothing for 100 ms (snapshotStallMs)'])

  const given = world('gzip')
  given.running.abort()
  t.deepEqual(given.journal, ['pull', 'return', 'abort'])
})

test('the time that the disk takes is not held against the machine', async t => {
  const { clock, journal, source, sink } = world()
  source.give(bytes(1))
  await rest(clock)
  clock.advance(1000)
  t.deepEqual(journal, ['pull', 'write 1'])
  sink.did()
  clock.advance(99)
  t.is(journal.at(-1), 'pull')
  clock.advance(2)
  await rest(clock)
  t.regex(journal.at(-1) ?? '', /nothing for 100 ms/)
})

test('a disk that refuses a chunk, or the whole, ends it', async t => {
  for (const at of ['write', 'finish']) {
    const { clock, journal, source, sink } = world()
    if (at === 'write') source.give(bytes(1))
    else source.end()
    await rest(clock)
    const before = journal.length
    sink.did(new Error('no space'))
    t.deepEqual(journal.slice(before), [...at === 'write' ? ['return'] : [], 'abort', 'failed: no space'])
  }
})

test('given up, it waits for nobody and tells nothing: neither a stalled machine nor a chunk under way', async t => {
  const stalled = world()
  stalled.running.abort()
  t.deepEqual(stalled.journal, ['pull', 'return', 'abort'])
  stalled.source.give(bytes(1))
  await rest(stalled.clock)
  stalled.clock.advance(1000)
  stalled.running.abort()
  t.is(stalled.journal.length, 3)

  const writing = world()
  writing.source.give(bytes(1))
  await rest(writing.clock)
  writing.running.abort()
  writing.sink.did()
  await rest(writing.clock)
  t.deepEqual(writing.journal, ['pull', 'write 1', 'return', 'abort'])
})

test('given up while what failed is being cleared away, it tells nothing either', async t => {
  const clock = virtualClock()
  const journal: string[] = []
  const source = heldChunks(journal)
  const cleared: (() => void)[] = []
  const writer = { ...heldWriter(journal, placeAt(3)).writer, abort: (done: () => void) => void cleared.push(done) }
  const running = pump({ chunks: source.chunks, compression: 'none', writer, stallMs: 100, clock, held: () => undefined, wrote: () => undefined }, outcome => journal.push(JSON.stringify(outcome)))
  source.fail(new Error('no fuel'))
  await rest(clock)
  running.abort()
  t.is(cleared.length, 1)
  cleared.forEach(done => done())
  t.deepEqual(journal, ['pull', 'return'])
})

test('an iterator that throws where it should reject, or cannot be ended, is a failure like any other', async t => {
  const clock = virtualClock()
  const journal: string[] = []
  const thrower = (): never => { throw new Error('broken') }
  for (const chunks of [{ next: thrower }, { next: thrower, return: thrower }]) {
    pump({ chunks, compression: 'none', writer: heldWriter(journal, placeAt(1)).writer, stallMs: 100, clock, held: () => undefined, wrote: () => undefined }, outcome => journal.push(JSON.stringify(outcome)))
    await rest(clock)
  }
  t.deepEqual(journal, ['abort', '{"_tag":"Left","left":"broken"}', 'abort', '{"_tag":"Left","left":"broken"}'])
})
