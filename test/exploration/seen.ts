/** Which worlds have been reached: 64-bit fingerprints in one flat table, eight bytes each and no object. */
export interface Seen {
  /** Whether `words[0..length)` is new; it no longer is afterwards. */
  readonly add: (words: Uint32Array, length: number) => boolean
  readonly size: () => number
  readonly bytes: () => number
}

const FIRST_SLOTS = 1 << 16
/** Beyond this load the table doubles. */
const MAX_LOAD = 0.6

const mix = (hash: number, word: number, factor: number): number => {
  const mixed = Math.imul(hash ^ word, factor)
  return mixed ^ (mixed >>> 15)
}

export const createSeen = (): Seen => {
  let table = new Uint32Array(2 * FIRST_SLOTS)
  let mask = FIRST_SLOTS - 1
  let size = 0

  /** Open addressing; a pair of zeros is a free slot. */
  const put = (into: Uint32Array, low: number, high: number): boolean => {
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const at = 2 * slot
      if (into[at] === low && into[at + 1] === high) return false
      if (into[at] === 0 && into[at + 1] === 0) {
        into[at] = low
        into[at + 1] = high
        return true
      }
    }
  }
  const grow = (): void => {
    const old = table
    mask = 2 * mask + 1
    table = new Uint32Array(2 * old.length)
    for (let at = 0; at < old.length; at += 2) if (old[at] !== 0 || old[at + 1] !== 0) put(table, old[at]!, old[at + 1]!)
  }
  return {
    add: (words, length) => {
      let low = 0x9e3779b9
      let high = 0x7f4a7c15
      for (let at = 0; at < length; at++) {
        low = mix(low, words[at]!, 0x85ebca6b)
        high = mix(high, words[at]! + low, 0xc2b2ae35)
      }
      low = mix(low, length, 0x27d4eb2f) >>> 0
      high = mix(high, length, 0x165667b1) >>> 0 || 1
      if (!put(table, low, high)) return false
      size++
      if (size > MAX_LOAD * (mask + 1)) grow()
      return true
    },
    size: () => size,
    bytes: () => table.byteLength,
  }
}
