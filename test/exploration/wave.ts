/** Worlds waiting to be looked at, first in, first out, packed into blocks of numbers that are let go as they are read. */
export interface Wave {
  readonly size: () => number
  readonly push: (origin: number, words: Uint32Array, length: number) => void
  /** The oldest one, copied into `words`. */
  readonly shift: (words: Uint32Array) => { readonly origin: number; readonly length: number }
}

const BLOCK_WORDS = 1 << 18
/** Before each world: its length and its number. */
const HEAD = 2

export const createWave = (): Wave => {
  const blocks: Uint32Array[] = []
  let writing = BLOCK_WORDS
  let reading = 0
  let size = 0
  return {
    size: () => size,
    push: (origin, words, length) => {
      if (writing + length + HEAD > BLOCK_WORDS) {
        // A length of 0 ends a block; what is left of it stays unused.
        blocks.push(new Uint32Array(BLOCK_WORDS))
        writing = 0
      }
      const block = blocks.at(-1)!
      block[writing] = length
      block[writing + 1] = origin
      for (let at = 0; at < length; at++) block[writing + HEAD + at] = words[at]!
      writing += HEAD + length
      size++
    },
    shift: words => {
      if (reading + HEAD > BLOCK_WORDS || blocks[0]![reading] === 0) {
        blocks.shift()
        reading = 0
      }
      const block = blocks[0]!
      const length = block[reading]!
      const origin = block[reading + 1]!
      for (let at = 0; at < length; at++) words[at] = block[reading + HEAD + at]!
      reading += HEAD + length
      size--
      return { origin, length }
    },
  }
}
