/** A serving member as a process: what ends it. */
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../../cli/demo/ports.js'
import { type Running, own, scratch, start } from '../run.js'

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
