/** The state of a seeded generator: part of the Raft state, so that a seed replays a run. */
export type Random = number

/** The next state and a number in [0, 1); a 32-bit mix of a counter, good enough to spread timeouts. */
export const nextRandom = (random: Random): readonly [Random, number] => {
  const next = (random + 0x9e3779b9) >>> 0
  let mixed = next
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return [next, ((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000]
}

/** Draws one number after another, as a seed has them. */
export const randomFrom = (seed: Random) => (): number => {
  const [next, drawn] = nextRandom(seed)
  seed = next
  return drawn
}
