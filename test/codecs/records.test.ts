import { crc32 } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { BATCH_HEADER_BYTES, decodeBatch, encodeBatch } from '../../codecs/batches.js'
import { MAX_POSITION, checksumOf, joinedChecksum, readFloat64, readPosition, readUint32, viewOf, writeFloat64, writePosition, writeUint32 } from '../../codecs/bytes.js'
import { clusterIdOf, clusterNameIdOf } from '../../codecs/cluster-id.js'
import { bodyOf, forEachEntry, isOpening, numberingOf, packEntries, packOpening, readBody } from '../../codecs/entries.js'
import { handshakeReader } from '../../codecs/frame-reader.js'
import { encodeFrame } from '../../codecs/frames.js'
import { agreedVersion, decodeHandshakeReply, decodeHello, encodeHandshake, refusal, refusalIn } from '../../codecs/handshake.js'
import { canonical, decodeMembership, encodeMembership } from '../../codecs/membership.js'
import * as primitives from '../../codecs/primitives.js'
import { decodeHardState, decodeIdentity, encodeHardState, encodeIdentity } from '../../codecs/records.js'
import { decodeWith } from '../../codecs/report.js'
import { type Either, isLeft, isRight, left, right } from '../../lib/prelude.js'
import type { CommandBatch, EntryBatch, EntryBody, Membership } from '../../lib/types.js'
import { batchesFrom, body, hardState, memberId, membership, position } from './arbitraries.js'
import { handshakes, hardStates, identity, membership as sample, messages } from './samples.js'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value))
const rightOf = <A>(outcome: Either<unknown, A>): A => {
  if (isLeft(outcome)) throw new Error(`refused: ${JSON.stringify(outcome.left)}`)
  return outcome.right
}
const bytesOf = (batch: EntryBatch): Uint8Array => {
  const out: Uint8Array[] = []
  encodeBatch(batch, out)
  return new Uint8Array(Buffer.concat(out))
}
const entriesOf = ({ body: packed, skip, count }: Pick<CommandBatch, 'body' | 'skip' | 'count'>): readonly Uint8Array[] => {
  const entries: Uint8Array[] = []
  forEachEntry(packed, skip, skip + count, entry => entries.push(entry))
  return entries
}

test('Q06 positions are exact up to MAX_POSITION, and no number beyond it is read', is => {
  const bytes = new Uint8Array(8)
  const view = viewOf(bytes)
  fc.assert(fc.property(position, value => {
    writePosition(bytes, 0, value)
    is.is(readPosition(bytes, 0), value)
    is.is(Number(view.getBigUint64(0, true)), value)
  }))
  for (const value of [BigInt(MAX_POSITION) + 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    view.setBigUint64(0, value, true)
    is.is(readPosition(bytes, 0), Number.NaN, String(value))
  }
})

test('whole numbers of 32 bits and numbers with a fraction are written as a DataView reads them, and read as it writes them', is => {
  const bytes = new Uint8Array(16)
  const view = viewOf(bytes)
  fc.assert(fc.property(fc.nat(7), fc.nat(0xffff_ffff), fc.double(), (at, whole, fraction) => {
    writeUint32(bytes, at, whole)
    is.deepEqual([view.getUint32(at, true), readUint32(bytes, at)], [whole, whole])
    writeFloat64(bytes, at, fraction)
    is.true(Object.is(view.getFloat64(at, true), fraction) && Object.is(readFloat64(bytes, at), fraction))
  }))
})

test('short and long checksums are the CRC-32 of zlib, whole and continued', is => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
    is.is(checksumOf(bytes), crc32(bytes))
    is.is(checksumOf(bytes.subarray(at), checksumOf(bytes.subarray(0, at))), crc32(bytes))
  }))
})

test('the checksum of two things together follows from theirs, however long the second is', is => {
  const long = Buffer.alloc(3 << 20, 'x')
  const joined = (a: Uint8Array, b: Uint8Array): number => joinedChecksum(checksumOf(a), checksumOf(b), b.length)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), fc.nat(long.length), (a, b, length) => {
    const c = long.subarray(0, length)
    is.is(joined(a, b), crc32(b, crc32(a)))
    is.is(joined(a, c), crc32(c, crc32(a)))
  }))
  // What no buffer holds, against the same in two parts.
  is.is(joinedChecksum(7, 0, 2 ** 45 + 3), joinedChecksum(joinedChecksum(7, 0, 2 ** 45), 0, 3))
})

