/** One stream of lines from a member: who is slow, who is silent, and when it is over. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import test from 'ava'
import { command as watch } from '../../cli/watch/command.js'
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

for (const [status, reason] of [[200, /^the answer has more than \d+ bytes in one line$/], [500, /^the answer has more than \d+ bytes$/]] as const) {
  test(`an answer that never ends is cut: ${status}`, async t => {
    const piece = Buffer.alloc(4 * 1024 * 1024, 'x')
    let pieces = 0
    const { port, host } = await serving(t, (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && pieces++ < 40) if (!response.write(piece)) return void response.once('drain', more)
      }
      response.writeHead(status)
      more()
    })
    const end = await follow({ host, port }, 1, () => Promise.resolve(true), 5_000)
    t.regex(end.type === 'cut' ? end.reason : end.type, reason)
    t.true(pieces < 40, String(pieces))
  })
}

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

test.serial('where one log no longer reaches back another is asked, and a gap is told where all of them are as short, or silent', async t => {
  const lines = (...values: readonly object[]): string => values.map(value => `${JSON.stringify(value)}\n`).join('')
  const commit = (index: number) => ({ type: 'commit', index, term: 1, time: 0, command: index })
  const gap = { type: 'restored', index: 7, term: 1, time: 0 }
  const short = await serving(t, (_request, response) => void response.writeHead(200).end(lines({ type: 'watching', from: 1 }, gap, commit(8))))
  const whole = await serving(t, (_request, response) => void response.writeHead(200).end(lines({ type: 'watching', from: 1 }, commit(1), commit(2))))
  const silent = { host: '127.0.0.1', port: 1 }
  const watched = async (count: string, ...members: readonly { readonly host: string; readonly port: number }[]): Promise<readonly (number | string)[]> => {
    const told: string[] = []
    const { write } = process.stdout
    process.stdout.write = (text: string) => told.push(text) > 0
    try {
      t.is(await watch.run(['--at', members.map(({ host, port }) => `${host}:${port}`).join(','), '--from', '1', '--count', count, '--json']), 0)
    } finally {
      process.stdout.write = write
    }
    return told.map(text => JSON.parse(text) as { type: string; index: number }).map(({ type, index }) => type === 'commit' ? index : type)
  }
  t.deepEqual(await watched('2', short, whole), [1, 2])
  t.deepEqual(await watched('2', silent, short, whole), [1, 2])
  t.deepEqual(await watched('1', short, silent, short), ['restored', 8])
  t.deepEqual(await watched('1', short), ['restored', 8])
})
