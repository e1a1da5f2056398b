/**
 * The machine of the demo: numbered pieces of a byte stream, of which only the next one is accepted. A piece that is sent
 * again after an unknown outcome does no harm, and a hole cannot pass.
 */
import { crc32 } from 'node:zlib'
import * as t from 'io-ts'
import { reducerMachine } from '../../streams/index.js'

/** Piece `seq` of the stream, counted from 0. */
export interface Piece {
  readonly seq: number
  readonly bytes: Uint8Array
}

const SEQ_BYTES = 8

const pieceFrom = (raw: Uint8Array): Piece => ({
  seq: Number(Buffer.from(raw.buffer, raw.byteOffset, SEQ_BYTES).readBigUInt64LE()),
  bytes: raw.subarray(SEQ_BYTES),
})

const isPiece = (u: unknown): u is Piece =>
  typeof u === 'object' && u !== null && 'seq' in u && Number.isSafeInteger(u.seq) && 'bytes' in u && u.bytes instanceof Uint8Array

/** A piece travels as its number and its bytes, so that every byte of a file comes through unchanged. */
const piece = new t.Type<Piece, Uint8Array, unknown>(
  'Piece',
  isPiece,
  (u, context) => isPiece(u) ? t.success(u) : u instanceof Uint8Array && u.length >= SEQ_BYTES ? t.success(pieceFrom(u)) : t.failure(u, context),
  ({ seq, bytes }) => {
    const raw = Buffer.allocUnsafe(SEQ_BYTES + bytes.length)
    raw.writeBigUInt64LE(BigInt(seq))
    raw.set(bytes, SEQ_BYTES)
    return raw
  },
)

/** Accepted, accepted before, or out of order. */
const verdict = t.union([t.literal('accepted'), t.literal('repeated'), t.literal('hole')])
export type Verdict = t.TypeOf<typeof verdict>

/** How much of the stream is applied, and a checksum over all of it. */
const received = t.strict({ next: t.number, checksum: t.number })
type Received = t.TypeOf<typeof received>

export const numbered = reducerMachine({
  command: piece, result: verdict, state: received, initial: { next: 0, checksum: 0 },
  reduce: (state, { seq, bytes }): readonly [Received, Verdict] =>
    seq < state.next ? [state, 'repeated']
      : seq > state.next ? [state, 'hole']
        : [{ next: seq + 1, checksum: crc32(bytes, state.checksum) }, 'accepted'],
})
