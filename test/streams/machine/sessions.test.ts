/** Which commands of a log are applied, and what the others are answered with. */
import test from 'ava'
import * as t from 'io-ts'
import { type Numbering, packEntries, packOpening } from '../../../codecs/entries.js'
import { EXPIRED, FORGOTTEN, OPENED, type Told } from '../../../codecs/results.js'
import { dropAfter, dropBefore, lastIndexOf } from '../../../lib/batch.js'
import { MachineFailed } from '../../../lib/errors.js'
import type { CommandBatch, EntryBatch, EntryBody, Index, Millis } from '../../../lib/types.js'
import { createSessionReader, encodeSessions, PIECE_HEADER_BYTES, PREFACE_BYTES, readPreface } from '../../../streams/machine/session-bytes.js'
import { LONGEST_STEP_MS, MAX_KEPT_BYTES, MAX_KEPT_RESULTS, MAX_OPEN_COMMANDS, MAX_VOID_RUNS, MAX_SESSIONS, SESSION_MS, type Sessions, createSessions } from '../../../streams/machine/sessions.js'

/** A log as it grows, and a machine that answers each command with the index at which it is applied. */
const world = (sessions: Sessions<number> = createSessions(), time: Millis = 1_000_000) => {
  let index = 0
  const next = (): { readonly firstIndex: Index; readonly term: number; readonly time: Millis } => ({ firstIndex: index + 1, term: 1, time })
  const give = (batch: EntryBatch): readonly Told<number>[] => {
    index = lastIndexOf(batch)
    const answers = sessions.begin(batch)
    if (answers !== undefined && answers.length === batch.count) return answers
    if (batch.kind !== 'command') return []
    if (answers !== undefined) return [...answers, ...give(dropBefore(batch, batch.firstIndex + answers.length))]
    const results = Array.from({ length: batch.count }, (_, i) => batch.firstIndex + i)
    sessions.applied(batch, results)
    return results
  }
  const bodyOf = (numbering: Numbering | undefined, count: number): EntryBody => packEntries(Array.from({ length: count }, () => new Uint8Array(1)), numbering)
  const batchOf = (body: EntryBody): CommandBatch => ({ kind: 'command', ...next(), count: body.count, body, skip: 0 })
  return {
    sessions, give,
    last: () => index,
    wait: (ms: Millis): void => { time += ms },
    open: (): Index => {
      if (give(batchOf(packOpening(1)))[0] !== OPENED) throw new Error('it was not opened')
      return index
    },
    lead: (): Index => {
      give({ kind: 'noop', ...next(), count: 1 })
      return index
    },
    /** Commands of a session from number `first` on. */
    use: (session: Index, first: number, count = 1, awaited = first): readonly Told<number>[] => give(batchOf(bodyOf({ session, name: 1, first, awaited }, count))),
    batch: (session: Index, first: number, count: number, awaited = first): CommandBatch => batchOf(bodyOf({ session, name: 1, first, awaited }, count)),
    /** The same of another proposer, whose session another log had at this index. */
    stray: (session: Index, name: number): readonly Told<number>[] => give(batchOf(bodyOf({ session, name, first: 1, awaited: 1 }, 1))),
    plain: (count = 1): readonly Told<number>[] => give(batchOf(bodyOf(undefined, count))),
  }
}

test('commands without a session are applied, however often they come', assert => {
  const w = world()
  assert.deepEqual([w.plain(2), w.plain(2)], [[1, 2], [3, 4]])
  assert.deepEqual(w.sessions.table.sessions.size, 0)
})

test('a command that comes again is not applied again, and is answered with what came of it', assert => {
  const w = world()
  const session = w.open()
  assert.deepEqual(w.use(session, 1, 3), [2, 3, 4])
  assert.deepEqual(w.use(session, 1, 3), [2, 3, 4])
  assert.deepEqual(w.use(session, 2, 1, 1), [3])
  assert.deepEqual([4, 5, 7, 8, 9].map(w.sessions.isVoid), [false, true, true, true, false])
})

test('of a body of which the beginning was applied only the rest is', assert => {
  const w = world()
  const session = w.open()
  w.give(dropAfter(w.batch(session, 1, 5), 3))
  assert.deepEqual(w.use(session, 1, 5), [2, 3, 6, 7, 8])
  assert.deepEqual([4, 5, 6].map(w.sessions.isVoid), [true, true, false])
})

test('a body is taken in slices as it is as a whole', assert => {
  const w = world()
  const session = w.open()
  const whole = w.batch(session, 1, 5)
  for (const [first, last] of [[2, 3], [4, 4], [5, 6]] as const) w.give(dropBefore(dropAfter(whole, last), first))
  const again = w.batch(session, 1, 5)
  assert.deepEqual(w.give(dropAfter(again, 8)), [2, 3])
  assert.deepEqual(w.give(dropBefore(again, 9)), [4, 5, 6])
})

