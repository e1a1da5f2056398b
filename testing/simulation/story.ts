import { type Fault, tellFault } from './faults/fault.js'
import type { MemberId, Millis } from '../../lib/types.js'
import type { Rest } from './recovery.js'
import { told } from './watch/told.js'
import type { Violation } from './watch/violation.js'

/** Where a command is proposed: in a member's own process, or in that of a client. */
export type Place = { readonly member: MemberId } | { readonly through: string }

/** Whatever was done to a cluster from outside. */
export type Act<C, S> =
  | { readonly type: 'fault'; readonly fault: Fault }
  | { readonly type: 'propose'; readonly client: string; readonly at: Place; readonly command: C; readonly timeoutMs: Millis | undefined }
  | { readonly type: 'read'; readonly client: string; readonly at: MemberId; readonly select: (state: S) => unknown; readonly timeoutMs: Millis | undefined }
  | { readonly type: 'connect'; readonly client: string; readonly timeoutMs: Millis | undefined }
  | { readonly type: 'recover'; readonly rest: Rest }
  | { readonly type: 'calm'; readonly ms: Millis }
  | { readonly type: 'check' }

export interface Scene<C, S> {
  readonly at: Millis
  readonly act: Act<C, S>
}

const rest = ({ down = [], links = [] }: Rest): string => [...down.map(id => `, but ${id} stays down`), ...links.map(link => `, but ${link} stays cut`)].join('')

const tellAct = <C, S>(act: Act<C, S>): string => {
  switch (act.type) {
    case 'fault': return tellFault(act.fault)
    case 'propose': return `${act.client} proposes ${told(act.command)} ${'member' in act.at ? `at ${act.at.member}` : `through ${act.at.through}`}`
    case 'read': return `${act.client} reads at ${act.at}`
    case 'connect': return `${act.client} connects`
    case 'recover': return `all faults end${rest(act.rest)}`
    case 'calm': return `nobody should be elected for ${act.ms} ms`
    case 'check': return 'the history is held against the log'
  }
}

/** A cluster broke a promise. The message has the seed and the shortest story that was found to end the same way, or all that was done where a wait was in vain. */
export class SimulationFailed extends Error {
  override readonly name = 'SimulationFailed'
  constructor(
    readonly seed: number,
    /** What was broken. */
    readonly claim: string,
    /** When, in virtual time. */
    readonly at: Millis,
    /** What was done to the cluster, in order. */
    readonly story: readonly string[],
  ) {
    super([`${claim}`, `  seed ${seed}, after ${at.toFixed(0)} ms of virtual time; the story:`, ...story.map(line => `  ${line}`)].join('\n'))
  }
}

/** Longer lines say little more. */
const LINE = 160

export const tell = <C, S>(scenes: readonly Scene<C, S>[]): readonly string[] =>
  scenes.map(({ at, act }) => `${at.toFixed(1).padStart(9)} ms  ${tellAct(act)}`).map(line => line.length > LINE ? `${line.slice(0, LINE)} …` : line)

/** The kind of a claim: what remains of it without names and numbers. */
const kindOf = (claim: string): string => claim.split('\n')[0]!.replace(/n\d+/g, 'n').replace(/\d+/g, '#').slice(0, 40)

/** Leaves out, with so many replays and as long as the same kind of violation remains, ever smaller parts of what was done. */
export const shorten = async <C, S>(
  scenes: readonly Scene<C, S>[], violation: Violation, replays: number, replay: (scenes: readonly Scene<C, S>[], until: Millis) => Promise<Violation | undefined>,
): Promise<{ readonly scenes: readonly Scene<C, S>[]; readonly violation: Violation }> => {
  let best = { scenes: scenes.filter(({ at }) => at <= violation.at), violation }
  let spent = 0
  const attempt = async (shorter: readonly Scene<C, S>[]): Promise<boolean> => {
    spent++
    const found = await replay(shorter, best.violation.at)
    if (found === undefined || kindOf(found.claim) !== kindOf(violation.claim)) return false
    best = { scenes: shorter.filter(({ at }) => at <= found.at), violation: found }
    return true
  }
  for (let parts = 2; spent < replays && best.scenes.length > 0;) {
    const size = Math.ceil(best.scenes.length / parts)
    let isShorter = false
    for (let from = 0; from < best.scenes.length && spent < replays;) {
      const shorter = [...best.scenes.slice(0, from), ...best.scenes.slice(from + size)]
      if (await attempt(shorter)) isShorter = true
      else from += size
    }
    if (size === 1 && !isShorter) break
    parts = isShorter ? Math.max(2, Math.min(parts, best.scenes.length)) : parts * 2
  }
  return best
}
