/** Bytes from outside, almost right: every decoder answers with a value, and a member goes on serving whoever makes sense. */
import { connect as dial } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { freePort } from '../../cli/demo/ports.js'
import { connect } from '../../client/index.js'
import { clusterIdOf, clusterNameIdOf } from '../../codecs/cluster-id.js'
import { encodeFrame, framed } from '../../codecs/frames.js'
import { VERSIONS, encodeHandshake } from '../../codecs/handshake.js'
import { firstMembership } from '../../lib/membership.js'
import { kv } from '../../benchmarks/cluster/kv.js'
import { createRaft, fileStorage, orThrow, tcpTransport } from '../../streams/index.js'
import { messages } from '../codecs/samples.js'
import { scratch } from '../run.js'
import { fuzz } from './fuzz.js'
import { diceOf, mutant } from './mutate.js'
import { TARGETS } from './targets.js'

test('no decoder throws, and what one accepts it accepts again', t => {
  const { read, accepted } = fuzz(1, 100_000)
  t.deepEqual(Object.keys(read).sort(), Object.keys(TARGETS).sort())
  t.true(Object.values(accepted).reduce((sum, count) => sum + count, 0) > 1_000, 'mutants that everybody refuses at the first byte try nothing')
})

const CONNECTIONS = 400
const AT_ONCE = 8

test('a member on whose port nonsense arrives keeps its memory and serves those who make sense', async t => {
  const port = await freePort()
  const alone = { n1: `127.0.0.1:${port}` }
  const raft = orThrow(await createRaft({
    cluster: 'fuzzed', id: 'n1', members: alone, machine: kv, storage: fileStorage(join(scratch(t), 'n1')), transport: tcpTransport(), electionTimeoutMs: 300, heartbeatMs: 50,
  }))
  t.teardown(() => raft.stop())
  const unhandled: unknown[] = []
  const catcher = (reason: unknown): void => { unhandled.push(reason) }
  process.on('unhandledRejection', catcher)
  t.teardown(() => process.off('unhandledRejection', catcher))

  const hellos = (['member', 'client'] as const).map(role => framed(encodeHandshake({
    type: 'hello', role, versions: VERSIONS, from: 'n2', to: 'n1', incarnation: 'x',
    clusterId: role === 'client' ? clusterNameIdOf('fuzzed') : clusterIdOf('fuzzed', firstMembership(alone)),
  })))
  const sensible = Object.values(messages).map(message => new Uint8Array(Buffer.concat(encodeFrame(message))))
  const talk = (seed: number): Promise<void> => new Promise(resolve => {
    const dice = diceOf(seed)
    const socket = dial(port, '127.0.0.1')
    const hangUp = setTimeout(() => socket.destroy(), 300)
    socket.on('error', () => undefined).on('data', () => undefined).once('close', () => {
      clearTimeout(hangUp)
      resolve()
    })
    if (dice.below(2) === 0) socket.write(dice.one(hellos))
    for (let left = dice.below(6); left >= 0; left--) socket.write(mutant([...hellos, ...sensible], dice))
    if (dice.below(2) === 0) socket.end()
  })
  const arrayBuffers = (): number => process.memoryUsage().arrayBuffers
  const before = arrayBuffers()
  let next = 1
  const talker = async (): Promise<void> => { while (next <= CONNECTIONS) await talk(next++) }
  await Promise.all(Array.from({ length: AT_ONCE }, talker))
  t.true(arrayBuffers() - before < 64 * 2 ** 20, `${arrayBuffers() - before} bytes more`)

  const client = orThrow(await connect({ cluster: 'fuzzed', members: alone, protocol: kv }))
  t.is(orThrow(await client.propose({ key: 'still', value: 'here' }, { timeoutMs: 15_000 })), null)
  await client.close()
  t.deepEqual(unhandled, [])
})
