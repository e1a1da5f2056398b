/** The promise, with real processes: SIGKILL of the leader loses nothing that was acknowledged. */
import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { waitedMs } from '../cli/demo/delivery.js'
import { built, run, scratch, start } from './run.js'

const demo = built('cli/demo/main.js')
const node = process.execPath

test.serial('the demo kills its leader, loses nothing, and says so', async t => {
  const { code, out, err } = await run(t, node, [demo, '--writes', '15000'])
  t.is(code, 0, err)
  t.is(out, '', 'standard output stays free for data')
  t.regex(err, /is killed with SIGKILL/)
  t.regex(err, /leads \d+ ms after the kill/)
  t.regex(err, /is back and catches up/)
  t.regex(err, /writes:\s+15,000/)
  t.regex(err, /lost:\s+0/)
  t.regex(err, /equal:\s+yes/)
})

test('how long writes waited is told of the failover, and not of a later silence that was longer', t => {
  const failover = { atMs: 1_000, overMs: 1_070 }
  const [before, during, after] = [{ fromMs: 0, toMs: 900 }, { fromMs: 1_010, toMs: 1_190 }, { fromMs: 5_000, toMs: 5_970 }]
  t.is(waitedMs([before, during, after], failover), 190)
  t.is(waitedMs([before, after], failover), undefined)
})

test.serial('a file goes through the cluster byte for byte, whatever its bytes', async t => {
  const folder = scratch(t)
  const lines = Array.from({ length: 12_000 }, (_, n) => `line ${n} ${'x'.repeat(n % 90)}`)
  const file = Buffer.concat([Buffer.from(lines.join('\n')), Buffer.from('\n\n\r\n'), randomBytes(200_000), Buffer.from('no newline at the end')])
  writeFileSync(join(folder, 'in'), file)
  const { code, err } = await run(t, node, [demo, join(folder, 'in'), '--out', join(folder, 'out')])
  t.is(code, 0, err)
  t.true(readFileSync(join(folder, 'out')).equals(file))
  t.regex(err, /is killed with SIGKILL/)
})

test.serial('an empty file comes out empty', async t => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'in'), '')
  const { code, err } = await run(t, node, [demo, join(folder, 'in'), '--out', join(folder, 'out')])
  t.is(code, 0, err)
  t.is(readFileSync(join(folder, 'out')).length, 0)
})

test.serial('an output that is the input, or that nobody can write, is a mistake before anything starts, and the input stays', async t => {
  const folder = scratch(t)
  const file = join(folder, 'in')
  writeFileSync(file, 'precious')
  symlinkSync(file, join(folder, 'link'))
  for (const out of [file, join(folder, 'link'), join(folder, 'no', 'such', 'folder'), folder]) {
    const { code, err } = await run(t, node, [demo, file, '--out', out])
    t.is(code, 2, err)
    t.is(readFileSync(file, 'utf8'), 'precious')
  }
})

test.serial('an interrupted demo leaves no process, no folder and no stack trace behind', async t => {
  const folder = scratch(t)
  const { child, ended } = start(t, node, [demo, '--writes', '1000000'], { env: { ...process.env, TMPDIR: folder } })
  await new Promise<void>(resolve => child.stderr?.on('data', (text: string) => { if (text.includes('acknowledged')) resolve() }))
  child.kill('SIGINT')
  const { code, err } = await ended
  t.is(code, 130, err)
  t.notRegex(err, /^\s+at /m)
  t.deepEqual(readdirSync(folder), [])
})

test('--help explains, and mistakes end with code 2 and a sentence', async t => {
  const help = await run(t, node, [demo, '--help'])
  t.is(help.code, 0)
  t.regex(help.out, /--out COMMITTED/)
  for (const args of [['--writes', 'many'], ['--nonsense'], ['/no/such/file', '--out', '-'], ['--out', 'x'], ['a', 'b']]) {
    const { code, err } = await run(t, node, [demo, ...args])
    t.is(code, 2, args.join(' '))
    t.true(err.trim().length > 0)
  }
})
