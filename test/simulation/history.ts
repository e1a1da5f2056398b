/** What may never change, whoever crashes: remembered from the outside over all restarts, and compared after every step. */
import type { Batch, Ready } from '../../lib/events.js'
import { lastEntry } from '../../lib/log.js'
import type { AppendAccepted, Message } from '../../lib/messages.js'
import type { Leader, RaftState } from '../../lib/state.js'
import type { EntryBatch, Index, MemberId, Millis, Term } from '../../lib/types.js'
import type { Disk } from './disk.js'
import type { Fates } from './fates.js'
import { type Slot, sameSlot, slotsOf } from './image.js'
import { MAX_DRIFT } from './mix.js'
import type { Letter } from './network.js'

import { demand } from './violation.js'

/** A member as seen from the outside. */
export interface Watched {
  readonly id: MemberId
  /** Counts its starts. */
  readonly life: () => number
  readonly isUp: () => boolean
  readonly state: () => RaftState
  readonly disk: Disk
}

export interface History {
  readonly started: (member: Watched) => void
  /** After its disk has lost what it lost. */
  readonly crashed: (member: Watched) => void
  /** Before anything that the step asks for is done, but for its writes, which the disk has been handed. */
  readonly stepped: (member: Watched, before: RaftState, batch: Batch, ready: Ready) => void
  /** A message has passed the gate. */
  readonly left: (member: Watched, message: Message) => void
  /** A message has been folded by the one it was sent to. */
  readonly heard: (by: Watched, letter: Letter) => void
  readonly applied: (by: Watched, index: Index, slot: Slot) => void
  readonly committed: () => readonly Slot[]
  readonly elections: () => number
}

