/** The wires of a run: what they are told to do to a connection, they do. */
import { once } from 'node:events'
import { type Socket, connect, createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { OPEN, type Proxy, createProxy } from './cluster/proxy.js'

/** A proxy before a server that sends back what it gets. */
const echo = async (t: ExecutionContext): Promise<Proxy> => {
  const server = createServer(socket => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const proxy = await createProxy(() => port)
  t.teardown(() => {
    proxy.close()
    server.close()
  })
  return proxy
}
const dial = (t: ExecutionContext, { port }: Proxy): Socket => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => void socket.destroy())
  return socket
}
const closed = (socket: Socket): Promise<void> => new Promise(resolve => socket.once('close', () => resolve()))
const answer = async (socket: Socket): Promise<string> => String((await once(socket, 'data') as [Buffer])[0])

test('passes on, both ways', async t => {
  const socket = dial(t, await echo(t))
  socket.write('hello')
  t.is(await answer(socket), 'hello')
})

test('what is held arrives when it is not held any more, in its order', async t => {
  const proxy = await echo(t)
  const socket = dial(t, proxy)
  socket.write('a')
  t.is(await answer(socket), 'a')
  let heard = ''
  socket.on('data', (bytes: Buffer) => { heard += String(bytes) })
  for (const way of ['there', 'back'] as const) {
    const held = { ...OPEN, isHeld: true }
    proxy.set(way === 'there' ? held : OPEN, way === 'back' ? held : OPEN)
    t.false(proxy.isClear())
    // What comes by another connection has come round by then, and what is held has not.
    const other = await echo(t)
    const witness = dial(t, other)
    socket.write('b')
    witness.write('x')
    await answer(witness)
    t.is(heard, '')
    socket.write('c')
    proxy.set(OPEN, OPEN)
    while (heard.length < 2) await once(socket, 'data')
    t.is(heard, 'bc')
    heard = ''
  }
  t.true(proxy.isClear())
})

test('slow and narrow ways bring everything, later', async t => {
  const proxy = await echo(t)
  const began = performance.now()
  proxy.set({ ...OPEN, delayMs: 30 }, { ...OPEN, bytesPerSecond: 1000 })
  const socket = dial(t, proxy)
  let heard = ''
  socket.on('data', (bytes: Buffer) => { heard += String(bytes) })
  socket.write('x'.repeat(20))
  while (heard.length < 20) await once(socket, 'data')
  socket.write('y')
  while (heard.length < 21) await once(socket, 'data')
  t.true(performance.now() - began >= 60, 'two delays and twenty bytes at a thousand a second')
})

test('cut: what there is is reset, and nobody gets in until it is over', async t => {
  const proxy = await echo(t)
  const socket = dial(t, proxy)
  socket.write('a')
  await answer(socket)
  proxy.cut(true)
  await closed(socket)
  const refused = dial(t, proxy)
  await closed(refused)
  proxy.cut(false)
  const again = dial(t, proxy)
  again.write('b')
  t.is(await answer(again), 'b')
  proxy.reset(() => false)
  again.write('c')
  t.is(await answer(again), 'c')
  proxy.reset(() => true)
  await closed(again)
  t.pass()
})
