/**
 * A message as it stands in a frame, little-endian:
 *
 *     kind u8 | flags u8 | bytes of name a u8 | bytes of name b u8 | numbers u64 × n | bytes of block u64 | a | b | block | tail
 *
 * The tail is what has a checksum of its own: an AppendEntries' batches, a part of a batch, a chunk of a snapshot, a proposal's commands or
 * its results. How many numbers there are depends on the kind, and so does whether there is a block with its length: a
 * batch's header, a snapshot's place, an operator's wish or what became of it, a membership (`layouts.ts`).
 * What precedes the tail is the message's head, which the frame vouches for.
 */
import { type Either, isLeft, left, right } from '../lib/prelude.js'
import type { LinkMessage } from '../lib/requests.js'
import { readPosition, writePosition } from './bytes.js'
import { KINDS, type Kind, LAYOUTS, type Layout } from './layouts.js'
import { decodeWith } from './report.js'
import { MESSAGES } from './shapes.js'

const FIXED = 4
const NO_BYTES = new Uint8Array(0)

/** That of a kind is only ever handed messages of it. */
const layoutOf = (kind: Kind): Layout => LAYOUTS[kind]

/** Whether there is more to it than its head: entries or bytes, which may be kept as they came. */
export const hasTail = (message: LinkMessage): boolean => layoutOf(message.type).tail.write(message, []) > 0

// Ids and addresses are ASCII, and short: a loop is done before a native call has begun.
const writeName = (name: string, into: Uint8Array, offset: number): void => {
  for (let i = 0; i < name.length; i++) into[offset + i] = name.charCodeAt(i)
}

/** A byte beyond ASCII becomes a character that the codecs of names refuse. */
const readName = (bytes: Uint8Array, from: number, to: number): string => {
  let name = ''
  for (let at = from; at < to; at++) name += String.fromCharCode(bytes[at]!)
  return name
}

/**
 * Appends the message to `out` as buffers, its head first; bodies and chunks are not copied. Returns the bytes added. The first
 * `reserved` bytes of the head's buffer are left to the caller and not counted.
 */
export const encodeMessage = (message: LinkMessage, out: Uint8Array[], reserved = 0): number => {
  const layout = layoutOf(message.type)
  const { flags, a, b, numbers } = layout.head(message)
  const block = layout.block?.write(message)
  const ofNumbers = reserved + FIXED + 8 * numbers.length
  const names = block === undefined ? ofNumbers : ofNumbers + 8
  const end = names + a.length + b.length
  // Every byte is written. One of its own, of more than 64 bytes, would take seven times as long as a part of what Node keeps for small ones.
  const head = Buffer.allocUnsafe(block === undefined ? end : end + block.length)
  head[reserved] = KINDS.indexOf(message.type)
  head[reserved + 1] = flags
  head[reserved + 2] = a.length
  head[reserved + 3] = b.length
  for (let i = 0; i < numbers.length; i++) writePosition(head, reserved + FIXED + 8 * i, numbers[i]!)
  writeName(a, head, names)
  writeName(b, head, names + a.length)
  if (block !== undefined) {
    writePosition(head, ofNumbers, block.length)
    head.set(block, end)
  }
  out.push(head)
  return head.length - reserved + layout.tail.write(message, out)
}

/** Reads one message from bytes that nobody vouches for. Its bodies and its chunk are views of `bytes`: nobody may write them again. */
export const decodeMessage = (bytes: Uint8Array): Either<string, LinkMessage> => {
  if (bytes.length < FIXED) return left('a message is shorter than its kind')
  const kind = KINDS[bytes[0]!]
  if (kind === undefined) return left(`a message is of the unknown kind ${bytes[0]}`)
  const layout = layoutOf(kind)
  const flags = bytes[1]!
  if (flags > layout.flags) return left(`${kind}: has flags of a newer version`)
  const ofNumbers = FIXED + 8 * layout.numbers
  const names = layout.block === undefined ? ofNumbers : ofNumbers + 8
  const between = names + bytes[2]!
  const end = between + bytes[3]!
  if (end > bytes.length) return left(`${kind}: is shorter than its fields`)
  if (end > names && !layout.isNamed) return left(`${kind}: has names where none belong`)
  const numbers: number[] = []
  for (let at = FIXED; at < ofNumbers; at += 8) numbers.push(readPosition(bytes, at))
  const headEnd = layout.block === undefined ? end : end + readPosition(bytes, ofNumbers)
  if (!(headEnd <= bytes.length)) return left(`${kind}: is shorter than its fields`)
  const block = layout.block === undefined ? NO_BLOCK : layout.block.read(bytes.subarray(end, headEnd), numbers)
  if (isLeft(block)) return left(`${kind}: ${block.left}`)
  const tail = layout.tail.read(headEnd === bytes.length ? NO_BYTES : bytes.subarray(headEnd), numbers)
  if (isLeft(tail)) return left(`${kind}: ${tail.left}`)
  return judged(kind, layout.fields({ flags, a: readName(bytes, names, between), b: readName(bytes, between, end), numbers }, block.right, tail.right))
}

const NO_BLOCK: Either<string, undefined> = right(undefined)

/** The codec's word on a message: `is` costs an eighth of `decode`, which is asked only for the reasons of a refusal. */
const judged = (kind: Kind, fields: unknown): Either<string, LinkMessage> => {
  const codec = MESSAGES[kind]
  if (codec.is(fields)) return right(fields)
  const decoded = decodeWith<LinkMessage>(codec, fields)
  return isLeft(decoded) ? left(`${kind}: ${decoded.left.join('; ')}`) : decoded
}
