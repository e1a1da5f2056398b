/** The commands in this process: what was typed, what is asked of whom, and what comes of lines. */
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import * as types from 'io-ts'
import { from, lastValueFrom } from 'rxjs'
import type { Command } from '../../cli/command.js'
import { namesIn, valueAt } from '../../cli/control/path.js'
import { type KeyValueCommand, keyValueMachine } from '../../cli/machine/key-value.js'
import { loadMachine } from '../../cli/machine/load-machine.js'
import { Mistake } from '../../cli/mistake.js'
import { type Line, linesIn, pipeProtocol } from '../../cli/pipe/commands.js'
import { createOutcomeWriter } from '../../cli/pipe/outcomes.js'
import { runProgram } from '../../cli/program.js'
import { createBlock } from '../../cli/screen.js'
import { createAnnouncer } from '../../cli/serve/announcer.js'
import { asTyped } from '../../cli/as-typed.js'
import { serveOptions } from '../../cli/serve/options.js'
import { isWell, tableOf } from '../../cli/status/table.js'
import { trustBehind } from '../../cli/trust.js'
import { encodeValue } from '../../codecs/values.js'
import { DEFAULT_LIMITS } from '../../codecs/options.js'
import { packCommand } from '../../streams/requests/packing.js'
import { OutcomeUnknown, Rejected } from '../../lib/errors.js'
import { isLeft, left, right } from '../../lib/prelude.js'
import { machineSuite } from '../../testing/machine-suite.js'
import { scratch } from '../run.js'
import { serving } from './serving.js'

const MEMBER = ['--cluster', 'c', '--id', 'n1', '--members', 'n1=127.0.0.1:7001,n2=127.0.0.1:7002', '--data', 'data']

const COMMANDS: readonly string[] = ['serve', 'status', 'propose', 'read', 'watch', 'pipe', 'transfer', 'members', 'snapshot', 'inspect', 'verify', 'backup', 'recover', 'replay']
const commandNamed = async (name: string): Promise<Command> => (await import(`../../cli/${name}/command.js`) as { command: Command }).command

test('every command explains itself: its options, its exit codes, an example', async t => {
  for (const name of COMMANDS) {
    const { help } = await commandNamed(name)
    t.regex(help, new RegExp(`^rxraft ${name} `), name)
    t.regex(help, /--help/, name)
    t.regex(help, /[Ee]xit code/, name)
    t.true(help.split('\n').every(line => line.length <= 160), name)
  }
})

