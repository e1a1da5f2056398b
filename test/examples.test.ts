/** Every example runs as a user runs it; the README shows the same text. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../cli/demo/ports.js'
import { built, root, run, scratch, start } from './run.js'

const node = process.execPath
const RETRY_MS = 50
const PATIENCE_MS = 60_000

/** Built examples with ports that are free here in place of those in the text, and with imports that lead to what was built. */
const withFreePorts = async (t: ExecutionContext, ...names: readonly string[]): Promise<readonly string[]> => {
  const folder = scratch(t)
  const ports = await Promise.all(['7001', '7002', '7003', '8601'].map(async port => [port, String(await freePort())] as const))
  const targets: Readonly<Record<string, string>> = { rxraft: built('streams/index.js'), 'rxraft/client': built('client/index.js'), 'rxraft/control': built('cli/control/index.js') }
  return names.map(name => {
    const text = ports.reduce((changed, [from, to]) => changed.replaceAll(from, to), readFileSync(built(`examples/${name}.js`), 'utf8'))
    const file = join(folder, `${name}.mjs`)
    writeFileSync(file, text.replaceAll(/from '(rxraft|rxraft\/client|rxraft\/control|rxjs|io-ts)'/g, (_, dependency: string) => `from '${targets[dependency] ?? import.meta.resolve(dependency)}'`))
    return file
  })
}

/** Asks until somebody answers with a status that counts. */
const ask = async (url: string, request: RequestInit): Promise<string> => {
  for (const end = Date.now() + PATIENCE_MS; ; await new Promise(resume => setTimeout(resume, RETRY_MS))) {
    const response = await fetch(url, request).catch(() => undefined)
    if (response?.ok) return response.text()
    if (Date.now() > end) throw new Error(`${url} did not answer: ${response?.status} ${await response?.text()}`)
  }
}

test('counter: one process, three members', async t => {
  const { code, out, err } = await run(t, node, [built('examples/counter.js')], { cwd: root })
  t.is(code, 0, err)
  t.regex(out, /^2$/m)
})

test('reactive: state, outcomes, leadership and commits', async t => {
  const { code, out, err } = await run(t, node, [built('examples/reactive.js')], { cwd: root })
  t.is(code, 0, err)
  t.regex(out, /motd = hello/)
  t.regex(out, /motd: goodbye/)
  t.regex(out, /in touch: true/)
  t.regex(out, /beat = \d+\.\d+/)
  t.is(err, '')
})

test('pipelines: the hearts of three members in a world of one file', async t => {
  const { code, out, err } = await run(t, node, [built('examples/pipelines.js')], { cwd: root })
  t.is(code, 0, err)
  const lines = out.trimEnd().split('\n')
  for (const id of ['n1', 'n2', 'n3']) {
    const [hello, leads = ''] = lines.filter(line => line.startsWith(`${id}: `))
    t.is(hello, `${id}: hello`, out)
    t.regex(leads, /: n\d leads term \d+$/)
  }
})

test('member and client: three processes with TCP, disk and HTTP, any of which takes a write and is read; a fourth outside the cluster', async t => {
  const [member = '', client = ''] = await withFreePorts(t, 'member', 'client')
  const folder = scratch(t)
  const ports = await Promise.all([freePort(), freePort(), freePort()])
  const members = ports.map((port, i) => start(t, node, [member, `n${i + 1}`, String(port), '0'], { cwd: folder }))
  t.is(await ask(`http://127.0.0.1:${ports[1]}/motd`, { method: 'POST', body: 'hello' }), '')
  t.is(await ask(`http://127.0.0.1:${ports[2]}/motd`, { method: 'POST', body: 'goodbye' }), 'hello')
  for (const port of ports) t.is(await ask(`http://127.0.0.1:${port}/motd`, {}), 'goodbye')
  const { code, out, err } = await run(t, node, [client, 'motd', 'from outside'])
  t.deepEqual([code, out], [0, 'before: goodbye\n'], err)
  for (const { child } of members) child.kill('SIGTERM')
  for (const { ended } of members) t.is((await ended).code, 0)
})

