/**
 * Reads from their origin to the state that they see: this member's own ask whoever leads, and what reaches this member, from its own reader or over
 * links, is asked of the core.
 */
import { type CheckedOptions, DEFAULT_PROPOSE_TIMEOUT_MS } from '../../codecs/options.js'
import type { ReadAnswer } from '../../lib/events.js'
import type { ReadIndexRequest } from '../../lib/requests.js'
import type { RequestId } from '../../lib/types.js'
import type { LeaderPlace, LinkLife, Linked } from '../transport/linked.js'
import type { Links } from '../transport/port.js'
import type { Sender } from '../transport/send.js'
import { createDesk } from './desk.js'
import { type ReadRoute, type Reader, type ReaderOptions, createReader } from './reader.js'

interface ReadsOptions<S> extends Pick<ReaderOptions<S>, 'clock' | 'machine' | 'atRest'> {
  readonly options: CheckedOptions
  readonly links: Pick<Links, 'send'>
  readonly linked: Pick<Linked, 'listen' | 'outside'>
  readonly sender: Pick<Sender, 'to'>
  /** Puts a `readAsked` event into the inbox. */
  readonly ask: (id: RequestId) => void
}

export interface Reads<S> extends Pick<Reader<S>, 'read' | 'rested' | 'tick' | 'refuseAll' | 'halt'> {
  /** Own reads without an outcome, as the bound counts them. */
  readonly pending: number
  /** Another member asks what it may read. */
  requested(link: LinkLife, request: ReadIndexRequest): void
  /** What another member says to a question of this one. */
  replied(link: LinkLife, answer: ReadAnswer): void
  /** What a step answered. */
  answered(answers: readonly ReadAnswer[]): void
}

export const createReads = <S>({ options: { limits }, links, linked, sender, ask, ...given }: ReadsOptions<S>): Reads<S> => {
  const desk = createDesk(ask)
  const reader = createReader<S>({ ...given, outside: linked.outside, limits, timeoutMs: DEFAULT_PROPOSE_TIMEOUT_MS })

  const routeTo = (where: LeaderPlace): ReadRoute => {
    const { key } = where
    if (where.type === 'here') return { key, ask: id => desk.ask(key, id, answer => reader.answered(key, answer)) }
    return { key, ask: id => links.send({ type: 'member', id: where.id }, [{ type: 'readIndex', id }]) }
  }

  linked.listen({
    closed: key => {
      desk.gone(key)
      reader.gone(key)
    },
    led: (where, leader) => reader.reroute(where && routeTo(where), leader),
  })
  const { read, rested, tick, refuseAll, halt } = reader
  return {
    read, rested, tick, refuseAll, halt,
    get pending() {
      return reader.pending
    },
    requested: ({ key, party }, { id }) => desk.ask(key, id, answer => sender.to(party, answer)),
    replied: ({ key }, answer) => reader.answered(key, answer),
    answered: desk.answered,
  }
}
