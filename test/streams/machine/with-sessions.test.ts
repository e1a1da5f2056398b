/** A machine's snapshots with the sessions in front. */
import test from 'ava'
import * as t from 'io-ts'
import { EMPTY, from, lastValueFrom, of, tap } from 'rxjs'
import { packOpening } from '../../../codecs/entries.js'
import type { RunningMachine } from '../../../streams/machine/machine.js'
import { encodeSessions } from '../../../streams/machine/session-bytes.js'
import { createSessions } from '../../../streams/machine/sessions.js'
import { withSessions } from '../../../streams/machine/with-sessions.js'
import { heldChunks, rest } from '../snapshots/fakes.js'
import { virtualClock } from '../member/world.js'

/** A machine whose state is a text, written in chunks of two characters. */
const texts = (text: string): RunningMachine<never, number, string> => ({
  get state() {
    return text
  },
  apply: () => of([]),
  snapshot: async function* () {
    for (let at = 0; at < text.length; at += 2) yield Buffer.from(text.slice(at, at + 2))
  },
  restore: async bytes => {
    let whole = ''
    for await (const chunk of bytes) whole += Buffer.from(chunk).toString()
    text = whole
  },
})

/** With so many sessions open. */
const sessionsOf = (open: number) => {
  const sessions = createSessions<number>()
  for (let i = 1; i <= open; i++) sessions.begin({ kind: 'command', firstIndex: i, term: 1, count: 1, time: 5, skip: 0, body: packOpening(i) })
  return sessions
}

const chunksOf = async (machine: Pick<RunningMachine<never, number, string>, 'snapshot'>): Promise<readonly Uint8Array[]> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of machine.snapshot()) chunks.push(chunk.slice())
  return chunks
}

/** The same bytes, cut after so many each. */
async function* cut(chunks: readonly Uint8Array[], bytes: number): AsyncGenerator<Uint8Array> {
  const whole = Buffer.concat(chunks)
  for (let at = 0; at < whole.length; at += bytes) yield whole.subarray(at, at + bytes)
}

const restore = <S>(machine: RunningMachine<never, number, S>, bytes: AsyncIterable<Uint8Array>): Promise<void> => lastValueFrom(from(machine.restore(bytes)), { defaultValue: undefined })

for (const bytes of [1, 7, 12, 13, 100, 10_000]) {
  test(`what it saves it restores, the sessions and the state, cut after each ${bytes} bytes`, async assert => {
    const saved = sessionsOf(3)
    const chunks = await chunksOf(withSessions(texts('what it has become'), saved, t.number))
    const sessions = sessionsOf(7)
    const machine = withSessions(texts(''), sessions, t.number)
    await restore(machine, cut(chunks, bytes))
    assert.is(machine.state, 'what it has become')
    assert.deepEqual([...encodeSessions(sessions.table, t.number)], [...encodeSessions(saved.table, t.number)])
  })
}

test('what was saved before there were sessions is the machine\'s alone', async assert => {
  for (const state of ['', 'short', 'longer than any preface']) {
    const sessions = sessionsOf(2)
    const machine = withSessions(texts('old'), sessions, t.number)
    await restore(machine, cut(await chunksOf(texts(state)), 5))
    assert.is(machine.state, state)
    assert.is(sessions.table.sessions.size, 0)
  }
})

test('sessions of a newer format, or that cannot be read, leave machine and sessions as they are', async assert => {
  const chunks = await chunksOf(withSessions(texts('new'), sessionsOf(3), t.number))
  const [preface = new Uint8Array(0), ...state] = chunks
  const sessions = sessionsOf(2)
  const machine = withSessions(texts('old'), sessions, t.number)
  await assert.throwsAsync(restore(machine, cut([preface.with(7, 9), ...state], 100)), { message: 'the sessions are of format 9, and this version reads 1' })
  await assert.throwsAsync(restore(machine, cut([preface.subarray(0, 40)], 100)), { message: 'the sessions cannot be read: they end early' })
  assert.is(machine.state, 'old')
  assert.is(sessions.table.sessions.size, 2)
})

test('sessions are those of before until the machine has its state, and where it refuses that they stay', async assert => {
  const chunks = await chunksOf(withSessions(texts('new'), sessionsOf(3), t.number))
  const sessions = sessionsOf(2)
  let seen = 0
  const refusing: RunningMachine<never, number, string> = { ...texts('old'), restore: async bytes => {
    for await (const _ of bytes) seen = sessions.table.sessions.size
    throw new Error('no such format')
  } }
  await assert.throwsAsync(restore(withSessions(refusing, sessions, t.number), cut(chunks, 3)), { message: 'no such format' })
  assert.deepEqual([seen, sessions.table.sessions.size], [2, 2])
})

