/** Chunks for followers: cut as they are asked for, however the disk cut them. */
import test from 'ava'
import { type Recycled, roomIn } from '../../../codecs/recycled.js'
import { left, right } from '../../../lib/prelude.js'
import type { Leader } from '../../../lib/state.js'
import type { Snapshot } from '../../../lib/types.js'
import { createChunkSender } from '../../../streams/snapshots/send-chunks.js'
import type { SnapshotNotice } from '../../../streams/snapshots/events.js'
import type { SnapshotReader } from '../../../streams/storage/port.js'
import { placeAt } from './fakes.js'

const snapshotOf = (pieces: readonly string[], index = 3): Snapshot => ({ ...placeAt(index), bytes: pieces.join('').length, checksum: index })

/** A store whose newest snapshot has these pieces; a failure stands where the disk has one. */
const world = (...given: readonly (string | Error)[]) => {
  const chunks: Uint8Array[] = []
  let pieces = given
  let snapshot = snapshotOf(given.map(piece => typeof piece === 'string' ? piece : ''))
  const answers: string[] = []
  const notices: SnapshotNotice[] = []
  const journal: string[] = []
  /** What the disk is at, while it is slow. */
  let held: (() => void)[] | undefined
  const act = (work: () => void): void => void (held === undefined ? work() : held.push(work))
  const open = (buffers: Recycled): SnapshotReader => {
    const into = (text: string): Uint8Array => {
      const bytes = roomIn(buffers, text.length)
      bytes.set(Buffer.from(text))
      return bytes
    }
    let next = 0
    const of = pieces
    journal.push('open')
    return {
      snapshot,
      next: done => {
        const piece = of[next++]
        act(() => done(piece === undefined ? right(undefined) : typeof piece === 'string' ? right(into(piece)) : left(piece)))
      },
      rewind: done => {
        next = 0
        journal.push('rewind')
        act(() => done(right(undefined)))
      },
      close: done => {
        journal.push('close')
        done()
      },
    }
  }
  const sender = createChunkSender({
    snapshots: { read: (done, buffers) => act(() => done(pieces.length === 0 ? left(new Error('there is none')) : right(open(buffers!)))) },
    answer: ({ to, offset }, chunk) => {
      if (chunk !== undefined) chunks.push(chunk)
      answers.push(`${to} ${offset} ${chunk === undefined ? 'none' : Buffer.from(chunk).toString()}`)
    },
    notice: notice => notices.push(notice),
  })
  return {
    sender, answers, notices, journal,
    /** What the chunks that were given hold by now. */
    held: () => chunks.map(chunk => Buffer.from(chunk).toString()),
    snapshot: () => snapshot,
    slow: () => { held = [] },
    /** The disk does what was asked of it last, or first. */
    did: (which: 'last' | 'first') => (which === 'last' ? held!.pop() : held!.shift())?.(),
    /** Another one is the newest from now on. */
    replace: (index: number, ...by: readonly string[]) => {
      pieces = by
      snapshot = snapshotOf(by, index)
    },
    read: (offset: number, maxBytes: number, to = 'n2', of = snapshot): string | undefined => {
      sender.read({ type: 'read', to, snapshot: of, offset, maxBytes })
      return answers.at(-1)
    },
  }
}

test('chunks are whole pieces, as many as were asked for, or parts of a larger one', t => {
  const w = world('ab', 'c', 'defgh', 'ij')
  t.deepEqual([w.read(0, 4), w.read(3, 1), w.read(4, 1), w.read(5, 10)], ['n2 0 abc', 'n2 3 d', 'n2 4 e', 'n2 5 fghij'])
  t.deepEqual(w.journal, ['open'])
})

test('a piece that fits is sent as it was read, behind one that is cut as behind one that is small', t => {
  const w = world('a', 'bcde', 'fg', 'hij')
  t.deepEqual([w.read(0, 4), w.read(1, 4), w.read(5, 4), w.read(7, 4)], ['n2 0 a', 'n2 1 bcde', 'n2 5 fg', 'n2 7 hij'])
})

test('the last chunk is given again without reading, and an earlier one by beginning again', t => {
  const w = world('abcdef', 'ghi')
  t.deepEqual([w.read(0, 3), w.read(3, 3), w.read(3, 3), w.read(0, 2), w.read(2, 6)], ['n2 0 abc', 'n2 3 def', 'n2 3 def', 'n2 0 ab', 'n2 2 cdef'])
  t.deepEqual(w.journal, ['open', 'rewind'])
})

