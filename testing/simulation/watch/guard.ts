/** What may never happen in a cluster, whoever crashes: looked at from the outside after every step of any member. */
import type { Batch, CoreDiagnostic, Ready } from '../../../lib/events.js'
import { type PlacedMembership, lastEntry, membershipsFrom, placedMembershipAt, placedMembershipOf, termAt } from '../../../lib/log.js'
import { isAlone } from '../../../lib/membership.js'
import { quorumValue } from '../../../lib/quorum.js'
import { dateOf } from '../../../lib/rounds.js'
import { type Leader, type RaftState, isLacking, membership } from '../../../lib/state.js'
import type { Index, MemberId, Membership, Millis, Term } from '../../../lib/types.js'
import { checkBounds } from './bounds.js'
import { piecesOf, sameEntry } from './image.js'
import type { Ledger } from './ledger.js'
import { type Logs, createLogs } from './logs.js'
import type { Judge } from './violation.js'

/** Whether it is what a leader says, and whoever is led answers. */
const isQuestion = (type: string): boolean => type === 'appendEntries' || type === 'appendPart' || type === 'installSnapshot'

/** Whether it says of another that it does what nobody may. Not so of answers: they can be to a question of an earlier life, dated by another clock. */
const isAccusation = (diagnostic: CoreDiagnostic, { log }: RaftState): boolean => {
  switch (diagnostic.type) {
    case 'twoLeaders': case 'wrongAddressee': return true
    // Whoever has left may still have something to say.
    case 'unknownSender': return placedMembershipOf(log).index === 0
    case 'contradiction': return isQuestion(diagnostic.message)
    default: return false
  }
}

/** A member as it is seen from the outside. */
export interface Watched {
  readonly id: MemberId
  readonly ledger: Ledger
  /** How long ago its disk fell behind, at most, for clocks may run at different rates. */
  readonly waitingMs: () => Millis
}

export interface Guard {
  /** A member folded a batch; nothing that the step asks for has been done. */
  readonly stepped: (member: Watched, before: RaftState, batch: Batch, after: RaftState, ready: Ready) => void
  /** A member begins a new life. */
  readonly started: (member: Watched, state: RaftState, saidTerm: Term) => void
  readonly crashed: (member: Watched) => void
  readonly logs: Logs
  readonly elections: () => number
  /** How often a leader told another to stand in its place. */
  readonly handovers: () => number
  /** The newest membership that is committed, and where it stands. */
  committed(): PlacedMembership
  /** Whether somebody lost its snapshot where too few were left who had their state: no member can be blamed for it that nobody can lead. */
  readonly isImpoverished: () => boolean
  /** Whether the newest membership that is committed names it, or one after that in any log. */
  readonly isNamed: (id: MemberId) => boolean
}

/** When a majority is known from the outside to have listened to a leader, on that leader's clock. */
const createContacts = () => {
  /** By term, which has one leader, the newest question that each member heard. */
  const questions = new Map<Term, Map<MemberId, Millis>>()
  return {
    heard: (by: MemberId, batch: Batch): void => {
      for (const event of batch.events) {
        if (event.type !== 'received' || !isQuestion(event.message.type)) continue
        const { term, round } = event.message
        const heard = questions.get(term)
        if (heard === undefined) questions.set(term, new Map([[by, dateOf(round)]]))
        else heard.set(by, Math.max(dateOf(round), heard.get(by) ?? 0))
      }
    },
    silence: (leader: Leader, now: Millis): Millis => {
      const { id } = leader.settings
      const heard = questions.get(leader.term)
      const listened = quorumValue(membership(leader), member => member === id ? now : heard?.get(member) ?? Number.NEGATIVE_INFINITY)
      return now - Math.max(leader.electedAt, Math.min(now, listened))
    },
  }
}

/** All that is kept in mind of a cluster. */
interface Memory {
  readonly members: readonly Watched[]
  /** Of everybody that was ever started. */
  readonly ledgers: Map<MemberId, Ledger>
  readonly judge: Judge
  readonly logs: Logs
  readonly contacts: ReturnType<typeof createContacts>
  /** Who led each term. */
  readonly leaders: Map<Term, MemberId>
  /** Who leads now, by what it knows. */
  readonly leading: Map<MemberId, RaftState>
  readonly newest: Map<MemberId, RaftState>
  /** The newest membership that is committed, and where it stands. */
  committed: PlacedMembership
  handovers: number
  isImpoverished: boolean
}

const elected = ({ leaders, logs, judge: { demand } }: Memory, { id, ledger }: Watched, { term }: Leader): void => {
  const other = leaders.get(term)
  demand(other === undefined, () => `${id} became the leader of term ${term}, which ${other} led`)
  leaders.set(term, id)
  // A candidate can win its term when a later one is already at work; it lacks what that one committed, and commits nothing.
  const lacking = logs.lacking(ledger.written(), term)
  demand(lacking === 0, () => `${id} became the leader of term ${term} without the committed ${lacking}`)
}