/** What a client hears that sends this and ends, or is gone once it is sent. */
const say = async (port: number, request: string, isGone = false): Promise<string> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  await new Promise(resolve => socket.write(request, resolve))
  if (isGone) socket.resetAndDestroy()
  let text = ''
  socket.setEncoding('utf8').on('data', (piece: string) => { text += piece })
  await once(socket, 'close')
  return text
}

test.serial('member: uploads that are broken off or too large harm nobody, and a member that is lost is replaced through the control server', async t => {
  const [member = ''] = await withFreePorts(t, 'member')
  const folder = scratch(t)
  const [port, fourth, ...controls] = await Promise.all(Array.from({ length: 6 }, () => freePort()))
  const begin = (id: string, control: number | undefined, ...more: readonly string[]) => start(t, node, [member, id, id === 'n1' ? String(port) : '0', String(control), ...more], { cwd: folder })
  const [first, second, lost] = ['n1', 'n2', 'n3'].map((id, at) => begin(id, controls[at]))
  const url = `http://127.0.0.1:${port}/motd`
  t.is(await ask(url, { method: 'POST', body: 'hello' }), '')
  t.is(await say(port!, 'POST /motd HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc', true), '')
  t.is((await fetch(url, { method: 'POST', body: 'x'.repeat(64 * 1024) })).status, 200)
  for (const bytes of [64 * 1024 + 1, 64 * 1024 * 1024]) t.is((await fetch(url, { method: 'POST', body: 'x'.repeat(bytes) })).status, 413)
  t.is((await ask(url, { method: 'POST', body: 'goodbye' })).length, 64 * 1024)

  lost?.child.kill('SIGKILL')
  await lost?.ended
  const newcomer = begin('n4', controls[3], `127.0.0.1:${fourth}`)
  t.is(await Promise.race([once(newcomer.child.stdout!, 'data').then(([line]) => String(line)), newcomer.ended.then(({ err }) => err)]), 'n4 is up at http://127.0.0.1:0\n')
  const at = controls.slice(0, 2).map(control => `127.0.0.1:${control}`).join()
  const changed = await run(t, node, [built('cli/rxraft.js'), 'members', '--at', at, '--voter', `n4=127.0.0.1:${fourth}`, '--remove', 'n3'])
  t.is(changed.code, 0, changed.err)
  t.regex(changed.out, new RegExp(`^n1 .*voter\nn2 .*voter\nn4 +127\\.0\\.0\\.1:${fourth} +voter\n$`))
  t.is(await ask(url, {}), 'goodbye')
  for (const running of [first, second, newcomer]) running?.child.kill('SIGTERM')
  for (const running of [first, second, newcomer]) t.is((await running?.ended)?.code, 0)
})

test('control: a member that is asked over HTTP, scraped, and stopped', async t => {
  const [control = ''] = await withFreePorts(t, 'control')
  const { code, out, err } = await run(t, node, [control])
  t.is(code, 0, err)
  t.is(out, '{"result":2}\n\n200\nrxraft_applied_index 2\n')
})

test('rolling: every member is restarted, the leader among them, and comes back with all that was acknowledged', async t => {
  const { code, out, err } = await run(t, node, [built('examples/rolling.js')], { cwd: root })
  t.is(code, 0, err)
  t.regex(out, /^(n\d) handed over to (?!\1)n\d$/m)
  t.is(out.replace(/.*\n/, ''), ['n1', 'n2', 'n3'].map((id, n) => `without ${id}: ${n + 1}\n${id} is back: ${n + 1}\n`).join(''))
})

test('upgrade: a new form of a command is proposed once all members read it', async t => {
  const { code, out, err } = await run(t, node, [built('examples/upgrade.js')], { cwd: root })
  t.is(code, 0, err)
  t.is(out, 'n1 is of version 2: 2\nn2 is of version 2: 4\nn3 is of version 2: 6\nand so are all of them: 8\n')
})

