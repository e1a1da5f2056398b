import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { memoryNetwork, memoryTransport } from '../../streams/transport/memory.js'
import { tcpTransport } from '../../streams/transport/tcp/tcp.js'
import { transportSuite, type TransportWorld } from '../../testing/transport-suite.js'
import { root } from '../run.js'

const pem = (name: string): Buffer => readFileSync(join(root, 'test/fixtures/tls', name))

const worlds: Record<string, () => TransportWorld> = {
  memory: () => {
    const network = memoryNetwork()
    return { transport: () => memoryTransport(network), address: id => id }
  },
  tcp: () => ({ transport: () => tcpTransport(), address: () => '127.0.0.1:0' }),
  tls: () => ({
    transport: id => tcpTransport({ tls: { cert: pem(`${id}.pem`), key: pem(`${id}.key`), ca: pem('ca.pem') } }),
    address: () => '127.0.0.1:0',
  }),
}

for (const [world, make] of Object.entries(worlds)) {
  for (const { name, run } of transportSuite(make)) {
    test.serial(`${world}: ${name}`, async t => {
      await run()
      t.pass()
    })
  }
}
