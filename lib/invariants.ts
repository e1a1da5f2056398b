/** What must hold of every state, and of every two that follow each other: the executable definition of a healthy member. */
import { MAX_POSITION } from './bounds.js'
import { firstInMemory, lastEntry } from './log.js'
import type { Progress } from './progress.js'
import { type Follower, type Leader, type RaftState, isLeaving } from './state.js'

/** A member contradicts itself. There is no way on from here but to stop. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken'
  constructor(readonly broken: readonly string[]) {
    super(`broken invariant: ${broken.join('; ')}`)
  }
}

/** What must hold, and how it is put where it does not: words are made for a broken claim alone, since all are checked after every step. */
type Claim<A> = readonly [holds: (of: A) => boolean, words: (of: A) => string]

const OF_ALL: readonly Claim<RaftState>[] = [
  [({ log, snapshot }) => snapshot === undefined || log.base.index <= snapshot.index, ({ log, snapshot }) => `the base ${log.base.index} is covered by the snapshot (${snapshot?.index})`],
  [({ log, commitIndex }) => log.base.index <= commitIndex, ({ log, commitIndex }) => `the base ${log.base.index} is committed (${commitIndex})`],
  [({ appliedIndex, handedIndex }) => appliedIndex <= handedIndex, ({ appliedIndex, handedIndex }) => `applied ${appliedIndex} was handed out (${handedIndex})`],
  [({ handedIndex, commitIndex }) => handedIndex <= commitIndex, ({ handedIndex, commitIndex }) => `handed out ${handedIndex} is committed (${commitIndex})`],
  [({ handedIndex, persistedIndex, snapshot }) => handedIndex <= Math.max(persistedIndex, snapshot?.index ?? 0),
    ({ handedIndex, persistedIndex, snapshot }) => `handed out ${handedIndex} is on this disk (${persistedIndex}, and a snapshot at ${snapshot?.index})`],
  [({ log, persistedIndex }) => firstInMemory(log) <= persistedIndex + 1, ({ log, persistedIndex }) => `in memory from ${firstInMemory(log)} on is all that is not on this disk (${persistedIndex})`],
  [({ commitIndex, log }) => commitIndex <= log.lastIndex, ({ commitIndex, log }) => `committed ${commitIndex} is in the log (${log.lastIndex})`],
  [({ persistedIndex, log }) => persistedIndex <= log.lastIndex, ({ persistedIndex, log }) => `persisted ${persistedIndex} is in the log (${log.lastIndex})`],
  [({ log, term }) => lastEntry(log).term <= term, ({ log, term }) => `the last entry's term ${lastEntry(log).term} has been seen (${term})`],
  [({ log, term }) => term <= MAX_POSITION && log.lastIndex <= MAX_POSITION, ({ log, term }) => `term ${term} and last index ${log.lastIndex} can be written`],
]

const OF_FOLLOWER: readonly Claim<Follower>[] = [
  [({ verified, log }) => verified <= log.lastIndex, ({ verified, log }) => `verified ${verified} is in the log (${log.lastIndex})`],
]

const isInOrder = ({ matchIndex, verifiedIndex, nextIndex }: Progress, { log }: Leader): boolean =>
  matchIndex <= verifiedIndex && verifiedIndex < nextIndex && nextIndex <= log.lastIndex + 1

/** Whether what waits was asked in this order, and none of it after now. */
const areReadsInOrder = ({ reads, commitIndex, round }: Leader): boolean => reads.every(({ index, after }, i) => {
  const next = reads[i + 1] ?? { index: commitIndex, after: round }
  return index <= next.index && after <= next.after
})

