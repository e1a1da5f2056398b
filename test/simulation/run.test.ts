/** The command around the seeds: what it takes, and that a run of hours can be left alone. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Mistake } from '../../cli/mistake.js'
import { readLedger } from '../ledger.js'
import { layOut, openPlace } from '../changed.js'
import { own, root, run, scratch, start } from '../run.js'
import { HELP, commandFrom } from './options.js'
import { type Line, SEEDS, summaryOf } from './record.js'

const program = own('test/simulation/run.js')
const simulate = (t: ExecutionContext, ...args: readonly string[]) => run(t, process.execPath, [program, ...args], { cwd: root })

const MISTAKES: readonly (readonly [args: readonly string[], claim: RegExp])[] = [
  [['--nonsense'], /^Unknown option '--nonsense'/],
  [['7'], /^Unexpected argument '7'/],
  [['--seeds'], /^Option '--seeds <value>' argument missing/],
  [['--seeds', '0'], /^--seeds takes a whole number from 1 to 100000000, not "0"$/],
  [['--seeds', '1.5'], /^--seeds takes/],
  [['--seeds', 'many'], /^--seeds takes/],
  [['--seeds', ''], /^--seeds takes/],
  [['--from=-1'], /^--from takes/],
  [['--from', '-1'], /^--from takes a whole number from 0 to \d+, not "-1"$/],
  [['--jobs', '0'], /^--jobs takes/],
  [['--patience', '0'], /^--patience takes/],
  [['--seed', '1e3'], /^--seed takes a whole number, 0 or more, not "1e3"$/],
  [['--trace'], /^--trace goes with --seed N$/],
  [['--seed', '7', '--seeds', '3'], /^--seeds does not go with --seed$/],
  [['--report', '--jobs', '2'], /^--jobs does not go with --report$/],
  [['--failed', '--from', '2'], /^--from does not go with --failed$/],
  [['--soak', '--seed', '7', '--jobs', '2'], /^--jobs does not go with --seed$/],
  [['--soak', '--report'], /^--soak does not go with --report$/],
]

test('every mistake in the arguments is one sentence', t => {
  for (const [args, message] of MISTAKES) {
    const mistake = t.throws(() => commandFrom(args), { instanceOf: Mistake, message }, args.join(' '))
    t.false(mistake?.message.includes('\n'))
  }
})

test('what was typed is what is run', t => {
  t.like(commandFrom([]), { type: 'many', from: 1, seeds: 1000, isTwice: false, onlyFailed: false, patienceMs: 600_000 })
  t.like(commandFrom(['--seeds', '500', '--from', '0', '--jobs', '3', '--twice', '--patience', '7', '--ledger', 'x']),
    { type: 'many', from: 0, seeds: 500, jobs: 3, isTwice: true, patienceMs: 7000, ledger: 'x' })
  t.deepEqual(commandFrom(['--seed', '7', '--trace']), { type: 'one', seed: 7, isSoak: false, isTraced: true, isTwice: false })
  t.like(commandFrom(['--soak', '--seeds', '5']), { type: 'many', isSoak: true, ledger: 'data/soak.jsonl' })
  t.deepEqual(commandFrom(['--seed', '7', '--soak', '--trace']), { type: 'one', seed: 7, isSoak: true, isTraced: true, isTwice: false })
  t.deepEqual(commandFrom(['--report', '--ledger', 'x']), { type: 'report', ledger: 'x' })
})

test('--help names every option; a mistake ends with code 2 and without a stack', async t => {
  const help = await simulate(t, '--help')
  t.is(help.code, 0)
  t.is(help.out, HELP)
  for (const name of ['seeds', 'from', 'jobs', 'soak', 'twice', 'patience', 'ledger', 'failed', 'report', 'seed', 'trace', 'help']) t.regex(HELP, new RegExp(`^  --${name} `, 'm'))
  const folder = scratch(t)
  for (const args of [['--ledger', folder], ['--report', '--ledger', join(folder, 'none')]]) {
    const { code, out, err } = await simulate(t, ...args)
    t.is(code, 2, args.join(' '))
    t.is(out, '')
    t.regex(err, /^[^\n]+\n$/)
  }
  t.false(existsSync(join(folder, 'none')), 'a report writes nothing')
})

/** The program in whose children this happens first to each seed. */
const withFates = (t: ExecutionContext, fates: string): string => {
  const from = '  const lines: string[] = []\n  try {\n'
  const place = openPlace()
  t.teardown(() => rmSync(place, { recursive: true, force: true }))
  layOut(place, { file: 'test/simulation/line.ts', from, to: `${from}${fates}` })
  return join(place, 'test/simulation/run.js')
}
/** Of seeds that are soon done. */
const FATES = `
    if (seed === 8) process.exit(9)
    if (seed === 10) { const hog = []; for (;;) hog.push(new Array(100_000).fill(0.5)) }
    if (seed === 11) throw new Error('a promise was broken')
    if (seed === 12) return await again(await trial(seed), ['another line'], isSoak)
    if (seed === 13) process.kill(process.pid, 'SIGSEGV')
`

