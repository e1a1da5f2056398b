/** What a member says must be on its disk: terms and votes before anyone hears of them, and never two votes in one term. */
import type { Message } from '../../../lib/messages.js'
import type { MemberId, Term } from '../../../lib/types.js'
import type { Links, Transport } from '../../../streams/transport/port.js'
import { isFromCore } from '../../../lib/requests.js'
import { type Image, sameEntry } from './image.js'
import type { Ledger } from './ledger.js'
import type { Judge } from './violation.js'

export interface Words {
  /** The same transport, listened to. */
  readonly watch: (transport: Transport) => Transport
  /** The highest term that it ever spoke of. */
  readonly saidTerm: () => Term
}

const candidateOf = (message: Message): MemberId | undefined => {
  if (message.type === 'requestVote') return message.preVote ? undefined : message.from
  return message.type === 'requestVoteReply' && !message.preVote && message.voteGranted ? message.to : undefined
}

export const createWords = (id: MemberId, ledger: Ledger, { demand }: Judge): Words => {
  let saidTerm: Term = 0
  const toldTerms = new Map<MemberId, Term>()
  const votes = new Map<Term, MemberId>()

  const checkVote = (term: Term, candidate: MemberId, kept: Image['hardState']): void => {
    const earlier = votes.get(term) ?? candidate
    demand(earlier === candidate, () => `${id} voted for ${candidate} after ${earlier} in term ${term}`)
    votes.set(term, candidate)
    demand(kept.term > term || kept.votedFor === candidate, () => `${id} spoke of its vote for ${candidate} in term ${term} before it was durable`)
  }
  const said = (message: Message): void => {
    const { from, to, term } = message
    demand(from === id && to !== id, () => `${id} sent a message from ${from} to ${to}`)
    const told = toldTerms.get(to) ?? 0
    demand(term >= told, () => `${id} spoke to ${to} of term ${term} after term ${told}`)
    toldTerms.set(to, term)
    saidTerm = Math.max(saidTerm, term)
    const durable = ledger.durable()
    demand(durable.hardState.term >= term || durable.terms.at(-1)! >= term, () => `${id} spoke of term ${term} before it was durable`)
    const candidate = candidateOf(message)
    if (candidate !== undefined) checkVote(term, candidate, durable.hardState)
    if (message.type === 'appendAccepted' && message.durable > 0) {
      demand(sameEntry(durable, ledger.written(), message.durable), () => `${id} told ${to} that ${message.durable} is durable, which it is not`)
    }
  }
  const watched = (links: Links): Links => ({
    ...links,
    send: (to, messages) => {
      for (const message of messages) if (isFromCore(message)) said(message)
      links.send(to, messages)
    },
  })
  return {
    saidTerm: () => saidTerm,
    watch: transport => ({
      open: (endpoint, done) => transport.open(endpoint, outcome => done(outcome._tag === 'Right' ? { ...outcome, right: watched(outcome.right) } : outcome)),
    }),
  }
}
