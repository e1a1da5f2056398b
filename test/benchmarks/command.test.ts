/** What is typed behind `npm run bench --`: every mistake is one sentence, before anything is measured. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { command } from '../../benchmarks/command.js'
import { peerRound } from '../../benchmarks/peers/peer.js'
import { Mistake } from '../../cli/mistake.js'
import { root, run, scratch } from '../run.js'

for (const [typed, sentence] of [
  ['unheard', /^there is no benchmark "unheard", only machine, /],
  ['--only machine,unheard', /^there is no measure "unheard", only machine, /],
  ['--nonsense', /^Unknown option '--nonsense'/],
  ['--rounds 0', /^--rounds takes a whole number, 1 or more, not "0"$/],
  ['--rounds -3', /^--rounds takes a whole number, 1 or more, not "-3"$/],
  ['--rounds=-3', /^--rounds takes a whole number, 1 or more, not "-3"$/],
  ['reads --seconds -1', /^--seconds takes a whole number, 1 or more, not "-1"$/],
  ['durable --in-flight 1,-16', /^--in-flight takes a whole number, 1 or more, not "-16"$/],
  ['durable failover --times few', /^--times takes a whole number, 1 or more, not "few"$/],
  ['reads --minutes 3', /^--minutes is not for reads, which takes --rounds, --seconds and --dir$/],
  ['failover --seconds 3', /^--seconds is not for failover, which takes --times and --dir$/],
  ['joining --in-flight 1,16', /^--in-flight takes a whole number, 1 or more, not "1,16"$/],
  ['joining --mebibytes 0', /^--mebibytes takes a whole number, 1 or more, not "0"$/],
  ['joining --times 3', /^--times is not for joining, which takes --mebibytes, --entries, --in-flight, --rounds, --seconds and --dir$/],
  ['reads endless --peer x', /^--peer is not for reads and endless, which take --rounds, --seconds, --minutes and --dir$/],
  ['layers --in-flight 3', /^--in-flight is not for layers, /],
  ['durable --peers', /^--peers is for the report, which takes no name/],
  ['durable --out x', /^--out is for the report, which takes no name/],
  ['--minutes 3', /^--minutes is for endless, and not for a report$/],
  ['--mebibytes 3', /^--mebibytes is for snapshot, restart and joining, and not for a report$/],
  ['--peer x', /^--peer is for durable and in-process; a report has --peers$/],
  ['--dir /dev/null', /^--dir: \/dev\/null is no folder$/],
  ['--compare /nowhere/at/all', /^--compare: there is no \/nowhere\/at\/all$/],
] as const) {
  test(`npm run bench -- ${typed}: ${sentence.source}`, t => {
    const mistake = t.throws(() => command(typed.split(' ')), { instanceOf: Mistake })
    t.regex(mistake?.message ?? '', sentence)
    t.notRegex(mistake?.message ?? '', /\n/)
  })
}

test('where a report has no place, that is known before anything is measured', t => {
  const folder = scratch(t)
  const [file, out] = [join(folder, 'file'), join(folder, 'new', 'report')]
  writeFileSync(file, '')
  mkdirSync(join(folder, 'folder'))
  const mistake = (...args: readonly string[]): string => t.throws(() => command(args), { instanceOf: Mistake })?.message ?? ''
  t.is(mistake('--out', file), `--out: ${file} cannot be written: it is a file, and a report is a folder`)
  t.regex(mistake('--out', join(file, 'below')), /^--out: .* cannot be written: ENOTDIR/)
  t.is(mistake('--out', out, '--save', folder), `--save: ${folder} cannot be written: it is a folder, and a copy of report.json is a file`)
  t.regex(mistake('--out', out, '--save', join(folder, 'nowhere', 'report.json')), /^--save: .* cannot be written: ENOENT/)
  t.notThrows(() => command(['--out', out, '--save', join(folder, 'copy.json')]))
  t.notThrows(() => command(['--out', out, '--save', file]))
})

for (const [program, sentence] of [
  ['exit 3', /^the peer's program ended with code 3: exit 3$/],
  ['no-such-program {clients}', /^the peer's program ended with code 127: no-such-program 4$/],
  ['kill -9 $$', /^the peer's program ended with SIGKILL: /],
  ['echo {per_s}', /^the peer's program printed a line that is no JSON: /],
  ['echo hello', /^the peer's program printed no line of JSON with a number per_s: /],
] as const) {
  test(`a peer's program that does not do what it must: ${program}`, async t => {
    await t.throwsAsync(peerRound(program, { clients: 4, secs: 1 }), { instanceOf: Mistake, message: sentence })
  })
}

test('as a program: one sentence, no stack, exit code 2', async t => {
  const { code, out, err } = await run(t, process.execPath, ['test/start.mjs', 'benchmarks/run.ts', 'durable', '--peer', 'exit 3'], { cwd: root })
  t.deepEqual([code, out], [2, ''])
  t.is(err, 'durable, 1 in flight, round 1 of 3\nthe peer\'s program ended with code 3: exit 3\n')
})
