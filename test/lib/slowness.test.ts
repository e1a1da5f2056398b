/** Links that are thin and disks that are slow: what must not happen is that a member which does its work passes for a dead one. */
import test from 'ava'
import type { RaftEvent } from '../../lib/events.js'
import type { Message } from '../../lib/messages.js'
import type { RaftState } from '../../lib/state.js'
import { type Step, step } from '../../lib/step.js'
import type { Millis } from '../../lib/types.js'
import { type Fact, NOTHING, accepted, ae, allPersisted, body, follower, leader, persisted, play, progressOf, propose, readToReplicate, refused, tick } from './build.js'
import { snapshotAt } from './snapshots.js'

const KIB = 1024
const MIB = KIB * KIB

/** One direction of a link: so many bytes a millisecond, one after the other, each so long under way. */
const thinLink = (bytesPerMs: number, delayMs: Millis = 5) => {
  const onTheWay: { readonly at: Millis; readonly message: Message }[] = []
  let freeAt = 0
  return {
    send: (message: Message, now: Millis): void => {
      const bytes = 100 + (message.type === 'appendEntries' ? message.batches.reduce((sum, batch) => sum + (batch.kind === 'command' ? batch.body.bytes.length : 0), 0)
        : message.type === 'installSnapshot' ? message.chunk.length : message.type === 'appendPart' ? message.part.length : 0)
      freeAt = Math.max(freeAt, now) + bytes / bytesPerMs
      onTheWay.push({ at: freeAt + delayMs, message })
    },
    arrived: (now: Millis): readonly Message[] => onTheWay.splice(0, onTheWay.filter(({ at }) => at <= now).length).map(({ message }) => message),
  }
}

/** A leader under full load with one follower behind `link`, the other dead; a follower's write takes `syncMs`. */
const underLoad = (link: ReturnType<typeof thinLink>, syncMs: Millis, forMs: Millis, bytes = 256 * KIB): RaftState => {
  const settings = { maxAppendBytes: MIB, maxInflightBytes: 8 * MIB }
  let there: Step = { state: follower({ voters: 'L f1 f2', log: '1@1', leader: 'L' }), ready: NOTHING }
  let here: Step = { state: leader({ others: 'f1{on,match=1} f2{match=1}', log: '1@1', settings }), ready: NOTHING }
  const back = thinLink(Number.POSITIVE_INFINITY)
  const syncing: { readonly at: Millis; readonly turn: number }[] = []
  const started = here.state.now
  for (let now = started + 1; now < started + forMs && here.state.role === 'leader'; now++) {
    const received = (message: Message) => ({ type: 'received', message }) as const
    const ticks = now % 50 === 0 ? [{ type: 'ticked', due: now } as const] : []
    const isRoom = here.state.uncommittedBytes < 8 * MIB
    here = step(here, { now, wall: now, events: [
      ...back.arrived(now).map(received), { type: 'persisted', turn: here.state.turn }, ...ticks,
      ...(isRoom ? [{ type: 'proposed', id: now, body: body(100, bytes) } as const] : []),
    ] })
    for (const message of here.ready.messages) if (message.to === 'f1') link.send(message, now)
    const durable = syncing.splice(0, syncing.filter(({ at }) => at <= now).length)
    const last = durable.at(-1)
    there = step(there, { now, wall: now, events: [
      ...(last ? [{ type: 'persisted', turn: last.turn } as const] : []), ...link.arrived(now).map(received),
    ] })
    if (there.ready.writes.length > 0) syncing.push({ at: now + syncMs, turn: there.ready.turn })
    for (const message of there.ready.messages) back.send(message, now)
  }
  return here.state
}

for (const megabits of [4, 20, 60, 200]) {
  test(`a leader under full load stays leader over a link of ${megabits} megabits a second`, t => {
    const { role, term, commitIndex } = underLoad(thinLink((megabits * 1e6) / 8 / 1000), 1, 4000)
    t.like({ role, term }, { role: 'leader', term: 1 })
    const could = (megabits * 1e6 * 4) / 8 / (256 * KIB) * 100
    t.true(commitIndex > could / 3, `${commitIndex} of about ${Math.round(could)} entries that the link could carry`)
  })
}

