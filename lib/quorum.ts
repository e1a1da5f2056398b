import type { MemberId, Membership } from './types.js'

/** Half of the voters, rounded down, plus one (§5.2). */
const majorityOf = (voters: readonly MemberId[]): number => Math.floor(voters.length / 2) + 1

/** The largest value that a majority of `voters` has reached: each is put in its place as it comes, and the median is taken. */
const majorityValue = (voters: readonly MemberId[], valueOf: (id: MemberId) => number): number => {
  if (voters.length === 0) return Number.POSITIVE_INFINITY
  const falling: number[] = []
  for (const id of voters) {
    const value = valueOf(id)
    let place = falling.length
    for (; place > 0 && falling[place - 1]! < value; place--) falling[place] = falling[place - 1]!
    falling[place] = value
  }
  return falling[majorityOf(voters) - 1]!
}

/**
 * The largest value that a quorum has reached: a majority of the voters and, in joint consensus, a majority of the outgoing
 * voters too (§4.3).
 */
export const quorumValue = (membership: Pick<Membership, 'voters' | 'outgoing'>, valueOf: (id: MemberId) => number): number =>
  Math.min(majorityValue(membership.voters, valueOf), majorityValue(membership.outgoing, valueOf))

/** How an election stands: won, lost because no quorum is left to win, or open. */
export type VoteResult = 'won' | 'lost' | 'pending'

const majorityVote = (voters: readonly MemberId[], votes: ReadonlyMap<MemberId, boolean>): VoteResult => {
  if (voters.length === 0) return 'won'
  let granted = 0
  let open = 0
  for (const id of voters) {
    const vote = votes.get(id)
    if (vote === undefined) open++
    else if (vote) granted++
  }
  const needed = majorityOf(voters)
  return granted >= needed ? 'won' : granted + open >= needed ? 'pending' : 'lost'
}

/** Votes by voter: only members of the newest membership count, each once (§5.2, §4.3). */
export const voteResult = (membership: Membership, votes: ReadonlyMap<MemberId, boolean>): VoteResult => {
  const results = [majorityVote(membership.voters, votes), majorityVote(membership.outgoing, votes)]
  return results.includes('lost') ? 'lost' : results.includes('pending') ? 'pending' : 'won'
}