test('entries come out of a body as they went in', is => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 20 }), fc.boolean(), (entries, isNumbered) => {
    const packed = packEntries(entries, isNumbered ? { session: 3, name: 4, first: 2, awaited: 1 } : undefined)
    is.deepEqual(entriesOf({ body: packed, skip: 0, count: entries.length }), entries)
    is.deepEqual(readBody(packed.bytes, packed.checksum), right(packed))
  }))
})

test('a slice has the entries of the slice, and its body is that of those entries alone', is => {
  fc.assert(fc.property(body, fc.nat(), fc.nat(), (packed, from, length) => {
    const skip = from % packed.count
    const count = 1 + length % (packed.count - skip)
    const whole = entriesOf({ body: packed, skip: 0, count: packed.count })
    const slice: CommandBatch = { kind: 'command', firstIndex: 1, term: 1, time: 0, count, skip, body: packed }
    const numbers = numberingOf(packed)
    const own = packEntries(whole.slice(skip, skip + count), numbers && { ...numbers, first: numbers.first + skip })
    is.deepEqual(bodyOf(slice), isOpening(packed) ? packed : own)
    is.deepEqual(rightOf(decodeBatch(bytesOf(slice), 0)).batch, { ...slice, skip: 0, body: bodyOf(slice) })
  }))
})

test('a whole body is not copied', is => {
  const packed = packEntries([utf8('one'), utf8('two')])
  is.is(bodyOf({ kind: 'command', firstIndex: 1, term: 1, time: 0, count: 2, skip: 0, body: packed }), packed)
})

test('a run of batches comes back, each where the one before it ends', is => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }).chain(index => batchesFrom(index, 1)), batches => {
    const out: Uint8Array[] = []
    const size = batches.reduce((sum, batch) => sum + encodeBatch(batch, out), 0)
    const bytes = new Uint8Array(Buffer.concat(out))
    is.is(bytes.length, size)
    const read: EntryBatch[] = []
    for (let offset = 0; offset < bytes.length;) {
      const { batch, end } = rightOf(decodeBatch(bytes, offset))
      read.push(batch)
      offset = end
    }
    is.deepEqual(read, batches)
  }))
})

const command: CommandBatch = { kind: 'command', firstIndex: 3, term: 2, time: 5, count: 2, skip: 0, body: packEntries([utf8('one'), utf8('two')]) }

test('every flipped bit and every truncation of a batch is found', is => {
  const samples: readonly EntryBatch[] = [
    command, { kind: 'noop', firstIndex: 3, term: 2, time: 5, count: 1 }, { kind: 'membership', firstIndex: 3, term: 2, time: 5, count: 1, membership: sample },
  ]
  for (const batch of samples) {
    const bytes = bytesOf(batch)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      if (isRight(decodeBatch(flipped, 0))) is.fail(`bit ${bit} of a ${batch.kind} went unnoticed`)
    }
    for (let length = 0; length < bytes.length; length++) is.true(isLeft(decodeBatch(bytes.subarray(0, length), 0)))
    is.deepEqual(decodeBatch(bytes, 0), right({ batch, end: bytes.length }))
  }
})

