/** How a serving member shows long work on snapshots: a bar on a terminal, lines elsewhere, and nothing of what is soon over. */
import { once } from 'node:events'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { Writable } from 'node:stream'
import test from 'ava'
import { Subject } from 'rxjs'
import { farthest, showNewcomers } from '../../cli/members/progress.js'
import { createScreen } from '../../cli/screen.js'
import { showSnapshots } from '../../cli/serve/progress.js'
import type { Snapshot } from '../../lib/types.js'
import type { SnapshotEvent } from '../../streams/snapshots/events.js'
import { snapshot as sample } from '../codecs/samples.js'
import { virtualClock } from '../streams/member/world.js'

const MiB = 1024 * 1024
const snapshot: Snapshot = { ...sample, index: 9, bytes: 100 * MiB }

/** A member that works on snapshots, and what a person sees of it. */
const watched = () => {
  const clock = virtualClock()
  const events = new Subject<SnapshotEvent>()
  const seen: string[] = []
  const stop = showSnapshots(events, {
    event: line => seen.push(`· ${line}`),
    bar: (fraction, caption) => seen.push(`${fraction === undefined ? '?' : fraction.toFixed(2)} ${caption}`),
    end: () => seen.push('—'),
  }, clock)
  return {
    stop, news: (): readonly string[] => seen.splice(0),
    at: (ms: number, event: SnapshotEvent): readonly string[] => {
      clock.advance(ms)
      events.next(event)
      return seen.splice(0)
    },
    passes: (ms: number): readonly string[] => {
      for (let passed = 0; passed < ms; passed += 100) clock.advance(100)
      return seen.splice(0)
    },
  }
}

test('what is over within a second is not shown', t => {
  const w = watched()
  t.deepEqual(w.at(0, { type: 'capturing', index: 9, term: 1, bytes: 4 * MiB }), [])
  t.deepEqual(w.at(900, { type: 'captured', snapshot }), [])
  t.deepEqual(w.at(0, { type: 'receiving', snapshot, bytes: 0 }), [])
  t.deepEqual(w.at(500, { type: 'received', snapshot }), [])
  t.deepEqual(w.at(400, { type: 'restored', snapshot }), [])
  t.deepEqual(w.at(5_000, { type: 'restored', snapshot }), [], 'and of a start nothing')
  t.deepEqual(w.passes(5_000), [])
})

test('a snapshot that is taken is as far as the one before was large, and without one nobody knows', t => {
  const w = watched()
  w.at(0, { type: 'capturing', index: 9, term: 1, bytes: 0 })
  t.deepEqual(w.at(1_500, { type: 'capturing', index: 9, term: 1, bytes: 50 * MiB }).at(-1), '? taking a snapshot at 9: 50.0 MiB')
  t.deepEqual(w.at(500, { type: 'captured', snapshot }).slice(-2), ['—', '· took the snapshot at 9, 100.0 MiB, in 2.0 s'])
  w.at(0, { type: 'capturing', index: 12, term: 1, bytes: 0 })
  t.deepEqual(w.at(1_500, { type: 'capturing', index: 12, term: 1, bytes: 50 * MiB }).at(-1), '0.50 taking a snapshot at 12: 50.0 MiB')
  t.deepEqual(w.at(1, { type: 'captureFailed', index: 12, reason: 'the disk is full', retryMs: 1 }), ['—'], 'why not is a notice')
})

test('one that comes in is shown until it is in the machine, which takes as long as it takes', t => {
  const w = watched()
  w.at(0, { type: 'receiving', snapshot, bytes: 0 })
  t.deepEqual(w.at(1_400, { type: 'receiving', snapshot, bytes: 25 * MiB }).at(-1), '0.25 receiving the snapshot at 9, 100.0 MiB: 25.0 MiB')
  t.deepEqual(w.at(0, { type: 'received', snapshot }).at(-1), '? restoring the snapshot at 9, 100.0 MiB')
  t.true(w.passes(60_000).length > 100, 'drawn again and again')
  t.deepEqual(w.at(0, { type: 'restored', snapshot }), ['—', '· restored the snapshot at 9, 100.0 MiB, in 61.4 s'])
  t.deepEqual(w.passes(2_000), [])
})

