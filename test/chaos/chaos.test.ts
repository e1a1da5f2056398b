/** A short run with real processes in the tests, and the command line around it. More: `npm run chaos`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { own, run, scratch } from '../run.js'
import { MIXES } from './mixes.js'
import { type Asked, formatHistory } from './oracle/history.js'
import { NOBODY, type Row, type RunReport, formatTable } from './report.js'
import { drawSchedule } from './schedule.js'

const program = own('test/chaos/run.js')
const chaos = (t: Parameters<typeof run>[0], ...args: readonly string[]) => run(t, process.execPath, [program, ...args])

/** This one begins with the death of the leader, and has every fault of its mix. */
const SEED = '124'

test.serial('members are killed and cut off, replaced and added, leaderships move, and clients cannot tell them from one copy', async t => {
  const ledger = join(scratch(t), 'ledger')
  const args = ['--mix', 'kills-and-partitions', '--seed', SEED, '--minutes', '0.25', '--members', '3', '--rate', '50', '--ledger', ledger]
  const { code, out, err } = await chaos(t, ...args)
  t.is(code, 0, err)
  const { faults, operations, deeds, elections, verdict } = JSON.parse(out) as RunReport
  t.is(verdict, 'Linearizable')
  // A run that was never struck, or never answered, would prove nothing.
  t.true(Object.keys(faults).some(fault => fault.startsWith('kill')) && Object.keys(faults).some(fault => /partition|oneWay/.test(fault)), JSON.stringify(faults))
  t.true(operations['answered']! > 50, JSON.stringify(operations))
  t.true(operations['read']! > 10, JSON.stringify(operations))
  t.true(Object.keys(deeds).some(deed => deed.startsWith('transfers')) && Object.keys(deeds).some(deed => deed.startsWith('changes') || deed === 'came back with nothing'), JSON.stringify(deeds))
  t.true(elections > 1, `${elections} elections`)

  const again = await chaos(t, ...args)
  t.is(again.code, 0)
  t.is(again.out, '', 'what is done is not done again')
  t.regex(again.err, /done already/)
  const report = await chaos(t, '--report', '--ledger', ledger)
  t.is(report.code, 0)
  t.regex(report.out, /^kills-and-partitions +124 .* holds$/m)
  t.true(again.err.endsWith(report.out.slice(report.out.indexOf('\n') + 1)), 'the same table')
})

/** So many that some may find nobody to strike, as a leader where there is none. */
const STRIKES_IN_FIVE_MINUTES = 40

test('five minutes of a mix are enough of it', t => {
  for (const [name, mix] of Object.entries(MIXES)) {
    if (mix.faults.length === 0) continue
    const least = Math.min(...Array.from({ length: 200 }, (_, seed) => drawSchedule(seed, mix, ['n1', 'n2', 'n3', 'n4', 'n5'], 300_000, 1000).length))
    t.true(least >= STRIKES_IN_FIVE_MINUTES, `${name}: ${least} strikes`)
  }
})

test('the table counts what hit somebody, and what is broken', t => {
  const row: Row = {
    mix: 'kills', seed: 7, minutes: 5, members: 5, rate: 100, asked: 1000, faults: { killLeader: 31, [`killLeader${NOBODY}`]: 4, killAll: 2 }, elections: 12,
    longestUnavailabilityMs: 1234.5, healedMs: 10, violations: [],
  }
  const [head, holds, broken, all] = formatTable([row, { ...row, mix: 'pauses', violations: ['two leaders'] }]).trim().split('\n').map(line => line.trim().split(/ {2,}/))
  t.deepEqual(head, ['mix', 'seed', 'minutes', 'operations', 'faults', 'elections', 'silent ms', 'healed ms', 'verdict'])
  t.deepEqual(holds, ['kills', '7', '5', '1000', '33', '12', '1235', '10', 'holds'])
  t.is(broken?.at(-1), 'BROKEN')
  t.deepEqual(all, ['all', '10', '2000', '66', '24', '1 BROKEN'])
})

test('one seed is one schedule, and every mix keeps to its faults', t => {
  const ids = ['n1', 'n2', 'n3']
  for (const mix of Object.values(MIXES)) {
    const schedule = drawSchedule(7, mix, ids, 600_000, 1000)
    t.deepEqual(drawSchedule(7, mix, ids, 600_000, 1000), schedule)
    t.true(schedule.every(({ fault }) => (mix.faults as readonly string[]).includes(fault)))
    t.true(mix.faults.length === 0 || schedule.length > 60, `${schedule.length} strikes in ten minutes`)
  }
  t.notDeepEqual(drawSchedule(8, MIXES.kills, ids, 60_000, 1000), drawSchedule(7, MIXES.kills, ids, 60_000, 1000))
})

const put = (op: number, value: string, calledAt: number, returnedAt: number): Asked =>
  ({ op, client: 'c1', input: { type: 'put', key: 'k', value }, calledAt, fate: { type: 'answered', output: null, returnedAt } })
const got = (op: number, output: string, calledAt: number, returnedAt: number): Asked =>
  ({ op, client: 'c2', input: { type: 'get', key: 'k' }, calledAt, fate: { type: 'answered', output, returnedAt } })

test('a history that was kept is judged again', async t => {
  const folder = scratch(t)
  const fresh = join(folder, 'fresh')
  const stale = join(folder, 'stale')
  const never = join(folder, 'never')
  writeFileSync(fresh, formatHistory([put(0, 'a', 0, 1), put(1, 'b', 2, 3), got(2, 'b', 4, 5)]))
  writeFileSync(stale, formatHistory([put(0, 'a', 0, 1), put(1, 'b', 2, 3), got(2, 'a', 4, 5)]))
  const refused: Asked = { ...put(1, 'b', 2, 3), fate: { type: 'failed', appended: 'never', error: 'Busy' } }
  writeFileSync(never, formatHistory([put(0, 'a', 0, 1), refused, got(2, 'b', 4, 5)]))
  t.is((await chaos(t, '--judge', fresh)).code, 0)
  t.is((await chaos(t, '--judge', stale)).code, 1)
  t.is((await chaos(t, '--judge', never)).code, 1, 'what was refused explains nothing')
})

test('--help names every mix and what is not done; mistakes end with code 2 and a sentence', async t => {
  const help = await chaos(t, '--help')
  t.is(help.code, 0)
  for (const name of [...Object.keys(MIXES), 'lost-packets']) t.true(help.out.includes(name), name)
  for (const args of [['--mix', 'nonsense'], ['--minutes', 'many'], ['--members', '4'], ['--nonsense'], ['--rate', '0'], ['--judge', '/no/such/file'], ['--minutes', '1e9'], ['--ledger', '/'], ['--report', '--ledger', '/no/such/file']]) {
    const { code, err } = await chaos(t, ...args)
    t.is(code, 2, args.join(' '))
    t.regex(err, /^[^\n]+\n$/, args.join(' '))
  }
  t.regex((await chaos(t, '--mix', 'lost-packets')).err, /needs root/)
})