/** A batch header that somebody formed on purpose: its checksum fits. */
const forged = (batch: EntryBatch, change: (header: DataView, bytes: Uint8Array) => void): Uint8Array => {
  const bytes = bytesOf(batch)
  change(viewOf(bytes), bytes)
  viewOf(bytes).setUint32(44, checksumOf(bytes.subarray(0, 44)), true)
  return bytes
}
const forgeries: readonly (readonly [name: string, change: (header: DataView, bytes: Uint8Array) => void])[] = [
  ['index 0', (_, bytes) => writePosition(bytes, 0, 0)],
  ['an index beyond MAX_POSITION', header => header.setBigUint64(0, BigInt(MAX_POSITION) + 1n, true)],
  ['a last index beyond MAX_POSITION', (_, bytes) => writePosition(bytes, 0, MAX_POSITION)],
  ['term 0', (_, bytes) => writePosition(bytes, 8, 0)],
  ['a term of 2^53', header => header.setBigUint64(8, 2n ** 53n, true)],
  ['a time that is no number', header => header.setFloat64(16, Number.NaN, true)],
  ['a time that is endless', header => header.setFloat64(16, Number.POSITIVE_INFINITY, true)],
  ['a time before 1970', header => header.setFloat64(16, -1, true)],
  ['an unknown kind', header => header.setUint8(24, 3)],
  ['a field of a newer version beside the kind', header => header.setUint8(25, 1)],
  ['a field of a newer version at the end', header => header.setUint32(40, 1, true)],
  ['a count of 0', header => header.setUint32(28, 0, true)],
  ['a count that is not the body\'s', header => header.setUint32(28, 3, true)],
  ['a body of 4 GiB', header => header.setUint32(32, 0xffff_ffff, true)],
  ['a noop with a body', header => header.setUint8(24, 1)],
  ['a membership that is a command\'s body', header => header.setUint8(24, 2)],
]
for (const [name, change] of forgeries) {
  test(`Q09 a batch is refused: ${name}`, is => is.true(isLeft(decodeBatch(forged(command, change), 0))))
}

test('Q09 a membership is alone in its batch', is => {
  const one: EntryBatch = { kind: 'membership', firstIndex: 3, term: 2, time: 5, count: 1, membership: sample }
  is.true(isRight(decodeBatch(forged(one, () => undefined), 0)))
  is.deepEqual(decodeBatch(forged(one, header => header.setUint32(28, 2, true)), 0), left('a membership is not alone in its batch'))
})

const layouts: readonly (readonly [name: string, words: readonly number[], extraBytes: number])[] = [
  ['shorter than its header', [0], 0],
  ['no entries', [0, 0], 0],
  ['flags of a newer version', [2, 1, 0], 0],
  ['shorter than its numbers', [1, 1, 0], 23],
  ['numbers with bytes before them', [1, 1, 0, 1, 0, 1, 0, 1, 0], 1],
  ['a session without numbers', [1, 1, 0, 1, 0, 0, 0, 0, 0], 0],
  ['a number that is waited for behind the first', [1, 1, 0, 1, 0, 1, 0, 2, 0], 0],
  ['a session beyond all positions', [1, 1, 0, 0, 0xffff_ffff, 1, 0, 1, 0], 0],
  ['a number beyond all positions', [1, 1, 0, 1, 0, 0, 0xffff_ffff, 1, 0], 0],
  ['what opens a session, with a command', [1, 1, 1, 0, 0, 0, 0, 0, 0], 1],
  ['what opens a session, with a number', [1, 1, 0, 0, 0, 1, 0, 0, 0], 0],
  ['what opens two sessions', [1, 2, 0, 0, 0, 0, 0, 0, 0, 0], 0],
  ['2^32 - 1 entries', [0, 0xffff_ffff], 0],
  ['more entries than ends', [0, 2, 0], 0],
  ['an entry that ends before it begins', [0, 2, 3, 1], 1],
  ['an entry beyond the end', [0, 1, 4], 3],
  ['bytes behind the last entry', [0, 1, 2], 3],
]
for (const [name, words, extraBytes] of layouts) {
  test(`a body is refused: ${name}`, is => {
    const bytes = new Uint8Array(4 * words.length + extraBytes)
    words.forEach((word, i) => viewOf(bytes).setUint32(4 * i, word, true))
    is.true(isLeft(readBody(bytes, checksumOf(bytes))))
  })
}

test('a body says whose it is, or nothing', is => {
  const numbers = { session: 2 ** 40, name: 9, first: 7, awaited: 5 }
  const [plain, numbered, opening] = [packEntries([utf8('one')]), packEntries([utf8('one')], numbers), packOpening(9)]
  is.deepEqual([plain, numbered, opening].map(numberingOf), [undefined, numbers, undefined])
  is.deepEqual([plain, numbered, opening].map(isOpening), [false, false, true])
  for (const packed of [plain, numbered, opening]) is.deepEqual(readBody(packed.bytes, packed.checksum), right(packed))
  is.is(numbered.bytes.length, plain.bytes.length + 32, 'and costs nothing where it says nothing')
})