test('numbers may be left out; what was left out is not applied when it comes late', assert => {
  const w = world()
  const session = w.open()
  w.use(session, 1)
  assert.deepEqual(w.use(session, 5, 2, 1), [3, 4])
  assert.deepEqual(w.use(session, 3, 4, 1), [FORGOTTEN, FORGOTTEN, 3, 4])
})

test('results that nobody waits for are dropped, and the commands still not applied again', assert => {
  const w = world()
  const session = w.open()
  w.use(session, 1, 2)
  w.use(session, 3, 1, 2)
  assert.deepEqual(w.use(session, 1, 3, 1), [FORGOTTEN, 3, 4])
  w.use(session, 4, 1, 4)
  assert.deepEqual([...w.sessions.table.sessions.values()][0]?.kept, [{ first: 4, results: [w.last()] }])
})

test('no more results are kept than one who numbers commands has open', assert => {
  const w = world()
  const session = w.open()
  for (let first = 1; first <= MAX_OPEN_COMMANDS + 8; first += 8) w.use(session, first, 8, 1)
  assert.deepEqual(w.use(session, 1, 10, 1), [...Array.from({ length: 8 }, () => FORGOTTEN), 10, 11])
})

test('a session that was never opened applies nothing', assert => {
  const w = world()
  assert.deepEqual(w.use(7, 1, 2), [EXPIRED, EXPIRED])
  assert.deepEqual([1, 2].map(w.sessions.isVoid), [true, true])
})

test('a session of another name at the same index is not open, and what comes for it is no use of the one that is', assert => {
  for (const open of ['open', 'lead'] as const) {
    const w = world()
    const [session, other] = [w[open](), w[open]()]
    w.use(session, 1)
    w.use(other, 1)
    assert.deepEqual(w.stray(session, 2), [EXPIRED])
    assert.deepEqual([...w.sessions.table.sessions.keys()], [session, other])
    assert.deepEqual(w.use(session, 1), [3])
    assert.deepEqual(world(saved(w.sessions, t.number)).stray(session, 2), [EXPIRED])
    assert.deepEqual(world(saved(w.sessions, t.number)).stray(session, 1), [3])
  }
})

test('the entry with which a term begins opens a session', assert => {
  const w = world()
  const session = w.lead()
  assert.deepEqual([w.use(session, 1), w.use(session, 1)], [[2], [2]])
})

test('a failure of the machine is a result like any other', assert => {
  const w = world()
  const session = w.open()
  const failed = new MachineFailed('no')
  const batch = w.batch(session, 1, 1)
  w.sessions.begin(batch)
  w.sessions.applied(batch, [failed])
  assert.deepEqual(w.use(session, 1), [failed])
})

/** Lets the log go on for so long without the session. */
const others = (w: ReturnType<typeof world>, ms: Millis, stepMs: Millis = LONGEST_STEP_MS): void => {
  for (let passed = 0; passed < ms; passed += stepMs) {
    w.wait(Math.min(stepMs, ms - passed))
    w.plain()
  }
}

test('a session that is not used for its time is closed, and not a moment before; each use counts, that of what was applied too', assert => {
  const w = world()
  const [one, other] = [w.open(), w.open()]
  w.use(one, 1)
  w.use(other, 1)
  others(w, SESSION_MS - 1000)
  assert.not(w.use(one, 1)[0], EXPIRED)
  others(w, 1000)
  assert.not(w.use(other, 1)[0], EXPIRED)
  others(w, SESSION_MS + 1)
  assert.deepEqual([w.use(one, 2), w.use(other, 1)], [[EXPIRED], [EXPIRED]])
  assert.deepEqual(w.use(one, 2), [EXPIRED], 'for good')
  w.open()
  assert.is(w.sessions.table.sessions.size, 1)
})

test('neither a long time without any entry nor a clock that is set closes a session', assert => {
  const w = world()
  const session = w.open()
  w.use(session, 1)
  for (const ms of [100 * SESSION_MS, 1e12]) {
    w.wait(ms)
    w.lead()
    assert.not(w.use(session, 1)[0], EXPIRED)
  }
})

test('one more than there may be closes the one that was not used for longest', assert => {
  const w = world()
  const [one, other] = [w.open(), w.open()]
  w.use(one, 1)
  for (let i = 2; i < MAX_SESSIONS; i++) w.open()
  assert.is(w.sessions.table.sessions.size, MAX_SESSIONS)
  w.open()
  assert.is(w.sessions.table.sessions.size, MAX_SESSIONS)
  assert.deepEqual(w.use(other, 1), [EXPIRED])
  assert.not(w.use(one, 1)[0], EXPIRED)
})

