/** What must hold of every state, and of every two that follow each other: the executable definition of a healthy member. */
import { lastEntry } from './log.js'
import type { RaftState } from './state.js'

/** A member contradicts itself. There is no way on from here but to stop. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken'
  constructor(readonly broken: readonly string[]) {
    super(`broken invariant: ${broken.join('; ')}`)
  }
}

/** Statements about one state that do not hold. */
export const brokenIn = (state: RaftState): readonly string[] => {
  const broken: string[] = []
  const demand = (holds: boolean, claim: string): void => { if (!holds) broken.push(claim) }
  const { index: last, term: lastTerm } = lastEntry(state.log)
  demand(state.log.base.index <= state.appliedIndex, `the base ${state.log.base.index} is applied (${state.appliedIndex})`)
  demand(state.appliedIndex <= state.handedIndex, `applied ${state.appliedIndex} was handed out (${state.handedIndex})`)
  demand(state.handedIndex <= state.commitIndex, `handed out ${state.handedIndex} is committed (${state.commitIndex})`)
  demand(state.handedIndex <= state.persistedIndex, `handed out ${state.handedIndex} is on this disk (${state.persistedIndex})`)
  demand(state.commitIndex <= last, `committed ${state.commitIndex} is in the log (${last})`)
  demand(state.persistedIndex <= last, `persisted ${state.persistedIndex} is in the log (${last})`)
  demand(lastTerm <= state.term, `the last entry's term ${lastTerm} has been seen (${state.term})`)
  if (state.role === 'follower') demand(state.verified <= last, `verified ${state.verified} is in the log (${last})`)
  if (state.role === 'leader') {
    demand(state.votedFor === state.settings.id, `a leader voted for itself, not for ${state.votedFor}`)
    for (const { id, matchIndex, verifiedIndex, nextIndex } of state.progress) {
      demand(matchIndex <= verifiedIndex && verifiedIndex < nextIndex && nextIndex <= last + 1, `${id}: match ${matchIndex} <= verified ${verifiedIndex} < next ${nextIndex} <= ${last} + 1`)
    }
  }
  return broken
}

/** Statements about two consecutive states that do not hold. */
export const brokenBetween = (before: RaftState, after: RaftState): readonly string[] => {
  const broken: string[] = []
  const demand = (holds: boolean, claim: string): void => { if (!holds) broken.push(claim) }
  demand(after.term >= before.term, `the term fell from ${before.term} to ${after.term}`)
  demand(after.commitIndex >= before.commitIndex, `commitIndex fell from ${before.commitIndex} to ${after.commitIndex}`)
  demand(after.appliedIndex >= before.appliedIndex, `appliedIndex fell from ${before.appliedIndex} to ${after.appliedIndex}`)
  const sameTerm = after.term === before.term
  demand(!sameTerm || before.votedFor === undefined || after.votedFor === before.votedFor, `the vote of term ${before.term} changed from ${before.votedFor} to ${after.votedFor}`)
  if (sameTerm && before.role === 'leader' && after.role === 'leader') {
    demand(lastEntry(after.log).index >= lastEntry(before.log).index, 'a leader shortened its own log')
    for (const [i, progress] of after.progress.entries()) {
      const earlier = before.progress[i]
      demand(earlier === undefined || earlier.id !== progress.id || progress.matchIndex >= earlier.matchIndex, `${progress.id}: matchIndex fell within a term`)
    }
  }
  return broken
}

/** Throws when a member contradicts itself; cheap enough to run after every step. */
export const assertSound = (before: RaftState, after: RaftState): void => {
  const broken = [...brokenIn(after), ...brokenBetween(before, after)]
  if (broken.length > 0) throw new InvariantBroken(broken)
}