test('a mistake in the arguments is one sentence that names the option', async t => {
  delete process.env['RXRAFT_AT']
  const missing = join(scratch(t), 'missing')
  const cases: readonly (readonly [args: readonly string[], claim: RegExp])[] = [
    [['serve'], /^--cluster is missing: /],
    [['serve', '--cluster', 'c', '--id', 'n1', '--data', 'd'], /^--members is missing: /],
    [['serve', ...MEMBER, '--members', 'n1'], /^--members takes ID=HOST:PORT\[,…\], not "n1"/],
    [['serve', ...MEMBER, '--members', 'n1=a:1,n1=a:2'], /^--members names n1 twice/],
    [['serve', ...MEMBER, 'word'], /^nothing beside the options, not "word"$/],
    [['serve', ...MEMBER, '--nonsense'], /^Unknown option '--nonsense'$/],
    [['serve', ...MEMBER, '--control', 'x'], /^--control takes an address "host:port", not "x"/],
    [['serve', ...MEMBER, '--control', '0.0.0.0:1'], /^--control 0\.0\.0\.0:1 is beyond loopback, .* --control-without-authentication/],
    [['serve', ...MEMBER, '--control-name', 'x'], /^--control-name goes with --control/],
    [['serve', ...MEMBER, '--control', '127.0.0.1:0', '--control-name', 'n1:8601'], /^--control-name takes a name without a port, not "n1:8601"$/],
    [['serve', ...MEMBER, '--heartbeat-ms', '0'], /^--heartbeat-ms takes a whole number from 1 to/],
    [['serve', ...MEMBER, '--snapshot-compression', 'zip'], /^--snapshot-compression takes none, gzip or zstd, not "zip"/],
    [['serve', ...MEMBER, '--limit', 'maxCommandBytes'], /^--limit takes NAME=NUMBER, not "maxCommandBytes"/],
    [['serve', ...MEMBER, '--limit', 'maxCommandBytes=x'], /^--limit maxCommandBytes takes a whole number/],
    [['serve', ...MEMBER, '--tls-cert', 'x'], /^--tls-key is missing: --tls-cert, --tls-key and --tls-ca go together/],
    [['serve', ...MEMBER, '--tls-cert', 'x', '--plaintext'], /^--plaintext contradicts/],
    [['serve', ...MEMBER, '--tls-cert', missing, '--tls-key', missing, '--tls-ca', missing], /^--tls-cert .*missing cannot be read: ENOENT/],
    [['serve', ...MEMBER, '--machine', missing], /^--machine .*missing cannot be loaded: /],
    [['serve', ...MEMBER, '--id', 'n9'], /^--members: must name this member, n9/],
    [['serve', ...MEMBER, '--heartbeat-ms', '900'], /^--heartbeat-ms: must be at most half of/],
    [['serve', ...MEMBER, '--limit', 'nonsense=1'], /^--limit nonsense: is none of the limits of docs\/options\.md$/],
    [['serve', ...MEMBER, '--members', 'n1=10.0.0.1:1'], /^--members\.n1: 10\.0\.0\.1:1 is beyond loopback, which takes --tls-cert, --tls-key and --tls-ca, or --plaintext/],
    [['status'], /^--at is missing: /],
    [['status', '--at', ','], /^--at names no endpoint/],
    [['status', '--at', 'localhost'], /^--at takes an address "host:port", not "localhost"/],
    [['status', '--at', 'localhost:0'], /^--at takes an address/],
    [['status', '--at', 'localhost:1', '--every-ms', 'x'], /^--every-ms takes/],
    [['propose', '--at', 'localhost:1'], /^the command is missing/],
    [['propose', '--at', 'localhost:1', '{'], /^the command is no JSON/],
    [['propose', '--at', 'localhost:1', '1', '2'], /^one command as JSON in quotes, not "1 2"$/],
    [['read', '--at', 'localhost:1', 'a', 'b'], /^one PATH at a time/],
    [['read', '--at', 'localhost:1', '--timeout-ms', '0'], /^--timeout-ms takes a whole number/],
    [['watch', '--at', 'localhost:1', '--from', '0'], /^--from takes a whole number/],
    [['transfer', '--at', 'localhost:1', 'a', 'b'], /^one member TO/],
    [['members', '--at', 'localhost:1', '--abandon', '--remove', 'n1'], /^--abandon ends a change and goes with no other one/],
    [['members', '--at', 'localhost:1', '--voter', 'n1'], /^--voter takes ID=HOST:PORT, not "n1"/],
    [['members', '--at', 'localhost:1', '--voter', 'n5=foo'], /^--voter n5: must be an address "host:port", not "foo"$/],
    [['members', '--at', 'localhost:1', '--learner', 'n4=h:1,n5=127.0.0.1:99999'], /^--learner n5: must be an address "host:port", not "127\.0\.0\.1:99999"$/],
    [['members', '--at', 'localhost:1', '--voter', 'n 5=h:1'], /^--voter n 5: must be a string of .* visible ASCII characters, not "n 5"$/],
    [['members', '--at', 'localhost:1', '--remove', 'n1,n 2'], /^--remove: must be a string of .* visible ASCII characters, not "n 2"$/],
    [['snapshot', '--at', 'localhost:1', 'a'], /^nothing beside the options/],
    [['pipe', '--at', 'localhost:1', '--window', '0'], /^--window takes a whole number/],
    [['inspect'], /^the FOLDER is missing/],
    [['inspect', missing], /^.*missing cannot be read as a data folder: ENOENT/],
    [['inspect', scratch(t)], /is no data folder: it has no file "identity"/],
    [['inspect', 'x', '--entries', '3-2'], /^--entries takes FROM, FROM-TO or FROM-/],
    [['inspect', 'x', '--machine', 'm.js'], /^--machine goes with --entries/],
    [['verify', 'a', 'b'], /^one FOLDER at a time, not "a b"$/],
    [['backup'], /^the FOLDER is missing/],
    [['backup', 'a'], /^the COPY is missing: the folder that is to hold it$/],
    [['backup', 'a', ''], /^the COPY is missing: the folder that is to hold it$/],
    [['backup', 'a', 'b', 'c'], /^one FOLDER and one COPY, not "a b c"$/],
    [['backup', scratch(t), 'b'], /is no data folder/],
    [['recover', scratch(t)], /is no data folder/],
    [['recover', 'x', '--although-left-out', 'localhost:0'], /^--although-left-out takes an address "host:port", not "localhost:0"$/],
  ]
  for (const [[name = '', ...args], claim] of cases) {
    const error = await t.throwsAsync((await commandNamed(name)).run(args), { instanceOf: Mistake }, `${name} ${args.join(' ')}`)
    t.regex(error?.message ?? '', claim)
    t.notRegex(error?.message ?? '', /\n/)
  }
})

