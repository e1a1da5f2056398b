/**
 * How large numbers may be. Whatever is written can be read again, and what a peer says leaves room for all that follows from it: so nobody makes a member write what it
 * refuses at its next start.
 */
import type { Index, Millis, Term } from './types.js'

/** The largest position, term or count that anything carries: adding small numbers to it stays exact. */
export const MAX_POSITION = 2 ** 53 - 2 ** 20
/** The latest time of an entry: the last that a Date knows. What is appended after it has the same. */
export const MAX_TIME: Millis = 8.64e15
/** Up to here, and a leap further, a peer may name any term, and send a snapshot of any index. */
export const MAX_HEARD = MAX_POSITION / 2
/** How far it may be ahead of this member beyond that: more than anybody can miss, and so little that one who lies would have to do so a million times. */
const LEAP = 2 ** 32

export const isPosition = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_POSITION

export const isTime = (value: unknown): value is Millis => typeof value === 'number' && value >= 0 && value <= MAX_TIME

/** The furthest that a member that stands at `known` may go on from at once, with all its life before it: what follows from any term or index up to `MAX_HEARD` included. */
export const reachFrom = (known: Term | Index): Term | Index => Math.max(known, MAX_HEARD) + LEAP
