/**
 * Memory that is used again and again, for bytes that soon go to a disk or to a peer and are kept nowhere. A snapshot would take a new mebibyte for each chunk, and
 * the collector that frees them takes a third of the time of whoever sends or receives one.
 */

/** Buffers that take turns: what stands in one stays until all the others have had theirs. */
export interface Recycled {
  /** Whose turn it is, of any length and with anything in it. */
  current(): Uint8Array
  /** A larger one in its place. */
  replace(larger: Uint8Array): void
  /** What stands in it is in use from now on: it is the next one's turn. */
  pass(): void
}

/** A buffer that is about to be written from its first byte to its last: one of zeros takes as long again. */
export const unwritten = (bytes: number): Uint8Array => new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)

const NOTHING = new Uint8Array(0)

export const recycled = (count: number): Recycled => {
  const buffers: Uint8Array[] = []
  let turn = 0
  return {
    current: () => buffers[turn] ?? NOTHING,
    replace: larger => { buffers[turn] = larger },
    pass: () => { turn = (turn + 1) % count },
  }
}

/** Room for exactly so many bytes, in the buffer whose turn it is. */
export const roomIn = (buffers: Recycled, bytes: number): Uint8Array => {
  const found = buffers.current()
  if (found.length >= bytes) return found.subarray(0, bytes)
  const larger = unwritten(bytes)
  buffers.replace(larger)
  return larger
}