test('where too many runs changed nothing to remember them all, it is known up to where', assert => {
  const w = world()
  const session = w.open()
  w.use(session, 1)
  assert.is(w.sessions.table.forgottenUpTo, 0)
  for (let i = 0; i < MAX_VOID_RUNS + 2; i++) {
    w.use(session, 1)
    w.plain()
  }
  assert.is(w.sessions.table.forgottenUpTo, 5, 'the second of them stands there')
  assert.deepEqual([5, 6, 7, 8].map(w.sessions.isVoid), [false, false, true, false])
})

// ── in a snapshot ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

const bytesOf = <R>(sessions: Sessions<R>, codec: t.Type<R, unknown>): Buffer => Buffer.concat([...encodeSessions(sessions.table, codec)])

/** Each without its length. */
const piecesOf = (bytes: Buffer): readonly Buffer[] => {
  const pieces: Buffer[] = []
  for (let at = PREFACE_BYTES, length = bytes.readUInt32LE(at); length > 0; length = bytes.readUInt32LE(at)) {
    pieces.push(bytes.subarray(at + PIECE_HEADER_BYTES, at += PIECE_HEADER_BYTES + length))
  }
  return pieces
}

const saved = <R>(sessions: Sessions<R>, codec: t.Type<R, unknown>): Sessions<R> => {
  const reader = createSessionReader(codec)
  for (const piece of piecesOf(bytesOf(sessions, codec))) {
    const fault = reader.take(piece)
    if (fault !== undefined) throw new Error(fault)
  }
  const restored = createSessions<R>()
  restored.become(reader.table)
  return restored
}

/** A log with all that a table may have: several sessions, results kept and dropped, failures, numbers left out, runs that changed nothing. */
const eventful = () => {
  const w = world()
  const [one, other] = [w.open(), w.lead()]
  w.use(one, 1, 5)
  w.wait(5000)
  w.use(other, 1, 2)
  w.use(one, 6, 2, 4)
  w.use(one, 9, 1, 4)
  w.use(one, 6, 1, 4)
  w.use(99, 1)
  const batch = w.batch(other, 3, 1, 2)
  w.give(batch)
  return { w, one, other }
}

test('what is saved and restored goes on as if nothing had happened', assert => {
  const before = eventful()
  const restored = saved(before.w.sessions, t.number)
  assert.deepEqual([...restored.table.sessions.keys()], [...before.w.sessions.table.sessions.keys()], 'in the order of their use')
  const after = world(restored, 1_005_000)
  for (const w of [before.w, after]) {
    w.give({ kind: 'noop', firstIndex: 30, term: 2, count: 1, time: 1_040_000 })
    assert.deepEqual(w.use(before.one, 1, 10, 4), [FORGOTTEN, FORGOTTEN, FORGOTTEN, 6, 7, 10, 11, FORGOTTEN, 12, 40])
    assert.deepEqual(w.use(before.other, 2, 2), [9, 15])
    assert.deepEqual(Array.from({ length: 15 }, (_, i) => i + 1).filter(w.sessions.isVoid), [13, 14])
  }
  assert.deepEqual(bytesOf(after.sessions, t.number), bytesOf(before.w.sessions, t.number))
})

test('what is saved does not tell in which slices a machine was given its commands', assert => {
  const [whole, sliced] = [world(), world()]
  for (const w of [whole, sliced]) w.open()
  const batch = whole.batch(1, 1, 6, 1)
  whole.give(batch)
  sliced.give(dropAfter(batch, 3))
  sliced.give(dropBefore(batch, 4))
  for (const w of [whole, sliced]) w.use(1, 7, 1, 5)
  assert.deepEqual(bytesOf(sliced.sessions, t.number), bytesOf(whole.sessions, t.number))
})

test('a result that cannot be encoded is forgotten in its place, those beside it are told, and no command is applied again', assert => {
  const w = world()
  w.use(w.open(), 1, 4)
  const even = new t.Type<number, unknown>('Even', t.number.is, t.number.validate, value => {
    if (value % 2 === 1) throw new Error('not in bytes')
    return value
  })
  assert.deepEqual(world(saved(w.sessions, even)).use(1, 1, 4), [2, FORGOTTEN, 4, FORGOTTEN])
})

test('a result that the codec does not read any more is forgotten, and the command still not applied again', assert => {
  const w = world()
  w.use(w.open(), 1)
  const other = new t.Type<number, unknown>('Other', t.number.is, (value, context) => t.failure(value, context), value => value)
  assert.deepEqual(world(saved(w.sessions, other)).use(1, 1), [FORGOTTEN])
})

