/**
 * Entries in a recording: where they stand and how large they are. The bytes of commands stay out of it; in their place stand
 * their count, length and checksum, and when they are read zeros of that length: the core never looks inside a body.
 *
 *     how many | of each: face u8 | firstIndex, unless it follows | term, unless it is the same | time | content
 */
import { isRight, unreachable } from '../../lib/prelude.js'
import type { BatchHead, EntryBatch, EntryBody } from '../../lib/types.js'
import type { ByteSink } from '../byte-sink.js'
import type { ByteSource } from '../byte-source.js'
import { decodeMembership, encodeMembership } from '../membership.js'
import { zerosOf } from './zeros.js'

const KINDS = ['command', 'noop', 'membership'] as const
const KIND_BITS = 0x03
const IS_PLACED = 0x04
const HAS_TERM = 0x08
/** The time is so many whole milliseconds after the one before. */
const HAS_DELAY = 0x10
/** The time is written out. */
const HAS_TIME = 0x20
const IS_SLICED = 0x40

/** The largest body that the options allow a frame to carry. */
const MAX_BODY_BYTES = 2 ** 30

export const writeBody = (sink: ByteSink, { count, bytes, checksum }: EntryBody): void => {
  sink.varint(count)
  sink.varint(bytes.length)
  sink.word(checksum)
}

const readLength = (source: ByteSource): number => {
  const length = source.varint()
  if (length > MAX_BODY_BYTES) source.fail(`a body of ${length} bytes is longer than any that could be proposed`)
  return source.fault() === undefined ? length : 0
}

/** As many zeros as there were bytes. */
export const readBlank = (source: ByteSource): Uint8Array => zerosOf(readLength(source))

export const readBody = (source: ByteSource): EntryBody => ({ count: source.varint(), bytes: readBlank(source), checksum: source.word() })

export const writeHead = (sink: ByteSink, { firstIndex, term, count, time, skip, body }: BatchHead): void => {
  for (const number of [firstIndex, term, count, skip, body.count, body.bytes]) sink.varint(number)
  sink.double(time)
  sink.word(body.checksum)
}

export const readHead = (source: ByteSource): BatchHead => {
  const [firstIndex, term, count, skip] = [source.varint(), source.varint(), source.varint(), source.varint()]
  const body = { count: source.varint(), bytes: readLength(source) }
  return { kind: 'command', firstIndex, term, count, skip, time: source.double(), body: { ...body, checksum: source.word() } }
}

const timeBits = (delay: number): number => (delay === 0 ? 0 : delay > 0 && Number.isSafeInteger(delay) ? HAS_DELAY : HAS_TIME)

const writeContent = (sink: ByteSink, batch: EntryBatch, isSliced: boolean): void => {
  switch (batch.kind) {
    case 'command':
      writeBody(sink, batch.body)
      if (isSliced) {
        sink.varint(batch.skip)
        sink.varint(batch.count)
      }
      return
    case 'noop': return
    case 'membership': return sink.blob(encodeMembership(batch.membership))
    default: return unreachable(batch)
  }
}

export const writeBatches = (sink: ByteSink, batches: readonly EntryBatch[], start = 0, end = batches.length): void => {
  sink.varint(end - start)
  let [index, term, time] = [0, 0, 0]
  for (let i = start; i < end; i++) {
    const batch = batches[i]!
    const isSliced = batch.kind === 'command' && (batch.skip > 0 || batch.count < batch.body.count)
    const delay = batch.time - time
    const timing = time + delay === batch.time ? timeBits(delay) : HAS_TIME
    sink.byte(KINDS.indexOf(batch.kind) | (batch.firstIndex === index ? 0 : IS_PLACED) | (batch.term === term ? 0 : HAS_TERM) | timing | (isSliced ? IS_SLICED : 0))
    if (batch.firstIndex !== index) sink.varint(batch.firstIndex)
    if (batch.term !== term) sink.varint(batch.term)
    if (timing === HAS_DELAY) sink.varint(delay)
    else if (timing === HAS_TIME) sink.double(batch.time)
    writeContent(sink, batch, isSliced)
    index = batch.firstIndex + batch.count
    ;({ term, time } = batch)
  }
}

const readContent = (source: ByteSource, face: number, placed: Pick<EntryBatch, 'firstIndex' | 'term' | 'time'>): EntryBatch => {
  const kind = KINDS[face & KIND_BITS]
  switch (kind) {
    case 'command': {
      const body = readBody(source)
      const [skip, count] = (face & IS_SLICED) === 0 ? [0, body.count] : [source.varint(), source.varint()]
      return { kind, ...placed, body, skip, count }
    }
    case 'membership': {
      const membership = decodeMembership(source.blob())
      if (isRight(membership)) return { kind, ...placed, count: 1, membership: membership.right }
      source.fail(`a membership: ${membership.left}`)
      break
    }
    case 'noop': break
    case undefined: source.fail('a batch is of an unknown kind'); break
    default: return unreachable(kind)
  }
  return { kind: 'noop', ...placed, count: 1 }
}

/** Reads what `writeBatches` wrote; what the batches must be to each other is for the codec of what holds them. */
export const readBatches = (source: ByteSource): readonly EntryBatch[] => {
  let [firstIndex, term, time] = [0, 0, 0]
  return source.list(() => {
    const face = source.byte()
    if (face & IS_PLACED) firstIndex = source.varint()
    if (face & HAS_TERM) term = source.varint()
    if (face & HAS_DELAY) time += source.varint()
    else if (face & HAS_TIME) time = source.double()
    const batch = readContent(source, face, { firstIndex, term, time })
    firstIndex += batch.count
    return batch
  })
}
