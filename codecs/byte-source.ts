import { MAX_POSITION, viewOf } from './bytes.js'

/**
 * Reads what a `ByteSink` wrote, from bytes that nobody vouches for. The first thing that cannot be read is kept as the fault;
 * what is read after it is 0 or empty, so that whoever reads asks once, at the end.
 */
export interface ByteSource {
  fault(): string | undefined
  /** Notes a fault, unless there is one already. */
  fail(reason: string): void
  /** How many bytes are left; none after a fault. */
  left(): number
  byte(): number
  varint(): number
  word(): number
  double(): number
  blob(): Uint8Array
  text(): string
  /** As many items as a varint says, each of at least one byte. */
  list<A>(item: (position: number) => A): readonly A[]
}

/** A varint of 53 bits has eight bytes at most. */
const MAX_VARINT_BYTES = 8

export const byteSource = (bytes: Uint8Array): ByteSource => {
  const view = viewOf(bytes)
  let at = 0
  let fault: string | undefined

  const fail = (reason: string): void => { fault ??= reason }
  const left = (): number => (fault === undefined ? bytes.length - at : 0)
  /** Where the next `count` bytes stand, or undefined where there are not so many. */
  const next = (count: number): number | undefined => {
    if (left() < count) {
      fail('it ends in the middle of a value')
      return undefined
    }
    at += count
    return at - count
  }
  const byte = (): number => {
    const place = next(1)
    return place === undefined ? 0 : bytes[place]!
  }
  const varint = (): number => {
    let value = 0
    let weight = 1
    for (let i = 0; i < MAX_VARINT_BYTES; i++, weight *= 128) {
      const read = byte()
      value += (read & 127) * weight
      if (read < 128) {
        if (value > MAX_POSITION) fail('a number is too large')
        return fault === undefined ? value : 0
      }
    }
    fail('a number has no end')
    return 0
  }
  const blob = (): Uint8Array => {
    const length = varint()
    const place = next(length)
    return place === undefined ? new Uint8Array(0) : bytes.subarray(place, place + length)
  }
  return {
    fault: () => fault, fail, left, byte, varint, blob,
    word: () => {
      const place = next(4)
      return place === undefined ? 0 : view.getUint32(place, true)
    },
    double: () => {
      const place = next(8)
      return place === undefined ? 0 : view.getFloat64(place, true)
    },
    text: () => String.fromCharCode(...blob().subarray(0, 1024)),
    list: item => {
      const count = varint()
      if (count > left()) fail('a list is longer than what holds it')
      const items = []
      for (let i = 0; i < count && fault === undefined; i++) items.push(item(i))
      return items
    },
  }
}
