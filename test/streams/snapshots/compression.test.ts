/** Snapshots that are compressed: the same chunks come out, and nothing is left behind where somebody stops. */
import test from 'ava'
import * as io from 'io-ts'
import { InvalidOptions } from '../../../lib/errors.js'
import type { Compression } from '../../../lib/types.js'
import { createRaft, fileStorage, memoryNetwork, memoryTransport, orThrow, reducerMachine } from '../../../streams/index.js'
import { compressed, compressionFault, decompressed } from '../../../streams/snapshots/compression.js'
import { memoryDisk } from '../../../testing/memory-disk.js'

const ALL: readonly Compression[] = ['none', 'gzip', 'zstd']
const AVAILABLE = ALL.filter(compression => compressionFault(compression) === undefined)

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function* from(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* source
}

const textOf = async (source: AsyncIterable<Uint8Array>): Promise<string> => {
  const all: Uint8Array[] = []
  for await (const chunk of source) all.push(new Uint8Array(chunk))
  return Buffer.concat(all).toString()
}

for (const compression of AVAILABLE) {
  test(`${compression}: what goes in comes out, also nothing at all`, async t => {
    for (const texts of [[], [''], ['a'], ['', 'a', '', 'bc'.repeat(100_000), 'd']]) {
      t.is(await textOf(decompressed(from(compressed(chunks(...texts), compression)), compression)), texts.join(''))
    }
  })
}

/** Chunks of one buffer, which is written anew when the next one is asked for. */
async function* inOneBuffer(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(100_000)
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += buffer.length) {
      buffer.fill(0).set(chunk.subarray(at, at + buffer.length))
      yield buffer.subarray(0, Math.min(buffer.length, chunk.length - at))
    }
  }
}

for (const compression of AVAILABLE) {
  test(`${compression}: the memory of a chunk may be used again once the next one is asked for`, async t => {
    const texts = Array.from({ length: 20 }, (_, i) => String(Math.sin(i)).repeat(10_000))
    const squeezed = compressed(inOneBuffer(chunks(...texts)), compression)
    t.true(await textOf(decompressed(inOneBuffer(squeezed), compression)) === texts.join(''))
  })
}

test('what repeats itself becomes small', async t => {
  t.true((await textOf(compressed(chunks('abc'.repeat(100_000)), 'gzip'))).length < 10_000)
})

test('the first chunk is asked for at once, as a machine may expect', t => {
  let asked = 0
  const source: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => source,
    next: () => {
      asked++
      return new Promise(() => undefined)
    },
  }
  void compressed(source, 'gzip')[Symbol.asyncIterator]().next()
  t.is(asked, 1)
})

test('a source that fails, or was never compressed, is a failure of the result', async t => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a')
    throw new Error('no fuel')
  }
  await t.throwsAsync(textOf(compressed(failing(), 'gzip')), { message: 'no fuel' })
  await t.throwsAsync(textOf(decompressed(chunks('this is no gzip'), 'gzip')))
})

test('who stops in the middle lets the source end', async t => {
  let isEnded = false
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (let n = 0; ; n++) yield Buffer.from(String(Math.sin(n)).repeat(1000))
    } finally {
      isEnded = true
    }
  }
  for await (const chunk of compressed(endless(), 'gzip')) if (chunk.length > 0) break
  for (let i = 0; i < 100 && !isEnded; i++) await new Promise(resolve => setImmediate(resolve))
  t.true(isEnded)
})

const notes = reducerMachine({
  command: io.strict({ note: io.string }), result: io.number, state: io.readonlyArray(io.string), initial: [],
  reduce: (state, { note }) => [[...state, note], state.length + 1],
})
const optionsOf = (disk: ReturnType<typeof memoryDisk>, snapshotCompression: Compression) => ({
  cluster: 'c', id: 'n1', members: { n1: '127.0.0.1:1' }, machine: notes, transport: memoryTransport(memoryNetwork()),
  storage: fileStorage('/data', { disk }), electionTimeoutMs: 50, heartbeatMs: 10, snapshotCompression,
})

test('a member begins from a snapshot however it was compressed, and takes the next one as it is told', async t => {
  const disk = memoryDisk()
  const note = 'x'.repeat(10_000)
  const first = orThrow(await createRaft(optionsOf(disk, 'gzip')))
  for (let i = 0; i < 5; i++) orThrow(await first.propose({ note }))
  const small = orThrow(await first.snapshot())
  await first.stop()
  t.true(small.compression === 'gzip' && small.bytes < 5000, `${small.bytes} bytes`)
  const second = orThrow(await createRaft(optionsOf(disk, 'none')))
  t.is(orThrow(await second.propose({ note })), 6)
  const large = orThrow(await second.snapshot())
  await second.stop()
  t.true(large.compression === 'none' && large.bytes > 60_000, `${large.bytes} bytes`)
})

test('what this version of Node does not have is refused by name', async t => {
  for (const compression of ALL) {
    const isThere = AVAILABLE.includes(compression)
    const outcome = await createRaft(optionsOf(memoryDisk(), compression))
    t.is(outcome._tag, isThere ? 'Right' : 'Left')
    if (outcome._tag === 'Right') await outcome.right.stop()
    else t.true(outcome.left instanceof InvalidOptions && outcome.left.message.includes(`snapshotCompression: ${compression} is not in this version of Node`))
  }
  const outcome = await createRaft(optionsOf(memoryDisk(), 'brotli' as Compression))
  t.true(outcome._tag === 'Left' && outcome.left.message.includes('snapshotCompression'))
})
