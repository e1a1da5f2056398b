/** Every command that anybody proposed, in whatever way: it is encoded where it is handed over, and nowhere else. */
import type { Machine } from '../../../streams/machine/machine.js'

export interface Proposed {
  /** The same machine, whose commands are listened to. */
  readonly watch: <C, R, S>(machine: Machine<C, R, S>) => Machine<C, R, S>
  /** What its codec made of each. */
  readonly all: () => readonly unknown[]
}

export const createProposed = (): Proposed => {
  const all: unknown[] = []
  return {
    all: () => all,
    watch: <C, R, S>(machine: Machine<C, R, S>): Machine<C, R, S> => {
      const { command, result } = machine
      const encode = (value: C): unknown => {
        const encoded = command.encode(value)
        all.push(encoded)
        return encoded
      }
      return { version: machine.version, command: Object.create(command, { encode: { value: encode } }) as typeof command, result, start: () => machine.start() }
    },
  }
}
