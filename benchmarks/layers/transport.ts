/** The wire alone: one AppendEntries for each turn over TCP on loopback, and its answer. */
import { filter } from 'rxjs'
import { DEFAULT_ELECTION_TIMEOUT_MS, DEFAULT_LIMITS } from '../../codecs/options.js'
import { isLeft, right } from '../../lib/prelude.js'
import type { MemberId } from '../../lib/types.js'
import { freePort } from '../../cli/demo/ports.js'
import { systemClock } from '../../streams/time/clock.js'
import { type Links, tcpTransport } from '../../streams/index.js'
import { type Layer, batchAt } from './layer.js'

const openLinks = (id: MemberId, members: Record<MemberId, string>): Promise<Links> => new Promise((resolve, reject) => tcpTransport().open({
  id, address: members[id]!, given: members, join: undefined, roll: { addresses: members, isOpen: false }, clusterId: 'b'.repeat(64), clusterNameId: 'bench', incarnation: `${id}-1`, machineVersion: 0, limits: DEFAULT_LIMITS, electionTimeoutMs: DEFAULT_ELECTION_TIMEOUT_MS, clock: systemClock, random: Math.random,
  admit: (_, __, decide) => decide(right(undefined)), isUnproven: () => false,
}, outcome => isLeft(outcome) ? reject(outcome.left) : resolve(outcome.right)))

/** Resolves once the links know each other. */
const linked = (links: Links): Promise<void> => new Promise(resolve => {
  links.events$.pipe(filter(({ type }) => type === 'connected')).subscribe(() => resolve())
})

export const transportLayer: Layer = {
  name: 'transport',
  does: 'an AppendEntries over TCP on loopback and its answer, both ends',
  open: async () => {
    const members = { n1: `127.0.0.1:${await freePort()}`, n2: `127.0.0.1:${await freePort()}` }
    const n2 = await openLinks('n2', members)
    const areLinked = [linked(n2)]
    const n1 = await openLinks('n1', members)
    areLinked.push(linked(n1))
    let answered = (): void => {}
    n2.events$.subscribe(event => {
      if (event.type !== 'received' || event.message.type !== 'appendEntries') return
      const { round, batches } = event.message
      const durable = batches.reduce((sum, { count }) => sum + count, 0)
      n2.send({ type: 'member', id: 'n1' }, [{ type: 'appendAccepted', from: 'n2', to: 'n1', term: 1, verified: durable, durable, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false, round }])
    })
    n1.events$.subscribe(event => { if (event.type === 'received') answered() })
    await Promise.all(areLinked)
    let round = 0
    return {
      turn: () => new Promise<void>(resolve => {
        answered = resolve
        n1.send({ type: 'member', id: 'n2' }, [{
          type: 'appendEntries', from: 'n1', to: 'n2', term: 1, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, asks: false, round: ++round, batches: [batchAt(1)],
        }])
      }),
      close: async () => void await Promise.all([n1, n2].map(links => new Promise<void>(resolve => links.close(resolve)))),
    }
  },
}
