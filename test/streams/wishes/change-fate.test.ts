/** What is told of a change by what is committed afterwards, whoever led. */
import test from 'ava'
import { isRight } from '../../../lib/prelude.js'
import { type Taken, whatBecameOf } from '../../../streams/wishes/change-fate.js'
import { follower, membershipOf } from '../../lib/build.js'

const TAKEN: Taken = { type: 'changeTaken', index: 3, term: 1, goal: membershipOf('a b') }
type Notes = Parameters<typeof follower>[0]
const ROWS: readonly (readonly [what: string, notes: Notes, fate: string])[] = [
  ['not committed', { log: '1-2@1 3@1=a,b/a,b,c', commit: 2 }, 'open'],
  ['in joint consensus', { log: '1-2@1 3@1=a,b/a,b,c', commit: 3 }, 'open'],
  ['the end is not committed', { log: '1-2@1 3@1=a,b/a,b,c 4@1=a,b', commit: 3 }, 'open'],
  ['through', { log: '1-2@1 3@1=a,b/a,b,c 4@2=a,b', commit: 4 }, 'done'],
  ['through, and another behind it', { log: '1-2@1 3@1=a,b/a,b,c 4@1=a,b 5@1=a,b//d', commit: 5 }, 'done'],
  ['abandoned', { log: '1-2@1 3@1=a,b/a,b,c 4@1=a,b,c', commit: 4 }, 'ChangeFailed yes'],
  ['overwritten by another leader', { log: '1-2@1 3@2!', commit: 3 }, 'ChangeFailed never'],
  ['behind a snapshot that has it', { voters: 'a b', base: '9@2', commit: 9 }, 'done'],
  ['behind a snapshot with another', { voters: 'a b d', base: '9@2', commit: 9 }, 'OutcomeUnknown unknown'],
  ['behind a snapshot, under way', { voters: 'a b', outgoing: 'a b c', base: '9@2', commit: 9 }, 'open'],
]
test('an address that moved, whose change is lost behind a snapshot, has not moved', t => {
  const goal = { ...membershipOf('a b'), addresses: { a: 'a:1', b: 'elsewhere:1' } }
  const outcome = whatBecameOf({ ...TAKEN, goal }, follower({ id: 'a', voters: 'a b', base: '9@2', commit: 9 }))
  t.true(outcome !== undefined && !isRight(outcome) && outcome.left._tag === 'OutcomeUnknown')
})

for (const [what, notes, fate] of ROWS) {
  test(`${what}: ${fate}`, t => {
    const outcome = whatBecameOf(TAKEN, follower({ id: 'a', voters: 'a b c', ...notes }))
    t.is(outcome === undefined ? 'open' : isRight(outcome) ? 'done' : `${outcome.left._tag} ${outcome.left.appended}`, fate)
  })
}