for (const [megabits, seconds] of [[4, 60], [20, 15]] as const) {
  test(`entries of 8 MiB over a link of ${megabits} megabits a second keep no life sign back, and arrive`, t => {
    const bytesPerMs = (megabits * 1e6) / 8 / 1000
    const { role, term, commitIndex } = underLoad(thinLink(bytesPerMs), 1, seconds * 1000, 8 * MIB)
    t.like({ role, term }, { role: 'leader', term: 1 })
    const could = (bytesPerMs * 1000 * seconds) / (8 * MIB) * 100
    t.true(commitIndex > could / 2, `${commitIndex} of about ${Math.round(could)} entries that the link could carry`)
  })
}

for (const [tripMs, bytes, megabits] of [[100, 64 * KIB, 100], [100, 256 * KIB, 1000], [200, 256 * KIB, 1000]] as const) {
  test(`a way that takes ${tripMs} ms there and back is filled all the same: batches of ${bytes / KIB} KiB over ${megabits} megabits a second`, t => {
    const { commitIndex, settings: { maxInflightBytes } } = underLoad(thinLink((megabits * 1e6) / 8 / 1000, tripMs - 5), 1, 4000, bytes)
    const could = Math.min((megabits * 1e6) / 8, (maxInflightBytes * 1000) / tripMs) * 4 / (bytes / 100)
    t.true(commitIndex > could / 2, `${commitIndex} of about ${Math.round(could)} entries that the way could carry`)
  })
}

/** How long a follower takes to get 400 batches of 8 KiB from the leader's disk, which needs so long for each read. */
const fromDiskMs = (readMs: Millis, answerMs: Millis): Millis => {
  const batches = Array.from({ length: 400 }, (_, at) => `${2 + at * KIB}-${1 + (at + 1) * KIB}@1`)
  const last = 1 + 400 * KIB
  const player = play(leader({ others: `f1{on,match=1,next=2} f2{on,match=${last}}`, log: ['1@1', ...batches].join(' '), commit: last, settings: { logCacheBytes: 0 } }))
  const coming: { readonly at: Millis; readonly fact: Fact }[] = []
  const began = player.state.now
  for (let ms = 1; ms < 4000 && progressOf(player.state, 'f1').matchIndex < last; ms++) {
    const now = began + ms
    const due = coming.splice(0, coming.length)
    coming.push(...due.filter(({ at }) => at > now))
    const { ready } = player.later(1, ...due.filter(({ at }) => at <= now).map(({ fact }) => fact), ...(ms % 50 === 0 ? [tick, accepted('f2', last)] : []))
    for (const { from, maxBytes } of ready.logReads) {
      const first = (from - 2) / KIB
      coming.push({ at: now + readMs, fact: readToReplicate('f1', from, batches.slice(first, first + Math.max(1, Math.floor(maxBytes / (8 * KIB + 128)))).join(' ')) })
    }
    for (const message of ready.messages) {
      if (message.to !== 'f1' || message.type !== 'appendEntries') continue
      const newest = message.batches.at(-1)
      const verified = newest === undefined ? message.prevLogIndex : newest.firstIndex + newest.count - 1
      coming.push({ at: now + answerMs, fact: accepted('f1', verified, verified, { round: message.round }) })
    }
  }
  return player.state.now - began
}

test('a window opens also where each answer comes before the next entries have been read', t => {
  for (const [readMs, answerMs] of [[10, 2], [4, 2], [2, 10]] as const) {
    const ms = fromDiskMs(readMs, answerMs)
    t.true(ms < 40 * (readMs + answerMs), `${ms} ms with reads of ${readMs} and answers of ${answerMs}`)
  }
})

