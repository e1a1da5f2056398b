import test from 'ava'
import fc from 'fast-check'
import { DEFAULT_LIMITS, type Limits, decodeOptions } from '../../codecs/options.js'
import { isLeft, isRight } from '../../lib/prelude.js'

const port = { open: () => undefined }
const given = {
  cluster: 'orders', id: 'n1', members: { n1: '127.0.0.1:7001', n2: '127.0.0.1:7002' },
  machine: { start: () => undefined }, transport: port, storage: port,
}
const reportOn = (options: unknown): readonly string[] => {
  const checked = decodeOptions(options)
  return isLeft(checked) ? checked.left.report : []
}
const without = (key: keyof typeof given): unknown => Object.fromEntries(Object.entries(given).filter(([name]) => name !== key))

test('what is required suffices: the rest has defaults', is => {
  const checked = decodeOptions(given)
  is.true(isRight(checked))
  if (isRight(checked)) {
    is.deepEqual(checked.right, {
      cluster: 'orders', id: 'n1', members: given.members, join: undefined, electionTimeoutMs: 1000, heartbeatMs: 100, readLeaseMs: 0, snapshotCompression: 'none', limits: DEFAULT_LIMITS,
    })
    is.not(checked.right.members, given.members, 'a copy: what the caller does to the original later changes nothing')
  }
})

test('the stall bound follows the election timeout, unless it is set', is => {
  const stallOf = (options: object): number | undefined => {
    const checked = decodeOptions({ ...given, ...options })
    return isRight(checked) ? checked.right.limits.stallMs : undefined
  }
  is.is(stallOf({ electionTimeoutMs: 301 }), 151)
  is.is(stallOf({ electionTimeoutMs: 301, limits: { stallMs: 20 } }), 20)
  is.is(stallOf({ electionTimeoutMs: 301, limits: { stallMs: undefined } }), 151)
})

test('a limit that is set counts, the others keep their defaults', is => {
  const checked = decodeOptions({ ...given, limits: { maxLinks: 7 } })
  is.deepEqual(isRight(checked) && checked.right.limits, { ...DEFAULT_LIMITS, maxLinks: 7 })
})

const refused: readonly (readonly [name: string, options: unknown, report: readonly string[]])[] = [
  ['nothing', undefined, ['must be an object, not undefined']],
  ['null', null, ['must be an object']],
  ['a list', [], ['must be an object']],
  ['a string', 'orders', ['must be an object, not "orders"']],
  ['a misspelt option', { ...given, electionTimeout: 300 }, ['electionTimeout: is not an option']],
  ['a misspelt limit', { ...given, limits: { maxLink: 3 } }, ['limits.maxLink: is not an option']],
  ['no cluster', without('cluster'), ['cluster: must be a string of 1 to 128 characters, not undefined']],
  ['a blank cluster', { ...given, cluster: ' ' }, ['cluster: must be a string of 1 to 128 characters, not " "']],
  ['a cluster of 129 characters', { ...given, cluster: 'x'.repeat(129) }, [`cluster: must be a string of 1 to 128 characters, not "${'x'.repeat(64)}…"`]],
  ['a machine that is none', { ...given, machine: {} }, ['machine: must be an object with the method start']],
  ['no transport', without('transport'), ['transport: must be an object with the method open, not undefined']],
  ['a storage that is a path', { ...given, storage: 'data' }, ['storage: must be an object with the method open, not "data"']],
  ['an id that is no member', { ...given, id: 'n3' }, ['members: must name this member, n3, unless it is to join']],
  ['an id with a space', { ...given, id: 'n 1' }, ['id: must be a string of 1 to 128 visible ASCII characters, not "n 1"']],
  ['a member with a space', { ...given, members: { ...given.members, 'n 3': 'h:1' } },
    ['members.n 3: must be a string of 1 to 128 visible ASCII characters, not "n 3"']],
  ['a member called constructor', { ...given, members: { ...given.members, constructor: 'h:1' } },
    ['members.constructor: must not be a name that every object has, not "constructor"']],
  ['an address without a port', { ...given, members: { n1: '127.0.0.1' } }, ['members.n1: must be an address "host:port", not "127.0.0.1"']],
  ['an address that is shared', { ...given, members: { n1: 'h:1', n2: 'h:1' } }, ['members: must give each member an address of its own']],
  ['no member', { ...given, members: {} }, ['members: must name 1 to 63 members']],
  ['64 members', { ...given, members: Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`n${i}`, `h:${i + 1}`])) },
    ['members: must name 1 to 63 members']],
  ['a timeout that timers cannot wait', { ...given, electionTimeoutMs: 2 ** 31 },
    ['electionTimeoutMs: must be an integer from 1 to 2147483647, not 2147483648']],
  ['a heartbeat above half the election timeout', { ...given, electionTimeoutMs: 199 },
    ['heartbeatMs: must be at most half of electionTimeoutMs = 199, not 100']],
  ...[1, 199, 1001].map(readLeaseMs => [`a lease of ${readLeaseMs} ms`, { ...given, readLeaseMs },
    [`readLeaseMs: must be 0, or from twice heartbeatMs = 200 to electionTimeoutMs = 1000, not ${readLeaseMs}`]] as const),
  ['a stall bound above the election timeout', { ...given, limits: { stallMs: 1001 } },
    ['limits.stallMs: must be at most electionTimeoutMs = 1000, not 1001']],
  ['a frame too small for what it must carry', { ...given, limits: { maxFrameBytes: 9_764_863 } },
    ['limits.maxFrameBytes: must be at least maxAppendBytes + maxBatchBytes + maxCommandBytes + 65536 = 9764864, not 9764863']],
  ['a frame too small for a chunk', { ...given, limits: { maxFrameBytes: 1_277_951, maxAppendBytes: 1000, maxBatchBytes: 1000, maxCommandBytes: 1000 } },
    ['limits.maxFrameBytes: must be at least snapshotChunkBytes + 229376 = 1277952, not 1277951']],
  ['a chunk that no store takes', { ...given, limits: { snapshotChunkBytes: 1_048_577 } },
    ['limits.snapshotChunkBytes: must be an integer from 1 to 1048576, not 1048577']],
  ['a send buffer below a frame', { ...given, limits: { maxSendBufferBytes: 1000 } },
    ['limits.maxSendBufferBytes: must be at least maxFrameBytes = 16777216, not 1000']],
  ['inflight bytes below an append', { ...given, limits: { maxInflightBytes: 1000 } },
    ['limits.maxInflightBytes: must be at least maxAppendBytes = 1048576, not 1000']],
  ['no room for one uncommitted command', { ...given, limits: { maxUncommittedBytes: 1000 } },
    ['limits.maxUncommittedBytes: must be at least maxBatchBytes + maxCommandBytes = 8650752, not 1000']],
  ['no room for one pending command', { ...given, limits: { maxPendingBytes: 1000 } },
    ['limits.maxPendingBytes: must be at least maxBatchBytes + maxCommandBytes = 8650752, not 1000']],
  ['reconnecting upside down', { ...given, limits: { reconnectMinMs: 50, reconnectMaxMs: 20 } },
    ['limits.reconnectMaxMs: must be at least reconnectMinMs = 50, not 20']],
  ['trying snapshots again upside down', { ...given, limits: { snapshotRetryMs: 50, snapshotRetryMaxMs: 20 } },
    ['limits.snapshotRetryMaxMs: must be at least snapshotRetryMs = 50, not 20']],
  ['several faults at once', { ...given, id: '', electionTimeoutMs: 0 }, [
    'id: must be a string of 1 to 128 visible ASCII characters, not ""', 'electionTimeoutMs: must be an integer from 1 to 2147483647, not 0',
  ]],
]
for (const [name, options, report] of refused) {
  test(`options are refused: ${name}`, is => is.deepEqual(reportOn(options), report))
}