test('whatever happens to a seed is told, and the others are run', async t => {
  const ledger = join(scratch(t), 'ledger')
  const { code, out, err } = await run(t, process.execPath, ['--max-old-space-size=200', withFates(t, FATES), '--from', '8', '--seeds', '7', '--jobs', '2', '--ledger', ledger], { cwd: root })
  t.is(code, 1, err)
  const lines = new Map(readLedger(ledger, SEEDS).map(line => [line.seed, line]))
  const fates = [8, 9, 10, 11, 12, 13, 14].map(seed => lines.get(seed)?.failure)
  t.deepEqual(fates, ['crashed', undefined, 'crashed', 'broken', 'differs', 'crashed', undefined], err)
  t.regex(lines.get(8)?.reason ?? '', /code 9/)
  t.regex(lines.get(10)?.reason ?? '', /out of memory/)
  t.regex(lines.get(13)?.reason ?? '', /SIGSEGV/)
  for (const seed of [9, 14]) t.true((lines.get(seed)?.steps ?? 0) > 0)
  for (const seed of [8, 10, 11, 13]) t.regex(out, new RegExp(`npm run simulate -- --seed ${seed} --trace`))
  t.regex(out, /npm run simulate -- --seed 12 --twice/)
})

/** Holds the thread for ever, and leaves the processor to the other tests. */
const FOREVER = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'

test('a seed that never ends is ended', async t => {
  const ledger = join(scratch(t), 'ledger')
  const { code, out, err } = await run(t, process.execPath, [withFates(t, FOREVER), '--seeds', '1', '--patience', '2', '--ledger', ledger], { cwd: root })
  t.is(code, 1, err)
  t.deepEqual(readLedger(ledger, SEEDS), [{ seed: 1, failure: 'hung', reason: 'it did not come to an end within 2 s' }])
  t.regex(out, /npm run simulate -- --seed 1 --trace/)
})

/** Some of the shortest. */
const EVERY = ['10', '11', '12', '13']

test('a run that is killed goes on where it was, and each seed is in the sums once', async t => {
  const folder = scratch(t)
  const ledger = join(folder, 'ledger')
  const args = ['--from', '10', '--seeds', String(EVERY.length), '--jobs', '2', '--ledger', ledger]
  writeFileSync(ledger, '')
  const changes = watch(folder)
  const { child, ended } = start(t, process.execPath, [withFates(t, `if (seed > 11) ${FOREVER}`), ...args], { cwd: root })
  for await (const _ of changes) if (readFileSync(ledger, 'utf8').includes('\n')) break
  child.kill('SIGKILL')
  await ended
  const before = readLedger(ledger, SEEDS)
  t.true(before.length > 0 && before.length < EVERY.length, `${before.length} seeds`)
  writeFileSync(ledger, `${readFileSync(ledger, 'utf8')}{"seed":12,"mem`)
  const resumed = await simulate(t, ...args)
  t.is(resumed.code, 0, resumed.err)
  t.regex(resumed.out, new RegExp(`^this run: ${EVERY.length - before.length} seeds`))
  t.deepEqual(readLedger(ledger, SEEDS).map(({ seed }) => String(seed)).sort(), EVERY)

  const { code, out } = await simulate(t, '--report', '--ledger', ledger)
  t.is(code, 0)
  t.is(out, resumed.out.replace(/^.*\n/, ''))
})

test('hours and single storms are kept apart: a seed of one says nothing of the same of the other', async t => {
  for (const isSoak of [true, false]) {
    const ledger = join(scratch(t), 'ledger')
    writeFileSync(ledger, `${JSON.stringify({ seed: 1, isSoak, failure: 'broken', reason: 'two leaders' })}\n`)
    const { code, out, err } = await simulate(t, ...isSoak ? [] : ['--soak'], '--seeds', '1', '--ledger', ledger)
    t.is(code, 2, out)
    t.regex(err, isSoak ? /holds seeds that were run with --soak/ : /holds seeds that were run without --soak/)
    t.regex((await simulate(t, '--report', '--ledger', ledger)).out, isSoak ? /npm run simulate -- --seed 1 --soak --trace/ : /npm run simulate -- --seed 1 --trace/)
  }
})

test('an interrupted run says what it has', async t => {
  const folder = scratch(t)
  const ledger = join(folder, 'ledger')
  writeFileSync(ledger, '')
  const changes = watch(folder)
  const { child, ended } = start(t, process.execPath, [program, '--from', '13', '--seeds', '1000', '--jobs', '1', '--twice', '--ledger', ledger], { cwd: root })
  for await (const _ of changes) if (readFileSync(ledger, 'utf8').includes('\n')) break
  child.kill('SIGINT')
  const { code, out } = await ended
  t.is(code, 130)
  const lines = readLedger(ledger, SEEDS)
  t.true(lines.length > 0 && lines.every(({ failure, digest }) => failure === undefined && digest !== undefined), 'each twice, and what was under way has not failed')
  t.regex(out, new RegExp(`^this run: ${lines.length} seeds`))
  t.regex(out, new RegExp(`${lines.length} of them twice with the same trace`))
})

test('the sums of a ledger', t => {
  const one: Line = { seed: 1, steps: 1000, elections: 2, calls: 30, acknowledged: 20, read: 15, committed: 25, simulatedMs: 1_800_000, faults: { cut: 3, crash: 1 } }
  const failed: Line = { seed: 2, failure: 'broken', reason: 'two leaders\n  a story' }
  const text = summaryOf([one, failed, { ...one, seed: 3, faults: { cut: 1 } }, failed])
  for (const claim of [/^  seeds +3$/m, /1\.00 hours, 2,000 steps, 4 elections/, /60, 40 of them acknowledged; 50 entries, 30 reads/, /cut 4, crash 1/, /failed +1 seeds/, /seed 2 broken: two leaders$/m]) t.regex(text, claim)
  t.regex(summaryOf([failed, { ...one, seed: 2 }]), /failed +0/, 'the last run of a seed counts')
})
