// node member.js n1 8001 8601 (then n2 8002 8602, n3 8003 8603): one member of a key-value store, with TCP, disk and HTTP.
import { type IncomingMessage, createServer } from 'node:http'
import * as t from 'io-ts'
import { createRaft, fileStorage, orThrow, reducerMachine, tcpTransport } from 'rxraft'
import { controlServer } from 'rxraft/control'

const [id = 'n1', port = '8001', control = '8601', join] = process.argv.slice(2)
const MAX_CHARACTERS = 64 * 1024

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
  join, // its address, where it has yet to be added
}))
orThrow(await controlServer(raft, { cluster: 'orders', machine: kv, listen: `127.0.0.1:${control}` })) // for npx rxraft, probes and Prometheus

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) if (body.length <= MAX_CHARACTERS) body += piece // whoever sends more is heard out, and nothing is kept
  return body
}

const server = createServer(async (request, response) => { // any member: followers forward
  const key = request.url ?? '/'
  if (request.method !== 'POST') {
    const found = await raft.read(state => valueOf(state, key)) // all that was acknowledged anywhere before is in it
    return found._tag === 'Right' ? response.end(found.right) : response.writeHead(503).end(found.left.message)
  }
  const value = await bodyOf(request).catch(() => undefined)
  if (value === undefined) return response.destroy() // whoever sent it has gone
  if (value.length > MAX_CHARACTERS) return response.writeHead(413).end(`more than ${MAX_CHARACTERS} characters`)
  const outcome = await raft.propose({ key, value })
  if (outcome._tag === 'Right') return response.end(outcome.right)
  const { message, appended } = outcome.left // appended: 'never' | 'unknown' | 'yes'
  response.writeHead(appended === 'never' ? 503 : 504).end(message)
}).listen(Number(port), '127.0.0.1', () => console.log(`${id} is up at http://127.0.0.1:${port}`))

raft.diagnostics$.subscribe(({ severity, ...what }) => { if (severity !== 'info') console.warn(severity, what) })
raft.ended$.subscribe(end => {
  server.close()
  if (end._tag === 'Stopped') return
  console.error(end.error.message)
  process.exitCode = 1
})
process.once('SIGTERM', () => raft.stop())
