/** Two reports beside each other. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Mistake } from '../../cli/mistake.js'
import { MEASURES } from '../../benchmarks/measures/index.js'
import { WORK } from '../../benchmarks/measures/machine.js'
import { compare, driftOf } from '../../benchmarks/reporting/compare.js'
import { type Figure, createFigures, nameOf } from '../../benchmarks/reporting/figures.js'
import { comparisonText } from '../../benchmarks/reporting/markdown.js'
import { readReport, reportText } from '../../benchmarks/reporting/report.js'
import { aFigures, aReport } from './figures.js'

const worse = (figures: readonly Figure[], isMeant: (figure: Figure) => boolean, times = 3): readonly Figure[] =>
  figures.map(figure => isMeant(figure) ? { ...figure, samples: figure.samples.map(sample => sample * times) } : figure)

test('nothing is slower than itself', t => {
  const compared = compare(aFigures(), aFigures(), MEASURES, false)
  t.deepEqual([...new Set(compared.map(({ verdict }) => verdict))], ['same'])
})

test('what has become slower is named, and nothing else', t => {
  const now = worse(aFigures(), ({ measure, at, kind, side }) => measure === 'in-flight' && at === '64' && kind === 'p99Ms' && side === 'rxraft')
  const slower = compare(aFigures(), now, MEASURES, false).filter(({ verdict }) => verdict !== 'same')
  t.deepEqual(slower.map(({ figure, verdict }) => [nameOf(figure), verdict]), [['in-flight, 64: p99', 'slower']])
  const text = comparisonText(slower, 'base.json', false)
  t.regex(text, /^Beside base\.json: 1 SLOWER, 0 faster/)
  t.regex(text, /in-flight, 64: p99 +\| .* \| 3\.00x/)
})

test('more per second is faster, more milliseconds are not', t => {
  const now = worse(aFigures(), ({ measure, at, kind, side }) => measure === 'members' && at === '5' && (kind === 'perSecond' || kind === 'p50Ms') && side === 'rxraft')
  const told = compare(aFigures(), now, MEASURES, false).filter(({ verdict }) => verdict !== 'same').map(({ figure, verdict }) => [figure.kind, verdict])
  t.deepEqual(told, [['perSecond', 'faster'], ['p50Ms', 'slower']])
})

test('peers, the machine and what has no better are not judged; neither is what only one side has', t => {
  const now = worse(aFigures(), ({ side, measure, kind }) => side === 'etcd' || measure === 'machine' || kind === 'failed')
  t.true(compare(aFigures(), now, MEASURES, true).every(({ verdict, figure }) => verdict === 'same' && figure.side === 'rxraft' && figure.kind !== 'failed'))
  t.deepEqual(compare([], aFigures(), MEASURES, false), [])
})

test('a machine that has become half as fast takes the blame, once, and not where both sides were measured in turn', t => {
  const isWork = ({ measure, at, kind }: Figure): boolean => measure === 'machine' && at === WORK && kind === 'ms'
  const isOurs = ({ measure, kind }: Figure): boolean => measure === 'restart' && kind === 'ms'
  const now = worse(worse(aFigures(), isWork, 2), isOurs, 2)
  const verdicts = (areInTurn: boolean, figures: readonly Figure[]): readonly string[] =>
    [...new Set(compare(aFigures(), figures, MEASURES, areInTurn).filter(({ figure }) => isOurs(figure)).map(({ verdict }) => verdict))]
  t.deepEqual(verdicts(false, now), ['same'])
  t.deepEqual(verdicts(true, now), ['slower'])
  t.deepEqual(verdicts(false, worse(now, isOurs, 2)), ['slower'], 'four times as long is more than the machine explains')
})

test('the disk is to blame for durable figures alone, and waiting for no processor', t => {
  const isSync = ({ measure, kind }: Figure): boolean => measure === 'machine' && kind === 'p50Ms'
  const now = worse(aFigures(), isSync, 3)
  t.true(Math.abs(driftOf(aFigures(), now, { isDurable: true }, 'perSecond') - 3) < 0.01)
  t.is(driftOf(aFigures(), now, { isDurable: false }, 'perSecond'), 1)
  t.is(driftOf(aFigures(), now, { isDurable: true }, 'cpuMicros'), 1)
  t.is(driftOf([], now, { isDurable: true }, 'perSecond'), 1, 'a baseline without the machine')
})

test('samples are gathered by name, in the order in which each first came, and numbers alone', t => {
  const figures = createFigures()
  figures.add('a', 'rxraft', [{ at: '1', kind: 'ms', value: 1 }, { at: '2', kind: 'ms', value: 2 }])
  figures.add('a', 'etcd', [{ at: '1', kind: 'ms', value: 3 }])
  figures.add('a', 'rxraft', [{ at: '1', kind: 'ms', value: 4 }, { at: '2', kind: 'ms', value: Number.NaN }])
  t.deepEqual(figures.all().map(({ side, at, samples }) => [side, at, samples]), [['rxraft', '1', [1, 4]], ['rxraft', '2', [2]], ['etcd', '1', [3]]])
})

test('a report is read as it was written, and anything else is a mistake in a sentence', t => {
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-test-'))
  try {
    const path = join(folder, 'report.json')
    writeFileSync(path, reportText(aReport()))
    t.deepEqual(readReport(path), aReport())
    writeFileSync(path, JSON.stringify({ ...aReport(), format: 2 }))
    t.throws(() => readReport(path), { instanceOf: Mistake, message: /is no report: .*format/ })
    writeFileSync(path, '{')
    t.throws(() => readReport(path), { instanceOf: Mistake, message: /cannot be read as a report/ })
    t.throws(() => readReport(join(folder, 'none.json')), { instanceOf: Mistake, message: /cannot be read as a report/ })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