test('lock: one holder at a time, and whoever was paused for too long is refused by its token', async t => {
  const { code, out, err } = await run(t, node, [built('examples/lock.js')], { cwd: root })
  t.is(code, 0, err)
  const [, ann = '', bob = '', refused = '', last = ''] = new RegExp([
    'ann holds the lock', 'bob does not get it', 'on the board: "ann was here", token (\\d+)', 'ann has renewed it',
    'bob holds the lock', 'on the board: "bob was here", token (\\d+)', 'refused: "ann is back" comes with token (\\d+), and \\2 was here', 'ann learns that she has lost it',
    'on the board: "ann, with a new token", token (\\d+)',
  ].join('\n').concat('\n$')).exec(out) ?? []
  t.is(refused, ann, out)
  t.true(Number(ann) > 0 && Number(ann) < Number(bob) && Number(bob) < Number(last), out)
})

test('job: it stops with its leader and goes on with the next, and what was on its way comes too late', async t => {
  const { code, out, err } = await run(t, node, [built('examples/job.js')], { cwd: root })
  t.is(code, 0, err)
  const [, from = '', term = ''] = /^refused: letter 3 from (n\d), term (\d+)$/m.exec(out) ?? []
  t.true(out.includes(`${from} leads term ${term}, and begins\n`) && out.includes(`${from} leads term ${term} no longer, and stops\n`), out)
  const [, next = '', later = ''] = /^delivered: letter 3 from (n\d), term (\d+)$/m.exec(out) ?? []
  t.true(Number(later) > Number(term) && out.includes(`${next} leads term ${later}, and begins\n`), out)
})

test('audit: each command once in the file, over a restart and a line that was cut', async t => {
  const { code, out, err } = await run(t, node, [built('examples/audit.js')], { cwd: root })
  t.is(code, 0, err)
  const [first, again, ...lines] = out.trimEnd().split('\n')
  t.is(first, 'the audit goes on behind 0')
  t.regex(again ?? '', /^the audit goes on behind \d+, without "\{"index":4,"at":"20"$/)
  const deposits = lines.map(line => JSON.parse(line) as { index: number; account: string; amount: number })
  t.deepEqual(deposits.map(({ account, amount }) => [account, amount]), [['ann', 10], ['ann', 20], ['ann', 30], ['bob', 40], ['ann', -50]])
  t.true(deposits.every(({ index }, at) => at === 0 || index > deposits[at - 1]!.index))
})

test('nestjs: a CommonJS service embeds a member', async t => {
  const [http, peer] = await Promise.all([freePort(), freePort()])
  const service = start(t, node, [built('examples/nestjs/main.cjs'), 'n1', String(http), join(scratch(t), 'n1'), `n1=127.0.0.1:${peer}`], { cwd: root })
  await service.line(/^listening/)
  const put = (value: string): RequestInit => ({ method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ value }) })
  t.deepEqual(JSON.parse(await ask(`http://127.0.0.1:${http}/motd`, put('hello'))), { previous: null })
  t.deepEqual(JSON.parse(await ask(`http://127.0.0.1:${http}/motd`, put('goodbye'))), { previous: 'hello' })
  t.deepEqual(JSON.parse(await ask(`http://127.0.0.1:${http}/motd`, {})), { value: 'goodbye' })
  service.child.kill('SIGTERM')
  await service.ended
})

test('simulation: a cluster in a unit test, as node:test runs it', async t => {
  const { code, out } = await run(t, node, ['--test', '--test-reporter=tap', built('examples/simulation.test.js')], { cwd: root })
  t.is(code, 0, out)
  t.regex(out, /^# pass 2$/m)
})

test('stock: a machine of its own passes the suite, as node:test runs it', async t => {
  const { code, out } = await run(t, node, ['--test', '--test-reporter=tap', built('examples/stock.test.js')], { cwd: root })
  t.is(code, 0, out)
  t.regex(out, /^# pass 15$/m)
})

test('the documents show the examples as they are', t => {
  const documents = ['README.md', 'docs/simulation.md', 'docs/operations.md', 'docs/machines.md', 'docs/streams.md', 'docs/control.md'].map(name => readFileSync(join(root, name), 'utf8')).join('')
  for (const name of ['counter', 'member', 'client', 'reactive', 'pipelines', 'simulation.test', 'rolling', 'upgrade', 'stock', 'stock.test', 'control']) {
    const [, shown] = documents.split(`<!-- examples/${name}.ts -->\n\`\`\`ts\n`)
    t.is(shown?.split('```')[0], readFileSync(join(root, `examples/${name}.ts`), 'utf8'), name)
  }
})