const commit = (memory: Memory, { id, ledger }: Watched, before: RaftState, after: RaftState): void => {
  const { members, ledgers, logs, leading, judge: { demand } } = memory
  const log = ledger.written()
  // Entries of earlier terms are committed with one of the leader's own, never by counting (§5.4.2); what a follower learns in the breath in which it is elected, alone, is not its own doing.
  demand(after.role !== 'leader' || before.role !== 'leader' || log.terms[after.commitIndex - 1] === after.term, () => `${id} leads term ${after.term} and committed up to ${after.commitIndex}, of term ${log.terms[after.commitIndex - 1]}`)
  // A step may append a membership before it counts, and another one after.
  const by = { id, term: after.term, memberships: [membership(before), ...after.log.memberships.filter(({ index }) => index > before.log.lastIndex).map(({ membership }) => membership)] }
  for (let index = before.commitIndex + 1; index <= after.commitIndex; index++) {
    logs.committed(by, log, index, at => members.filter(member => sameEntry(member.ledger.durable(), log, at)).map(member => member.id))
    for (const [other, state] of leading) {
      if (state.term <= after.term) continue
      demand(sameEntry(ledgers.get(other)!.written(), log, index), () => `${other} leads the later term ${state.term} without the committed ${index}`)
    }
  }
  const placed = placedMembershipAt(after.log, after.commitIndex)
  if (placed.index <= memory.committed.index) return
  memory.committed = placed
  const newcomer = placed.membership.voters.find(voter => ledgers.get(voter)?.durable().hardState.isNewcomer)
  demand(newcomer === undefined, () => `${newcomer} became a voter at ${placed.index}, and is a newcomer by its disk: it would never vote`)
}

/**
 * matchIndex is true of disks; only while the follower has not moved on to a later term, in which its tail may change, and as long as it belongs: whoever has left
 * may come back as another.
 */
const checkProgress = ({ ledgers, judge: { demand } }: Memory, { id, ledger }: Watched, leader: Leader): void => {
  for (const { id: to, matchIndex } of leader.progress) {
    const follower = ledgers.get(to)
    if (matchIndex === 0 || follower?.written().hardState.term !== leader.term || leader.leaving.some(one => one.id === to)) continue
    demand(sameEntry(follower.durable(), ledger.written(), matchIndex), () => `${id} holds ${to} for equal up to ${matchIndex}`)
  }
}

const checkContact = ({ contacts, judge: { demand } }: Memory, leader: Leader, what: string): void => {
  const silence = contacts.silence(leader, leader.now)
  // Rounds tell microseconds, and are pushed on where a turn comes within the same one.
  demand(silence <= leader.settings.electionTimeoutMs + 1, () => `${leader.settings.id} ${what} although no majority listened to it for ${silence} ms`)
}

/** Where time passes: who cannot be heard or cannot write leads no longer, and who was not there heard no silence. */
const checkTick = (memory: Memory, { id, waitingMs }: Watched, before: RaftState, state: RaftState, due: Millis, { events }: Batch, { messages }: Ready): void => {
  const { demand } = memory.judge
  const { electionTimeoutMs, stallMs } = state.settings
  if (state.role === 'leader') {
    checkContact(memory, state, 'stays the leader')
    // Whoever is alone has nobody to make room for, and the step may have changed who there is on either side of the judgement.
    demand(isAlone(membership(before), id) || isAlone(membership(state), id) || waitingMs() <= electionTimeoutMs, () => `${id} stays the leader while a write takes ${waitingMs()} ms`)
  }
  // That a peer is gone is no silence: whoever wakes hears it in the same turn.
  demand(state.now - due <= stallMs || events.some(({ type }) => type === 'peerGone') || !messages.some(message => message.type === 'requestVote' && message.preVote),
    () => `${id} stands for election on waking, ${state.now - due} ms late`)
}

/** Whoever loses its office says of every proposal that it has not committed, which may be in the same step, that it is lost, and answers every read. */
const checkAbdication = ({ judge: { demand } }: Memory, { settings: { id }, term, trackers, reads }: Leader, { log, commitIndex }: RaftState, { answers, readAnswers }: Ready): void => {
  for (const read of reads) demand(readAnswers.some(answer => answer.id === read.id), () => `${id} lost its office and told nobody of read ${read.id}`)
  if (trackers.length === 0) return
  const told = new Set(answers.map(answer => answer.type === 'lost' ? answer.id : 0))
  const isCommitted = (last: Index): boolean => last <= commitIndex && termAt(log, last) === term
  for (const tracker of trackers) demand(told.has(tracker.id) || isCommitted(tracker.firstIndex + tracker.count - 1), () => `${id} lost its office and told nobody of proposal ${tracker.id} at ${tracker.firstIndex}`)
}