test('what serve was told is what it does', t => {
  const options = serveOptions([...MEMBER, '--join', '127.0.0.1:7009', '--control', '[::1]:0', '--control-name', 'Orders', '--election-timeout-ms', '900', '--limit', 'maxLinks=9', '--limit', 'stopTimeoutMs=1', '--plaintext', '--listen', '0.0.0.0:7'])
  t.deepEqual(options, {
    cluster: 'c', id: 'n1', members: { n1: '127.0.0.1:7001', n2: '127.0.0.1:7002' }, folder: 'data', join: '127.0.0.1:7009', machine: undefined, recorder: undefined, json: false,
    control: { listen: '[::1]:0', names: ['Orders'] }, transport: { plaintext: true, listen: '0.0.0.0:7' },
    timing: { electionTimeoutMs: 900 }, limits: { maxLinks: 9, stopTimeoutMs: 1 },
  })
  t.is(asTyped('join: must be an address of its own'), '--join: must be an address of its own')
  t.is(asTyped('storage.folder: must be a path'), '--data: must be a path')
  t.is(asTyped('storage.address: h:1 is no'), "--data, which has this member's address: h:1 is no")
  t.is(asTyped('transport.tls.cert: names n2, not the member n1'), '--tls-cert: names n2, not the member n1')
})

test('certificates are read anew whenever they are asked for', t => {
  const [file = '', ...others] = ['cert', 'key', 'ca'].map(name => join(scratch(t), name))
  for (const path of [file, ...others]) writeFileSync(path, 'from before')
  const { tls } = trustBehind({ 'tls-cert': file, 'tls-key': others[0], 'tls-ca': others[1] })
  const read = typeof tls === 'function' ? tls : (): undefined => undefined
  t.deepEqual(read(), { cert: 'from before', key: 'from before', ca: 'from before' })
  writeFileSync(file, 'renewed')
  t.deepEqual(read(), { cert: 'renewed', key: 'from before', ca: 'from before' })
  rmSync(file)
  t.throws(read, { message: /^--tls-cert .* cannot be read: ENOENT/ })
})

const shaped = (value: unknown): boolean => !isLeft(keyValueMachine.command.decode(value))

test('the key-value store takes three shapes and nothing near them', t => {
  for (const good of [{ put: 'a', value: 1 }, { put: 'a', value: null }, { delete: 'a' }, { compareAndSet: 'a', expected: null, value: [1] }]) t.true(shaped(good), JSON.stringify(good))
  for (const bad of [null, 1, {}, { put: 'a' }, { put: 1, value: 1 }, { put: 'a', valeu: 1 }, { put: 'a', value: 1, ttl: 3 }, { delete: 'a', put: 'a' }, { compareAndSet: 'a', value: 1 }]) t.false(shaped(bad), JSON.stringify(bad))
})