test('pieces that end elsewhere are refused with a reason', assert => {
  const [table, ...parts] = piecesOf(bytesOf(eventful().w.sessions, t.number))
  assert.is(parts.length, 3)
  for (const part of [undefined, ...parts]) {
    const whole = part ?? table!
    const take = (piece: Uint8Array): string | undefined => {
      const reader = createSessionReader(t.number)
      if (part !== undefined) reader.take(table!)
      return reader.take(piece)
    }
    assert.is(take(whole), undefined)
    for (let length = 0; length < whole.length; length++) assert.regex(take(whole.subarray(0, length)) ?? '', /cannot be read/)
    assert.is(take(Buffer.concat([whole, Uint8Array.of(0)])), 'the sessions cannot be read: something follows them')
  }
})

test('contents of another format are refused, and those of before there were sessions are the machine\'s', assert => {
  const bytes = bytesOf(eventful().w.sessions, t.number)
  assert.deepEqual(readPreface(bytes), { _tag: 'Right', right: true })
  assert.deepEqual(readPreface(bytes.with(7, 2)), { _tag: 'Left', left: 'the sessions are of format 2, and this version reads 1' })
  assert.deepEqual(readPreface(Buffer.from('the state of a machine')), { _tag: 'Right', right: false })
})

// ── with many results ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What was applied of `session` from number 1 on, a result of so many characters each. */
const longResults = (sessions: Sessions<string>, session: Index, count: number, characters: number): void => {
  const body = packEntries(Array.from({ length: count }, () => new Uint8Array(0)), { session, name: 1, first: 1, awaited: 1 })
  const batch: CommandBatch = { kind: 'command', firstIndex: 10, term: 1, time: 5, count, body, skip: 0 }
  if (sessions.begin(batch) === undefined) sessions.applied(batch, Array.from({ length: count }, (_, i) => `${i + 1}`.padStart(characters)))
}
const opened = (...ids: readonly Index[]): Sessions<string> => {
  const sessions = createSessions<string>()
  for (const firstIndex of ids) sessions.begin({ kind: 'noop', firstIndex, term: 1, time: 5, count: 1 })
  return sessions
}
const known = (sessions: Sessions<string>, session: Index, count: number): readonly number[] => {
  const body = packEntries(Array.from({ length: count }, () => new Uint8Array(0)), { session, name: 1, first: 1, awaited: 1 })
  const told = sessions.begin({ kind: 'command', firstIndex: 10, term: 1, time: 5, count, body, skip: 0 }) ?? []
  return told.flatMap(result => typeof result === 'string' ? [Number(result)] : [])
}

test('of results goes with a snapshot what there is room for, what came last first, and no command is applied again', assert => {
  const sessions = opened(1, 2)
  longResults(sessions, 1, 3000, 4096)
  longResults(sessions, 2, 3000, 4096)
  const bytes = bytesOf(sessions, t.string)
  assert.true(bytes.length > 0.99 * MAX_KEPT_BYTES && bytes.length < 1.01 * MAX_KEPT_BYTES)
  const restored = saved(sessions, t.string)
  assert.is(known(restored, 2, 3000).length, 3000)
  const rest = known(restored, 1, 3000)
  assert.true(rest.length > 900 && rest.length < 1200)
  assert.deepEqual(rest, Array.from(rest, (_, i) => 3001 - rest.length + i))
  assert.is(restored.table.sessions.get(1)?.last, 3000)
})

test('sessions are encoded as they were, a chunk at a time', assert => {
  const sessions = opened(1, 2)
  longResults(sessions, 1, 200, 4096)
  const chunks = encodeSessions(sessions.table, t.string)
  longResults(sessions, 2, 200, 4096)
  const sizes = [...chunks].map(({ length }) => length)
  assert.true(sizes.length > 10 && sizes.every(size => size < 96 * 1024))
  assert.true(sizes.reduce((sum, size) => sum + size, 0) < 210 * 4200)
})

test('of too many results those are forgotten whose session was not used for longest', assert => {
  const ids = [1, 2, 3, 4, 5]
  const sessions = opened(...ids)
  for (const id of ids) longResults(sessions, id, MAX_OPEN_COMMANDS, 1)
  const count = (): number => [...sessions.table.sessions.values()].reduce((sum, { kept }) => sum + kept.reduce((more, { results }) => more + results.length, 0), 0)
  assert.true(count() <= MAX_KEPT_RESULTS)
  assert.deepEqual(ids.map(id => known(sessions, id, 9).length), [0, 0, 9, 9, 9])
  assert.deepEqual(ids.map(id => sessions.table.sessions.get(id)?.last), ids.map(() => MAX_OPEN_COMMANDS))
})
