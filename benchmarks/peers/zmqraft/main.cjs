#!/usr/bin/env node
/**
 * zmqraft drives three zmq-raft peers, each a process with its files on disk, from this process by its own client. zmq-raft is looked for in the folder that ZMQ_RAFT names.
 *
 *     ZMQ_RAFT=~/zmq-raft zmqraft -clients 1,256 -secs 2      so many updates of 128 bytes in flight; a line of JSON for each number
 */
const { fork } = require('node:child_process')
const { mkdtempSync, rmSync } = require('node:fs')
const { createRequire } = require('node:module')
const { createServer } = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const VALUE_BYTES = 128
const WARM_MS = 2000
const ELECTION_MS = 1500
const REQUEST_TIMEOUT_MS = 10_000

const zmqRaft = createRequire(join(process.env.ZMQ_RAFT ?? process.cwd(), 'main.cjs'))('zmq-raft')

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

const serve = async ({ id, peers, folder, router, broadcast }) => {
  await zmqRaft.server.builder.build({
    id, peers, secret: '', data: { path: folder }, router: { bind: router }, broadcast: { url: broadcast, bind: broadcast },
    listeners: { error: error => { console.error(error) }, state: null, config: null, close: null },
  })
  process.send('ready')
  process.once('disconnect', () => process.exit())
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN

/** Keeps so many updates in flight until it is told to end. */
const startWriters = (client, inFlight) => {
  const { genIdent } = zmqRaft.utils.id
  const value = Buffer.alloc(VALUE_BYTES, 'v')
  let latencies = []
  let isRunning = true
  const writer = async () => {
    while (isRunning) {
      const began = performance.now()
      await client.requestUpdate(genIdent(), value)
      latencies.push(performance.now() - began)
    }
  }
  const writers = Promise.all(Array.from({ length: inFlight }, writer))
  return {
    take: () => {
      const taken = latencies
      latencies = []
      return taken
    },
    end: () => {
      isRunning = false
      return writers
    },
  }
}

const passing = ms => new Promise(resolve => setTimeout(resolve, ms))

const measure = async (urls, inFlight, seconds) => {
  const client = new zmqRaft.client.ZmqRaftClient(urls, { secret: '', highwatermark: inFlight, timeout: REQUEST_TIMEOUT_MS })
  const writers = startWriters(client, inFlight)
  await passing(WARM_MS)
  writers.take()
  const began = performance.now()
  await passing(seconds * 1000)
  const took = (performance.now() - began) / 1000
  const taken = writers.take().sort((a, b) => a - b)
  await writers.end()
  client.close()
  return { what: 'zmq-raft', clients: inFlight, per_s: taken.length / took, p50_ms: quantile(taken, 0.5), p99_ms: quantile(taken, 0.99), p999_ms: quantile(taken, 0.999) }
}

const argument = (name, fallback) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? fallback : process.argv[at + 1]
}

const main = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zmqraft-'))
  const urls = []
  for (let i = 0; i < 6; i++) urls.push(`tcp://127.0.0.1:${await freePort()}`)
  const peers = [0, 1, 2].map(i => ({ id: `n${i + 1}`, url: urls[i] }))
  const children = peers.map(({ id, url }, i) => fork(__filename, [JSON.stringify({ id, peers, folder: join(folder, id), router: url, broadcast: urls[i + 3] })], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
  try {
    await Promise.all(children.map(child => new Promise((resolve, reject) => {
      child.once('message', resolve)
      child.once('close', code => reject(new Error(`a peer ended with code ${code}`)))
    })))
    await passing(ELECTION_MS)
    for (const inFlight of argument('-clients', '1,256').split(',').map(Number)) {
      console.log(JSON.stringify(await measure(peers.map(({ url }) => url), inFlight, Number(argument('-secs', '2')))))
    }
  } finally {
    await Promise.all(children.map(child => new Promise(resolve => {
      if (child.exitCode !== null) return resolve()
      child.once('close', resolve)
      child.kill('SIGKILL')
    })))
    rmSync(folder, { recursive: true, force: true })
  }
}

const isPeer = process.send !== undefined && (process.argv[2] ?? '').startsWith('{')
;(isPeer ? serve(JSON.parse(process.argv[2])) : main().then(() => process.exit())).catch(error => {
  console.error(error)
  process.exit(1)
})
