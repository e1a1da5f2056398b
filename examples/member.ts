// node member.js n1 8001 (then n2 8002, n3 8003): one member of a key-value store, with TCP, disk and HTTP.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import * as t from 'io-ts'
import { createRaft, fileStorage, orThrow, reducerMachine, tcpTransport } from 'rxraft'

const [id = 'n1', port = '8001'] = process.argv.slice(2)

type Pairs = Readonly<Record<string, string>>
const valueOf = (state: Pairs, key: string): string | null => Object.hasOwn(state, key) ? state[key]! : null // every object has a 'constructor', of its own or not

export const kv = reducerMachine({
  command: t.strict({ key: t.string, value: t.string }), result: t.union([t.string, t.null]),
  state: t.readonly(t.record(t.string, t.string)), initial: {},
  reduce: (state, { key, value }) => [{ ...state, [key]: value }, valueOf(state, key)], // answers with what was there before
})

export const raft = orThrow(await createRaft({
  cluster: 'orders', id, machine: kv,
  members: { n1: '127.0.0.1:7001', n2: '127.0.0.1:7002', n3: '127.0.0.1:7003' },
  transport: tcpTransport(), // loopback; further needs { listen, tls }
  storage: fileStorage(`data/${id}`),
}))

const server = createServer(async (request, response) => { // any member: followers forward
  const key = request.url ?? '/'
  if (request.method === 'GET') {
    const found = await raft.read(state => valueOf(state, key)) // all that was acknowledged anywhere before is in it
    return found._tag === 'Right' ? response.end(found.right) : response.writeHead(503).end(found.left.message)
  }
  const outcome = await raft.propose({ key, value: await text(request) })
  if (outcome._tag === 'Right') return response.end(outcome.right)
  const { message, appended } = outcome.left // appended: 'never' | 'unknown' | 'yes'
  response.writeHead(appended === 'never' ? 503 : 504).end(message)
}).listen(Number(port), '127.0.0.1')

raft.ended$.subscribe(end => {
  server.close()
  process.exitCode = end._tag === 'Failed' ? 1 : 0
})
process.once('SIGTERM', () => raft.stop())
