/** A member that joins over mutual TLS: it is let in by the name in its certificate, learns and votes, and nobody passes for another meanwhile. */
import test from 'ava'
import { filter, firstValueFrom } from 'rxjs'
import { freePort } from '../../../cli/demo/ports.js'
import { clusterIdOf } from '../../../codecs/cluster-id.js'
import { firstMembership } from '../../../lib/membership.js'
import { type Diagnostic, type Raft, createRaft, memoryStorage, orThrow, tcpTransport } from '../../../streams/index.js'
import { type Add, counter } from '../member/world.js'
import { dialTls, hello, material } from './wire.js'

type Counter = Raft<Add, number, number>

/** The fourth name for which the authority of the fixtures vouches. */
const NEWCOMER = 'n4'

const freeAddress = async (): Promise<string> => `127.0.0.1:${await freePort()}`

/** That somebody is refused for his certificate; others may be for being no member yet. */
const refusal = (raft: Counter): Promise<Diagnostic> =>
  firstValueFrom(raft.diagnostics$.pipe(filter(notice => notice.type === 'handshakeRefused' && notice.reason.includes('certificate'))))

test('over TLS a newcomer learns, decides and votes, and whoever shows another name is no member, before it is added and after', async t => {
  const addresses = { n1: await freeAddress(), n2: await freeAddress(), n3: await freeAddress(), [NEWCOMER]: await freeAddress() }
  const { [NEWCOMER]: place, ...members } = addresses
  const start = async (id: string, join?: string): Promise<Counter> => {
    const raft = orThrow(await createRaft({
      cluster: 'joining', id, members, machine: counter, storage: memoryStorage(), transport: tcpTransport({ tls: material(id) }),
      electionTimeoutMs: 300, heartbeatMs: 50, ...(join !== undefined && { join }),
    }))
    t.teardown(() => raft.stop())
    return raft
  }
  /** Someone with a certificate of the same authority, and of another name, says to `to` that it is `from`. */
  const pretend = async (from: string, to: keyof typeof addresses, raft: Counter): Promise<void> => {
    const refused = refusal(raft)
    const end = dialTls(addresses[to], material('n3'))
    await end.opened
    end.socket.write(hello({ clusterId: clusterIdOf('joining', firstMembership(members)), from, to, incarnation: 'of-a-stranger' }))
    t.like(await refused, { reason: `the certificate does not name ${from}` })
    await end.closed
  }

  const n1 = await start('n1')
  await start('n2')
  const n3 = await start('n3')
  t.is(orThrow(await n1.propose({ add: 5 })), 5)

  const newcomer = await start(NEWCOMER, place)
  // Until it belongs to the cluster it lets in whoever does, and its log does not name them yet.
  await pretend('n1', NEWCOMER, newcomer)
  t.deepEqual(orThrow(await n1.members.add(NEWCOMER, place)).voters, ['n1', 'n2', 'n3', NEWCOMER])
  t.is(orThrow(await newcomer.read(total => total)), 5)
  await pretend(NEWCOMER, 'n1', n1)

  // Three of four decide, so nothing is committed and nobody elected without the newcomer.
  await n3.stop()
  t.is(orThrow(await newcomer.propose({ add: 1 })), 6)
  const { term } = await firstValueFrom(n1.status$)
  orThrow(await n1.transferLeadership())
  t.is(orThrow(await n1.propose({ add: 1 })), 7)
  t.true((await firstValueFrom(newcomer.status$)).term > term)
})