const OF_LEADER: readonly Claim<Leader>[] = [
  [({ votedFor, settings }) => votedFor === settings.id, ({ votedFor }) => `a leader voted for itself, not for ${votedFor}`],
  [leader => leader.progress.every(progress => isInOrder(progress, leader)), leader => leader.progress.filter(progress => !isInOrder(progress, leader)).map(
    ({ id, matchIndex, verifiedIndex, nextIndex }) => `${id}: match ${matchIndex} <= verified ${verifiedIndex} < next ${nextIndex} <= ${leader.log.lastIndex} + 1`).join('; ')],
  [({ isNewcomer }) => !isNewcomer, () => 'a leader is no newcomer'],
  [areReadsInOrder, ({ reads, commitIndex, round }) =>
    `reads wait in the order in which they were asked: ${reads.map(({ id, index, after }) => `${id} at ${index} after round ${after}`).join(', ')}, with ${commitIndex} committed in round ${round}`],
]

interface Consecutive<A extends RaftState = RaftState> {
  readonly before: A
  readonly after: A
}

const OF_TWO: readonly Claim<Consecutive>[] = [
  [({ before, after }) => after.term >= before.term, ({ before, after }) => `the term fell from ${before.term} to ${after.term}`],
  [({ before, after }) => after.commitIndex >= before.commitIndex, ({ before, after }) => `commitIndex fell from ${before.commitIndex} to ${after.commitIndex}`],
  [({ before, after }) => before.isNewcomer || !after.isNewcomer, () => 'it became a newcomer'],
  [({ before, after }) => after.appliedIndex >= before.appliedIndex, ({ before, after }) => `appliedIndex fell from ${before.appliedIndex} to ${after.appliedIndex}`],
  [({ before, after }) => after.term !== before.term || before.votedFor === undefined || after.votedFor === before.votedFor,
    ({ before, after }) => `the vote of term ${before.term} changed from ${before.votedFor} to ${after.votedFor}`],
]

/** Whether a follower has lost, within a term, what the leader held for durable there; one that had left may come back with nothing. */
const fell = ({ before, after }: Consecutive<Leader>, at: number): boolean =>
  before.progress[at]?.id === after.progress[at]!.id && after.progress[at]!.matchIndex < before.progress[at]!.matchIndex
  && !isLeaving(before, after.progress[at]!.id)

const OF_ONE_REIGN: readonly Claim<Consecutive<Leader>>[] = [
  [({ before, after }) => after.log.lastIndex >= before.log.lastIndex, () => 'a leader shortened its own log'],
  [reign => !reign.after.progress.some((_, at) => fell(reign, at)),
    reign => reign.after.progress.filter((_, at) => fell(reign, at)).map(({ id }) => `${id}: matchIndex fell within a term`).join('; ')],
]

const NONE: readonly string[] = []

/** By index, not taken apart: that would ask each pair for an iterator. */
const allHold = <A>(claims: readonly Claim<A>[], of: A): boolean => {
  for (let i = 0; i < claims.length; i++) if (!claims[i]![0](of)) return false
  return true
}

const brokenOf = <A>(claims: readonly Claim<A>[], of: A): readonly string[] =>
  allHold(claims, of) ? NONE : claims.filter(([holds]) => !holds(of)).map(([, words]) => words(of))

const both = (some: readonly string[], others: readonly string[]): readonly string[] => others.length === 0 ? some : [...some, ...others]

/** Statements about one state that do not hold. */
export const brokenIn = (state: RaftState): readonly string[] => {
  const broken = brokenOf(OF_ALL, state)
  switch (state.role) {
    case 'follower': return both(broken, brokenOf(OF_FOLLOWER, state))
    case 'candidate': return broken
    case 'leader': return both(broken, brokenOf(OF_LEADER, state))
  }
}

/** Statements about two consecutive states that do not hold. */
export const brokenBetween = (before: RaftState, after: RaftState): readonly string[] => {
  const broken = brokenOf(OF_TWO, { before, after })
  const isOneReign = before.role === 'leader' && after.role === 'leader' && before.term === after.term
  return isOneReign ? both(broken, brokenOf(OF_ONE_REIGN, { before, after })) : broken
}

/** Throws when a member contradicts itself; cheap enough to run after every step. */
export const assertSound = (before: RaftState, after: RaftState): void => {
  const broken = both(brokenIn(after), brokenBetween(before, after))
  if (broken.length > 0) throw new InvariantBroken(broken)
}
