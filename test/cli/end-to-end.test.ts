/** docs/cli.md as somebody would type it, on one cluster of three processes; and a leader that is killed while commands are piped through it. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../../cli/demo/ports.js'
import { type Running, built, intoNothing, own, root, run, scratch, start } from '../run.js'

interface Typed {
  readonly command: string
  /** What is to come out, with `…` for anything. */
  readonly lines: readonly string[]
}

/** What is typed in a part of the document, in order. */
const typedIn = (text: string): readonly Typed[] => [...text.matchAll(/^```console\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
  block.split(/^\$ /m).slice(1).map(typed => {
    const [command = '', ...lines] = typed.trimEnd().split('\n')
    return { command, lines }
  }))

const patternOf = (lines: readonly string[]): RegExp =>
  new RegExp(`^${lines.join('\n').split('…').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +')).join('[\\s\\S]*?')}\\s*$`)

/** A shell in a folder of its own, where `rxraft` is the built command and no port is anybody else's. */
const shellIn = async (t: ExecutionContext, text: string) => {
  const folder = scratch(t)
  const ports = new Map<string, string>()
  for (const port of new Set(text.match(/(?<=127\.0\.0\.1:)\d{4}/g))) ports.set(port, String(await freePort()))
  const replaced = text.replace(/127\.0\.0\.1:(\d{4})/g, (address, port: string) => address.replace(port, ports.get(port) ?? port))
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/rxraft'), `#!/bin/sh\nexec "${process.execPath}" "${built('cli/rxraft.js')}" "$@"\n`)
  chmodSync(join(folder, 'bin/rxraft'), 0o755)
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` }
  const type = async ({ command, lines }: Typed): Promise<void> => {
    const exported = /^export (\w+)=(\S+)$/.exec(command)
    if (exported !== null) env[exported[1]!] = exported[2]
    else t.regex((await run(t, 'sh', ['-c', command], { cwd: folder, env })).out, patternOf(lines), command)
  }
  const rxraft = (...args: readonly string[]) => run(t, 'rxraft', args, { cwd: folder, env })
  const background = (command: string): Running => start(t, 'rxraft', command.replace(/ &$/, '').split(' ').slice(1), { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] })
  return { replaced, type, rxraft, background }
}

type Rxraft = (...args: readonly string[]) => ReturnType<typeof run>

/** Resolves when all members of RXRAFT_AT are there and ready. */
const allWell = async (rxraft: Rxraft): Promise<void> => {
  while ((await rxraft('status', '--once')).code !== 0);
}

const leaderOf = async (rxraft: Rxraft): Promise<string> => {
  const { out } = await rxraft('status', '--once', '--json')
  const { members } = JSON.parse(out) as { members: readonly { id: string; role: string }[] }
  return members.find(({ role }) => role === 'leader')?.id ?? ''
}

/** Each outcome is that of its own line: a put answers with the put before it, but for those of which nobody knows whether they are in the log. */
const judge = (t: ExecutionContext, out: string, count: number): { readonly unknown: number } => {
  const outcomes = out.trimEnd().split('\n').map(line => JSON.parse(line) as { result?: number | null; error?: { tag: string; appended: string } })
  t.is(outcomes.length, count)
  let unknown = 0
  let known = 0
  for (const [i, { result, error }] of outcomes.entries()) {
    if (error !== undefined) {
      t.is(error.appended, 'unknown', error.tag)
      unknown++
      continue
    }
    // Lines of which nobody knows may have been applied in between, and no others.
    if ((result ?? 0) < known || (result ?? 0) > i) t.fail(`line ${i + 1} answers ${String(result)}, after ${known}`)
    known = i + 1
  }
  return { unknown }
}

test('what docs/cli.md says is what happens, and a pipe goes on when its leader is killed', async t => {
  const text = readFileSync(join(root, 'docs/cli.md'), 'utf8')
  const { replaced, type, rxraft, background } = await shellIn(t, text)
  const [running = '', folders = ''] = replaced.split(/^## Data folders$/m)
  const members = new Map<string, { readonly serve: string; readonly process: Running }>()
  const asked: Typed[] = []
  for (const typed of typedIn(running)) {
    const id = /^rxraft serve .*--id (\w+) .*&$/.exec(typed.command)?.[1]
    if (id === undefined) asked.push(typed)
    else members.set(id, { serve: typed.command, process: background(typed.command) })
  }
  t.is(members.size, 3)
  // All of them are up, and agree on a leader.
  await Promise.all([...members.values()].map(({ process }) => process.line(/ (leads|follows n\d in) term /)))
  // A member outlives whoever reads what it says.
  members.get('n1')!.process.child.stdout?.destroy()
  for (const typed of asked) {
    await type(typed)
    if (typed.command.startsWith('export')) await allWell(rxraft)
  }
  while (await leaderOf(rxraft) !== 'n1') await rxraft('transfer', 'n1')
  await rxraft('transfer')
  await allWell(rxraft)
  const used = new Set([...typedIn(replaced)].map(({ command }) => /rxraft (\w+)/.exec(command)?.[1]))
  for (const name of ['serve', 'status', 'propose', 'read', 'watch', 'transfer', 'members', 'snapshot', 'pipe', 'inspect', 'verify', 'backup', 'recover']) t.true(used.has(name), name)

  const COUNT = 3_000
  const piped = background('rxraft pipe --window 64')
  const followed = background('rxraft watch --json')
  const feed = (from: number, to: number): void => {
    for (let value = from; value <= to; value++) piped.child.stdin?.write(`{"put":"n","value":${value}}\n`)
  }
  feed(1, COUNT / 3)
  await piped.line(/"result":500\b/)
  const leader = await leaderOf(rxraft)
  feed(COUNT / 3 + 1, COUNT)
  members.get(leader)!.process.child.kill('SIGKILL')
  piped.child.stdin?.end()
  const { code, out, err } = await piped.ended
  const { unknown } = judge(t, out, COUNT)
  t.is(code, unknown > 0 ? 3 : 0, err)
  t.is((await rxraft('read', 'n')).out.trim(), String(COUNT))
  await followed.line(new RegExp(`"value":${COUNT}\\b`))
  t.is((await rxraft('status', '--once')).code, 1, 'one of three is gone')

  // The one that was killed had no time to tidy up.
  const survivors = [...members].filter(([id]) => id !== leader)
  for (const [, { process }] of survivors) process.child.kill('SIGTERM')
  for (const [id, { process }] of survivors) {
    const ended = await process.ended
    t.is(ended.code, 0, ended.err)
    if (id !== 'n1') t.regex(ended.out, new RegExp(`${id} has stopped\\n$`))
  }
  t.is((await rxraft('verify', `data/${leader}`)).code, 0)
  for (const typed of typedIn(folders)) await type(typed)
  const lone = background(members.get('n1')!.serve)
  await lone.line(/n1 leads term/)
  t.regex((await rxraft('read', 'n')).out, /^\d+\n$/)
  const [alone] = (JSON.parse((await rxraft('status', '--once', '--json')).out) as { members: readonly { members: object }[] }).members
  t.deepEqual(Object.keys(alone?.members ?? {}), ['n1'], 'what is stored counts, and not what was typed')
  t.is((await rxraft('propose', '{"put":"motd","value":"alone"}')).out, '{"text":"hello"}\n')
  lone.child.kill('SIGTERM')
  t.is((await lone.ended).code, 0)
})

/** Says on standard error what it applies. */
const TALKATIVE = `
import * as t from '${pathToFileURL(join(root, 'node_modules/io-ts/lib/index.js')).href}'
const apply = ({ command }) => {
  process.stderr.write('applied\\n')
  return command
}
export default { command: t.number, result: t.number, start: () => ({ state: 0, apply: entries => [entries.map(apply)], restore: () => [undefined], async *snapshot() { yield new Uint8Array(1) } }) }`

const ifLinux = existsSync('/dev/full') ? test : test.skip
ifLinux('commands whose outcomes nobody can be told have an unknown outcome', async t => {
  const folder = scratch(t)
  const serving = start(t, process.execPath, [
    own('cli/rxraft.js'), 'serve', '--cluster', 'c', '--id', 'n1', '--members', `n1=127.0.0.1:${await freePort()}`, '--data', join(folder, 'data'), '--control', '127.0.0.1:0', '--json',
  ])
  const { control } = JSON.parse(await serving.line(/"ready"/)) as { readonly control: string }
  await serving.line(/"role":"leader"/)
  const commands = join(folder, 'commands')
  writeFileSync(commands, '{"put":"a","value":1}\n')
  const asking = (name: string, ...more: readonly string[]) => intoNothing(t, [own('cli/rxraft.js'), name, '--at', control, ...more], commands)
  for (const asked of [asking('pipe'), asking('propose', '-')]) {
    const { code, err } = await asked.full()
    t.is(code, 3, err)
    t.regex(err, /^Standard output cannot be written: ENOSPC/m)
    t.is(await asked.gone(), 3)
  }
  t.is((await asking('propose', '--json', 'true').full()).code, 1, 'a refusal is known')
  t.is((await asking('read', 'a').full()).code, 1)
  t.is(await asking('read', 'a').gone(), 0)
})

test('a member lives on when nobody reads its standard error any more', async t => {
  const folder = scratch(t)
  const machine = join(folder, 'talkative.mjs')
  writeFileSync(machine, TALKATIVE)
  const serving = start(t, process.execPath, [
    own('cli/rxraft.js'), 'serve', '--cluster', 'c', '--id', 'n1', '--members', `n1=127.0.0.1:${await freePort()}`, '--data', join(folder, 'data'), '--machine', machine, '--control', '127.0.0.1:0', '--json',
  ])
  const { control } = JSON.parse(await serving.line(/"ready"/)) as { readonly control: string }
  serving.child.stderr!.destroy()
  await serving.line(/"role":"leader"/)
  for (const command of ['5', '6']) {
    const said = await fetch(`http://${control}/propose`, { method: 'POST', body: command, headers: { 'content-type': 'application/json' } })
    t.deepEqual(await said.json(), { result: Number(command) })
  }
  serving.child.kill('SIGTERM')
  t.is((await serving.ended).code, 0)
})