test('of two on their way the one that moved last is shown, and one that moves no more is given up', t => {
  const w = watched()
  for (const to of ['n2', 'n3']) w.at(0, { type: 'sending', to, snapshot, bytes: 0 })
  t.deepEqual(w.at(1_200, { type: 'sending', to: 'n2', snapshot, bytes: 50 * MiB }).at(-1), '0.50 sending n2 the snapshot at 9, 100.0 MiB: 50.0 MiB')
  t.deepEqual(w.at(100, { type: 'sending', to: 'n3', snapshot, bytes: 25 * MiB }).at(-1), '0.25 sending n3 the snapshot at 9, 100.0 MiB: 25.0 MiB')
  t.deepEqual(w.at(100, { type: 'sent', to: 'n3', snapshot }), ['—', '· sent n3 the snapshot at 9, 100.0 MiB, in 1.4 s'])
  t.is(w.passes(500).at(-1), '0.50 sending n2 the snapshot at 9, 100.0 MiB: 50.0 MiB')
  t.is(w.passes(15_000).at(-1), '—')
  t.deepEqual(w.passes(5_000), [])
})

test('over a thin line a bar comes back with every step, and at the end it is told how long all of it took', t => {
  const w = watched()
  for (let bytes = 0; bytes <= snapshot.bytes; bytes += 4 * MiB) {
    w.at(0, { type: 'sending', to: 'n2', snapshot, bytes })
    t.is(w.passes(16_000).at(-1), '—')
  }
  t.deepEqual(w.at(0, { type: 'sent', to: 'n2', snapshot }), ['—', '· sent n2 the snapshot at 9, 100.0 MiB, in 416.0 s'])
  w.at(0, { type: 'sending', to: 'n2', snapshot, bytes: 0 })
  w.passes(60_000)
  t.deepEqual(w.at(0, { type: 'sending', to: 'n2', snapshot: { ...snapshot, index: 12 }, bytes: 0 }), [], 'the next one has only begun')
})

test('a member that ends leaves no bar behind, and no timer', t => {
  const w = watched()
  w.at(0, { type: 'sending', to: 'n2', snapshot, bytes: 0 })
  w.passes(2_000)
  w.stop()
  t.deepEqual([w.news(), w.passes(5_000), w.at(0, { type: 'sending', to: 'n2', snapshot, bytes: MiB })], [['—'], [], []])
})

test('on a terminal a bar is drawn over itself, and elsewhere there is a line now and then', t => {
  for (const isTTY of [true, false]) {
    const written: string[] = []
    const out = Object.assign(new Writable({ write: (chunk, _, done) => { written.push(String(chunk)); done() } }), { isTTY, columns: 200 })
    const screen = createScreen(out as unknown as NodeJS.WriteStream, -1)
    screen.bar(0.5, 'receiving')
    screen.end()
    const bar = `[${'█'.repeat(15)}${'░'.repeat(15)}]  50 % receiving`
    t.deepEqual(written, isTTY ? ['\r\x1b[2K', bar, '\r\x1b[2K'] : [`         ${bar}\n`])
  }
})

test('of new members the one is shown that lacks the most: in its snapshot, or by what it lacked at first', t => {
  const first = new Map<string, number>()
  const peer = (id: string, lagEntries: number) => ({ id, mode: 'replicate', lagEntries } as const)
  const far = (...peers: Parameters<typeof farthest>[0]): string => {
    const shown = farthest(peers, ['n4', 'n5'], first)
    return shown === undefined ? 'nothing' : `${shown.fraction?.toFixed(2) ?? '?'} ${shown.caption}`
  }
  t.is(far(peer('n2', 900)), 'nothing', 'one that is not new')
  t.is(far(peer('n4', 0), { ...peer('n5', 100), mode: 'probe' }), '? n5 has not answered yet')
  t.is(far(peer('n4', 0), peer('n5', 100)), '0.00 n5 lacks 100 entries')
  t.is(far(peer('n4', 10), peer('n5', 25)), '0.75 n5 lacks 25 entries')
  t.is(far({ ...peer('n4', 10), mode: 'snapshot', snapshot: { index: 9, bytes: 100 * MiB, received: 20 * MiB } }), '0.20 n4 has 20.0 MiB of the 100.0 MiB of the snapshot at 9')
  t.is(far(peer('n4', 0), peer('n5', 0)), 'nothing')
})

test('once the change has its answer, no silent endpoint is waited for and no other is asked', async t => {
  const silent = await Promise.all([0, 1].map(async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    return { server, at: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } }
  }))
  const [first, second] = silent as [typeof silent[number], typeof silent[number]]
  const done = showNewcomers([first.at, second.at], ['n4'], { event: () => undefined, bar: () => undefined, end: () => undefined })
  const [asked] = await once(first.server, 'connection') as [Socket]
  await once(asked, 'data')
  const others: Socket[] = []
  second.server.on('connection', socket => others.push(socket.unref()))
  const ended = once(asked.resume(), 'close')
  done()
  await ended
  const own = connect(second.at)
  await once(second.server, 'connection')
  own.destroy()
  t.is(others.length, 1, 'no more than this one')
})