export const createHistory = (members: readonly Watched[], fates: Fates): History => {
  const majority = Math.floor(members.length / 2) + 1
  const committed: Slot[] = []
  /** By index, the term in which it was first known to be committed: leaders of later terms must have it. */
  const committedIn: Term[] = []
  const entries = new Map<string, { readonly slot: Slot; readonly previousTerm: Term }>()
  const leaders = new Map<Term, string>()
  const votes = new Map<string, MemberId>()
  const saidTerm = new Map<MemberId, Term>()
  const appliedBy = new Map<string, Index>()
  const questions = new Map<string, Map<MemberId, Millis>>()

  const slotOf = ({ disk }: Watched, index: Index): Slot | undefined => disk.written().slots[index - 1]
  const incarnationOf = ({ id, life }: Watched): string => `${id}/${life()}`

  /** Equal index and term name one entry with one past, on whatever disk it ever was (Log Matching, §5.3). */
  const appended = (member: Watched, batch: EntryBatch): void => {
    let previousTerm = slotOf(member, batch.firstIndex - 1)?.batch.term ?? 0
    slotsOf(batch).forEach((slot, at) => {
      const index = batch.firstIndex + at
      const key = `${index}@${batch.term}`
      const known = entries.get(key)
      demand(known === undefined || (sameSlot(known.slot, slot) && known.previousTerm === previousTerm),
        () => `${member.id} has another entry ${key} than was written before, or behind another past`)
      if (known === undefined) {
        entries.set(key, { slot, previousTerm })
        fates.appended(slot)
      }
      previousTerm = batch.term
    })
  }

  /** What is newly committed lies on a majority of disks, crashed members' counted; what was committed stays what it was. */
  const commit = (member: Watched, index: Index): void => {
    const slot = slotOf(member, index)
    const known = committed[index - 1]
    demand(slot !== undefined, () => `${member.id} committed ${index}, which it does not have`)
    if (known !== undefined) return demand(sameSlot(known, slot), () => `${member.id} committed another entry at ${index} than was committed before`)
    demand(index === committed.length + 1, () => `${member.id} committed ${index} while ${committed.length} was the last`)
    const holders = members.filter(({ disk }) => sameSlot(disk.durable().slots[index - 1], slot))
    demand(holders.length >= majority, () => `${member.id} committed ${index}, durable only on ${holders.map(({ id }) => id).join(', ') || 'no one'}`)
    for (const other of members) {
      const state = other.state()
      if (other.isUp() && state.role === 'leader' && state.term > member.state().term) {
        demand(sameSlot(slotOf(other, index), slot), () => `${other.id} leads the later term ${state.term} without the committed ${index}`)
      }
    }
    committed.push(slot!)
    committedIn.push(member.state().term)
    fates.committed(index, slot!)
  }

  const elected = (member: Watched, { term }: RaftState): void => {
    const other = leaders.get(term)
    demand(other === undefined, () => `${incarnationOf(member)} became the leader of term ${term}, which ${other} led`)
    leaders.set(term, incarnationOf(member))
    // A candidate can win its term when a later one is already at work; it lacks what that one committed, and commits nothing.
    const lacking = committed.findIndex((slot, at) => committedIn[at]! < term && !sameSlot(slot, slotOf(member, at + 1)))
    demand(lacking < 0, () => `${member.id} became the leader of term ${term} without the committed ${lacking + 1}`)
  }

  /** matchIndex is true of disks; only while the follower has not moved on to a later term, in which its tail may change. */
  const checkProgress = (member: Watched, leader: Leader): void => {
    for (const { id, matchIndex } of leader.progress) {
      const follower = members.find(other => other.id === id)!
      if (matchIndex === 0 || follower.disk.written().hardState.term !== leader.term) continue
      demand(sameSlot(follower.disk.durable().slots[matchIndex - 1], slotOf(member, matchIndex)), () => `${member.id} holds ${id} for equal up to ${matchIndex}`)
    }
  }

  const checkAcknowledged = (member: Watched, { to, durable }: AppendAccepted): void =>
    demand(durable === 0 || sameSlot(member.disk.durable().slots[durable - 1], slotOf(member, durable)), () => `${member.id} told ${to} that ${durable} is durable, which it is not`)

  /** The latest moment, on the leader's clock, at which a majority is known from the outside to have listened to it. */
  const contactOf = (member: Watched, leader: Leader, now: Millis): Millis => {
    const heard = questions.get(`${incarnationOf(member)}@${leader.term}`)
    const moments = members.map(({ id }) => id === member.id ? now : heard?.get(id) ?? Number.NEGATIVE_INFINITY)
    return Math.max(leader.electedAt, moments.sort((a, b) => b - a)[majority - 1]!)
  }
  const checkContact = (member: Watched, leader: Leader, now: Millis, what: string): void => {
    const silence = now - contactOf(member, leader, now)
    // Rounds tell microseconds, and are pushed on where a turn comes within the same one.
    demand(silence <= leader.settings.electionTimeoutMs + 1, () => `${member.id} ${what} although no majority listened to it for ${silence} ms`)
  }

  /** Where time passes: who cannot be heard or cannot write leads no longer, and who was not there heard no silence. */
  const checkTick = (member: Watched, due: Millis, { messages }: Ready): void => {
    const state = member.state()
    const { electionTimeoutMs, stallMs } = state.settings
    if (state.role === 'leader') {
      checkContact(member, state, state.now, 'stays the leader')
      // The disk is timed by the world's clock, the member by its own, which may be slower.
      demand(member.disk.waiting() * (1 - MAX_DRIFT) <= electionTimeoutMs, () => `${member.id} stays the leader while a write takes ${member.disk.waiting()} ms`)
    }
    demand(state.now - due <= stallMs || !messages.some(message => message.type === 'requestVote' && message.preVote),
      () => `${member.id} stands for election on waking, ${state.now - due} ms late`)
  }

  const stepped = (member: Watched, before: RaftState, batch: Batch, ready: Ready): void => {
    const after = member.state()
    for (const write of ready.writes) if (write.type === 'append') for (const batch of write.batches) appended(member, batch)
    for (const message of ready.messages) if (message.type === 'appendAccepted') checkAcknowledged(member, message)
    const last = lastEntry(after.log)
    const { slots } = member.disk.written()
    demand(slots.length === last.index && (slots.at(-1)?.batch.term ?? 0) === last.term, () => `${member.id} was not told to write what its log ends with`)
    if (after.role === 'leader' && (before.role !== 'leader' || before.term !== after.term)) elected(member, after)
    for (let index = before.commitIndex + 1; index <= after.commitIndex; index++) commit(member, index)
    if (after.role === 'leader') checkProgress(member, after)
    for (const event of batch.events) if (event.type === 'ticked') checkTick(member, event.due, ready)
    if (before.role === 'leader' && ready.answers.some(({ type }) => type === 'appended')) checkContact(member, before, after.now, 'takes proposals')
  }

  const left = (member: Watched, message: Message): void => {
    const { from, to, term, type } = message
    demand(from === member.id && to !== from && members.some(({ id }) => id === to), () => `${member.id} sent a message from ${from} to ${to}`)
    demand(term >= (saidTerm.get(from) ?? 0), () => `${from} spoke of term ${term} after term ${saidTerm.get(from)}`)
    saidTerm.set(from, term)
    const kept = member.disk.durable().hardState
    demand(kept.term >= term, () => `${from} spoke of term ${term} before it was durable`)
    const candidate = type === 'requestVote' && !message.preVote ? from : type === 'requestVoteReply' && !message.preVote && message.voteGranted ? to : undefined
    if (candidate !== undefined) {
      const earlier = votes.get(`${from}@${term}`) ?? candidate
      demand(earlier === candidate, () => `${from} voted for ${candidate} after ${earlier} in term ${term}`)
      votes.set(`${from}@${term}`, candidate)
      demand(kept.term > term || kept.votedFor === candidate, () => `${from} spoke of its vote for ${candidate} in term ${term} before it was durable`)
    }
  }

  return {
    stepped, left,
    started: member => {
      const { term, commitIndex } = member.state()
      demand(term >= (saidTerm.get(member.id) ?? 0), () => `${member.id} forgot term ${saidTerm.get(member.id)} and starts in ${term}`)
      demand(commitIndex <= committed.length && sameSlot(slotOf(member, commitIndex), committed[commitIndex - 1]),
        () => `${member.id} starts with ${commitIndex} committed, which is not what was committed`)
    },
    crashed: member => {
      // Who needs no one's vote can lead, crash before anyone hears of it, and lead the same term again.
      const { term } = member.state()
      if (members.length > 1 || term <= member.disk.durable().hardState.term) return
      leaders.delete(term)
      for (const key of entries.keys()) if (key.endsWith(`@${term}`)) entries.delete(key)
    },
    heard: (by, { message, askedAt, life }) => {
      if (message.type !== 'appendEntries') return
      const key = `${message.from}/${life}@${message.term}`
      const heard = questions.get(key) ?? new Map<MemberId, Millis>()
      questions.set(key, heard.set(by.id, Math.max(askedAt, heard.get(by.id) ?? askedAt)))
    },
    applied: (by, index, slot) => {
      const earlier = appliedBy.get(incarnationOf(by)) ?? 0
      demand(index === earlier + 1, () => `${by.id} applied ${index} after ${earlier}`)
      appliedBy.set(incarnationOf(by), index)
      demand(sameSlot(committed[index - 1], slot), () => `${by.id} applied another entry at ${index} than was committed`)
    },
    committed: () => committed,
    elections: () => leaders.size,
  }
}
