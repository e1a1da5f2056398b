/** A batch that is larger than what the way to a follower carries at a time: in parts, from the leader's log into the follower's. */
import test from 'ava'
import type { Message } from '../../lib/messages.js'
import type { RaftState } from '../../lib/state.js'
import { type Step, step } from '../../lib/step.js'
import { LEAST_PART_BYTES } from '../../lib/window.js'
import type { Millis } from '../../lib/types.js'
import {
  type Fact, NOTHING, accepted, ae, body, follower, leader, message, persisted, play, progressOf, refused, showLog, showProgress, tick,
} from './build.js'

const KIB = 1024
const large = (id: number, kib: number): Fact => ({ type: 'proposed', id, body: { ...body(1, kib * KIB), checksum: id } })

/** A leader that has just appended 200 KiB at index 2, of which f1 gets 64 KiB at a time until its window opens. */
const sending = (said = 'f1{on,match=1,told=1} f2') => {
  const player = play(leader({ others: said, log: '1@1', commit: 1 }))
  return { player, first: player.turn(large(1, 200)).said }
}

test('O01 a large batch leaves in parts, as large as the window, each when the one before is answered', t => {
  const { player, first } = sending()
  t.deepEqual(first, ['part(f1; T1; 1@1; 2@1; 0+65536/204800)'])
  t.deepEqual(player.turn().said, [], 'one is on its way')
  t.deepEqual(player.turn(accepted('f1', 1, 1, { held: 65536 })).said, ['part(f1; T1; 1@1; 2@1; 65536+131072/204800)'], 'a prompt answer opens the window')
  t.is(showProgress(player.state, 'f1'), 'replicate next=2 match=1')
  t.deepEqual(player.turn(accepted('f1', 1, 1, { held: 196608 })).said, ['part(f1; T1; 1@1; 2@1; 196608+8192/204800)'])
  t.is(showProgress(player.state, 'f1'), 'replicate next=3 match=1')
})

test('O01 heartbeats go on meanwhile, and what follows waits until the batch has left', t => {
  const { player } = sending()
  t.deepEqual(player.turn(large(2, 1)).said, [])
  t.deepEqual(player.later(100, tick).said.filter(said => said.includes('f1')), ['AE(f1; T1; 1@1; []; c=1)'])
  player.turn(accepted('f1', 1, 1, { held: 65536 }))
  const { said } = player.turn(accepted('f1', 1, 1, { held: 196608 }))
  t.deepEqual(said, ['part(f1; T1; 1@1; 2@1; 196608+8192/204800)', 'AE(f1; T1; 2@1; [3@1]; c=1)'])
})

test('the last part, which may be small, says nothing of how much the way carries', t => {
  const { player } = sending()
  player.turn(accepted('f1', 1, 1, { held: 65536 }))
  player.turn(accepted('f1', 1, 1, { held: 196608 }))
  const { windowBytes } = progressOf(player.state, 'f1')
  t.is(windowBytes, 256 * KIB)
  player.later(50, accepted('f1', 2, 1))
  t.is(progressOf(player.state, 'f1').windowBytes, windowBytes)
})

test('O03 a part that was lost is sent again once a later question is answered', t => {
  const { player } = sending()
  const { round } = player.state
  player.later(100, tick)
  t.deepEqual(player.turn(accepted('f1', 1, 1, { held: 0, round: round - 1 })).said, [], 'an answer to what was asked before')
  t.deepEqual(player.turn(accepted('f1', 1, 1, { held: 0 })).said.filter(said => said.startsWith('part')), ['part(f1; T1; 1@1; 2@1; 0+131072/204800)'])
})

test('O07 a follower that lost what it held is sent all of it again', t => {
  const { player } = sending()
  player.turn(accepted('f1', 1, 1, { held: 65536 }))
  t.deepEqual(player.turn(accepted('f1', 1, 1, { held: 0 })).said, ['AE(f1; T1; 1@1; [2@1]; c=1)'], 'at once, now that the window is open')
})