test('the key-value store answers with what was there', async t => {
  const running = keyValueMachine.start()
  const steps: readonly (readonly [KeyValueCommand, unknown])[] = [
    [{ put: 'a', value: { x: 1, y: 2 } }, null], [{ compareAndSet: 'a', expected: { y: 2, x: 1 }, value: -0 }, { x: 1, y: 2 }],
    [{ compareAndSet: 'a', expected: 0, value: [1, 2] }, -0], [{ compareAndSet: 'a', expected: [2, 1], value: 3 }, [1, 2]],
    [{ compareAndSet: 'b', expected: null, value: 'new' }, null], [{ put: 'a', value: null }, [1, 2]], [{ delete: 'b' }, 'new'], [{ delete: 'b' }, null],
  ]
  for (const [i, [command, result]] of steps.entries()) {
    const results = await lastValueFrom(from(running.apply([{ index: i + 1, term: 1, time: 0, command }])))
    t.deepEqual(results, [result], JSON.stringify(command))
  }
  t.is((running.state as ReadonlyMap<string, unknown>).size, 0)
})

for (const { name, run } of machineSuite({
  machine: keyValueMachine, view: state => [...state],
  commands: [...Array.from({ length: 40 }, (_, i): KeyValueCommand => ({ put: `k${i}`, value: 'é'.repeat(3000) })), { delete: 'k3' }, { compareAndSet: '__proto__', expected: null, value: { a: '\n' } }],
})) test(`the key-value store: ${name}`, async t => {
  await run()
  t.pass()
})

test('the key-value store keeps nothing of a chunk that is valid until the next one is asked for', async t => {
  const [one, other] = [keyValueMachine.start(), keyValueMachine.start()]
  const memory = Buffer.alloc(3)
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of one.snapshot()) {
      for (let at = 0; at < chunk.length; at += memory.length) {
        memory.set(chunk.subarray(at, at + memory.length))
        yield memory.subarray(0, Math.min(memory.length, chunk.length - at))
      }
    }
  }
  await lastValueFrom(from(one.apply([{ index: 1, term: 1, time: 0, command: { put: 'a', value: 'long enough for several pieces' } }])))
  await lastValueFrom(from(other.restore(pieces())), { defaultValue: undefined })
  t.deepEqual([...other.state as ReadonlyMap<string, unknown>], [['a', 'long enough for several pieces']])
})

test('a machine is the default export of a file, compiled or not', async t => {
  const folder = scratch(t)
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const codec = '{ decode: value => value, encode: value => value }'
  const machine = `{ command: ${codec}, result: ${codec}, start: () => undefined }`
  t.is(typeof (await loadMachine(file('a.mjs', `export default ${machine}`))).start, 'function')
  t.is(typeof (await loadMachine(file('b.cjs', `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = ${machine}`))).start, 'function')
  await t.throwsAsync(loadMachine(file('c.mjs', 'export const machine = 1')), { instanceOf: Mistake, message: /no default export that is a machine/ })
  await t.throwsAsync(loadMachine(file('d.mjs', `export default { ...${machine}, result: 1 }`)), { instanceOf: Mistake, message: /no default export that is a machine/ })
  await t.throwsAsync(loadMachine(file('e.mjs', 'throw new Error("one\\ntwo")')), { instanceOf: Mistake, message: /cannot be loaded: one two$/ })
})

test('paths lead into objects, lists and Maps', t => {
  t.deepEqual(namesIn('a.b\\.c.\\\\', 9), right(['a', 'b.c', '\\']))
  t.true(isLeft(namesIn('a.b.c', 2)))
  const state = { list: [{ x: 1 }], map: new Map<unknown, unknown>([['k', 2], [7, 'seven']]), own: undefined }
  t.is(valueAt(state, ['list', '0', 'x']), 1)
  t.is(valueAt(state, ['map', 'k']), 2)
  t.is(valueAt(state, ['map', '7']), 'seven')
  t.is(valueAt(state, ['map', 'size']), undefined)
  t.is(valueAt(state, ['toString']), undefined)
})

