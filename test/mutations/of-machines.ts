/** Mistakes with a machine: what is made of its state, and what is shown of it. */
import type { Mutation } from './mutation.js'

const MACHINE = 'test/streams/machine'

export const MACHINE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'how deep a function could go here becomes the result of a command', file: 'streams/machine/reducer-machine.ts', killer: [`${MACHINE}/exhaustion.test.ts`, 'want of stack*'],
    unseen: 'machines of the seeds do not go deep',
    from: '      if (isExhaustion(thrown)) throw thrown\n', to: '',
  },
  {
    name: 'all machines leave the same command out', file: 'streams/machine/apply.ts', seed: 1, killer: ['test/simulation/watched.test.ts', 'members that do as they should*'],
    from: "if (batch.kind !== 'command') {", to: "if (batch.kind !== 'command' || batch.firstIndex % 7 === 4 && batch.count === 1) {",
  },
  {
    name: 'the log is cut behind a state that cannot be read again', file: 'streams/machine/reducer-machine.ts', killer: [`${MACHINE}/state-bytes.test.ts`, 'a state that would not*'],
    unseen: 'states of the seeds are what JSON can say',
    from: 'if (fault !== undefined) throw new Error(fault)', to: 'void fault',
  },
  {
    name: 'what was answered late is told when the machine is at work again', file: 'streams/machine/apply.ts', killer: [`${MACHINE}/restore.test.ts`, 'what was answered late*'],
    unseen: 'machines of the seeds answer at once',
    from: '    rest(work, bytes)\n    report(work)\n', to: '    rest(work, bytes)\n',
  },
  {
    name: 'a machine that failed halfway is shown', file: 'streams/machine/apply.ts', killer: [`${MACHINE}/restore.test.ts`, 'after the end the machine is seen*'],
    unseen: 'machines of the seeds do not fail',
    from: 'if (isLeft(results)) return fail(work, batch.firstIndex, results.left)', to: 'work.isCalling = false\n    if (isLeft(results)) return fail(work, batch.firstIndex, results.left)',
  },
  {
    name: 'what goes wrong behind a late answer goes on without the member', file: 'streams/machine/apply.ts', killer: [`${MACHINE}/restore.test.ts`, 'whatever is thrown*'],
    unseen: 'machines of the seeds answer at once',
    from: '    fail(work, work.at.index + 1, thrown)\n', to: '    void thrown\n',
  },
  {
    name: 'a state is shown while the machine changes it', file: 'streams/machine/run-machine.ts', killer: ['test/streams/outputs/state.test.ts', 'state$ shows a state*'],
    unseen: 'machines of the seeds answer at once',
    from: 'look: see => apply.atRest(({ index, term, time }) => {', to: 'look: see => [operation.from].forEach(({ index, term, time }) => {',
  },
]