test('the last part that was lost is sent again, behind a probe without entries', t => {
  const { player } = sending()
  player.turn(accepted('f1', 1, 1, { held: 65536 }))
  player.turn(accepted('f1', 1, 1, { held: 196608 }))
  player.later(100, tick)
  t.deepEqual(player.turn(refused('f1', 2, '1@1')).said, ['AE(f1; T1; 1@1; [2@1]; c=1)'], 'the window has room for the whole by now')
})

test('while it probes a leader sends no part, and none to a follower that is silent', t => {
  t.deepEqual(sending('f1{on,match=1,probe,told=1} f2').first, ['AE(f1; T1; 1@1; []; c=1)'])
  const { player, first } = sending('f1{match=1,next=2,told=1} f2')
  t.deepEqual(first, [])
  t.deepEqual(player.later(100, tick).said.filter(said => said.includes('f1')), ['AE(f1; T1; 1@1; []; c=0)'])
  t.deepEqual(player.turn(accepted('f1', 1, 1)).said, ['part(f1; T1; 1@1; 2@1; 0+65536/204800)', 'AE(f1; T1; 1@1; []; c=1)'])
})

test('what the follower has already needs no more parts', t => {
  const { player } = sending()
  t.deepEqual(player.turn(accepted('f1', 2, 1)).said, [])
  t.is(showProgress(player.state, 'f1'), 'replicate next=3 match=1')
  t.like(progressOf(player.state, 'f1').parts, { held: 0, round: 0, bytes: 0 })
})

/** A part of a batch of 100 KiB after 1@1, in KiB. */
const part = (offset: number, kib: number, said: { readonly checksum?: number; readonly prevLogTerm?: number; readonly all?: number } = {}): Fact => {
  const { checksum = 7, prevLogTerm = 1, all = 100 } = said
  const head = { kind: 'command', firstIndex: 2, term: 1, time: 0, count: 2, skip: 0, body: { count: 2, bytes: all * KIB, checksum } } as const
  return message('L', { type: 'appendPart', prevLogTerm, head, offset: offset * KIB, part: new Uint8Array(kib * KIB).fill(offset) })
}
const receiving = () => play(follower({ voters: 'f1 L f2', log: '1@1', settings: { maxUncommittedBytes: 1000 * KIB } }))

test('O11 a batch that comes in one part is appended', t => {
  const player = receiving()
  const { wrote, turn, said } = player.turn(part(0, 100))
  t.deepEqual(wrote.slice(-1), ['append(2-3@1)'])
  t.deepEqual(said, ['ok(L; T1; 3/1)'], 'the first word to this leader')
  t.deepEqual(player.turn(persisted(turn)).said, ['ok(L; T1; 3/3)'])
})

test('each part is answered with how much is here; the last makes the batch whole, its bytes in their order', t => {
  const player = receiving()
  t.deepEqual(player.turn(part(0, 40)).said, ['ok(L; T1; 1/1 held 40960)'])
  t.deepEqual(player.turn(part(0, 40)).said, ['ok(L; T1; 1/1 held 40960)'], 'once is enough')
  t.deepEqual(player.turn(part(80, 20)).said, ['ok(L; T1; 1/1 held 40960)'], 'one that is not awaited')
  t.deepEqual(player.turn(ae('L', '1@1')).said, ['ok(L; T1; 1/1 held 40960)'], 'a heartbeat forgets nothing')
  t.deepEqual(player.turn(part(40, 50)).said, ['ok(L; T1; 1/1 held 92160)'])
  t.deepEqual(player.turn(part(90, 10)).wrote, ['append(2-3@1)'])
  t.is(showLog(player.state), '1@1 2-3@1')
  const { batches, end } = player.state.log.tail
  const last = batches[end - 1]!
  t.deepEqual(last.kind === 'command' ? [...last.body.bytes].filter((_, i) => i % KIB === 0) : [], [...Array<number>(40).fill(0), ...Array<number>(50).fill(40), ...Array<number>(10).fill(90)])
})