test('what was read for a wide window goes as a narrow one holds it', t => {
  const batches = Array.from({ length: 8 }, (_, at) => `${2 + at * KIB}-${1 + (at + 1) * KIB}@1`)
  const last = 1 + 8 * KIB
  const player = play(leader({ others: `f1{replicate,match=1,next=2} f2{on,match=${last}}`, log: ['1@1', ...batches].join(' '), commit: last, settings: { logCacheBytes: 0 } }))
  player.turn()
  t.is(player.turn(accepted('f1', 1)).ready.logReads.length, 1)
  const { said } = player.turn(readToReplicate('f1', 2, batches.join(' ')))
  t.deepEqual(said.filter(one => one.startsWith('AE(f1')), [`AE(f1; T1; 1@1; [${batches.slice(0, 3).join(' ')}]; c=${last})`])
})

/** A leader that sends a snapshot over `link` to a follower without a log; whether it stays leader, how much has arrived, and in which chunks. */
const sendingOver = (link: ReturnType<typeof thinLink>, forMs: Millis) => {
  const snapshot = snapshotAt('9@1', { bytes: 1e9 })
  let there: Step = { state: follower({ voters: 'L f1 f2' }), ready: NOTHING }
  let here: Step = { state: leader({ others: 'f1{next=1,on} f2', base: '9@1', snapshot, settings: { snapshotChunkBytes: MIB } }), ready: NOTHING }
  const back = thinLink(Number.POSITIVE_INFINITY)
  const chunks: number[] = []
  const answers: RaftEvent[] = []
  const reads: RaftEvent[] = []
  const started = here.state.now
  for (let now = started + 1; now < started + forMs && here.state.role === 'leader'; now++) {
    const received = (message: Message) => ({ type: 'received', message }) as const
    const ticks = now % 50 === 0 ? [{ type: 'ticked', due: now } as const] : []
    here = step(here, { now, wall: now, events: [...back.arrived(now).map(received), ...reads.splice(0), ...ticks] })
    for (const message of here.ready.messages) if (message.to === 'f1') link.send(message, now)
    for (const work of here.ready.snapshots) {
      if (work.type === 'read') reads.push({ type: 'chunkRead', to: work.to, snapshot, offset: work.offset, chunk: new Uint8Array(work.maxBytes) })
    }
    there = step(there, { now, wall: now, events: [...link.arrived(now).map(received), ...answers.splice(0)] })
    for (const message of there.ready.messages) back.send(message, now)
    for (const work of there.ready.snapshots) {
      if (work.type === 'write') chunks.push(work.chunk.length)
      answers.push({ type: 'chunkWritten', snapshot, received: chunks.reduce((sum, length) => sum + length, 0) })
    }
  }
  return { role: here.state.role, received: chunks.reduce((sum, length) => sum + length, 0), largest: Math.max(...chunks) }
}

for (const megabits of [4, 60, 400]) {
  test(`a snapshot over a link of ${megabits} megabits a second keeps no life sign back, and comes as fast as the link carries it`, t => {
    const bytesPerMs = (megabits * 1e6) / 8 / 1000
    const { role, received, largest } = sendingOver(thinLink(bytesPerMs), 5000)
    t.is(role, 'leader')
    t.true(received > (bytesPerMs * 5000) / 3, `${received} of ${bytesPerMs * 5000} bytes`)
    t.true(largest <= Math.max(64 * KIB, bytesPerMs * 600) && largest <= MIB, `chunks of up to ${largest}`)
  })
}

test('a follower whose syncs take two election timeouts keeps its leader informed all the same', t => {
  t.is(underLoad(thinLink(1e6), 2000, 5000).role, 'leader')
})

test('a member alone leads on, however slow its disk: nobody could do better', t => {
  const player = play(leader({ voters: 'L', others: '', log: '1@1', commit: 1 }))
  player.turn(propose(1))
  t.deepEqual(player.later(5000, tick).noticed, [])
  t.is(player.state.role, 'leader')
})

