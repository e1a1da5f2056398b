/** Programs outside the cluster: the real client, each in a process of its own with its own clock, on the simulated network. */
import { messageOf } from '../../codecs/report.js'
import { connectWith } from '../../client/connect.js'
import type { Client, ConnectError } from '../../client/index.js'
import { type ProposeError, Stopped } from '../../lib/errors.js'
import { isRight, left } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import type { Eventual } from '../../streams/proposer/proposer.js'
import { dialClient } from '../../streams/transport/tcp/dial.js'
import type { Recipe, Surroundings } from './member.js'
import { createDice, seedFor } from './world/dice.js'
import { createLoop, createTimepiece } from './world/loop.js'

export interface Clients<C, R> {
  readonly connect: (name: string, timeoutMs: Millis | undefined) => Eventual<ConnectError, Client<C, R>>
  /** Who has not connected proposes nothing. */
  readonly propose: (name: string, command: C, timeoutMs: Millis | undefined) => Eventual<ProposeError, R>
}

export const createClients = <C, R, S>(
  { machine, addresses, seed, limits }: Recipe<C, R, S>, { agenda, network, judge, stir }: Pick<Surroundings<C, R, S>, 'agenda' | 'network' | 'judge' | 'stir'>,
): Clients<C, R> => {
  const connected = new Map<string, Client<C, R>>()
  return {
    connect: async (name, timeoutMs) => {
      const dice = createDice(seedFor(seed, `process of ${name}`))
      const timepiece = createTimepiece(agenda)
      timepiece.begin(dice.between(0, 1_000_000))
      const loop = createLoop({
        agenda, timepiece, turnMs: () => 0,
        thrown: error => judge.demand(false, () => `${name} threw ${error instanceof Error ? error.stack ?? error.message : messageOf(error)}`),
      })
      const sockets = network.socketsOf(name, loop)
      const outcome = await connectWith<C, R>(
        { clock: loop.clock, random: dice.number, dial: to => dialClient({ ...to, name, sockets }), told: stir.now },
        { cluster: 'simulation', members: addresses, protocol: machine, plaintext: true, limits, ...(timeoutMs !== undefined && { timeoutMs }) },
      )
      if (isRight(outcome)) connected.set(name, outcome.right)
      return outcome
    },
    propose: async (name, command, timeoutMs) => {
      const client = connected.get(name)
      if (client !== undefined) return client.propose(command, timeoutMs === undefined ? {} : { timeoutMs })
      stir.now()
      return left(new Stopped())
    },
  }
}
