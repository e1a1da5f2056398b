/** In which order things are measured, what is told meanwhile, and who takes part. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import test from 'ava'
import { Mistake } from '../../cli/mistake.js'
import type { Screen } from '../../cli/screen.js'
import { MEASURES } from '../../benchmarks/measures/index.js'
import { reportMarkdown } from '../../benchmarks/reporting/markdown.js'
import { type Task, clockText, createForecast, runRounds } from '../../benchmarks/reporting/rounds.js'
import { checkoutTask, peerTasks } from '../../benchmarks/reporting/sides.js'
import { aFigures, aReport } from './figures.js'

const silent: Screen = { event: () => {}, bar: () => {}, end: () => {} }

/** A clock that a task moves by `ms`. */
const stage = () => {
  let now = 0
  const order: string[] = []
  const task = (measure: string, side: string, ms = 1_000, about = 1): Task => ({
    measure, side, about,
    run: async () => {
      now += ms
      order.push(`${measure} ${side}`)
      return [{ at: '1', kind: 'ms', value: now }]
    },
  })
  return { task, order, now: () => now }
}

test('what is compared is measured next to each other, and who begins changes from round to round', async t => {
  const { task, order, now } = stage()
  const tasks = [task('a', 'we'), task('a', 'they'), task('b', 'we')]
  await runRounds({ tasks, rounds: 3, screen: silent, now, measured: () => {}, failed: error => t.fail(String(error)) })
  t.deepEqual(order, ['a we', 'a they', 'b we', 'a they', 'a we', 'b we', 'a we', 'a they', 'b we'])
})

test('a task that fails is told, and the next one has its turn', async t => {
  const { task, now } = stage()
  const broken: Task = { measure: 'a', side: 'they', about: 1, run: () => Promise.reject(new Error('no')) }
  const told: string[] = []
  await runRounds({
    tasks: [broken, task('a', 'we')], rounds: 2, screen: silent, now,
    measured: ({ side }, [sample]) => told.push(`${side} ${sample?.kind}`), failed: ({ side }, { message }) => told.push(`${side}: ${message}`),
  })
  t.deepEqual(told, ['they: no', 'we ms', 'we ms', 'they: no'])
})

test('the bar goes from nothing to everything, and says what is left', async t => {
  const { task, now } = stage()
  const bars: (readonly [number | undefined, string])[] = []
  const tasks = [task('a', 'we', 2_000, 1), task('b', 'we', 6_000, 3)]
  await runRounds({ tasks, rounds: 2, screen: { ...silent, bar: (...bar) => bars.push(bar) }, now, measured: () => {}, failed: () => {} })
  t.deepEqual(bars.map(([fraction]) => fraction), [0, 2 / 16, 8 / 16, 10 / 16])
  t.deepEqual(bars.map(([, caption]) => caption.replace(/ {2}.*/, '')), ['8 s left', '14 s left', '8 s left', '6 s left'])
  t.regex(bars[3]![1], /round 2 of 2: b, we$/)
})

test('a forecast is put right by what was off so far', t => {
  const { task } = stage()
  const [a, b] = [task('a', 'we', 0, 10), task('b', 'we', 0, 20)]
  const forecast = createForecast()
  t.is(forecast.of([a, b]), 30)
  forecast.took(a, 20)
  t.is(forecast.of([a, b]), 20 + 40)
})

test('times are said as people say them', t => {
  t.deepEqual([-1, 0.4, 59, 60, 61.2, 605].map(clockText), ['0 s', '0 s', '59 s', '1 min 00 s', '1 min 01 s', '10 min 05 s'])
})

test('a peer takes part when all that it needs is on the PATH, and is skipped by name otherwise', t => {
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-test-'))
  try {
    const measure = MEASURES.find(({ name }) => name === 'in-flight')!
    const path = ['/nowhere', folder].join(delimiter)
    const provide = (name: string): void => {
      writeFileSync(join(folder, name), '#!/bin/sh\n')
      chmodSync(join(folder, name), 0o755)
    }
    provide('etcd')
    t.deepEqual(peerTasks(measure, { seconds: 1 }, path).tasks, [])
    t.regex(peerTasks(measure, { seconds: 1 }, path).skipped[0]!.why, /not on the PATH: etcdbench; /)
    provide('etcdbench')
    t.deepEqual(peerTasks(measure, { seconds: 1 }, path).tasks.map(({ side }) => side), ['etcd'])
    t.deepEqual(peerTasks(measure, { seconds: 1 }, path).skipped.map(({ what }) => what), ['in-flight by zmq-raft'])
    provide('zmqraft')
    t.deepEqual(peerTasks(measure, { seconds: 1 }, path).tasks.map(({ side }) => side), ['etcd', 'zmq-raft'])
    t.deepEqual(peerTasks(measure, { seconds: 1 }, path).skipped, [])
    t.throws(() => checkoutTask(folder, measure, { seconds: 1 }), { instanceOf: Mistake, message: /npm run build/ })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every measure of ours has its place in the report, with ratios beside peers, and what is missing is said', t => {
  const report = { ...aReport(), failed: [{ what: 'idle, rxraft', why: 'it fell' }] }
  const text = reportMarkdown(report, MEASURES, new Map([['layers', ['layers.svg']]]))
  for (const { name } of MEASURES) t.true(text.includes(`\n## ${name}\n`), name)
  t.regex(text, /\| 16, rxraft \/ etcd +\| 2\.00x/)
  t.regex(text, /\| 256, rxraft \/ zmq-raft +\| 4\.00x/)
  t.false(text.includes('| 16, zmq-raft'), 'no row without a figure')
  t.regex(text, /!\[.*\]\(layers\.svg\)/)
  t.regex(text, /\*\*idle, rxraft failed\*\*: it fell/)
  t.regex(text, /- etcd: not on the PATH/)
  t.false(/busy with other work|nothing was durable/.test(text))
})

test('a busy machine and a folder without a disk are said in the report', t => {
  const { machine } = aReport()
  const text = reportMarkdown({ ...aReport(aFigures(2)), machine: { ...machine, loadBefore: 3, fileSystem: 'tmpfs' } }, MEASURES, new Map())
  t.regex(text, /The machine was busy with other work/)
  t.regex(text, /lay on tmpfs: nothing was durable/)
})