test('the window opens to what the link carries: prompt answers double it where it was the limit, late ones halve it', t => {
  const player = play(leader({ others: 'f1{on,match=1} f2', log: '1@1' }))
  const windowOf = (): number => progressOf(player.state, 'f1').windowBytes / KIB
  t.is(windowOf(), 64)
  player.turn(accepted('f1', 1))
  t.is(windowOf(), 64, 'it was not what held anything back')
  for (let last = 2; last <= 4; last++) {
    player.turn(state => ({ type: 'proposed', id: state.turn, body: body(1, 1 * MIB) }))
    player.turn(accepted('f1', last))
  }
  t.is(windowOf(), 512)
  player.later(100, tick)
  const { round } = player.state
  player.later(251, accepted('f1', 4, 4, { round }))
  t.is(windowOf(), 256)
  player.turn(accepted('f1', 4, 4, { round }))
  t.is(windowOf(), 256, 'once a round trip')
})

/** Entries of a mebibyte in all, of which a follower with a window of that size has been sent half. */
const halfSent = () => {
  const player = play(leader({ others: 'f1{on,match=1} f2', log: '1@1', settings: { maxAppendBytes: MIB } }))
  for (let last = 2; progressOf(player.state, 'f1').windowBytes < MIB; last++) {
    player.turn(state => ({ type: 'proposed', id: state.turn, body: body(1, MIB) }))
    player.turn(accepted('f1', last))
  }
  const { lastIndex } = player.state.log
  player.turn(state => ({ type: 'proposed', id: state.turn, body: body(1, 600 * KIB) }))
  return { player, lastIndex, windowOf: () => progressOf(player.state, 'f1').windowBytes / KIB }
}

test('a window that is full because a disk is slow is not opened by answers that bring nothing', t => {
  const { player, lastIndex, windowOf } = halfSent()
  player.later(50, accepted('f1', lastIndex + 1, lastIndex))
  t.is(windowOf(), 2048, 'it has arrived')
  for (let beat = 0; beat < 5; beat++) player.later(100, tick, accepted('f1', lastIndex + 1, lastIndex))
  t.is(windowOf(), 2048)
})

test('a window is opened by what arrives so fast that all it holds would arrive in time', t => {
  for (const [ms, opens] of [[140, true], [150, false]] as const) {
    const { player, lastIndex, windowOf } = halfSent()
    const { round } = player.state
    player.later(100, tick)
    player.later(ms - 100, accepted('f1', lastIndex + 1, lastIndex, { round }))
    t.is(windowOf(), opens ? 2048 : 1024, `600 KiB in ${ms} ms`)
  }
})

test('no more is on its way than the window holds, however much would still fit beside it', t => {
  const { player, lastIndex } = halfSent()
  t.is(progressOf(player.state, 'f1').nextIndex, lastIndex + 2)
  t.deepEqual(player.turn(state => ({ type: 'proposed', id: state.turn, body: body(1, 500 * KIB) })).said, [])
  t.is(player.turn(accepted('f1', lastIndex + 1, lastIndex)).said.length, 1, 'that has arrived, and is not durable')
})

test('new entries are answered once they are durable; a leader that waited for half a heartbeat is answered at once', t => {
  const player = play(follower({ voters: 'f1 L', log: '1@1' }))
  t.deepEqual(player.turn(ae('L', '1@1')).said, ['ok(L; T1; 1/1)'])
  const { said, turn } = player.turn(ae('L', '1@1', '2@1'))
  t.deepEqual(said, [])
  t.deepEqual(player.turn(persisted(turn)).said, ['ok(L; T1; 2/2)'])
  t.deepEqual(player.later(49, ae('L', '2@1', '3@1')).said, [])
  t.deepEqual(player.later(1, ae('L', '3@1', '4@1')).said, ['ok(L; T1; 4/2)'])
  t.deepEqual(player.turn(ae('L', '4@1')).said, ['ok(L; T1; 4/2)'], 'a heartbeat is always answered')
})

