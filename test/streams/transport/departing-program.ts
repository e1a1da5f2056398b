/** A program of its own: a member's transport, and nothing else, until it is killed. Tells where it listens. */
import { right } from '../../../lib/prelude.js'
import { orThrow } from '../../../streams/or-throw.js'
import { systemClock } from '../../../streams/time/clock.js'
import type { Endpoint } from '../../../streams/transport/port.js'
import { tcpTransport } from '../../../streams/transport/tcp/tcp.js'

/** The endpoint as far as it can be written down. */
export type Departing = Pick<Endpoint, 'id' | 'clusterId' | 'clusterNameId' | 'incarnation' | 'address' | 'roll' | 'limits'>

if (process.send !== undefined) {
  const departing = JSON.parse(process.argv[2]!) as Departing
  tcpTransport().open({ ...departing, machineVersion: 0, given: {}, join: undefined, admit: (_, __, decide) => decide(right(undefined)), isUnproven: () => false, electionTimeoutMs: 1_000, clock: systemClock, random: Math.random }, outcome => {
    process.send!(orThrow(outcome).address)
  })
}
