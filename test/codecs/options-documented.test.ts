/** docs/options.md names every option with its default, and docs/diagnostics.md every diagnostic with its fields; and no others. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  DEFAULT_ELECTION_TIMEOUT_MS, DEFAULT_HEARTBEAT_MS, DEFAULT_LIMITS, DEFAULT_PROPOSE_TIMEOUT_MS, type Limits, decodeClientOptions, decodeOptions,
} from '../../codecs/options.js'
import { isLeft } from '../../lib/prelude.js'
import type { ClientOptions } from '../../client/index.js'
import type { RaftOptions } from '../../streams/index.js'
import { type Notice, SEVERITY } from '../../streams/outputs/diagnostics.js'
import { root } from '../run.js'

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2 }

/** `1 MiB`, `16 384` or `500 (half of …)` as a number; other text as it is. */
const valueOf = (cell: string): number | string => {
  const [, digits = '', unit] = /^(\d[\d ]*?)(?: (KiB|MiB))?(?: \(.*\))?$/.exec(cell) ?? []
  return digits === '' ? cell : Number(digits.replaceAll(' ', '')) * (unit === undefined ? 1 : UNITS[unit] ?? Number.NaN)
}

/** The names in the tables of one section, with their defaults. */
const documented = (heading: string): Readonly<Record<string, number | string>> => {
  const text = readFileSync(join(root, 'docs/options.md'), 'utf8')
  const section = text.split(/^## /m).find(one => one.startsWith(heading)) ?? ''
  const rows = [...section.matchAll(/^\| `(\w+)` \|[^|]*\| ([^|]+?) \|/gm)]
  return Object.fromEntries(rows.map(([, name = '', cell = '']) => [name, valueOf(cell)]))
}

test('every option of a member, with its default', t => {
  const options: Record<keyof RaftOptions<never, never, never>, number | string> = {
    cluster: 'required', id: 'required', members: 'required', join: 'none', machine: 'required', transport: 'required', storage: 'required', recorder: 'none',
    electionTimeoutMs: DEFAULT_ELECTION_TIMEOUT_MS, heartbeatMs: DEFAULT_HEARTBEAT_MS, readLeaseMs: 0, snapshotCompression: 'none', limits: 'see below',
  }
  t.deepEqual(documented('A member'), options)
})

test('every option of a client, with its default', t => {
  const options: Record<keyof ClientOptions<never, never>, number | string> = {
    cluster: 'required', members: 'required', protocol: 'required', tls: 'none', plaintext: 'none', timeoutMs: DEFAULT_PROPOSE_TIMEOUT_MS, limits: 'see below',
  }
  t.deepEqual(documented('A client'), options)
})

test('every limit, with its default', t => {
  const limits: Readonly<Record<keyof Limits, number>> = DEFAULT_LIMITS
  t.deepEqual(documented('Limits'), { ...limits })
})

test('every limit says its default where an editor shows it', t => {
  const sources = ['codecs/options.ts', 'lib/state.ts'].map(file => readFileSync(join(root, file), 'utf8')).join('')
  const told = sources.matchAll(/^  \/\*\* [^\n]*Default ([^\n]+)\. \*\/\n  readonly (\w+): /gm)
  t.deepEqual(Object.fromEntries(Array.from(told, ([, value = '', name = '']) => [name, valueOf(value)])), { ...DEFAULT_LIMITS })
})

test('the codecs know what is documented', t => {
  const unknownTo = (decode: typeof decodeOptions | typeof decodeClientOptions, heading: string): readonly string[] => {
    const decoded = decode({ ...documented(heading), limits: documented('Limits') })
    return isLeft(decoded) ? decoded.left.report.filter(line => /is not an option/.test(line)) : []
  }
  t.deepEqual(unknownTo(decodeOptions, 'A member'), [])
  t.deepEqual(unknownTo(decodeClientOptions, 'A client'), [])
})

/** A field that a notice has not, or that is left out, does not compile. */
type Fields = { readonly [T in Notice['type']]: Readonly<Record<Exclude<keyof Extract<Notice, { type: T }>, 'type'>, true>> }

const FIELDS: Fields = {
  unknownSender: { from: true, message: true },
  wrongAddressee: { from: true, to: true, message: true },
  twoLeaders: { term: true, other: true },
  contradiction: { from: true, message: true, claim: true },
  impossibleEvent: { event: true },
  stalled: { lateMs: true },
  slowDisk: { stuckMs: true },
  quorumLost: { term: true, silentMs: true },
  handshakeRefused: { remote: true, reason: true },
  unreachable: { peer: true, reason: true },
  unknownToPeer: { peer: true, reason: true },
  refusedByPeer: { peer: true, reason: true },
  badFrame: { remote: true, reason: true },
  sendBufferFull: { party: true, dropped: true, bound: true },
  tooManyLinks: { remote: true, bound: true },
  renewalFailed: { reason: true },
  certificateExpires: { notAfter: true },
  storageNote: { note: true },
  membersDiffer: { configured: true, stored: true },
  inboxFull: { dropped: true, bound: true },
  misplacedMessage: { from: true, message: true },
  invalidRequest: { from: true, reason: true },
  unsendableResult: { firstIndex: true, reason: true },
  slowApply: { index: true, tookMs: true, budgetMs: true },
  lateApply: { index: true, lastsMs: true, bound: true },
  snapshotFailed: { index: true, reason: true, retryMs: true },
  slowSnapshot: { index: true, tookMs: true, budgetMs: true },
  snapshotUnusable: { index: true, reason: true },
  snapshotUnsendable: { index: true, to: true, reason: true },
  snapshotUnreceivable: { index: true, reason: true, retryMs: true },
  machineVersionDiffers: { peer: true, theirs: true, ours: true },
  rememberFailed: { peer: true, reason: true },
  closeTimedOut: { bound: true },
  recorderBehind: { bound: true },
  recorderResumed: { dropped: true },
  recorderStopped: { reason: true },
}

test('every diagnostic, with its severity and its fields', t => {
  const rows = readFileSync(join(root, 'docs/diagnostics.md'), 'utf8').matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]+) \| [^|]+ \| [^|]+ \|$/gm)
  const told = Array.from(rows, ([, type = '', severity = '', fields = '']) => [type, { severity, fields: fields.replaceAll('`', '').split(', ') }] as const)
  t.is(new Set(told.map(([type]) => type)).size, told.length)
  t.deepEqual(Object.fromEntries(told), Object.fromEntries(Object.entries(FIELDS).map(([type, fields]) => [type, { severity: SEVERITY[type as Notice['type']], fields: Object.keys(fields) }])))
})
