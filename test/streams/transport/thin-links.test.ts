/** Thin links in virtual time: what is large leaves room for what cores say. */
import test from 'ava'
import { packEntries } from '../../../codecs/entries.js'
import { encodeFrames } from '../../../codecs/frames.js'
import type { ProposeCommitted, ProposeReply, ProposeRequest } from '../../../lib/requests.js'
import type { Millis } from '../../../lib/types.js'
import { CALM_NETWORK } from '../../../testing/simulation/world/network-mix.js'
import { member, messagesOf } from '../../../testing/watch.js'
import { ADDRESSES, couple, HASTY } from './couple.js'
import { contents, KIB, MIB, request, vote } from './wire.js'

const BOTH = { addresses: ADDRESSES, isOpen: false }
const ROOMY = { ...HASTY, maxCommandBytes: 8 * MIB, maxFrameBytes: 16 * MIB, maxSendBufferBytes: 64 * MIB, keepAliveMs: 400 }
const results = (id: number, bytes: number): ProposeCommitted => ({ type: 'committed', id, firstIndex: 1, term: 1, results: packEntries([contents(bytes)]) })

type Load = ProposeRequest | ProposeReply

/** Two members, linked by so many megabits a second, of which n1 says something each 50 ms until `load` has arrived: how late that comes at worst, and what comes in which order. */
const underLoad = (megabits: number, load: readonly Load[]) => {
  const { n1, n2, network, run } = couple(1, { n1: BOTH, n2: BOTH }, ROOMY)
  run(500)
  network.set({ ...CALM_NETWORK, bytesPerSecond: (megabits * 1e6) / 8 })
  const began = n1.clock.now()
  const sentAt: Millis[] = []
  let late: Millis = 0
  n2.links().events$.subscribe(event => {
    if (event.type === 'received' && event.message.type === 'requestVote') late = Math.max(late, n1.clock.now() - sentAt[event.message.term - 1]!)
  })
  n1.links().send(member('n2'), load)
  const arrived = () => messagesOf(n2.events).filter(({ type }) => type !== 'requestVote')
  while (arrived().length < load.length && n1.clock.now() - began < 120_000) {
    sentAt.push(n1.clock.now())
    n1.links().send(member('n2'), [vote('n1', 'n2', sentAt.length)])
    run(50)
  }
  return { late, tookMs: n1.clock.now() - began, arrived: arrived() }
}

for (const megabits of [4, 200]) {
  const bytes = 8 * MIB - 100
  for (const [what, load] of Object.entries({
    'a command of 8 MiB': [request(1, bytes)],
    'commands of 256 KiB, as many at once as there may be,': Array.from({ length: 32 }, (_, at) => request(at + 1, 256 * KIB)),
    'small commands in a row': Array.from({ length: 4000 }, (_, at) => request(at + 1, 2 * KIB)),
    'results of 8 MiB': [results(1, bytes)],
  } satisfies Record<string, readonly Load[]>)) {
    test(`${what} over a link of ${megabits} megabits a second keep nothing waiting that cores say, and arrive as they were sent, as fast as the link carries them`, t => {
      const { late, tookMs, arrived } = underLoad(megabits, load)
      t.true(Buffer.concat(encodeFrames(arrived)).equals(Buffer.concat(encodeFrames(load))))
      t.true(late < 600, `late by ${late} ms`)
      const couldMs = Buffer.concat(encodeFrames(load)).length / (megabits * 125)
      t.true(tookMs < 1.2 * couldMs + 200, `${tookMs} ms for what takes ${couldMs}`)
    })
  }
}

test('what is said behind a request in parts arrives behind it, also where the link has room beside the largest part', t => {
  const { n1, n2, network, run } = couple(1, { n1: BOTH, n2: BOTH }, ROOMY)
  run(500)
  network.set({ ...CALM_NETWORK, bytesPerSecond: 1e9 / 8 })
  n1.links().send(member('n2'), [request(1, 8 * MIB - 100), request(2, 8 * MIB - 100)])
  for (let id = 3; id <= 200; id++) {
    run(1)
    n1.links().send(member('n2'), [request(id, 100)])
  }
  run(1000)
  t.deepEqual(messagesOf(n2.events).map(message => 'id' in message ? message.id : 0), Array.from({ length: 200 }, (_, at) => at + 1))
})
