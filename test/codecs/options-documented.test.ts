/** docs/options.md names every option with its default, and no others. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  DEFAULT_ELECTION_TIMEOUT_MS, DEFAULT_HEARTBEAT_MS, DEFAULT_LIMITS, DEFAULT_PROPOSE_TIMEOUT_MS, type Limits, decodeClientOptions, decodeOptions,
} from '../../codecs/options.js'
import { isLeft } from '../../lib/prelude.js'
import type { ClientOptions } from '../../client/index.js'
import type { RaftOptions } from '../../streams/index.js'
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

test('the codecs know what is documented', t => {
  const unknownTo = (decode: typeof decodeOptions | typeof decodeClientOptions, heading: string): readonly string[] => {
    const decoded = decode({ ...documented(heading), limits: documented('Limits') })
    return isLeft(decoded) ? decoded.left.report.filter(line => /is not an option/.test(line)) : []
  }
  t.deepEqual(unknownTo(decodeOptions, 'A member'), [])
  t.deepEqual(unknownTo(decodeClientOptions, 'A client'), [])
})