test('an earlier chunk is given again also where a newer one has taken its place meanwhile', t => {
  const w = world('abcd', 'efgh', 'ijkl')
  const old = w.snapshot()
  t.deepEqual([w.read(0, 4), w.read(4, 4)], ['n2 0 abcd', 'n2 4 efgh'])
  w.replace(9, 'xyz')
  t.deepEqual([w.read(0, 4, 'n2', old), w.read(4, 4, 'n2', old), w.read(8, 4, 'n2', old)], ['n2 0 abcd', 'n2 4 efgh', 'n2 8 ijkl'])
  t.deepEqual(w.notices, [])
})

test('a chunk stays what it is until the one after the next was given, and later its memory is used again', t => {
  for (const maxBytes of [2, 3, 4, 7, 100]) {
    const w = world('a', 'bc', 'def', 'ghij', 'k', 'l', 'mnopqrst', 'uv', 'wxyz', '12', '3', '4567', '890')
    const given: string[] = []
    for (let at = 0; at < w.snapshot().bytes;) {
      const chunk = w.read(at, maxBytes)!.split(' ')[2]!
      at += chunk.length
      given.push(chunk)
      t.deepEqual(w.held().slice(-3), given.slice(-3))
    }
    t.is(given.join(''), 'abcdefghijklmnopqrstuvwxyz1234567890')
    if (maxBytes < 7) t.notDeepEqual(w.held(), given)
  }
})

test('who comes back goes on in the middle', t => {
  t.is(world('ab', 'cdef', 'gh').read(5, 3), 'n2 5 fgh')
})

test('a follower that begins again while the disk is at what it asked for before gets its chunks whole, of one reader', t => {
  const w = world('abcd', 'efgh', 'ijkl')
  w.read(0, 4)
  w.slow()
  w.read(4, 4)
  w.read(0, 4)
  for (let i = 0; i < 9; i++) w.did('last')
  t.deepEqual(w.answers, ['n2 0 abcd', 'n2 4 efgh', 'n2 0 abcd'])
  w.read(4, 4)
  for (let i = 0; i < 9; i++) w.did('last')
  t.is(w.answers.at(-1), 'n2 4 efgh')
})

test('what is asked for while the snapshot is being opened waits for it, and no reader is left open', t => {
  const w = world('abcd', 'efgh', 'ijkl')
  w.slow()
  w.read(4, 4)
  w.read(0, 4)
  for (let i = 0; i < 9; i++) w.did('first')
  t.deepEqual(w.answers, ['n2 4 efgh', 'n2 0 abcd'])
  w.sender.halt()
  t.is(w.journal.filter(one => one === 'open').length, w.journal.filter(one => one === 'close').length)
})

test('several followers read one snapshot, each at its own pace, also when a newer one has taken its place', t => {
  const w = world('abc', 'def')
  const old = w.snapshot()
  t.deepEqual([w.read(0, 2, 'n2'), w.read(0, 3, 'n3')], ['n2 0 ab', 'n3 0 abc'])
  w.replace(9, 'xyz')
  t.deepEqual([w.read(2, 9, 'n2', old), w.read(3, 3, 'n3', old), w.read(0, 3, 'n2')], ['n2 2 cdef', 'n3 3 def', 'n2 0 xyz'])
  t.deepEqual(w.journal, ['open', 'open', 'close', 'open'])
  t.is(w.read(0, 3, 'n4', old), 'n4 0 none')
  t.like(w.notices, [{ type: 'snapshotUnsendable', index: 3, to: 'n4', reason: 'a newer one has taken its place' }])
})

test('a disk that has none, or a damaged one, is told once, and the follower gets no chunk', t => {
  t.is(world().read(0, 3), 'n2 0 none')
  const w = world('ab', new Error('damaged'))
  t.deepEqual([w.read(0, 2), w.read(0, 2)], ['n2 0 none', 'n2 0 none'])
  t.like(w.notices[0], { type: 'snapshotUnsendable', reason: 'damaged' })
  t.deepEqual(w.journal, ['open', 'close', 'open', 'close'])
})

test('what only the end of the contents shows is known before the last chunk is given', t => {
  const w = world('ab', 'cd', new Error('the whole does not match'))
  t.deepEqual([w.read(0, 2), w.read(2, 2)], ['n2 0 ab', 'n2 2 none'])
})

test('what no state wants any more is let go', t => {
  const w = world('abcd')
  w.read(0, 2, 'n2')
  w.read(0, 2, 'n3')
  const state = (...to: readonly string[]) => ({ role: 'leader', progress: to.map(id => ({ id, sending: { snapshot: w.snapshot() } })) }) as unknown as Leader
  w.sender.follow(state('n2', 'n3'))
  t.deepEqual(w.journal, ['open', 'open'])
  w.sender.follow(state('n3'))
  t.deepEqual(w.journal, ['open', 'open', 'close'])
  w.sender.halt()
  t.deepEqual(w.journal, ['open', 'open', 'close', 'close'])
})
