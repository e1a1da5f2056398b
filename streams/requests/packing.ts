/** Commands and results on their way between values and the bytes that requests and replies carry. */
import { isCarried } from '../../codecs/carried.js'
import { BODY_HEADER_BYTES, NUMBERING_BYTES, isOpening, numberingOf, placeOf } from '../../codecs/entries.js'
import { FRAME_SLACK_BYTES, type Limits } from '../../codecs/options.js'
import { type CarriedResults, type Told, decodeResults, encodeResults } from '../../codecs/results.js'
import { fitsAsItIs, misfits } from '../../codecs/report.js'
import { encodeReadable, holdsMoreValues, readBack, valuesOf } from '../../codecs/values.js'
import { Rejected, TooLarge } from '../../lib/errors.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { ProposeReply } from '../../lib/requests.js'
import type { EntryBody } from '../../lib/types.js'
import type { Protocol } from '../machine/machine.js'
import type { Fate } from './route.js'

const tooMany = (most: number): string => `holds more than maxCommandValues = ${most} values`

/**
 * The command as the log would hold it, read back unless JSON is certain to carry it: whoever proposes what no member can decode is to hear so at once. What gets
 * into the log is judged again, by whoever appends it.
 */
export const packCommand = <C, R>(
  { command: codec }: Protocol<C, R>, { maxCommandBytes, maxCommandValues }: Pick<Limits, 'maxCommandBytes' | 'maxCommandValues'>, command: C,
): Either<Rejected | TooLarge, Uint8Array> => {
  const encoded = encodeReadable(codec, command)
  if (isLeft(encoded)) return left(new Rejected(misfits(codec, command) ?? encoded.left))
  const { bytes, content } = encoded.right
  if (bytes.length > maxCommandBytes) return left(new TooLarge(bytes.length, maxCommandBytes))
  if (holdsMoreValues(bytes, maxCommandValues)) return left(new Rejected([tooMany(maxCommandValues)]))
  if (typeof content === 'string' && isCarried(codec, command, content)) return right(bytes)
  const decoded = readBack(codec, encoded.right)
  if (!isLeft(decoded)) return right(bytes)
  const isChanged = typeof content === 'string' && fitsAsItIs(codec, command)
  return left(new Rejected(isChanged ? decoded.left.map(line => `${line}, which is what JSON makes of it`) : decoded.left))
}

/** Why a body cannot pass: for which of its commands, the first of which is 1, unless it is all of it. */
export interface Objection {
  readonly place: number | undefined
  readonly reason: string
}

/** The commands of a body, none where it opens a session, or why it cannot pass: every command must decode here and keep the bounds, before it is in the log. */
export const unpackBody = <C, R>(
  protocol: Protocol<C, R>, { maxCommandBytes, maxCommandValues, maxBatchBytes }: Pick<Limits, 'maxCommandBytes' | 'maxCommandValues' | 'maxBatchBytes'>, body: EntryBody,
): Either<Objection, readonly C[]> => {
  if (isOpening(body)) return right([])
  const packedBytes = numberingOf(body) === undefined ? body.bytes.length : body.bytes.length - NUMBERING_BYTES
  if (body.count > 1 && packedBytes > maxBatchBytes + BODY_HEADER_BYTES) {
    return left({ place: undefined, reason: `${body.count} commands in one request exceed maxBatchBytes with ${packedBytes} bytes` })
  }
  const objection = (i: number, what: string): Either<Objection, never> => left({ place: i + 1, reason: `command ${i}${what}` })
  const commands: C[] = []
  const read = valuesOf(protocol.command, body, 0, body.count)
  for (let i = 0; i < body.count; i++) {
    const from = placeOf(body, i)
    const to = placeOf(body, i + 1)
    if (to - from > maxCommandBytes) return objection(i, ` exceeds maxCommandBytes with ${to - from} bytes`)
    if (holdsMoreValues(body.bytes.subarray(from, to), maxCommandValues)) return objection(i, ` ${tooMany(maxCommandValues)}`)
    const command = read(from, to)
    if (isLeft(command)) return objection(i, `: ${command.left.join('; ')}`)
    commands.push(command.right)
  }
  return right(commands)
}

/** Results as one reply carries them. */
export const packResults = <C, R>(
  protocol: Protocol<C, R>, { maxFrameBytes }: Pick<Limits, 'maxFrameBytes'>, results: readonly Told<R>[],
): CarriedResults => encodeResults(protocol.result, results, maxFrameBytes - FRAME_SLACK_BYTES)

/** The fate that a reply tells. */
export const unpackReply = <C, R>(protocol: Protocol<C, R>, reply: ProposeReply): Fate<R> => reply.type !== 'committed' ? reply
  : { type: 'committed', id: reply.id, firstIndex: reply.firstIndex, results: decodeResults(protocol.result, reply.results) }