test('a part of another batch begins anew, and so does another term', t => {
  const player = receiving()
  player.turn(part(0, 40))
  t.deepEqual(player.turn(part(0, 30, { checksum: 8 })).said, ['ok(L; T1; 1/1 held 30720)'])
  t.deepEqual(player.turn(part(40, 50)).said, ['ok(L; T1; 1/1)'], 'what was here of the first is gone')
  player.turn(part(0, 40))
  player.turn(message('f2', { type: 'appendEntries', term: 2, prevLogIndex: 1, prevLogTerm: 1, batches: [], leaderCommit: 0, asks: false }))
  t.is((player.state as { readonly assembly?: unknown }).assembly, undefined)
})

test('a part is refused like entries are: behind what is not here, of an earlier term, or when it cannot be', t => {
  const lacking = play(follower({ voters: 'f1 L f2' }))
  t.deepEqual(lacking.turn(part(0, 40)).said, ['no(L; T1; 1; 0@0)'])
  const later = play(follower({ voters: 'f1 L f2', log: '1@1', term: 3 }))
  t.deepEqual(later.turn(state => ({ ...part(0, 40) as object, ...withTerm(part(0, 40), state, 2) })).said, ['no(L; T3; 1; 0@0)'])
  const player = receiving()
  for (const impossible of [part(80, 21), part(0, 1, { all: 1001 })]) t.deepEqual(player.turn(impossible).noticed, ['contradiction'])
  t.is(player.state.leader, 'L', 'one that is too large for this member is a life sign all the same')
  t.is((player.state as { readonly assembly?: unknown }).assembly, undefined)
})

/** The fact as a leader of this term would have said it. */
const withTerm = (fact: Fact, state: RaftState, term: number): Extract<Fact, { readonly type: 'received' }> => {
  const event = typeof fact === 'function' ? fact(state) : fact
  if (event.type !== 'received') throw new Error('no message')
  return { type: 'received', message: { ...event.message, term } }
}

test('what is here already is agreed to, and what was held of it is let go', t => {
  const player = receiving()
  player.turn(part(0, 40))
  player.turn(ae('L', '1@1', '2-3@1'))
  t.deepEqual(player.turn(part(40, 60)).said, ['ok(L; T1; 3/1)'])
  t.is((player.state as { readonly assembly?: unknown }).assembly, undefined)
})

test('only the last part may be smaller than the least: each costs something beside its bytes', t => {
  const player = receiving()
  const asked = part(0, 40)
  const cut = (from: number, to: number): Fact => state => {
    const event = withTerm(asked, state, 1)
    return event.message.type === 'appendPart' ? { type: 'received', message: { ...event.message, offset: from, part: new Uint8Array(to - from) } } : event
  }
  t.deepEqual(player.turn(cut(0, LEAST_PART_BYTES - 1)).noticed, ['contradiction'])
  t.deepEqual(player.turn(cut(0, 0)).noticed, ['contradiction'])
  t.is(player.state.leader, undefined, 'nor is it a life sign')
  t.deepEqual(player.turn(cut(0, LEAST_PART_BYTES)).said, ['ok(L; T1; 1/1 held 1024)'])
  t.deepEqual(player.turn(cut(100 * KIB, 100 * KIB)).noticed, ['contradiction'], 'nothing is no part, nor the last one')
  t.deepEqual(player.turn(cut(KIB, 100 * KIB - 1)).noticed, [])
  t.deepEqual(player.turn(cut(100 * KIB - 1, 100 * KIB)).wrote, ['append(2-3@1)'])
})

