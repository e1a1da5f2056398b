/** Every world within a few acts of each opening; more of them: `npm run explore -- --states 10000000`. */
import test from 'ava'
import type { Ready } from '../../lib/events.js'
import { step } from '../../lib/step.js'
import type { Fold } from '../lib/shell.js'
import { explore } from './explore.js'
import { createSeen } from './seen.js'
import { OPENINGS, type Opening } from './openings.js'

const MOST_STATES = 1_500_000

/** By opening: all worlds within so many acts, and how many there are at least. Together about twenty seconds of one core. */
const DEPTHS: Readonly<Record<string, { readonly depth: number; readonly least: number }>> = {
  'nothing': { depth: 7, least: 250_000 },
  'asking first': { depth: 8, least: 60_000 },
  'one leader': { depth: 8, least: 800_000 },
  'Figure 8': { depth: 9, least: 700_000 },
  'a tail that nobody verified': { depth: 11, least: 150_000 },
  'two leave': { depth: 6, least: 100_000 },
  'one takes the place of the leader': { depth: 12, least: 200_000 },
}
const openingOf = (name: string): Opening => OPENINGS.find(opening => opening.name === name)!

for (const opening of OPENINGS) {
  test(`from "${opening.name}", no order of events breaks a promise`, t => {
    const { depth, least } = DEPTHS[opening.name]!
    const { states, depth: reached, violation, met } = explore(opening, { states: MOST_STATES, depth })
    if (violation) t.log(violation.story.join('\n'))
    t.deepEqual(violation?.broken ?? [], [])
    t.is(reached, depth, `${states} worlds are not all within ${depth} acts`)
    t.true(states >= least, `${states} worlds`)
    t.log(`${states} worlds, ${met}`)
  })
}

/** A core with a fault that shows in what it asks for. */
const faulty = (spoil: (ready: Ready) => Partial<Ready>): Fold => (previous, batch) => {
  const next = step(previous, batch)
  return { state: next.state, ready: { ...next.ready, ...spoil(next.ready) } }
}
const FAULTS: readonly { readonly fault: string; readonly from: string; readonly acts: number; readonly broken: RegExp; readonly fold: Fold }[] = [
  {
    fault: 'votes that are not written', from: 'nothing', acts: 6, broken: /^Election Safety: n1 and n2 both lead term 1/,
    fold: faulty(({ writes }) => ({
      writes: writes.map(write => write.type === 'hardState' ? { ...write, hardState: { ...write.hardState, votedFor: undefined } } : write),
    })),
  },
  {
    fault: 'votes for everyone', from: 'one leader', acts: 8, broken: /^Election Safety: n1 and n2 both lead term 2/,
    fold: faulty(({ messages }) => ({ messages: messages.map(message => message.type === 'requestVoteReply' ? { ...message, voteGranted: true } : message) })),
  },
  {
    fault: 'entries called durable on arrival', from: 'one leader', acts: 4, broken: /^Durability/,
    fold: faulty(({ messages }) => ({ messages: messages.map(message => message.type === 'appendAccepted' ? { ...message, durable: message.verified } : message) })),
  },
]
for (const { fault, from, acts, broken, fold } of FAULTS) {
  test(`exploration finds ${fault}, by a shortest way`, t => {
    const { violation } = explore(openingOf(from), { states: MOST_STATES, fold })
    t.regex(violation?.broken[0] ?? '', broken)
    t.true(violation!.acts <= acts, `${violation!.acts} acts`)
    t.true(violation!.story.length > 2 * acts)
  })
}

test('a world is new once, however full the table', t => {
  const seen = createSeen()
  const words = new Uint32Array(3)
  const COUNT = 300_000
  for (let round = 0; round < 2; round++) {
    let fresh = 0
    for (let i = 0; i < COUNT; i++) {
      words.set([i % 97, i, i >>> 3])
      if (seen.add(words, 3)) fresh++
    }
    t.is(fresh, round === 0 ? COUNT : 0)
  }
  t.true(seen.add(words, 2), 'a shorter world is another one')
})
