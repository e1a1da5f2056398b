/** What a machine is given and what it answers is shared with everybody who looks: whoever writes to it finds it frozen. */
import { from, tap } from 'rxjs'
import type { MachineFailed } from '../../../lib/errors.js'
import type { Machine, RunningMachine } from '../../../streams/machine/machine.js'

/** Plain data, however deep; what is frozen already was frozen here, or by somebody who wants nobody to write to it. */
const freeze = (value: unknown): void => {
  const left = [value]
  for (let next = left.pop(); next !== undefined || left.length > 0; next = left.pop()) {
    if (typeof next !== 'object' || next === null || Object.isFrozen(next)) continue
    const prototype: unknown = Object.getPrototypeOf(next)
    if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) continue
    Object.freeze(next)
    for (const value of Object.values(next)) left.push(value)
  }
}

const freezeAll = (values: unknown): void => {
  // What is no list is for the member to refuse.
  if (Array.isArray(values)) for (const value of values) freeze(value)
}

const running = <C, R, S>(inner: RunningMachine<C, R, S>): RunningMachine<C, R, S> => ({
  get state() {
    return inner.state
  },
  apply: entries => {
    for (const { command } of entries) freeze(command)
    const answer = inner.apply(entries)
    if (!Array.isArray(answer)) return from(answer).pipe(tap<readonly (R | MachineFailed)[]>(freezeAll))
    answer.forEach(freezeAll)
    return answer
  },
  snapshot: () => inner.snapshot(),
  restore: bytes => inner.restore(bytes),
})

/** The same machine, whose commands and results cannot be written to where they are plain data. */
export const frozen = <C, R, S>(machine: Machine<C, R, S>): Machine<C, R, S> => ({ version: machine.version, command: machine.command, result: machine.result, start: () => running(machine.start()) })
