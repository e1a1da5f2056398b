import type { EntryBody, Index } from '../../lib/types.js'

/**
 * Commands of bodies that were read when they were let in, and that this member has not applied yet: a leader need not read them again. One map
 * per member, as the machines of one process must not share what they are given.
 */
export type DecodedCommands<C> = Pick<WeakMap<EntryBody, readonly C[]>, 'get' | 'set' | 'delete'>

/** For one member. What is never applied is forgotten with its body. */
export const createDecodedCommands = <C>(): DecodedCommands<C> => new WeakMap()

/** Whoever let the command in could read it: its codec was wider. */
export const undecodable = (index: Index, fault: string): Error =>
  new Error(`the command at index ${index} does not decode with this member's codec: it may come from a newer version of the machine (upgrade this member), or the codec was narrowed: ${fault}`)
