/** The long checks as programs: each explains itself, does a little, and answers a mistake with one sentence. */
import test from 'ava'
import { root, run } from './run.js'

const PROGRAMS: readonly {
  readonly file: string
  readonly options: readonly string[]
  readonly little: readonly [args: readonly string[], out: RegExp]
  readonly mistakes: readonly (readonly [args: readonly string[], err: RegExp])[]
}[] = [
  {
    file: 'test/fuzz/main.ts', options: ['mutants', 'from'],
    little: [['--mutants', '300', '--from', '7'], /^300 mutants from seed 7, 0 uncaught/m],
    mistakes: [[['--mutants', '0'], /^--mutants takes a whole number from 1 to/], [['--from', '4294967295', '--mutants', '2'], /^--mutants takes a whole number from 1 to 1, not "2"/], [['5'], /^Unexpected argument '5'/]],
  },
  {
    file: 'test/exploration/run.ts', options: ['states', 'depth', 'opening'],
    little: [['--states', '2000', '--opening', 'Figure 8'], /^Figure 8: .*\n  2,000 different worlds in .*\/s\): all within \d+ acts/],
    mistakes: [[['--states', '1e7'], /^--states takes a whole number from 1 to/], [['--opening', 'x'], /^there is no opening "x"; there are "nothing", /], [['--nonsense'], /^Unknown option '--nonsense'/]],
  },
  {
    file: 'test/mutations/search.ts', options: ['seeds', 'only', 'jobs', 'ledger'],
    little: [['--only', 'a new term', '--jobs', '1', '--ledger', '/dev/null'], /a new term or vote is not written: .*\n1 of 1 noticed, the median by seed \d+/],
    mistakes: [[['--seeds', '0'], /^--seeds takes a whole number from 1 to/], [['--only', 'x!'], /^no mistake has "x!" in its name/], [['--nonsense'], /^Unknown option '--nonsense'/]],
  },
]

for (const { file, options, little: [args, expected], mistakes } of PROGRAMS) {
  test(`${file} explains itself, does a little, and answers a mistake with one sentence`, async t => {
    const program = (...typed: readonly string[]) => run(t, process.execPath, ['test/start.mjs', file, ...typed], { cwd: root })
    const help = await program('--help')
    t.is(help.code, 0)
    for (const name of [...options, 'help']) t.regex(help.out, new RegExp(`^  --${name} `, 'm'))
    const { code, out, err } = await program(...args)
    t.is(code, 0, err)
    t.regex(out, expected)
    for (const [typed, claim] of mistakes) {
      const mistaken = await program(...typed)
      t.is(mistaken.code, 2, typed.join(' '))
      t.regex(mistaken.err, claim)
      t.regex(mistaken.err, /^[^\n]+\n$/)
      t.is(mistaken.out, '')
    }
  })
}
