/** Links that are heard in turns, one after the other: by hand, without a socket. */
import test from 'ava'
import { encodeFrame } from '../../../codecs/frames.js'
import { openLink, SILENT_BEATS } from '../../../streams/transport/tcp/link.js'
import type { StreamEvents } from '../../../streams/transport/tcp/sockets.js'
import { createTurns, TURN_MESSAGES } from '../../../streams/transport/turns.js'
import { heldTimers, LIMITS, request } from './wire.js'

/** Streams whose links are heard in the same turns, and what was heard over which. */
const inTheSameTurns = () => {
  const clock = heldTimers()
  let due: (() => void)[] = []
  const turns = createTurns({ endOfTurn: work => { due.push(work); return () => undefined } })
  const heard: string[] = []
  const openAs = (name: string) => {
    let told: StreamEvents | undefined
    const state = { isPaused: false, isClosed: false }
    openLink({
      stream: {
        remote: name, certificate: undefined, hasSpoken: true, bufferedBytes: 0, attach: events => { told = events }, write: () => undefined, end: () => undefined,
        pause: () => { state.isPaused = true }, resume: () => { state.isPaused = false }, destroy: () => { state.isClosed = true },
      },
      limits: LIMITS, maxReadBytes: LIMITS.maxFrameBytes, promptMs: undefined, turns, clock, objection: () => undefined,
      events: { confirmed: () => undefined, refused: () => undefined, received: () => heard.push(name), unreadable: () => undefined, dropped: () => undefined, closed: () => heard.push(`${name} closed`) },
    })
    return { state, close: () => told?.closed('ECONNRESET'), say: (messages: number) => told?.received(Buffer.concat(Array.from({ length: messages }, (_, id) => encodeFrame(request(id, 1))).flat())) }
  }
  const turn = (): string => {
    heard.length = 0
    for (const work of due.splice(0)) work()
    return [...new Set(heard)].join()
  }
  return { clock, openAs, turn, heard }
}

test('what still waits when its stream closes is not heard: the close is the last that is told', t => {
  const { openAs, turn, heard } = inTheSameTurns()
  const [a, b] = [openAs('a'), openAs('b')]
  a.say(2000)
  b.say(1)
  heard.length = 0
  b.close()
  t.deepEqual(heard, ['b closed'])
  const later = new Set<string>()
  for (let told = turn(); told !== ''; told = turn()) later.add(told)
  t.deepEqual([...later], ['a'])
})

test('whoever waits is not read, nor silent, and comes in turn: nobody waits for all that another says', t => {
  const { clock, openAs, turn, heard } = inTheSameTurns()
  const [a, b] = [openAs('a'), openAs('b')]
  a.say(2000)
  t.true(heard.length >= TURN_MESSAGES && heard.length < TURN_MESSAGES + 200, `${heard.length}`)
  t.true(a.state.isPaused)
  b.say(1)
  t.true(b.state.isPaused)
  for (let beat = 0; beat < 3 * SILENT_BEATS; beat++) clock.advance(LIMITS.keepAliveMs)
  t.false(a.state.isClosed || b.state.isClosed)
  t.deepEqual([turn(), turn()], ['a', 'b,a'])
  t.deepEqual([a.state.isPaused, b.state.isPaused], [true, false])
  while (turn() !== '');
  for (let beat = 0; beat <= SILENT_BEATS; beat++) clock.advance(LIMITS.keepAliveMs)
  t.deepEqual(a.state, { isPaused: false, isClosed: true }, 'and is silent when it says nothing')
})