/** What a step is about to write belongs after what is there, and is all that the log has gained. */
const checkWrites = ({ logs, judge: { demand } }: Memory, { id, ledger }: Watched, after: RaftState, ready: Ready): void => {
  const log = ledger.written()
  if (ready.writes.length > 0) {
    for (const write of ready.writes) {
      if (write.type === 'install') demand(logs.history.terms[write.base.index - 1] === write.base.term, () => `${id} begins its log behind ${write.base.index}@${write.base.term}, which was not committed`)
    }
    const pieces = piecesOf(ready.writes, logs.history)
    logs.appended(id, log, pieces)
    ledger.asked(pieces)
  }
  const last = lastEntry(after.log)
  demand(log.terms.length === last.index && (log.terms.at(-1) ?? 0) === last.term, () => `${id} was not told to write what its log ends with`)
}

/** Nobody lies here, so nobody has reason to report that another does. */
const checkTrust = ({ judge: { demand } }: Memory, { id }: Watched, after: RaftState, { diagnostics }: Ready): void => {
  for (const diagnostic of diagnostics) {
    demand(!isAccusation(diagnostic, after), () => `${id} accuses another, who did nothing wrong: ${JSON.stringify(diagnostic)}`)
  }
}

const stepped = (memory: Memory, member: Watched, before: RaftState, batch: Batch, after: RaftState, ready: Ready): void => {
  const { judge, contacts, leading, newest } = memory
  newest.set(member.id, after)
  contacts.heard(member.id, batch)
  checkWrites(memory, member, after, ready)
  if (ready.messages.some(({ type }) => type === 'timeoutNow')) memory.handovers++
  judge.demand(after.term >= before.term && after.commitIndex >= before.commitIndex && after.appliedIndex >= before.appliedIndex,
    () => `${member.id} fell back from term ${before.term}, commit ${before.commitIndex}, applied ${before.appliedIndex}`)
  if (after.role === 'leader') {
    if (before.role !== 'leader' || before.term !== after.term) elected(memory, member, after)
    leading.set(member.id, after)
    checkProgress(memory, member, after)
  } else leading.delete(member.id)
  if (before.role === 'leader' && after.role !== 'leader') checkAbdication(memory, before, after, ready)
  if (after.commitIndex > before.commitIndex) commit(memory, member, before, after)
  for (const event of batch.events) if (event.type === 'ticked') checkTick(memory, member, before, after, event.due, batch, ready)
  if (before.role === 'leader' && ready.answers.some(({ type }) => type === 'appended')) checkContact(memory, { ...before, now: after.now }, 'takes proposals')
  checkTrust(memory, member, after, ready)
  checkBounds(after, ready, judge)
}

const isNamed = ({ committed, newest }: Memory, id: MemberId): boolean => {
  const names = ({ membership }: PlacedMembership): boolean => Object.hasOwn(membership.addresses, id)
  return names(committed) || [...newest.values()].some(({ log }) => log.memberships.some(placed => placed.index > committed.index && names(placed)))
}

/** Whether a majority has its state by every membership that may count now or next. */
const areRich = ({ newest }: Memory): boolean => {
  const has = (id: MemberId): boolean => {
    const state = newest.get(id)
    return state === undefined || !isLacking(state)
  }
  const isMajority = (voters: readonly MemberId[] = []): boolean => voters.length === 0 || 2 * voters.filter(has).length > voters.length
  return [...newest.values()].every(({ log, commitIndex }) =>
    membershipsFrom(log, commitIndex).every(({ voters, outgoing, next }) => isMajority(voters) && isMajority(outgoing) && isMajority(next?.voters)))
}

/** `members` grows as others join; `first` are those with whom the cluster begins. */
export const createGuard = (members: readonly Watched[], first: Membership, judge: Judge): Guard => {
  const memory: Memory = {
    members, ledgers: new Map(), judge, logs: createLogs(judge), contacts: createContacts(), leaders: new Map(), leading: new Map(), newest: new Map(), committed: { index: 0, membership: first }, handovers: 0, isImpoverished: false,
  }
  const { logs, leaders, leading, newest } = memory
  return {
    logs,
    elections: () => leaders.size,
    handovers: () => memory.handovers,
    committed: () => memory.committed,
    isImpoverished: () => memory.isImpoverished,
    isNamed: id => isNamed(memory, id),
    stepped: (member, before, batch, after, ready) => stepped(memory, member, before, batch, after, ready),
    started: ({ id, ledger }, state, saidTerm) => {
      const { term, commitIndex } = state
      memory.ledgers.set(id, ledger)
      newest.set(id, state)
      if (isLacking(state)) memory.isImpoverished ||= !areRich(memory)
      judge.demand(term >= saidTerm, () => `${id} forgot term ${saidTerm} and starts in ${term}`)
      judge.demand(commitIndex === 0 || sameEntry(logs.history, ledger.written(), commitIndex), () => `${id} starts with ${commitIndex} committed, which is not what was committed`)
    },
    crashed: ({ id, ledger }) => {
      const state = newest.get(id)
      leading.delete(id)
      // Who needs no one's vote can lead, crash before anyone hears of it, and lead the same term again.
      if (state === undefined || !isAlone(membership(state), id)) return
      const { term: durable } = ledger.durable().hardState
      for (const term of leaders.keys()) if (term > durable) leaders.delete(term)
      logs.forget(durable)
    },
  }
}
