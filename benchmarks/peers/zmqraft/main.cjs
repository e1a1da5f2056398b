#!/usr/bin/env node
// @ts-check
/**
 * zmqraft drives three zmq-raft peers, each a process with its files on disk, from this process by its own client, as its users would: one socket, and
 * as many updates on their way as are in flight.
 *
 *     ZMQ_RAFT=~/zmq-raft zmqraft -clients 1,256 -secs 2 -settle 8000 -dir FOLDER
 *
 * Prints a line of JSON for each number of updates of 128 bytes in flight. Each is measured once so many updates have been made with it, or 20 seconds have passed: as
 * with ours, the compiler has seen the code by then. zmq-raft is looked for in the folder that ZMQ_RAFT names, and what it writes is in FOLDER.
 */
const { fork } = require('node:child_process')
const { createRequire } = require('node:module')
const { createServer } = require('node:net')
const { tmpdir } = require('node:os')
const { join, resolve } = require('node:path')

const VALUE_BYTES = 128
const SETTLE_MOST_MS = 20_000
const LOOK_EVERY_MS = 20
/** Longer than any update takes that is not lost. */
const REQUEST_TIMEOUT_MS = 10_000

/** @param {string} words @returns {never} */
const fail = words => {
  process.stderr.write(`${words}\n`)
  process.exit(2)
}

const loadZmqRaft = () => {
  const folder = process.env.ZMQ_RAFT
  if (folder === undefined) return fail('ZMQ_RAFT names the folder in which zmq-raft is installed: benchmarks/README.md says how')
  try {
    return createRequire(join(resolve(folder), 'main.cjs'))('zmq-raft')
  } catch (error) {
    return fail(`no zmq-raft can be used in ${folder} (ZMQ_RAFT): ${error instanceof Error ? error.message.split('\n')[0] : error}`)
  }
}

/** @param {string} name @param {string} otherwise */
const argument = (name, otherwise) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? otherwise : process.argv[at + 1] ?? fail(`${name} takes a value`)
}

/** @param {string} name @param {string} otherwise */
const numberArgument = (name, otherwise) => {
  const value = Number(argument(name, otherwise))
  return value > 0 ? value : fail(`${name} takes a number above 0`)
}

/** @param {number} ms @returns {Promise<void>} */
const passing = ms => new Promise(passed => { setTimeout(passed, ms) })

/** @returns {Promise<number>} */
const freePort = () => new Promise((found, failed) => {
  const server = createServer()
  server.once('error', failed)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0))
  })
})

/** What a peer's process does. */
const serve = async ({ id, peers, folder, router, broadcast }) => {
  process.once('disconnect', () => process.exit())
  await loadZmqRaft().server.builder.build({
    id, peers, secret: '', data: { path: folder }, router: { bind: router }, broadcast: { url: broadcast, bind: broadcast },
    listeners: { error: error => { console.error(error) }, state: null, config: null, close: null },
  })
  process.send?.('ready')
}

/** Three peers; `fallen` rejects when one of them ends before it is told to. */
const startPeers = async folder => {
  const urls = []
  for (let i = 0; i < 6; i++) urls.push(`tcp://127.0.0.1:${await freePort()}`)
  const peers = [0, 1, 2].map(i => ({ id: `n${i + 1}`, url: urls[i] }))
  const children = peers.map(({ id, url }, i) =>
    fork(__filename, [JSON.stringify({ id, peers, folder: join(folder, id), router: url, broadcast: urls[i + 3] })], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
  const closed = children.map(child => new Promise(told => { child.once('close', told) }))
  const ready = children.map(child => new Promise(told => { child.once('message', told) }))
  let isOver = false
  const fallen = Promise.race(closed).then(() => { if (!isOver) throw new Error('a peer of zmq-raft has ended') })
  fallen.catch(() => undefined)
  return {
    urls: peers.map(({ url }) => url), fallen, ready: Promise.all(ready),
    end: async () => {
      isOver = true
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(closed)
    },
  }
}

/** Keeps so many updates in flight until it is told to end. */
const startWriters = (zmqRaft, client, inFlight) => {
  const value = Buffer.alloc(VALUE_BYTES, 'v')
  let latencies = []
  let made = 0
  let isRunning = true
  const writer = async () => {
    while (isRunning) {
      const began = performance.now()
      await client.requestUpdate(zmqRaft.utils.id.genIdent(), value)
      latencies.push(performance.now() - began)
      made++
    }
  }
  const done = Promise.all(Array.from({ length: inFlight }, writer))
  const take = () => {
    const taken = latencies
    latencies = []
    return taken
  }
  const end = () => {
    isRunning = false
    return done
  }
  return { done, made: () => made, take, end }
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN

const measure = async (zmqRaft, urls, inFlight, { seconds, settle }) => {
  const client = new zmqRaft.client.ZmqRaftClient(urls, { secret: '', highwatermark: inFlight, timeout: REQUEST_TIMEOUT_MS })
  const writers = startWriters(zmqRaft, client, inFlight)
  /** An update that fails ends the writers, and this. */
  const meanwhile = ms => Promise.race([passing(ms), writers.done])
  for (const end = performance.now() + SETTLE_MOST_MS; writers.made() < settle && performance.now() < end;) await meanwhile(LOOK_EVERY_MS)
  writers.take()
  const began = performance.now()
  await meanwhile(seconds * 1000)
  const took = (performance.now() - began) / 1000
  const taken = writers.take().sort((a, b) => a - b)
  await writers.end()
  client.close()
  return { what: 'zmq-raft', clients: inFlight, per_s: taken.length / took, p50_ms: quantile(taken, 0.5), p99_ms: quantile(taken, 0.99), p999_ms: quantile(taken, 0.999) }
}

const main = async () => {
  const zmqRaft = loadZmqRaft()
  const [seconds, settle] = [numberArgument('-secs', '2'), numberArgument('-settle', '8000')]
  const clients = argument('-clients', '1,256').split(',').map(text => Number(text) > 0 ? Number(text) : fail('-clients takes numbers above 0'))
  const peers = await startPeers(argument('-dir', join(tmpdir(), 'zmqraft')))
  const interrupted = () => void peers.end().then(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupted)
  try {
    await Promise.race([peers.ready, peers.fallen])
    for (const inFlight of clients) console.log(JSON.stringify(await Promise.race([measure(zmqRaft, peers.urls, inFlight, { seconds, settle }), peers.fallen])))
  } finally {
    await peers.end()
  }
}

const [, , first = ''] = process.argv
;(process.send !== undefined && first.startsWith('{') ? serve(JSON.parse(first)) : main().then(() => process.exit())).catch(error => {
  console.error(error)
  process.exit(1)
})
