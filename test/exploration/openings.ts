/** Where exploration begins: acts in the words in which stories are told, so that the way to a violation can become an opening. */
import { type Bounds, SMALL } from './bounds.js'
import { tellMember } from '../lib/tell.js'
import type { SmallWorld } from './small-world.js'

export interface Opening {
  readonly name: string
  readonly bounds: Bounds
  /** Each the beginning of an act's words; the first act that begins so is taken. */
  readonly acts: readonly string[]
}

const SILENCE = 'all letters are lost'

export const play = (world: SmallWorld, { name, acts }: Opening): Uint32Array => acts.reduce((words, act) => {
  if (act === SILENCE) return world.silent(words)
  let taken: Uint32Array | undefined
  world.successors(words, words.length, (successor, size, code, broken) => {
    if (taken !== undefined || !world.tell(code).startsWith(act)) return
    if (broken.length > 0) throw new Error(`${name}: ${act}: ${broken.join('; ')}`)
    taken = successor.slice(0, size)
  })
  if (taken === undefined) throw new Error([`${name}: nobody can do this: ${act}`, ...world.members(words).map(tellMember)].join('\n'))
  return taken
}, world.first)

const elected = (id: string, by: string): readonly string[] => [`${id} stands`, `${by} hears ${id}: RV`, `${id} hears ${by}: RVR`]

/** The leader's entry at `index` on the way to the other's disk, and the answer back. */
const follows = (leader: string, follower: string, index: number): readonly string[] =>
  [`${follower} hears ${leader}: AE(${follower}; T1; ${index - 1}@`, `${follower} writes`, `${leader} hears ${follower}: ok(${leader}; T1; ${index}/${index}`]
/** The same after the question with which a leader begins: whether the logs agree. */
const joins = (follower: string): readonly string[] => [`${follower} hears n1: AE`, `n1 hears ${follower}: ok`, ...follows('n1', follower, 1)]
/** Everybody has the first leader's first entry. */
const led = [...elected('n1', 'n2'), 'n1 writes', ...joins('n2'), ...joins('n3'), SILENCE]
/** From the first heartbeat on, n3 gets both entries. */
const catchesUp = ['n3 hears n1: AE', 'n1 hears n3: no', 'n3 hears n1: AE(n3; T1; 0@0', 'n1 hears n3: ok', 'n3 hears n1: AE(n3; T1; 1@1; [2@1', 'n3 writes', 'n3 writes', 'n1 hears n3: ok(n1; T1; 2/2']

export const OPENINGS: readonly Opening[] = [
  // Whoever stands first is called n1.
  { name: 'nothing', bounds: { ...SMALL, maxTerm: 2 }, acts: ['n1 stands'] },
  { name: 'asking first', bounds: { ...SMALL, maxTerm: 2, proposals: 0, preVotes: true, hardStatesWait: true }, acts: [] },
  { name: 'one leader', bounds: { ...SMALL, maxTerm: 2, proposals: 2 }, acts: led },
  // Figure 8 (b): n1 has the entry of term 1 on its disk, n2 that of term 2, n3 neither; n1 has just won term 3.
  {
    name: 'Figure 8', bounds: { ...SMALL, maxTerm: 4, proposals: 0, crashes: 0, duplicates: 0 },
    acts: [
      ...elected('n1', 'n2'), 'n1 writes', SILENCE, ...elected('n2', 'n3'), 'n2 writes', SILENCE,
      'n1 stands', 'n1 stands', 'n3 hears n1: RV(n3; T3', 'n1 hears n3: RVR(n1; T3; yes', 'n1 writes', 'n2 stands',
    ],
  },
  // n1 crashed over an entry that n2 alone has; n3 leads term 2 by n1's vote and has another entry there.
  {
    name: 'a tail that nobody verified', bounds: { ...SMALL, maxTerm: 2, heartbeats: 2 },
    acts: [...led, 'n1 takes', 'n2 hears n1: AE', 'n2 writes', 'n1 crashes', SILENCE, ...elected('n3', 'n1'), 'n3 writes'],
  },
  // n1 knows that n3 has its state. The new majority is n3, which alone has heard of the change, and the old one any two: neither decides without the other.
  {
    name: 'two leave', bounds: { ...SMALL, maxTerm: 2, proposals: 0, changes: ['-n1 -n2', 'abandon'] },
    acts: [...led, 'n1 takes the change', 'n1 writes', ...follows('n1', 'n3', 2), 'n3 hears n1: AE', 'n3 writes'],
  },
  // n3 has caught up and is no newcomer any more, of which n2 has yet to hear, and is to vote in the place of the leader.
  {
    name: 'one takes the place of the leader', bounds: { ...SMALL, voters: 'n1 n2', maxTerm: 2, proposals: 0, duplicates: 0, heartbeats: 2, changes: ['+n3 -n1'] },
    acts: [
      ...elected('n1', 'n2'), 'n1 writes', ...joins('n2'), SILENCE, 'n1 takes the change', 'n1 writes', ...follows('n1', 'n2', 2), 'n1 sends heartbeats', ...catchesUp,
    ],
  },
]
