/**
 * What version 1 wrote: `test/fixtures/v1/wire.txt` has one line per sample, its name and its bytes in hexadecimal. The lines
 * were written by version 1 and are never changed once it is released; every later version must read them to the same values.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import * as t from 'io-ts'
import { packEntries } from '../../codecs/entries.js'
import { frameReader, handshakeReader } from '../../codecs/frame-reader.js'
import { PROTOCOL_VERSION, encodeFrame, farewellFrame, isFarewell, keepAliveFrame } from '../../codecs/frames.js'
import { decodeHandshakeReply, decodeHello, encodeHandshake } from '../../codecs/handshake.js'
import { decodeMembership, encodeMembership } from '../../codecs/membership.js'
import { decodeMessage } from '../../codecs/messages.js'
import { FOLDER_FORMAT, decodeHardState, decodeIdentity, encodeHardState, encodeIdentity } from '../../codecs/records.js'
import { EXPIRED, FORGOTTEN, OPENED, decodeResults, encodeResults } from '../../codecs/results.js'
import { decodeValue, encodeValue } from '../../codecs/values.js'
import { MachineFailed } from '../../lib/errors.js'
import { type Either, isLeft } from '../../lib/prelude.js'
import type { LinkMessage } from '../../lib/requests.js'
import { root } from '../run.js'
import { handshakes, hardStates, identity, membership, messages } from './samples.js'

const fixtures = new Map(readFileSync(join(root, 'test/fixtures/v1/wire.txt'), 'utf8').trim().split('\n').map(line => {
  const [name = '', hex = ''] = line.split(' ')
  return [name, new Uint8Array(Buffer.from(hex, 'hex'))] as const
}))

const rightOf = <A>(outcome: Either<unknown, A>): A => {
  if (isLeft(outcome)) throw new Error(`refused: ${JSON.stringify(outcome.left)}`)
  return outcome.right
}

interface Sample {
  /** It is written otherwise by now. */
  readonly isPast?: boolean
  readonly name: string
  readonly value: unknown
  readonly write: () => Uint8Array
  readonly read: (bytes: Uint8Array) => unknown
}

const Raw = new t.Type<Uint8Array, Uint8Array>(
  'Raw', (value): value is Uint8Array => value instanceof Uint8Array,
  (value, context) => (value instanceof Uint8Array ? t.success(value) : t.failure(value, context)), t.identity,
)
const value = { key: 'motd', value: 'grüße, 世界', n: [1, -0.5, null, true] }
const raw = Uint8Array.of(0, 127, 128, 255)
const results: readonly unknown[] = [{ total: 3 }, new MachineFailed('overdrawn'), EXPIRED, FORGOTTEN, OPENED]
const plain = (result: unknown): unknown => (result instanceof MachineFailed ? `failed: ${result.reason}` : result)

const samples: readonly Sample[] = [
  ...Object.entries<LinkMessage>(messages).map(([name, message]): Sample => ({
    name: `frame.${name}`,
    value: [message],
    write: () => Buffer.concat(encodeFrame(message)),
    read: bytes => rightOf(frameReader({ maxFrameBytes: 4096 }).push(bytes)).map(({ payload }) => rightOf(decodeMessage(payload))),
  })),
  { name: 'frame.keepAlive', value: [], write: keepAliveFrame, read: bytes => rightOf(frameReader({ maxFrameBytes: 4096 }).push(bytes)) },
  {
    name: 'frame.farewell', value: [true], write: farewellFrame,
    read: bytes => rightOf(frameReader({ maxFrameBytes: 4096 }).push(bytes)).map(({ payload }) => isFarewell(payload)),
  },
  ...Object.entries(handshakes).map(([name, handshake]): Sample => ({
    name: `handshake.${name}`,
    value: handshake,
    write: () => encodeHandshake(handshake),
    read: bytes => {
      const payload = rightOf(handshakeReader().push(bytes))?.payload ?? new Uint8Array(0)
      return rightOf<unknown>(handshake.type === 'hello' ? decodeHello(payload) : decodeHandshakeReply(payload))
    },
  })),
  ...Object.entries(hardStates).map(([name, hardState]): Sample => ({
    name: `record.${name}`, value: hardState, write: () => encodeHardState(hardState), read: bytes => rightOf(decodeHardState(bytes)),
  })),
  {
    name: 'record.identity', value: identity, isPast: FOLDER_FORMAT > 1,
    write: () => encodeIdentity(identity), read: bytes => rightOf(decodeIdentity(bytes)),
  },
  { name: 'membership', value: membership, write: () => encodeMembership(membership), read: bytes => rightOf(decodeMembership(bytes)) },
  { name: 'value.json', value, write: () => rightOf(encodeValue(t.unknown, value)), read: bytes => rightOf(decodeValue(t.unknown, bytes)) },
  { name: 'value.raw', value: raw, write: () => rightOf(encodeValue(Raw, raw)), read: bytes => rightOf(decodeValue(Raw, bytes)) },
  ...results.map((result, i): Sample => ({
    name: `result.${i}`,
    value: plain(result),
    write: () => encodeResults(t.unknown, [result]).body.bytes.subarray(12),
    read: bytes => plain(decodeResults(t.unknown, packEntries([bytes]))[0]),
  })),
]

test('version 1 is read for ever', is => {
  for (const { name, value: expected, read, write } of samples) {
    const bytes = fixtures.get(name)
    if (bytes === undefined) is.fail(`no fixture of it; a first one would be: ${name} ${Buffer.from(write()).toString('hex')}`)
    else is.deepEqual(read(bytes), expected, name)
  }
})

test('every fixture is still read by something', is => {
  is.deepEqual([...fixtures.keys()], samples.map(({ name }) => name))
})

if (PROTOCOL_VERSION === 1) {
  test('version 1 is written as it was', is => {
    for (const { name, write } of samples.filter(({ isPast }) => isPast !== true)) is.is(Buffer.from(write()).toString('hex'), Buffer.from(fixtures.get(name) ?? []).toString('hex'), name)
  })
}
