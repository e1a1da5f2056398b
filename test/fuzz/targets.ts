/** Everything here that reads bytes which nobody vouches for, each with samples to begin from. */
import * as t from 'io-ts'
import { decodeBatch, encodeBatch } from '../../codecs/batches.js'
import { checksumOf } from '../../codecs/bytes.js'
import { packEntries, packOpening, readBody } from '../../codecs/entries.js'
import { frameReader, handshakeReader } from '../../codecs/frame-reader.js'
import { encodeFrame, farewellFrame, framed, keepAliveFrame, partHeader, receiptFrame } from '../../codecs/frames.js'
import { decodeHandshakeReply, decodeHello, encodeHandshake } from '../../codecs/handshake.js'
import { decodeMembership, encodeMembership } from '../../codecs/membership.js'
import { decodeMessage, encodeMessage } from '../../codecs/messages.js'
import { decodeHardState, decodeIdentity, encodeHardState, encodeIdentity } from '../../codecs/records.js'
import { decodeResults, encodeResults } from '../../codecs/results.js'
import { decodePlace, encodePlace } from '../../codecs/snapshots.js'
import { decodeValue, encodeValue } from '../../codecs/values.js'
import { MachineFailed } from '../../lib/errors.js'
import { isLeft, isRight, right } from '../../lib/prelude.js'
import type { LinkMessage } from '../../lib/requests.js'
import { decodeBase, encodeBase } from '../../streams/storage/log/segment.js'
import { decodeFileHeader, encodeFileHeader } from '../../streams/storage/files/file-header.js'
import { handshakes, hardStates, identity, membership, messages, snapshot } from '../codecs/samples.js'

const MAX_FRAME_BYTES = 1 << 20

