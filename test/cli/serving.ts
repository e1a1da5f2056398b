/** An endpoint that answers as a test likes, until it ends. */
import { once } from 'node:events'
import { type RequestListener, createServer } from 'node:http'
import type { ExecutionContext } from 'ava'

export const serving = async (t: ExecutionContext, listener: RequestListener): Promise<{ readonly host: string; readonly port: number }> => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { host: '127.0.0.1', port: (server.address() as { port: number }).port }
}
