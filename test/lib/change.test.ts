/** What a change makes of a membership (§4): tables of steps, in the notation `voters/outgoing/learners>voters/learners`. */
import test from 'ava'
import { awaitedBy, changed, stepAfter } from '../../lib/change.js'
import { isLeft } from '../../lib/prelude.js'
import { parseMembership, showMembership } from './build.js'
import { wishOf } from './wishes.js'

const STEPS: readonly (readonly [name: string, from: string, wish: string, ...steps: readonly string[]])[] = [
  ['a new voter learns first, then both majorities decide', 'a,b,c', '+d', 'a,b,c//d>a,b,c,d', 'a,b,c,d/a,b,c', 'a,b,c,d'],
  ['a learner that is to vote is awaited, too', 'a,b,c//d', '+d', 'a,b,c//d>a,b,c,d', 'a,b,c,d/a,b,c', 'a,b,c,d'],
  ['a learner joins at once', 'a,b,c', '?d', 'a,b,c//d'],
  ['M15 a voter leaves by joint consensus', 'a,b,c', '-c', 'a,b/a,b,c', 'a,b'],
  ['a learner leaves at once', 'a,b,c//d', '-d', 'a,b,c'],
  ['who must not vote yet and does not is added like any other', 'a,b,c//d', '*d *e', 'a,b,c//d,e>a,b,c,d,e', 'a,b,c,d,e/a,b,c', 'a,b,c,d,e'],
  ['one takes the place of another in one change', 'a,b,c', '*d -c', 'a,b,c//d>a,b,d', 'a,b,d/a,b,c', 'a,b,d'],
  ['M27 all of them at once', 'a', '?a +b ?c', 'a//b,c>b/a,c', 'b/a/a,c', 'b//a,c'],
  ['M19 voters learn', 'a,b,c', '?b ?c', 'a/a,b,c/b,c', 'a//b,c'],
  ['a voter that moved', 'a,b,c', '+b:7', 'a,b,c'],
]
for (const [name, from, wish, ...steps] of STEPS) {
  test(name, t => {
    const first = changed(parseMembership(from), wishOf(wish))
    if (isLeft(first)) return t.fail(first.left)
    const taken = [first.right.membership]
    for (let next = stepAfter(taken[0]!); next !== undefined; next = stepAfter(next)) taken.push(next)
    t.deepEqual(taken.map(showMembership), steps)
    const last = taken.at(-1)!
    t.deepEqual([first.right.goal.voters, first.right.goal.learners], [last.voters, last.learners], 'the goal is what it comes to')
    for (const { voters, outgoing, learners, addresses } of taken) {
      t.deepEqual(Object.keys(addresses), [...new Set([...voters, ...outgoing, ...learners])].sort(), 'an address for each, and for nobody else')
    }
  })
}

test('an address that moves is the only thing that changes', t => {
  const moved = changed(parseMembership('a,b'), wishOf('+b:7'))
  t.deepEqual(isLeft(moved) ? moved.left : moved.right.membership.addresses, { a: 'a:1', b: 'b:7' })
})

test('M12 M21 what makes no sense is refused, with the reason', t => {
  const refusals: readonly (readonly [from: string, wish: string, why: string])[] = [
    ['a,b,c', '+b', 'the membership is already as requested'],
    ['a,b,c', '', 'the membership is already as requested'],
    ['a,b,c', '-d', '"d" is no member'],
    ['a,b,c', '*b:7', '"b" is a voter already'],
    ['a,b,c', '*b -a', '"b" is a voter already'],
    ['a,b,c', '+d -d', '"d" is named twice'],
    ['a,b,c', '+d ?d', '"d" is named twice'],
    ['a', '-a', 'no voter would be left'],
    ['a//b', '?a', 'no voter would be left'],
    ['a,b,c', 'abandon', 'no change is under way'],
    ['a,b,c//d>a,b,c,d', '-a', 'another change is under way'],
    ['a,b/a,b,c', '-a', 'another change is under way'],
  ]
  t.deepEqual(refusals.map(([from, wish]) => {
    const outcome = changed(parseMembership(from), wishOf(wish))
    return isLeft(outcome) ? outcome.left : showMembership(outcome.right.membership)
  }), refusals.map(([, , why]) => why))
  const shared = changed(parseMembership('a,b'), { type: 'change', voters: { c: 'a:1' }, learners: {}, remove: [], newcomers: undefined })
  const idle = changed(parseMembership('a,b'), { type: 'change', voters: {}, learners: { c: 'c:1' }, remove: [], newcomers: ['c'] })
  t.is(isLeft(idle) && idle.left, '"c" is named a newcomer, and not a voter')
  t.is(isLeft(shared) && shared.left, 'two members would have the address "a:1"')
  const many = Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`m${i}`, `m${i}:1`]))
  for (const wish of [{ voters: many, learners: {} }, { voters: {}, learners: { ...many, z: 'z:1' } }, { voters: { z: 'z:1' }, learners: many }]) {
    const outcome = changed(parseMembership('a'), { type: 'change', remove: [], newcomers: undefined, ...wish })
    t.is(isLeft(outcome) && outcome.left, 'there would be more than 63 members of a kind')
  }
})

test('what is abandoned ends with the voters from before; whom it brought in stay learners', t => {
  const rows = [['a,b,c//d>a,b,c,d', 'a,b,c//d'], ['a,b,c,d/a,b,c', 'a,b,c//d'], ['a,b/a,b,c/c', 'a,b,c'], ['b/a/a,c', 'a//b,c']] as const
  for (const [from, to] of rows) {
    const outcome = changed(parseMembership(from), { type: 'abandon' })
    t.is(isLeft(outcome) ? outcome.left : showMembership(outcome.right.membership), to)
  }
})

test('those are awaited who do not vote yet', t => {
  t.deepEqual(awaitedBy(parseMembership('a,b,c//d,e>a,b,d/c')), ['d'])
  t.deepEqual(awaitedBy(parseMembership('a,b/a,b,c')), [])
})