test('a machine that lets go of the rest closes what it is read from', async assert => {
  let closed = 0
  const chunks = await chunksOf(withSessions(texts('a state of many chunks'), sessionsOf(1), t.number))
  const source = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* cut(chunks, 4)
    } finally {
      closed++
    }
  }
  const easy: RunningMachine<never, number, string> = { ...texts(''), restore: async bytes => { for await (const _ of bytes) break } }
  await restore(withSessions(easy, sessionsOf(0), t.number), source())
  assert.is(closed, 1)
})

test('a machine that asks for nothing has its sessions all the same, or is told that they cannot be read', async assert => {
  const chunks = await chunksOf(withSessions(texts(''), sessionsOf(3), t.number))
  for (const restored of [() => EMPTY, (bytes: AsyncIterable<Uint8Array>) => of(undefined).pipe(tap(() => { void bytes[Symbol.asyncIterator]().return?.() }))]) {
    const sessions = sessionsOf(1)
    const machine = withSessions({ ...texts('all'), restore: restored as () => typeof EMPTY }, sessions, t.number)
    await restore(machine, cut(chunks, 9))
    assert.is(sessions.table.sessions.size, 3)
    await assert.throwsAsync(restore(machine, cut([chunks[0]!.with(7, 9)], 100)), { message: /of format 9/ })
  }
  const deaf: RunningMachine<never, number, string> = { ...texts(''), restore: async bytes => { void bytes[Symbol.asyncIterator]().next() } }
  await assert.throwsAsync(restore(withSessions(deaf, sessionsOf(0), t.number), cut([chunks[0]!.with(7, 9)], 100)), { message: /of format 9/ })
})

test('the machine is asked for its first chunk with the first of all, and told when no more is wanted, whatever it is at', async assert => {
  const journal: string[] = []
  const clock = virtualClock()
  const { chunks, give, fail } = heldChunks(journal)
  const machine = withSessions({ ...texts(''), snapshot: () => chunks }, sessionsOf(1), t.number)
  const iterator = machine.snapshot()[Symbol.asyncIterator]()
  assert.deepEqual(journal, [])
  const preface = iterator.next()
  assert.deepEqual(journal, ['pull'])
  await preface
  const first = iterator.next()
  assert.deepEqual(journal, ['pull'])
  give(Uint8Array.of(1))
  assert.deepEqual(await first, { done: false, value: Uint8Array.of(1) })
  const second = iterator.next()
  assert.deepEqual(journal, ['pull', 'pull'])
  fail(new Error('no more'))
  await assert.throwsAsync(second, { message: 'no more' })
  void iterator.return?.()
  await rest(clock)
  assert.deepEqual(journal, ['pull', 'pull', 'return'])
})

test('a machine whose iterator answers without a promise, or with something like one, is taken like all others', async assert => {
  const answers = [{ done: false, value: Uint8Array.of(1) }, { then: (done: (result: unknown) => void) => done({ done: true, value: undefined }) }]
  const odd = { [Symbol.asyncIterator]: () => ({ next: () => answers.shift() }) } as unknown as AsyncIterable<Uint8Array>
  const chunks = await chunksOf(withSessions({ ...texts(''), snapshot: () => odd }, sessionsOf(1), t.number))
  assert.deepEqual(chunks.slice(1), [Uint8Array.of(1)])
})

test('a machine whose snapshot is no async iterable is told so', assert => {
  for (const given of [undefined, [Uint8Array.of(1)], Uint8Array.of(1), Promise.resolve()]) {
    assert.throws(() => withSessions({ ...texts(''), snapshot: () => given as never }, sessionsOf(0), t.number).snapshot(), { message: /^the machine's snapshot must return an async iterable of chunks/ })
  }
})

test('sessions that end early are told, wherever that is', async assert => {
  const whole = Buffer.concat(await chunksOf(withSessions(texts(''), sessionsOf(2), t.number)))
  for (let length = 8; length < whole.length; length++) {
    await assert.throwsAsync(restore(withSessions(texts(''), sessionsOf(0), t.number), cut([whole.subarray(0, length)], 9)), { message: /end early/ })
  }
})