test('a leader sends no smaller part but the last, however little may be on its way', t => {
  const player = play(leader({ others: 'f1{on,match=1,told=1} f2', log: '1@1', commit: 1, settings: { maxInflightBytes: 1, maxAppendBytes: 1 } }))
  t.deepEqual(player.turn(large(1, 3)).said, ['part(f1; T1; 1@1; 2@1; 0+1024/3072)'])
  t.deepEqual(player.turn(accepted('f1', 1, 1, { held: 1024 })).said, ['part(f1; T1; 1@1; 2@1; 1024+1024/3072)'])
})

test('what many parts of one turn take grows with their number, and not with its square', t => {
  const parts = 2 ** 16
  const piece = new Uint8Array(KIB)
  const head = { kind: 'command', firstIndex: 2, term: 1, time: 0, count: 1, skip: 0, body: { count: 1, bytes: parts * KIB, checksum: 1 } } as const
  const before: Step = { state: follower({ voters: 'L f1', log: '1@1', leader: 'L', settings: { maxUncommittedBytes: parts * KIB } }), ready: NOTHING }
  const events = Array.from({ length: parts - 1 }, (_, i) => ({
    type: 'received', message: { type: 'appendPart', from: 'L', to: 'f1', term: 1, prevLogTerm: 1, head, offset: i * KIB, part: piece, round: 1 },
  } as const))
  const started = performance.now()
  const { state } = step(before, { now: before.state.now, wall: 0, events })
  t.like(state, { assembly: { held: (parts - 1) * KIB } })
  t.true(performance.now() - started < 3000)
})

/** Two members over a link that loses, repeats and overtakes, as the dice say. */
const overBadLink = (seed: number): { readonly here: RaftState; readonly there: RaftState; readonly turns: number } => {
  let dice = seed
  const random = (): number => (dice = (dice * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
  let there: Step = { state: follower({ voters: 'L f1', log: '1@1', leader: 'L' }), ready: NOTHING }
  let here: Step = { state: leader({ others: 'f1{on,match=1}', log: '1@1' }), ready: NOTHING }
  let mail: readonly { readonly at: Millis; readonly message: Message }[] = []
  const started = here.state.now
  let now = started
  const post = ({ ready: { messages } }: Step): void => {
    for (const said of messages) {
      for (let copies = random() < 0.25 ? 0 : random() < 0.2 ? 2 : 1; copies > 0; copies--) mail = [...mail, { at: now + Math.ceil(random() * 30), message: said }]
    }
  }
  const arrived = (id: string) => mail.filter(({ at, message: { to } }) => at <= now && to === id).map(one => ({ type: 'received', message: one.message }) as const)
  here = step(here, { now, wall: now, events: [1, 2, 3].map(id => ({ type: 'proposed', id, body: { ...body(1, 500 * KIB + id), checksum: id } }) as const) })
  post(here)
  for (; here.state.commitIndex < 4 && now < started + 60_000; now++) {
    const ticks = now % 25 === 0 ? [{ type: 'ticked', due: now } as const] : []
    const due = [arrived('L'), arrived('f1')] as const
    mail = mail.filter(({ at }) => at > now)
    here = step(here, { now, wall: now, events: [...due[0], { type: 'persisted', turn: here.state.turn }, ...ticks] })
    post(here)
    there = step(there, { now, wall: now, events: [...due[1], { type: 'persisted', turn: there.state.turn }] })
    post(there)
  }
  return { here: here.state, there: there.state, turns: now - started }
}

test('whatever a link loses, repeats or overtakes, large batches arrive whole', t => {
  for (let seed = 1; seed <= 40; seed++) {
    const { here, there, turns } = overBadLink(seed)
    t.is(here.commitIndex, 4, `seed ${seed}, ${turns} ms`)
    const bytes = there.log.tail.batches.slice(-3).map(batch => batch.kind === 'command' ? [batch.body.bytes.length, batch.body.checksum] : [])
    t.deepEqual(bytes, [1, 2, 3].map(id => [500 * KIB + id, id]), `seed ${seed}`)
  }
})
