/** What members are given to do: a machine, and its n-th command. */
import * as t from 'io-ts'
import { type Machine, reducerMachine } from '../../streams/index.js'
import { VALUE_BYTES, keyOf, kv } from './kv.js'

export interface Workload<C, S> {
  readonly machine: Machine<C, null, S>
  commandAt(n: number): C
}

/** Keys and values as JSON: what most users have. */
export const pairs: Workload<{ key: string; value: string }, ReadonlyMap<string, string>> = {
  machine: kv,
  commandAt: n => ({ key: keyOf(n), value: 'v'.repeat(VALUE_BYTES) }),
}

/** Commands are bytes and stay bytes: no text is made or read on the way. */
const Bytes = new t.Type<Uint8Array, Uint8Array, unknown>(
  'Bytes', (u): u is Uint8Array => u instanceof Uint8Array, (u, context) => u instanceof Uint8Array ? t.success(u) : t.failure(u, context), u => u)

const COMMAND_BYTES = 128

/** The same command again and again, which is counted: what a member costs by itself. */
export const COMMAND = new Uint8Array(COMMAND_BYTES).fill(1)

export const counted: Workload<Uint8Array, number> = {
  machine: reducerMachine({ command: Bytes, result: t.null, state: t.number, initial: 0, reduce: count => [count + 1, null] }),
  commandAt: () => COMMAND,
}

export const WORKLOADS = { pairs, counted }