test('no bytes make the batch reader throw', is => {
  fc.assert(fc.property(body, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), (packed: EntryBody, changes) => {
    const bytes = bytesOf({ ...command, count: packed.count, body: packed })
    for (const [at, value] of changes) bytes[at % bytes.length] = value
    // The checksums fit, so that the fields behind them are reached.
    const inner = bytes.subarray(BATCH_HEADER_BYTES)
    viewOf(bytes).setUint32(36, checksumOf(inner), true)
    viewOf(bytes).setUint32(44, checksumOf(bytes.subarray(0, 44)), true)
    const read = decodeBatch(bytes, 0)
    if (isRight(read) && read.right.batch.kind === 'command') is.is(entriesOf(read.right.batch).length, read.right.batch.count)
    else is.pass()
  }), { numRuns: 1000 })
})

test('entries are looked at until one is enough', is => {
  const seen: number[] = []
  forEachEntry(packEntries([1, 2, 3, 4].map(n => new Uint8Array(n))), 1, 4, entry => {
    seen.push(entry.length)
    return entry.length < 3
  })
  is.deepEqual(seen, [2, 3])
})

test('clients know a cluster by its name alone', is => {
  is.is(clusterNameIdOf('orders'), clusterNameIdOf('orders'))
  is.not(clusterNameIdOf('orders'), clusterNameIdOf('order'))
  is.true(isRight(decodeHello(json({ ...handshakes.helloOfClient, clusterId: clusterNameIdOf('grüße') }))))
})

test('a membership comes back', is => {
  // A bit that flipped in the word "next" passed for a membership that leads nowhere.
  is.deepEqual(decodeMembership(Buffer.from('{"voters":["a"],"outgoing":[],"learners":[],"addresses":{"a":"h:1"},"ne4t":{"voters":["a"],"learners":[]}}')), left('a membership is spelled otherwise'))
  fc.assert(fc.property(membership, one => { is.deepEqual(decodeMembership(encodeMembership(one)), right(one)) }))
})

test('equal memberships are equal bytes, whatever their order', is => {
  fc.assert(fc.property(membership, one => {
    const reversed: Membership = {
      voters: [...one.voters].reverse(), outgoing: [...one.outgoing].reverse(), learners: [...one.learners].reverse(),
      addresses: Object.fromEntries(Object.entries(one.addresses).reverse()),
      ...(one.next && { next: { voters: [...one.next.voters].reverse(), learners: [...one.next.learners].reverse() } }),
    }
    is.deepEqual(encodeMembership(reversed), encodeMembership(one))
    is.deepEqual(canonical(reversed), one)
    is.is(clusterIdOf('orders', reversed), clusterIdOf('orders', one))
  }))
})

const memberships: readonly (readonly [name: string, value: unknown, reason: RegExp])[] = [
  ['a voter that learns', { ...sample, learners: ['n1'] }, /n1 both as a voter and as a learner/],
  ['a member twice in a list', { ...sample, voters: ['n1', 'n1'] }, /voters: must be sorted and name nobody twice/],
  ['a list out of order', { ...sample, voters: ['n2', 'n1'] }, /voters: must be sorted/],
  ['learners without a voter', { ...sample, voters: [] }, /must have a voter/],
  ['a member without an address', { ...sample, addresses: { ...sample.addresses, n4: undefined } }, /must have an address of n4|addresses.n4/],
  ['an address of nobody', { ...sample, addresses: { ...sample.addresses, n9: 'h:1' } }, /must not have an address of n9/],
  ['an address without a port', { ...sample, addresses: { ...sample.addresses, n4: 'host' } }, /addresses.n4: must be an address "host:port"/],
  ['a bad id', { ...sample, voters: ['n 1'] }, /voters.0: must be a string of 1 to 128 visible/],
  ['64 voters', { ...sample, voters: Array.from({ length: 64 }, (_, i) => `m${100 + i}`) }, /voters: must list at most 63 members/],
  ['no list', { ...sample, voters: 'n1' }, /voters/],
  ['nothing', null, /./],
]
for (const [name, value, reason] of memberships) {
  test(`a membership is refused: ${name}`, is => {
    const outcome = decodeMembership(json(value))
    is.true(isLeft(outcome) && reason.test(outcome.left), JSON.stringify(outcome))
  })
}

test('a membership without anybody is one, before a member is added', is => {
  const nobody: Membership = { voters: [], outgoing: [], learners: [], addresses: {} }
  is.deepEqual(decodeMembership(encodeMembership(nobody)), right(nobody))
})