export interface Target {
  readonly samples: readonly Uint8Array[]
  /** Whether the bytes were accepted. Whatever it throws is a fault of ours. */
  readonly read: (bytes: Uint8Array) => boolean
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
const all = Object.values<LinkMessage>(messages)
const payloadOf = (message: LinkMessage): Uint8Array => {
  const parts: Uint8Array[] = []
  encodeMessage(message, parts)
  return joined(parts)
}
const rightOf = <A>(outcome: { readonly _tag: string; readonly right?: A }): A => {
  if (outcome.right === undefined) throw new Error('a sample that cannot be encoded')
  return outcome.right
}

/** What is accepted says something that can be said again, and is then accepted again as the same. */
const readMessage = (bytes: Uint8Array): boolean => {
  const message = decodeMessage(bytes)
  if (isLeft(message)) return false
  const again = decodeMessage(payloadOf(message.right))
  if (isLeft(again)) throw new Error(`accepted, and refused when said again: ${again.left}`)
  return true
}

const readFrames = (bytes: Uint8Array): boolean => {
  const reader = frameReader({ maxFrameBytes: MAX_FRAME_BYTES })
  let accepted = 0
  for (let at = 0; at < bytes.length; at += 97) {
    const frames = reader.push(bytes.slice(at, at + 97))
    if (reader.pendingBytes() > MAX_FRAME_BYTES) throw new Error('more is kept than a frame may have')
    if (isLeft(frames)) return false
    accepted += frames.right.filter(({ payload }) => readMessage(payload)).length
  }
  return accepted > 0
}

/** Frames that come in parts, and what those make up, as a link reads them. */
const readParts = (bytes: Uint8Array): boolean => {
  const parts = frameReader({ maxFrameBytes: MAX_FRAME_BYTES })
  const whole = frameReader({ maxFrameBytes: MAX_FRAME_BYTES })
  const found = parts.push(bytes)
  if (isLeft(found)) return false
  let accepted = 0
  for (const { lane, payload } of found.right) {
    const frames = lane === 'part' ? whole.push(payload) : found
    if (whole.pendingBytes() > MAX_FRAME_BYTES) throw new Error('more is kept than a frame may have')
    if (isLeft(frames)) return false
    if (lane === 'part') accepted += frames.right.filter(frame => readMessage(frame.payload)).length
  }
  return accepted > 0
}
const inParts = (frame: Uint8Array): Uint8Array => {
  const parts: Uint8Array[] = []
  for (let at = 0; at < frame.length; at += 40) parts.push(partHeader(Math.min(40, frame.length - at)), frame.subarray(at, at + 40))
  return joined(parts)
}

/** The bytes with a checksum that fits them: a peer with a mind of its own. */
const sealed = (read: (bytes: Uint8Array, checksum: number) => { readonly _tag: string }) => (bytes: Uint8Array): boolean =>
  read(bytes, checksumOf(bytes))._tag === 'Right'

const value = { key: 'motd', value: 'grüße, 世界', n: [1, -0.5, null, true], deep: [[[[[[]]]]]] }
const body = packEntries([Uint8Array.of(0, 123, 125), new Uint8Array(40), new Uint8Array(0)])
const batches = messages.appendEntries.batches.map(batch => {
  const parts: Uint8Array[] = []
  encodeBatch(batch, parts)
  return joined(parts)
})

export const TARGETS: Readonly<Record<string, Target>> = {
  frames: { samples: [joined(all.flatMap(encodeFrame)), ...all.map(message => joined(encodeFrame(message))), keepAliveFrame(), farewellFrame(), receiptFrame()], read: readFrames },
  'frames in parts': { samples: all.map(message => inParts(joined(encodeFrame(message)))), read: readParts },
  'frames with checksums that fit': { samples: all.map(payloadOf), read: payload => readFrames(framed(payload)) },
  messages: { samples: all.map(payloadOf), read: readMessage },
  batches: { samples: batches, read: bytes => isRight(decodeBatch(bytes, 0)) },
  bodies: { samples: [body.bytes, packEntries([Uint8Array.of(0, 123, 125)], { session: 7, name: 9, first: 3, awaited: 2 }).bytes, packOpening(9).bytes], read: sealed(readBody) },
  results: {
    samples: [encodeResults(t.unknown, [value, new MachineFailed('overdrawn')]).body.bytes],
    read: sealed((bytes, checksum) => {
      const read = readBody(bytes, checksum)
      return isLeft(read) ? read : right(decodeResults(t.unknown, read.right))
    }),
  },
  values: { samples: [rightOf(encodeValue(t.unknown, value)), rightOf(encodeValue(t.unknown, 7))], read: bytes => isRight(decodeValue(t.unknown, bytes)) },
  hellos: { samples: Object.values(handshakes).map(encodeHandshake), read: bytes => isRight(decodeHello(bytes)) },
  'handshake replies': { samples: Object.values(handshakes).map(encodeHandshake), read: bytes => isRight(decodeHandshakeReply(bytes)) },
  'first frames': {
    samples: Object.values(handshakes).map(handshake => framed(encodeHandshake(handshake))),
    read: bytes => {
      const first = handshakeReader().push(bytes)
      return isRight(first) && first.right !== undefined
    },
  },
  memberships: { samples: [encodeMembership(membership)], read: bytes => isRight(decodeMembership(bytes)) },
  'hard states': { samples: Object.values(hardStates).map(encodeHardState), read: bytes => isRight(decodeHardState(bytes)) },
  identities: { samples: [encodeIdentity(identity)], read: bytes => isRight(decodeIdentity(bytes)) },
  'log bases': { samples: [encodeBase({ index: 7, term: 2, membership })], read: bytes => isRight(decodeBase(bytes)) },
  'places of snapshots': { samples: [encodePlace(snapshot)], read: bytes => isRight(decodePlace(bytes)) },
  'file headers': {
    samples: [encodeFileHeader({ kind: 'segment', clusterId: 'c0ffee', number: 1, capacity: 4096, salt: new Uint8Array(16) })],
    read: bytes => isRight(decodeFileHeader(bytes, 'segment')),
  },
}