test('a commit that is told needs no answer, unless the leader has waited for half a heartbeat or after a refusal', t => {
  const player = play(follower({ voters: 'f1 L', log: '1-4@1' }))
  t.deepEqual(player.turn(ae('L', '4@1')).said, ['ok(L; T1; 4/4)'])
  t.deepEqual(player.later(49, ae('L', '4@1', '', 1)).said, [])
  t.is(player.state.commitIndex, 1)
  t.deepEqual(player.turn(ae('L', '4@1', '', 1)).said, ['ok(L; T1; 4/4)'], 'it tells nothing new: a heartbeat')
  t.deepEqual(player.later(50, ae('L', '4@1', '', 2)).said, ['ok(L; T1; 4/4)'])
  t.deepEqual(player.turn(ae('L', '5@1')).said, ['no(L; T1; 5; 4@1)'])
  t.deepEqual(player.turn(ae('L', '4@1', '', 3)).said, ['ok(L; T1; 4/4)'])
})

test('what the leader knows is as old as the question that was answered last, however late the answer was', t => {
  const player = play(follower({ voters: 'f1 L', log: '1-4@1' }))
  player.turn(ae('L', '4@1', '', 0, { round: 1_000_000 }))
  t.deepEqual(player.turn(ae('L', '4@1', '', 1, { round: 1_049_000 })).said, [])
  t.deepEqual(player.turn(ae('L', '4@1', '', 2, { round: 1_050_000 })).said, ['ok(L; T1; 4/4)'])
})

test('a disk that lost what it had confirmed is reported, and rewinds nothing', t => {
  const player = play(leader({ others: 'f1{on,next=6,match=5} f2', log: '1-5@1' }))
  player.turn(accepted('f1', 5))
  player.later(100, tick)
  const { noticed } = player.turn(refused('f1', 5, '3@1'))
  t.deepEqual(noticed, ['contradiction'])
  t.like(progressOf(player.state, 'f1'), { nextIndex: 6, matchIndex: 5 })
})

test('a refusal that was overtaken by an acceptance is no contradiction', t => {
  const player = play(leader({ others: 'f1{on,next=6,match=2} f2', log: '1-5@1' }))
  const round = player.state.round
  player.later(100, tick)
  player.turn(accepted('f1', 5))
  t.deepEqual(player.turn(refused('f1', 5, '3@1', { round })).noticed, [])
})

test('heartbeats keep to their grid, however late the ticks are', t => {
  const player = play(leader({ others: 'f1{on} f2{on}' }))
  const beats: Millis[] = []
  for (let ms = 10; ms <= 400; ms += 10) {
    const isTick = ms % 50 === 30
    if (player.later(10, ...(isTick ? [tick, accepted('f1', 0), accepted('f2', 0)] : [])).said.length > 0) beats.push(ms)
  }
  t.deepEqual(beats, [130, 230, 330])
})

test('a member does not stand for election before its machine has caught up with what it knew to be committed', t => {
  const { later, turn } = play(follower({ voters: 'f1 a b', log: '1-9@1', commit: 9, applied: 0 }))
  t.deepEqual(later(2000, tick).said, [])
  turn({ type: 'applied', index: 9 })
  t.deepEqual(later(2000, tick).said, ['pre-RV(a; T1; 9@1)', 'pre-RV(b; T1; 9@1)'])
})

test('alone it may: nobody else could serve', t => {
  const player = play(follower({ voters: 'f1', log: '1-9@1', commit: 9, applied: 0 }))
  player.later(1, tick)
  t.is(player.state.role, 'leader')
})

test('the commitIndex travels with entries, as far as it is on the disk, and alone only in a quiet moment', t => {
  const player = play(leader({ others: 'f1{on,match=1}', log: '1@1', commit: 1 }))
  t.deepEqual(player.turn(propose(1)).wrote, ['append(2@1)'], 'what is written already is not written again')
  player.turn(allPersisted, accepted('f1', 2))
  t.deepEqual(player.turn(propose(2)).wrote, ['hardState(T1 L c=2)', 'append(3@1)'])
})