const addresses: readonly (readonly [address: string, isGood: boolean])[] = [
  ['127.0.0.1:7001', true], ['localhost:1', true], ['raft-1.example.org:65535', true], ['[::1]:7001', true], ['[fe80::1]:80', true],
  ['', false], ['host', false], ['host:', false], [':7001', false], ['host:0', false], ['host:65536', false], ['host:-1', false], ['host:1e3', false],
  ['host:7001 ', false], ['ho st:7001', false], ['::1:7001', false], ['http://host:7001', false], ['host:7001/x', false], [`${'x'.repeat(300)}:1`, false],
]
test('an address is a host and a port, and nothing else', is => {
  for (const [address, isGood] of addresses) is.is(primitives.Address.is(address), isGood, address)
})

const { Index, Term, Round, Count, TimerMs, Checksum, Millis } = primitives
test('numbers admit no NaN, no Infinity, no fraction, nothing negative and nothing that rounds', is => {
  const { NaN, POSITIVE_INFINITY, NEGATIVE_INFINITY, MAX_SAFE_INTEGER } = Number
  const hostile = [NaN, POSITIVE_INFINITY, NEGATIVE_INFINITY, -1, 0.5, 1.5, MAX_SAFE_INTEGER, 2 ** 53, 2 ** 60, '1', null, undefined, 1n, [1], true]
  for (const [name, codec] of Object.entries({ Index, Term, Round, Count, TimerMs, Checksum })) {
    for (const value of hostile) is.true(isLeft(decodeWith(codec, value)), `${name} ${String(value)}`)
    is.deepEqual(decodeWith(codec, 1), right(1), name)
  }
  is.deepEqual([2 ** 31 - 1, 2 ** 31].map(value => TimerMs.is(value)), [true, false])
  is.deepEqual([0, 0.5, 8.64e15].filter(value => !Millis.is(value)), [])
  is.deepEqual([-0.5, NaN, POSITIVE_INFINITY, 8.64e15 + 1, '1'].filter(value => Millis.is(value)), [])
})

test('names that every object has name no member', is => {
  for (const id of [...Object.getOwnPropertyNames(Object.prototype), 'prototype']) is.false(primitives.MemberId.is(id), id)
  for (const id of ['n1', 'raft-1.example.org', 'x'.repeat(128)]) is.true(primitives.MemberId.is(id), id)
})

test('a record by member refuses a bad key instead of dropping it, and hands over a copy', is => {
  const Counts = primitives.byMember('Counts', primitives.Count)
  is.deepEqual(decodeWith(Counts, { 'n 1': 1 }), left(['n 1: must be a string of 1 to 128 visible ASCII characters, not "n 1"']))
  is.true(isLeft(decodeWith(Counts, JSON.parse('{"__proto__":1}'))))
  is.true(isLeft(decodeWith(Counts, [1])))
  const value = { n1: 1 }
  const decoded = rightOf(decodeWith(Counts, value))
  value.n1 = 2
  is.deepEqual(decoded, { n1: 1 })
})

test('an identity comes back, and a newer format is refused by name', is => {
  fc.assert(fc.property(memberId, fc.dictionary(memberId, fc.constantFrom('a1', 'b2'), { noNullPrototype: true }), (id, peers) => {
    is.deepEqual(decodeIdentity(encodeIdentity({ ...identity, id, peers })), right({ ...identity, id, peers }))
  }))
  const newer = decodeIdentity(json({ format: 3, ...identity, whatever: 1 }))
  is.deepEqual(newer, left('format: must be at most 2, the newest format that this version reads, not 3'))
  for (const format of [0, 1.5, '1', null, Number.NaN]) is.true(isLeft(decodeIdentity(json({ format, ...identity }))), String(format))
  for (const field of Object.keys(identity)) is.true(isLeft(decodeIdentity(json({ format: 1, ...identity, [field]: undefined }))), field)
  is.true(isLeft(decodeIdentity(utf8('{"format":1'))))
})