test('a heartbeat of exactly half the election timeout is allowed, and the frame that just suffices', is => {
  is.deepEqual(reportOn({ ...given, electionTimeoutMs: 200 }), [])
  is.deepEqual(reportOn({ ...given, limits: { maxFrameBytes: 9_764_864 } }), [])
  is.deepEqual(reportOn({ ...given, limits: { maxFrameBytes: 1_277_952, maxAppendBytes: 1000, maxBatchBytes: 1000, maxCommandBytes: 1000 } }), [])
})

test('a log may keep nothing of what a snapshot covers, and a newcomer need not give way', is => {
  is.deepEqual(reportOn({ ...given, limits: { snapshotKeepEntries: 0, giveWayMs: 0 } }), [])
})

test('no limit takes NaN, Infinity, a fraction, a negative or an unsafe number, and but two zero', is => {
  for (const name of Object.keys(DEFAULT_LIMITS) as readonly (keyof Limits)[]) {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, 0, -1, 2 ** 53, '1', null, 1n]) {
      if (['snapshotKeepEntries', 'giveWayMs'].includes(name) && value === 0) continue
      const report = reportOn({ ...given, limits: { [name]: value } })
      is.true(report.some(line => line.startsWith(`limits.${name}: `)), `${name} = ${String(value)}: ${report.join()}`)
    }
  }
})

test('options that fight back are refused like any other', is => {
  const throwing = (): never => { throw new Error('no') }
  const hostile: readonly unknown[] = [
    { ...given, get id(): never { throw new Error('no') } },
    new Proxy({}, { get: throwing, ownKeys: throwing, getPrototypeOf: throwing }),
    new Proxy(given, { ownKeys: throwing }),
    { ...given, limits: new Proxy({}, { get: throwing }) },
    { ...given, members: new Proxy({}, { ownKeys: throwing }) },
    { ...given, transport: new Proxy({}, { get: throwing }) },
    Proxy.revocable({}, {}).proxy,
    Object.create(null),
    JSON.parse('{"__proto__":{"cluster":"orders"}}'),
    () => given, Symbol('options'), 1n, new Date(Number.NaN), new Map(Object.entries(given)),
  ]
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  for (const options of [...hostile, revoked.proxy, { ...given, members: revoked.proxy }]) is.true(reportOn(options).length > 0)
  const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true })
  fc.assert(fc.property(anything, options => { is.true(reportOn(options).length > 0) }))
})
