/**
 * Reads from their origin to the state that they see: this member's own ask whoever leads, and what reaches this member, from its own reader or over
 * links, is asked of the core.
 */
import { type CheckedOptions, DEFAULT_PROPOSE_TIMEOUT_MS } from '../../codecs/options.js'
import type { ReadAnswer } from '../../lib/events.js'
import type { ReadIndexRequest } from '../../lib/requests.js'
import type { RaftState } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import type { MemberId, RequestId } from '../../lib/types.js'
import type { Sender } from '../transport/send.js'
import { type Links, type Party, partyKey } from '../transport/port.js'
import { createDesk } from './desk.js'
import { type Reader, type ReaderOptions, type Way, createReader } from './reader.js'

interface ReadsOptions<S> extends Pick<ReaderOptions<S>, 'clock' | 'machine' | 'atRest' | 'told'> {
  readonly options: CheckedOptions
  readonly links: Pick<Links, 'send'>
  readonly sender: Pick<Sender, 'to'>
  /** Puts a `readAsked` event into the inbox. */
  readonly ask: (id: RequestId) => void
}

export interface Reads<S> extends Pick<Reader<S>, 'read' | 'rested' | 'tick' | 'refuseAll' | 'halt'> {
  connected(party: Party): void
  disconnected(party: Party): void
  /** Another member asks what it may read. */
  requested(from: Party, request: ReadIndexRequest): void
  /** What another member says to a question of this one. */
  replied(from: Party, answer: ReadAnswer): void
  /** A step was folded: what it answered, and who leads from now on. */
  folded(state: RaftState, answers: readonly ReadAnswer[]): void
}

const SELF = 'self'

export const createReads = <S>({ options: { limits }, links, sender, ask, ...given }: ReadsOptions<S>): Reads<S> => {
  const desk = createDesk(ask)
  const reader = createReader<S>({ ...given, limits, timeoutMs: DEFAULT_PROPOSE_TIMEOUT_MS })
  /** The key of each link that is up: the next one to the same party is another. */
  const linked = new Map<string, string>()
  let made = 0
  let newest: RaftState | undefined

  const toSelf: Way = { key: SELF, ask: id => desk.ask(SELF, id, answer => reader.answered(SELF, answer)) }
  const toMember = (key: string, id: MemberId): Way => ({ key, ask: question => links.send({ type: 'member', id }, [{ type: 'readIndex', id: question }]) })

  const reroute = (): void => {
    if (newest === undefined) return
    const { leader, settings } = newest
    const key = leader === undefined || leader === settings.id ? undefined : linked.get(partyKey({ type: 'member', id: leader }))
    reader.reroute(isReady(newest) ? toSelf : key === undefined || leader === undefined ? undefined : toMember(key, leader), leader)
  }
  const drop = (party: Party): void => {
    const key = linked.get(partyKey(party))
    if (key === undefined) return
    linked.delete(partyKey(party))
    desk.gone(key)
    reader.gone(key)
  }

  return {
    read: reader.read, rested: reader.rested, tick: reader.tick, refuseAll: reader.refuseAll,
    connected: party => {
      drop(party)
      linked.set(partyKey(party), `${partyKey(party)} ${++made}`)
      reroute()
    },
    disconnected: party => {
      drop(party)
      reroute()
    },
    requested: (from, { id }) => {
      const key = linked.get(partyKey(from))
      if (key !== undefined) desk.ask(key, id, answer => sender.to(from, answer))
    },
    replied: (from, answer) => {
      const key = linked.get(partyKey(from))
      if (key !== undefined) reader.answered(key, answer)
    },
    folded: (state, answers) => {
      const former = newest
      newest = state
      desk.answered(answers)
      if (former === undefined || former.leader !== state.leader || isReady(former) !== isReady(state)) reroute()
    },
    halt: () => {
      newest = undefined
      reader.halt()
    },
  }
}