test('a hard state comes back, and one that is cut or out of range is refused', is => {
  fc.assert(fc.property(hardState, state => { is.deepEqual(decodeHardState(encodeHardState(state)), right(state)) }))
  const bytes = encodeHardState(hardStates.hardState)
  for (let length = 0; length < 16; length++) is.true(isLeft(decodeHardState(bytes.subarray(0, length))))
  is.true(isLeft(decodeHardState(bytes.slice().fill(0xff, 0, 8))))
  is.true(isLeft(decodeHardState(bytes.slice().fill(0xff, 8, 16))))
  is.true(isLeft(decodeHardState(bytes.with(16, 0))))
  is.true(isLeft(decodeHardState(Uint8Array.of(...bytes, ...new Uint8Array(500).fill(0x41)))))
})

const payloadOf = (frame: Uint8Array): Uint8Array => rightOf(handshakeReader().push(frame))?.payload ?? new Uint8Array(0)

test('a handshake comes back', is => {
  is.deepEqual(decodeHello(payloadOf(encodeHandshake(handshakes.hello))), right(handshakes.hello))
  is.deepEqual(decodeHello(payloadOf(encodeHandshake(handshakes.helloOfClient))), right(handshakes.helloOfClient))
  is.deepEqual(decodeHandshakeReply(payloadOf(encodeHandshake(handshakes.welcome))), right(handshakes.welcome))
  is.deepEqual(decodeHandshakeReply(payloadOf(encodeHandshake(handshakes.refusal))), right(handshakes.refusal))
  for (const shake of [{ ...handshakes.hello, named: 7 }, { ...handshakes.welcome, named: 7 }]) {
    is.deepEqual<unknown, unknown>((shake.type === 'hello' ? decodeHello : decodeHandshakeReply)(payloadOf(encodeHandshake(shake))), right(shake))
  }
  is.true(isLeft(decodeHello(payloadOf(encodeHandshake({ ...handshakes.hello, named: -1 })))))
})

test('a refusal in the place of the first message is found out', is => {
  is.is(refusalIn(payloadOf(encodeHandshake(refusal('it lost its folder')))), 'it lost its folder')
  for (const message of Object.values(messages)) is.is(refusalIn(payloadOf(Buffer.concat(encodeFrame(message)))), undefined)
  is.is(refusalIn(new Uint8Array(0)), undefined)
  is.is(refusalIn(json({ type: 'refusal', reason: 'x'.repeat(500), more: 'x'.repeat(5000) })), undefined, 'no longer than a handshake may be')
})

const hellos: readonly (readonly [name: string, change: object])[] = [
  ['an unknown role', { role: 'admin' }],
  ['versions upside down', { versions: [2, 1] }],
  ['version 0', { versions: [0, 1] }],
  ['one version', { versions: [1] }],
  ['no cluster', { clusterId: '' }],
  ['no sender', { from: '' }],
  ['a member that means nobody', { to: '' }],
  ['a member without incarnation', { incarnation: '' }],
  ['a client with an incarnation', { role: 'client' }],
  ['an incarnation of 65 bytes', { incarnation: 'x'.repeat(65) }],
  ['a sender called __proto__', { from: '__proto__' }],
]
for (const [name, change] of hellos) {
  test(`a hello is refused: ${name}`, is => {
    is.true(isLeft(decodeHello(json({ ...handshakes.hello, ...change }))))
    is.true(isRight(decodeHello(json(handshakes.hello))))
  })
}

test('a hello of a later version may say more, and what it says more is left out', is => {
  is.deepEqual(decodeHello(json({ ...handshakes.hello, versions: [1, 3], compression: true })), right({ ...handshakes.hello, versions: [1, 3] }))
})

test('two ends agree on the newest version that both speak', is => {
  is.deepEqual([agreedVersion([1, 1]), agreedVersion([1, 9]), agreedVersion([2, 9])], [1, 1, undefined])
})

test('a refusal says where it may pass, and else nothing of it', is => {
  const said = (mayPass?: boolean): unknown => rightOf(decodeHandshakeReply(payloadOf(encodeHandshake(refusal('so', mayPass)))))
  is.deepEqual([said(true), said(false), said()], [{ type: 'refusal', reason: 'so', mayPass: true }, { type: 'refusal', reason: 'so' }, { type: 'refusal', reason: 'so' }])
})

test('a refusal fits into its frame, whatever the reason', is => {
  const reply = decodeHandshakeReply(payloadOf(encodeHandshake(refusal('\0'.repeat(100_000)))))
  is.true(isRight(reply) && reply.right.type === 'refusal' && reply.right.reason.startsWith('\0\0\0'))
})