const linesOf = async (pieces: readonly string[], most: number): Promise<readonly Line[]> => {
  const lines: Line[] = []
  for await (const line of linesIn((async function* () { for (const piece of pieces) yield Buffer.from(piece) })(), most)) lines.push(line)
  return lines
}

test('each line of a pipe is a command or says why not, however the input is cut', async t => {
  const shown = (lines: readonly Line[]): readonly unknown[] => lines.map(({ command }) => command instanceof Error ? command.message.slice(0, 20) : command)
  const expected = [1, { a: 'é' }, 'line 5 holds no JSON', 'line 6 has 40 bytes,', 'line 7 holds no JSON', 2]
  const text = Buffer.concat([Buffer.from(`1\n{"a":"é"}\n\n \r\n{\n"${'x'.repeat(38)}"\n"`), Buffer.of(0xc3, 0x28), Buffer.from('"\n2\n ')])
  for (const size of [1, 3, 7, 1000]) {
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.subarray(i * size, (i + 1) * size))
    const lines: Line[] = []
    for await (const line of linesIn((async function* () { yield* pieces })(), 30)) lines.push(line)
    t.deepEqual(shown(lines), expected, `${size} at a time`)
  }
  t.deepEqual(shown(await linesOf(['1\n'], 30)), [1], 'a newline at the end begins no line')
  t.deepEqual(await linesOf([], 30), [])
  t.deepEqual(shown(await linesOf(['\uFEFF1\n', '\uFEFF2'], 30)), [1, 'line 2 holds no JSON'], 'a byte order mark begins the input, and nothing else')

  const protocol = pipeProtocol(types.number as types.Type<unknown, unknown>)
  const [good, bad] = await linesOf(['1\nx'], 30)
  t.false(isLeft(encodeValue(protocol.command, good!)))
  t.deepEqual(encodeValue(protocol.command, bad!), left([`encoding failed: ${(bad!.command as Error).message}`]))
  const refused = packCommand(protocol, { ...DEFAULT_LIMITS, maxCommandBytes: 100 }, bad!)
  t.deepEqual(isLeft(refused) && refused.left instanceof Rejected && refused.left.report, [(bad!.command as Error).message], 'nothing was encoded')
  t.true(isLeft(protocol.command.decode('no number')))
})

test('outcomes are counted, and a reader who is slow is waited for', async t => {
  const taken: string[] = []
  let release: (() => void) | undefined
  const slow = new Writable({ highWaterMark: 1, write: (chunk: Buffer, _encoding, done) => {
    taken.push(chunk.toString())
    release = done
  } })
  const writer = createOutcomeWriter(slow)
  writer.write(right(1))
  writer.write(left(new OutcomeUnknown('of the test')))
  t.is(writer.isFull(), undefined)
  const finished = writer.finish()
  t.truthy(writer.isFull())
  release?.()
  await finished
  t.is(writer.isFull(), undefined)
  const [first, second, end] = taken.join('').split('\n')
  t.is(first, '{"result":1}')
  t.like(JSON.parse(second ?? ''), { error: { tag: 'OutcomeUnknown', appended: 'unknown' } })
  t.is(end, '')
  t.deepEqual(writer.tally(), { applied: 1, refused: 0, unknown: 1 })
})

