/** A snapshot between a leader and a follower, in every order in which messages and disks can do their part. */
import test from 'ava'
import { type Budget, type Travel, between, keyOf } from './snapshot-travel.js'

/** Every world that can be reached within the budget, each once. */
const reach = (bytes: number, left: Budget, visit: (world: Travel) => void): void => {
  const { begin, act, possible } = between(bytes)
  const first = begin(left)
  const seen = new Set([keyOf(first)])
  const waiting = [first]
  for (const world of waiting) {
    visit(world)
    for (const one of possible(world)) {
      const next = act(world, one)
      const key = keyOf(next)
      if (seen.has(key)) continue
      seen.add(key)
      waiting.push(next)
    }
  }
}

const cases: readonly (readonly [string, number, Budget])[] = [
  ['no bytes', 0, { beats: 1, duplicates: 1, crashes: 1 }],
  ['one chunk', 2, { beats: 1, duplicates: 1, crashes: 1 }],
  ['three chunks and heartbeats', 5, { beats: 2, duplicates: 0, crashes: 0 }],
  ['three chunks and a message that comes twice', 5, { beats: 1, duplicates: 1, crashes: 0 }],
  ['three chunks and a crash', 5, { beats: 1, duplicates: 0, crashes: 1 }],
]
/** Each is brought to its end from one of so many worlds. */
const SETTLED = 16

for (const [title, bytes, left] of cases) {
  test(`${title}: written once and in order, whatever is lost or overtaken; and all of it soon after nothing is lost any more`, t => {
    const { settle, isDone } = between(bytes)
    let [worlds, finished, slowest] = [0, 0, 0]
    reach(bytes, left, world => {
      const { written, follower: { disk } } = world
      const isInOrder = written.every((byte, at) => byte === at + 1)
      if (!isInOrder || (disk.newest !== undefined && written.length !== bytes)) t.fail(`written: ${written.join(' ')}`)
      if (isDone(world)) finished++
      if (worlds++ % SETTLED === 0) slowest = Math.max(slowest, settle(world))
    })
    t.log(`${worlds} worlds, all is done in ${finished} of them; in others at most ${slowest} more heartbeats are needed`)
    t.true(worlds > 400 && finished > 0)
    t.true(slowest <= 2)
  })
}
