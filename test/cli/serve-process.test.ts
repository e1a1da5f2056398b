/** A serving member as a process: what ends it, and what it says of itself. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../../cli/demo/ports.js'
import { createAnnouncer } from '../../cli/serve/announcer.js'
import { type Running, own, root, scratch, start } from '../run.js'

/** A member that a shell has begun, as npm does it: the shell waits for it, and hands no signal on. */
const behindShell = async (t: ExecutionContext, npm: NodeJS.ProcessEnv): Promise<{ readonly shell: Running; readonly pid: number }> => {
  const { npm_command: _command, npm_lifecycle_event: _script, ...env } = process.env
  const words = [process.execPath, own('cli/rxraft.js'), 'serve', '--cluster', 'c', '--id', 'n1', '--members', `n1=127.0.0.1:${await freePort()}`, '--data', join(scratch(t), 'data')]
  const shell = start(t, 'sh', ['-c', '"$@" & echo "pid $!"; wait $!', 'sh', ...words], { env: { ...env, ...npm } })
  const pid = Number((await shell.line(/^pid \d+$/)).slice(4))
  t.teardown(() => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  })
  await shell.line(/n1 leads term 1/)
  return { shell, pid }
}

test('a member that npm began stops in order when what began it ends without a word', async t => {
  const { shell } = await behindShell(t, { npm_command: 'exec', npm_lifecycle_event: 'npx' })
  shell.child.kill('SIGTERM')
  const { out } = await shell.ended
  t.regex(out, /n1 stops because of the end of npm, which began it/)
  t.regex(out, /n1 has stopped/)
})

test('a member that anybody else began outlives what began it', async t => {
  const { shell, pid } = await behindShell(t, {})
  shell.child.kill('SIGTERM')
  await new Promise(resolve => { setTimeout(resolve, 1_500) })
  t.true(process.kill(pid, 0))
  process.kill(pid, 'SIGTERM')
  const { out } = await shell.ended
  t.regex(out, /n1 stops because of SIGTERM/)
})

/** A machine that does not take 13. */
const UNLUCKY = `
import * as t from '${pathToFileURL(join(root, 'node_modules/io-ts/lib/index.js')).href}'
const apply = ({ command }) => {
  if (command === 13) throw new Error('unlucky')
  return command
}
export default { command: t.number, result: t.number, start: () => ({ state: 0, apply: entries => [entries.map(apply)], restore: () => [undefined], async *snapshot() { yield new Uint8Array(1) } }) }`

test('a member whose machine does not take a command says where it is written what to do', async t => {
  const folder = scratch(t)
  const machine = join(folder, 'unlucky.mjs')
  writeFileSync(machine, UNLUCKY)
  const serving = start(t, process.execPath, [
    own('cli/rxraft.js'), 'serve', '--cluster', 'c', '--id', 'n1', '--members', `n1=127.0.0.1:${await freePort()}`, '--data', join(folder, 'data'), '--machine', machine, '--listen', '127.0.0.1:0', '--control', '127.0.0.1:0',
  ])
  const [control = ''] = /http:\/\/[^,]+/.exec(await serving.line(/n1 of cluster c is up at 127\.0\.0\.1:\d+, listens on 127\.0\.0\.1:0, with control/)) ?? []
  await serving.line(/n1 leads/)
  await fetch(`${control}/propose`, { method: 'POST', body: '13', headers: { 'content-type': 'application/json' } })
  const { code, out } = await serving.ended
  t.is(code, 1)
  t.regex(out, /n1 has failed: The entry at \d+ cannot be applied: unlucky; docs\/operations\.md says what to do, in "A command that cannot be applied"$/m)
})

test('a serving member says once that it belongs no more, when that is committed', t => {
  const lines: string[] = []
  const announcer = createAnnouncer(true, line => lines.push(line), () => 0)
  const of = (ids: readonly string[], isCommitted: boolean) => ({ voters: ids, outgoing: [], learners: [], addresses: {}, isCommitted })
  for (const ids of [[], ['n2'], ['n1', 'n2']]) announcer.membership('n1', of(ids, true))
  announcer.membership('n1', { ...of(['n2'], false), outgoing: ['n1'] })
  announcer.membership('n1', of(['n2'], false))
  t.deepEqual(lines, [])
  for (const ids of [['n2'], ['n2', 'n3'], ['n1', 'n2'], ['n2']]) announcer.membership('n1', of(ids, true))
  t.deepEqual(lines.map(line => JSON.parse(line) as { type: string }).map(({ type }) => type), ['leftOut', 'leftOut'])
})
