/** Mistakes with a machine: what is made of its state, and what is shown of it. */
import type { Mutation } from './mutation.js'

const MACHINE = 'test/streams/machine'

export const MACHINE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the log is cut behind a state that cannot be read again', file: 'streams/machine/state-bytes.ts', killer: [`${MACHINE}/state-bytes.test.ts`, 'a state that would not*'],
    unseen: 'states of the seeds are what JSON can say',
    from: 'const read = decodeState(codec, encoded.right)', to: 'const read = right(state)',
  },
]