test('a table names who does not answer, and a block is drawn over itself on a terminal alone', t => {
  const at = { host: 'h', port: 1 }
  const status = { cluster: 'c', id: 'n1', role: 'leader', term: 2, leader: 'n1', ready: true, commitIndex: 9, appliedIndex: 7, lastIndex: 9, snapshot: null, capturing: null, members: {}, machineVersion: 2, lowestMachineVersion: 1, tls: false } as const
  const [, row, silent] = tableOf([{ at, status: right(status) }, { at: { host: 'h', port: 2 }, status: left('gone') }])
  t.regex(row ?? '', /^h:1 +n1 +leader +2 +n1 +9 +7 +9 +2 +- +2 +ready$/)
  t.is(silent, 'h:2 does not answer: gone')
  t.true(isWell([{ at, status: right(status) }]))
  t.false(isWell([{ at, status: right(status) }, { at, status: right({ ...status, cluster: 'd' }) }]))
  t.false(isWell([{ at, status: left('gone') }]))
  const [, , other, mixed] = tableOf([{ at, status: right(status) }, { at: { host: 'h', port: 3 }, status: right({ ...status, cluster: 'd', commitIndex: 4, appliedIndex: 4 }) }])
  t.regex(other ?? '', /^h:3 .* 4 +4 +9 +0 /)
  t.is(mixed, 'these are 2 clusters: c at h:1; d at h:3')
  const drawn = (isTTY: boolean): string => {
    let text = ''
    const block = createBlock({ isTTY, columns: 80, write: (piece: string) => { text += piece } } as never)
    for (const lines of [['a', 'b'], ['a', 'b'], ['c']]) block(lines)
    return text
  }
  t.is(drawn(false), 'a\nb\nc\n')
  t.is(drawn(true), '\x1b[0Ja\nb\n\x1b[2A\r\x1b[0Ja\nb\n\x1b[2A\r\x1b[0Jc\n')
})

test('a serving member says each leadership once, and the same trouble now and then', t => {
  const lines: string[] = []
  let now = 0
  const announcer = createAnnouncer(true, line => lines.push(line), () => now)
  const status = { id: 'n1', role: 'follower', term: 1, leader: 'n2', commitIndex: 0, appliedIndex: 0, lastIndex: 0 } as const
  const voters = ['n1', 'n2']
  for (const commitIndex of [1, 2]) announcer.status({ ...status, commitIndex }, { voters })
  announcer.status({ ...status, role: 'leader', leader: 'n1', term: 2 }, { voters })
  const slow = { type: 'slowDisk', severity: 'warning' } as never
  for (let i = 0; i < 3; i++) announcer.notice(slow)
  now = 20_000
  announcer.notice(slow)
  announcer.notice({ type: 'unreachable', severity: 'info' } as never)
  t.deepEqual(lines.map(line => JSON.parse(line) as object).map(({ type, leader, unsaid }: { type?: string; leader?: string; unsaid?: number }) => [type, leader ?? unsaid]),
    [['leadership', 'n2'], ['leadership', 'n1'], ['notice', 0], ['notice', 2]])
  createAnnouncer(false, line => lines.push(line), () => now).notice({ type: 'slowApply', severity: 'warning', index: 8, tookMs: 37.984018000000106, budgetMs: 10 })
  t.regex(lines.at(-1) ?? '', /warning: slowApply: index 8, tookMs 38, budgetMs 10$/)
  const inWords = createAnnouncer(false, line => lines.push(line.replace(/^\S+ +/, '')), () => now)
  const alone = { ...status, leader: undefined, term: 0 }
  for (const belonging of [[], voters]) inWords.status(alone, { voters: belonging })
  t.deepEqual(lines.slice(-2), ['n1 waits to be added to the cluster', 'n1 knows of no leader in term 0'])
})

