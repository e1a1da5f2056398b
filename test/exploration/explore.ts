/** Breadth first through every world within the bounds: the first way found to a violation is a shortest one. */
import { step } from '../../lib/step.js'
import { tellMember } from '../lib/tell.js'
import type { Fold } from '../lib/shell.js'
import { type Opening, play } from './openings.js'
import { createSeen } from './seen.js'
import { MAX_WORDS, type SmallWorld, createSmallWorld } from './small-world.js'
import { createWave } from './wave.js'

export interface Limits {
  /** Stop after this many different worlds. */
  readonly states: number
  /** Stop after this many acts in a row. */
  readonly depth?: number
  readonly progress?: (now: Progress) => void
  readonly fold?: Fold
}
export interface Progress {
  readonly states: number
  readonly depth: number
  /** Worlds still to be looked at on this depth. */
  readonly waiting: number
  readonly met: string
}
export interface Explored {
  /** Different worlds reached. */
  readonly states: number
  /** Every world within this many acts has been reached. */
  readonly depth: number
  /** Nothing within the bounds is left to be reached. */
  readonly isComplete: boolean
  readonly met: string
  /** What does not hold, and the shortest way to it. */
  readonly violation: (Story & { readonly broken: readonly string[] }) | undefined
}

const PROGRESS_EVERY = 4096

interface Story { readonly acts: number; readonly story: readonly string[] }

/** Where a world came from: the world before it and the act between. */
interface Way { readonly parents: Uint32Array; readonly codes: Uint32Array }

export const explore = (opening: Opening, { states, depth: maxDepth = Number.POSITIVE_INFINITY, progress, fold = step }: Limits): Explored => {
  const world = createSmallWorld(opening.bounds, fold)
  const start = play(world, opening)
  const seen = createSeen()
  const way: Way = { parents: new Uint32Array(states + 1), codes: new Uint32Array(states + 1) }
  let wave = createWave()
  let found: { readonly broken: readonly string[]; readonly at: number } | undefined
  seen.add(start, start.length)
  wave.push(0, start, start.length)

  let depth = 0
  const words = new Uint32Array(MAX_WORDS)
  const isFull = (): boolean => seen.size() >= states || found !== undefined
  while (wave.size() > 0 && depth < maxDepth && !isFull()) {
    const next = createWave()
    for (let left = wave.size(); left > 0 && !isFull(); left--) {
      const { origin, length } = wave.shift(words)
      if (left % PROGRESS_EVERY === 0) progress?.({ states: seen.size(), depth, waiting: left, met: world.size() })
      world.successors(words.subarray(0, length), length, (successor, size, code, broken) => {
        if (isFull() || !seen.add(successor, size)) return
        const at = seen.size() - 1
        way.parents[at] = origin
        way.codes[at] = code
        if (broken.length > 0) found = { broken, at }
        else next.push(at, successor, size)
      })
    }
    if (isFull()) break
    wave = next
    depth++
  }
  const violation = found && { broken: found.broken, ...storyOf(world, opening, start, way, found.at) }
  return { states: seen.size(), depth, isComplete: wave.size() === 0, met: world.size(), violation }
}

/** The acts from the opening on, each with the member that it changed. */
const storyOf = (world: SmallWorld, { acts }: Opening, start: Uint32Array, { parents, codes }: Way, last: number): Story => {
  const path: number[] = []
  for (let at = last; at > 0; at = parents[at]!) path.unshift(codes[at]!)
  const story = [...acts, '-- the opening ends here --', ...world.members(start).map(tellMember), '--']
  let words = start
  for (const code of path) {
    story.push(world.tell(code))
    world.successors(words, words.length, (successor, size, taken) => {
      if (taken === code) words = successor.slice(0, size)
    })
    story.push(`    ${tellMember(world.members(words)[(code >>> 1) & 3]!)}`)
  }
  return { acts: path.length, story }
}
