/** One stream of lines from a member: who is slow, who is silent, and when it is over. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import test from 'ava'
import { type StreamEnd, follow } from '../../cli/watch/follow.js'
import { serving } from './serving.js'

const SILENCE_MS = 1_000
const TO_FILL_BUFFERS = 'x'.repeat(100_000)
const lineOf = (n: number): string => `${JSON.stringify({ n, more: TO_FILL_BUFFERS })}\n`

test('whoever takes the lines slowly has them once each, and hears of no silence', async t => {
  const COUNT = 200
  const text = Buffer.from(Array.from({ length: COUNT }, (_, n) => lineOf(n)).join(''))
  const { port, host } = await serving(t, (_request, response) => void response.writeHead(200).end(text))
  const silent = await serving(t, () => undefined)
  const told: unknown[] = []
  let ended: StreamEnd | undefined
  const following = follow({ host, port }, 1, async ({ value }) => {
    t.is(ended, undefined, 'nothing is told behind the end')
    // As long as it takes to notice that another member is silent, twice.
    if (value['n'] === 0) for (let i = 0; i < 2; i++) t.deepEqual(await follow(silent, 1, () => Promise.resolve(true), SILENCE_MS), { type: 'cut', reason: `nothing was heard for ${SILENCE_MS} ms` })
    told.push(value['n'])
    return true
  }, SILENCE_MS)
  ended = await following
  t.deepEqual(ended, { type: 'cut', reason: 'the member ended the stream' })
  t.deepEqual(told, Array.from({ length: COUNT }, (_, n) => n))
})

test('it is over only when the line under way is done with, however the member went away', async t => {
  let cut: (() => void) | undefined
  const { port, host } = await serving(t, (_request, response: ServerResponse) => {
    response.writeHead(200).write(lineOf(0) + lineOf(1) + lineOf(2))
    cut = () => response.destroy()
  })
  let isBusy = false
  const end = await follow({ host, port }, 1, async ({ value }) => {
    isBusy = true
    if (value['n'] === 1) {
      const silent = await serving(t, () => cut?.())
      await follow(silent, 1, () => Promise.resolve(true), SILENCE_MS)
    }
    isBusy = false
    return true
  }, 10_000)
  t.false(isBusy)
  t.deepEqual(end, { type: 'cut', reason: 'the connection was cut' })
})

test('a member that falls silent behind some lines is taken for gone, and enough is enough', async t => {
  const closed: Promise<unknown>[] = []
  const { port, host } = await serving(t, (_request, response) => {
    closed.push(once(response, 'close'))
    response.writeHead(200).write(lineOf(0) + lineOf(1))
  })
  t.deepEqual(await follow({ host, port }, 1, () => Promise.resolve(true), SILENCE_MS), { type: 'cut', reason: `nothing was heard for ${SILENCE_MS} ms` })
  t.deepEqual(await follow({ host, port }, 1, ({ value }) => Promise.resolve(value['n'] !== 0), SILENCE_MS), { type: 'enough' })
  await t.throwsAsync(follow({ host, port }, 1, () => Promise.reject(new Error('no room')), SILENCE_MS), { message: 'no room' })
  await Promise.all(closed)
  t.is(closed.length, 3)
})