test('what strangers say moves no cursor and begins no line: control characters are told as JSON writes them', t => {
  const reason = 'x\n\u001b[31m n1 leads\u009b2J\u202e'
  for (const isJson of [false, true]) {
    const lines: string[] = []
    createAnnouncer(isJson, line => lines.push(line), () => 0).notice({ type: 'handshakeRefused', severity: 'warning', remote: '[::1]:7', reason })
    t.notRegex(lines.join(''), /[\p{Cc}\u202e]/u)
    if (isJson) t.is((JSON.parse(lines[0] ?? '') as { notice: { reason: string } }).notice.reason, reason)
    else t.regex(lines[0] ?? '', /reason x\\u000a\\u001b\[31m n1 leads\\u009b2J\\u202e$/)
  }
  const block: string[] = []
  createBlock({ isTTY: false, write: (text: string) => block.push(text) } as never)(['n1 \u001b[2J'])
  t.deepEqual(block, ['n1 \\u001b[2J\n'])
})

/** What is written to standard output and standard error until the test is over. */
const overheard = (t: ExecutionContext): readonly (readonly string[])[] => [process.stdout, process.stderr].map(stream => {
  const { write } = stream
  const said: string[] = []
  stream.write = text => said.push(String(text)) > 0
  t.teardown(() => { stream.write = write })
  return said
})

test.serial('what strangers say reaches no terminal raw, as JSON neither, and is the same value there', async t => {
  const text = 'x\u007f\u009b2J\u061c\u200e\u200f\u202e\u2066'
  const commit = JSON.stringify({ type: 'commit', index: 1, term: 1, time: 0, command: text })
  const { port } = await serving(t, ({ url = '' }, response) => {
    if (url.startsWith('/watch')) response.end(`${commit}\n`)
    else response.end(`{\n\t"value": ${JSON.stringify(text)}\r\n}\n`)
  })
  const [out = []] = overheard(t)
  const lineOf = async (command: string, ...args: readonly string[]): Promise<string> => {
    const before = out.length
    t.is(await (await commandNamed(command)).run(['--at', `127.0.0.1:${port}`, ...args]), 0)
    return out.slice(before).join('')
  }
  const lines = [await lineOf('read', '--json'), await lineOf('watch', '--from', '1', '--count', '1', '--json'), await lineOf('read'), await lineOf('watch', '--from', '1', '--count', '1')]
  for (const line of lines) t.regex(line, /^[^\p{Cc}\u061c\u200e\u200f\u202e\u2066]+\n$/u)
  t.deepEqual(lines.slice(0, 3).map(line => JSON.parse(line) as unknown), [{ value: text }, JSON.parse(commit), text])
  const pipe = new PassThrough()
  const writer = createOutcomeWriter(pipe)
  writer.write(right(text))
  await writer.finish()
  t.is(String(pipe.read()), '{"result":"x\\u007f\\u009b2J\\u061c\\u200e\\u200f\\u202e\\u2066"}\n')
})

test.serial('a program that fails tells why line by line, and nothing in it raw', async t => {
  const [, err = []] = overheard(t)
  const { exitCode } = process
  t.teardown(() => { process.exitCode = exitCode })
  await runProgram(() => Promise.reject(new Error('x\u009b2J')))
  process.exitCode = exitCode
  t.regex(err.join(''), /^Error: x\\u009b2J\n +at /)
})

test.serial('who watches is told once why an endpoint does not tell, however often it is asked', async t => {
  let asked = 0
  const { port } = await serving(t, (_request, response) => {
    if (++asked < 3) response.writeHead(503).end(JSON.stringify({ tag: 'Busy', message: 'full' }))
    else response.writeHead(200).end(['{"type":"watching","from":1}', '{"type":"restored","index":7,"term":1,"time":0}', '{"type":"commit","index":8,"term":1,"time":0,"command":1}', ''].join('\n'))
  })
  const [out, err] = overheard(t)
  t.is(await (await commandNamed('watch')).run(['--at', `127.0.0.1:1,127.0.0.1:${port}`, '--from', '1', '--count', '1']), 0)
  t.deepEqual(err, ['127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n', `127.0.0.1:${port}: full\n`])
  t.deepEqual(out?.map(line => line.split('  ')[0]?.trimEnd()), ['the log no longer reaches back that far: what precedes 8 is not told', '8@1'])
})

test('a port that is taken is told with its option', async t => {
  const { host, port } = await serving(t, (_request, response) => response.end())
  const folder = scratch(t)
  const free = connect(port, host)
  await once(free, 'connect')
  free.destroy()
  const run = (await commandNamed('serve')).run(['--cluster', 'c', '--id', 'n1', '--members', 'n1=127.0.0.1:9', '--listen', '127.0.0.1:0', '--data', folder, '--control', `${host}:${port}`])
  await t.throwsAsync(run, { name: 'Trouble', message: new RegExp(`^--control: Cannot listen on ${host}:${port}: the address is in use`) })
})
