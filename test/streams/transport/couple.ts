/** Two members that dial each other in virtual time. */
import type { MemberId } from '../../../lib/types.js'
import { right } from '../../../lib/prelude.js'
import { orThrow } from '../../../streams/or-throw.js'
import type { LinkLimits, Links, Roll, TransportEvent } from '../../../streams/transport/port.js'
import { socketTransport } from '../../../streams/transport/tcp/tcp.js'
import { createAgenda } from '../../../testing/simulation/world/agenda.js'
import { createDice } from '../../../testing/simulation/world/dice.js'
import { createLoop, createTimepiece } from '../../../testing/simulation/world/loop.js'
import { createNetwork } from '../../../testing/simulation/world/network.js'
import { isAbout } from '../../../testing/watch.js'
import { CLUSTER, CLUSTER_NAME, LIMITS } from './wire.js'

export const ADDRESSES: Readonly<Record<MemberId, string>> = { n1: '10.0.0.1:7000', n2: '10.0.0.2:7000' }
/** Where a machine was that is no more. */
export const AWAY = '10.0.0.9:7000'
/** No wait is longer than a few ways from one to the other, so that everything happens at once. */
export const HASTY: LinkLimits = { ...LIMITS, reconnectMinMs: 1, reconnectMaxMs: 4, keepAliveMs: 50, handshakeTimeoutMs: 100 }

/** Two members on a network that takes about 1 ms from one to the other, in virtual time. */
export const couple = (seed: number, rolls: Readonly<Record<'n1' | 'n2', Roll>>, limits = HASTY) => {
  const agenda = createAgenda()
  const network = createNetwork({ agenda, seed, addresses: { ...ADDRESSES, away: AWAY } })
  const dice = createDice(seed)
  const run = (ms: number): void => { for (const end = agenda.now() + ms; agenda.next(end);); }
  const at = (id: 'n1' | 'n2') => {
    const timepiece = createTimepiece(agenda)
    const loop = createLoop({ agenda, timepiece, turnMs: () => 0, thrown: error => { throw error } })
    const events: TransportEvent[] = []
    let links: Links | undefined
    socketTransport(network.socketsOf(id, loop), { plaintext: true }).open({
      clusterId: CLUSTER, clusterNameId: CLUSTER_NAME, id, incarnation: `${id}-1`, machineVersion: 0, address: ADDRESSES[id]!, given: ADDRESSES, join: undefined, roll: rolls[id], limits, electionTimeoutMs: 1_000, clock: loop.clock, random: dice.number,
      // As long as it takes to write down who came.
      admit: (_, __, decide) => void agenda.after(dice.exponential(1), () => decide(right(undefined))), isUnproven: () => false,
    }, outcome => {
      links = orThrow(outcome)
      links.events$.subscribe(event => events.push(event))
    })
    return { id, clock: loop.clock, events, links: () => links!, others: () => events.filter(isAbout('connected', id === 'n1' ? 'n2' : 'n1')).length }
  }
  const n1 = at('n1')
  run(dice.between(0, 8))
  const n2 = at('n2')
  return { n1, n2, network, dice, run }
}
