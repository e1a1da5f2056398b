import type { Machine, RunningMachine } from '../streams/machine/machine.js'

/** The machine, with some of what a running one does replaced. */
export const around = <C, R, S>(
  machine: Machine<C, R, S>, replaced: (running: RunningMachine<C, R, S>) => Partial<Omit<RunningMachine<C, R, S>, 'state'>>,
): Machine<C, R, S> => ({
  ...machine,
  start: () => {
    const running = machine.start()
    return {
      get state() {
        return running.state
      },
      apply: entries => running.apply(entries),
      snapshot: () => running.snapshot(),
      restore: bytes => running.restore(bytes),
      ...replaced(running),
    }
  },
})
