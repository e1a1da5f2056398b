/** The clients' side: every proposal has its own body, by which it is known wherever it turns up. */
import { lastIndexOf } from '../../lib/batch.js'
import type { Answer } from '../../lib/events.js'
import type { EntryBody, Index, MemberId, RequestId, Term } from '../../lib/types.js'
import type { Slot } from './image.js'
import { demand } from './violation.js'

/** `unknown`: its member crashed before it could tell. */
type Fate = 'sent' | 'appended' | 'acknowledged' | 'refused' | 'lost' | 'unknown'

interface Proposal {
  readonly id: RequestId
  readonly member: MemberId
  readonly body: EntryBody
  fate: Fate
  term: Term
  firstIndex: Index
  /** Where it was committed. */
  committedAt: Index
}

export interface Fates {
  /** A new proposal at this member, under a number that is never used twice. */
  readonly propose: (member: MemberId, count: number, bytes: number) => { readonly id: RequestId; readonly body: EntryBody }
  /** The answers of one turn, to the proposals that it folded and to earlier ones. */
  readonly answered: (member: MemberId, asked: readonly RequestId[], answers: readonly Answer[], commitIndexBefore: Index) => void
  /** A member's machine has applied one more entry. */
  readonly applied: (member: MemberId, index: Index, slot: Slot) => void
  readonly crashed: (member: MemberId) => void
  /** An entry turned up in a log for the first time. */
  readonly appended: (slot: Slot) => void
  readonly committed: (index: Index, slot: Slot) => void
  readonly isAcknowledged: (id: RequestId) => boolean
  /** After the end every proposal has its fate. */
  readonly finish: () => void
  readonly count: (fate: Fate) => number
}

export const createFates = (): Fates => {
  const proposals = new Map<RequestId, Proposal>()
  const byBody = new Map<EntryBody, Proposal>()
  /** Those without a fate, by the one who was asked. */
  const open = new Map<MemberId, Map<RequestId, Proposal>>()

  const openAt = (member: MemberId): Map<RequestId, Proposal> => {
    const there = open.get(member) ?? new Map<RequestId, Proposal>()
    open.set(member, there)
    return there
  }
  const settle = (proposal: Proposal, fate: Fate): void => {
    proposal.fate = fate
    openAt(proposal.member).delete(proposal.id)
  }
  const bodyOf = ({ batch }: Slot): EntryBody | undefined => batch.kind === 'command' ? batch.body : undefined

  const answer = (member: MemberId, answer: Answer, commitIndexBefore: Index): void => {
    const { id, type } = answer
    const proposal = openAt(member).get(id)
    demand(proposal !== undefined, () => `${member} answered proposal ${id} as ${type}, which was ${proposals.get(id)?.fate}`)
    const expected: Fate = type === 'lost' ? 'appended' : 'sent'
    demand(proposal!.fate === expected, () => `${member} answered proposal ${id} as ${type}, which was ${proposal!.fate}`)
    if (answer.type === 'appended') Object.assign(proposal!, { fate: 'appended', term: answer.term, firstIndex: answer.firstIndex })
    if (answer.type === 'refused') settle(proposal!, 'refused')
    if (answer.type === 'lost') {
      const last = proposal!.firstIndex + proposal!.body.count - 1
      demand(last > commitIndexBefore, () => `${member} gave proposal ${id} up for lost, which it had committed at ${last}`)
      settle(proposal!, 'lost')
    }
  }

  return {
    propose: (member, count, bytes) => {
      const id = proposals.size + 1
      const body: EntryBody = { count, bytes: new Uint8Array(bytes), checksum: id }
      const proposal: Proposal = { id, member, body, fate: 'sent', term: 0, firstIndex: 0, committedAt: 0 }
      proposals.set(id, proposal)
      byBody.set(body, proposal)
      openAt(member).set(id, proposal)
      return { id, body }
    },
    answered: (member, asked, answers, commitIndexBefore) => {
      for (const each of answers) answer(member, each, commitIndexBefore)
      let refused: RequestId | undefined
      for (const { type, id } of answers) {
        if (type === 'refused') refused = id
        demand(type !== 'appended' || refused === undefined, () => `${member} appended proposal ${id} after it refused ${refused} in the same turn`)
      }
      for (const id of asked) demand(proposals.get(id)!.fate !== 'sent', () => `${member} did not answer proposal ${id}`)
    },
    applied: (member, index, slot) => {
      const proposal = byBody.get(bodyOf(slot)!)
      const [oldest] = openAt(member).values()
      demand(oldest === undefined || oldest.fate !== 'appended' || oldest === proposal || oldest.firstIndex > index,
        () => `${member} applied ${index} and forgot proposal ${oldest!.id}, appended at ${oldest!.firstIndex}`)
      if (proposal?.member !== member || proposal.fate !== 'appended' || index !== proposal.firstIndex + proposal.body.count - 1) return
      demand(slot.batch.term === proposal.term, () => `proposal ${proposal.id} was appended in term ${proposal.term} and applied from term ${slot.batch.term}`)
      demand(proposal.committedAt === proposal.firstIndex, () => `proposal ${proposal.id} was acknowledged at ${proposal.firstIndex} and committed at ${proposal.committedAt}`)
      settle(proposal, 'acknowledged')
    },
    crashed: member => { for (const proposal of [...openAt(member).values()]) settle(proposal, 'unknown') },
    appended: slot => {
      const proposal = byBody.get(bodyOf(slot)!)
      demand(proposal?.fate !== 'refused', () => `proposal ${proposal!.id} was refused and appended at ${lastIndexOf(slot.batch)}`)
    },
    committed: (index, slot) => {
      const proposal = byBody.get(bodyOf(slot)!)
      if (proposal === undefined) return
      demand(proposal.fate !== 'refused', () => `proposal ${proposal.id} was refused and committed at ${index}`)
      if (slot.position === 0) {
        demand(proposal.committedAt === 0, () => `proposal ${proposal.id} was committed at ${proposal.committedAt} and again at ${index}`)
        proposal.committedAt = index
      }
      demand(index === proposal.committedAt + slot.position, () => `entry ${slot.position} of proposal ${proposal.id} was committed at ${index}, the first at ${proposal.committedAt}`)
    },
    isAcknowledged: id => proposals.get(id)?.fate === 'acknowledged',
    finish: () => {
      for (const [member, there] of open) for (const { id, fate } of there.values()) demand(false, () => `${member} left proposal ${id} as ${fate}`)
    },
    count: fate => [...proposals.values()].filter(proposal => proposal.fate === fate).length,
  }
}
