/** What a majority has reached, and how an election stands, alone and in joint consensus. */
import test from 'ava'
import { type VoteResult, quorumValue, voteResult } from '../../lib/quorum.js'
import { dice, membershipOf } from './build.js'

test('a quorum value is what a naive count finds, in every size, alone and joint', t => {
  const draw = dice(5)
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const pick = (most: number): readonly string[] => names.filter(() => draw(2) === 0).slice(0, most)
  const marks = [0, 1, 2, 9, 10, 11, 100]
  const naive = (voters: readonly string[], valueOf: (id: string) => number): number =>
    Math.max(...marks.filter(value => voters.filter(id => valueOf(id) >= value).length * 2 > voters.length || voters.length === 0))
  for (let i = 0; i < 2000; i++) {
    const values = new Map(names.map(id => [id, marks[draw(marks.length)]!]))
    const valueOf = (id: string): number => values.get(id) ?? 0
    const voters = pick(7)
    const outgoing = draw(2) === 0 ? [] : pick(7)
    if (voters.length + outgoing.length === 0) continue
    const membership = { voters, outgoing, learners: [], addresses: {} }
    t.is(Math.min(100, quorumValue(membership, valueOf)), Math.min(naive(voters, valueOf), naive(outgoing, valueOf)))
  }
})

test('a majority is more than half, in every size', t => {
  for (const [size, needed] of [[1, 1], [2, 2], [3, 2], [4, 3], [5, 3], [6, 4], [7, 4]] as const) {
    const voters = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].slice(0, size)
    const membership = { voters, outgoing: [], learners: [], addresses: {} }
    const ayes = (count: number): VoteResult => voteResult(membership, new Map(voters.slice(0, count).map(id => [id, true])))
    t.deepEqual([ayes(needed - 1), ayes(needed)], ['pending', 'won'])
    t.is(quorumValue(membership, id => (voters.indexOf(id) < needed - 1 ? 1 : 0)), 0)
    t.is(quorumValue(membership, id => (voters.indexOf(id) < needed ? 1 : 0)), 1)
  }
})

const elections: readonly (readonly [string, string, string, VoteResult])[] = [
  ['a b c', '', 'a+ b+', 'won'], ['a b c', '', 'a+ b-', 'pending'], ['a b c', '', 'a+ b- c-', 'lost'], ['a b c', '', 'a+ x+ y+', 'pending'],
  ['a b', 'c d', 'a+ b+', 'pending'], ['a b', 'c d', 'a+ b+ c-', 'lost'], ['a b', 'c d', 'a+ b+ c+ d+', 'won'], ['a b c d', '', 'a+ b+ c- d-', 'lost'],
]
for (const [voters, outgoing, cast, expected] of elections) {
  test(`voters ${voters}${outgoing && ` and ${outgoing}`} with ${cast}: ${expected}`, t => {
    const votes = new Map(cast.split(' ').map(text => [text[0]!, text[1] === '+']))
    t.is(voteResult(membershipOf(voters, '', outgoing), votes), expected)
  })
}
