/** The streams alone: one member, whose memory is its disk, from `propose` to its result. */
import { orThrow } from '../../streams/index.js'
import { startInMemory } from '../cluster/memory.js'
import { COMMANDS, type Layer } from './layer.js'

export const streamsLayer: Layer = {
  name: 'streams',
  does: 'proposed with a promise, inbox, pipeline, machine, result: one member in memory',
  open: async () => {
    const { leader, stop } = await startInMemory({ members: 1 })
    return {
      turn: async () => {
        for (const outcome of await Promise.all(COMMANDS.map(command => leader.propose(command)))) orThrow(outcome)
      },
      close: stop,
    }
  },
}
