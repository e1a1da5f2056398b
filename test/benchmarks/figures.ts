/** A report's figures without measuring anything. */
import { MEASURES } from '../../benchmarks/measures/index.js'
import type { Figure, Kind } from '../../benchmarks/reporting/figures.js'
import type { Report } from '../../benchmarks/reporting/report.js'

const PLACES: Readonly<Record<string, readonly string[]>> = {
  'in-flight': ['1', '16', '64', '256', '1000'], 'one-connection': ['16', '256'], payload: ['16', '1024', '1048512'], members: ['1', '3', '5', '7'], 'in-process': ['1', '8', '64', '512'],
  'in-process-encoded': ['1', '512'], pipelines: ['1', '512'], 'pipelines-encoded': ['1', '512'], restart: ['10000', '1000000'],
}
const KINDS: Readonly<Record<string, readonly Kind[]>> = {
  layers: ['cpuMicros'], idle: ['cpuPercent'], restart: ['ms'], failover: ['ms'], snapshot: ['mibPerSecond', 'p99Ms'], machine: ['ms', 'cpuMicros', 'p50Ms'],
}

/** Three samples of everything, `times` times as large as they are otherwise, and those of two peers in flight, one of them at two places. */
export const aFigures = (times = 1): readonly Figure[] => MEASURES.flatMap(({ name: measure }) =>
  (PLACES[measure] ?? ['a fixed piece of work', 'append and sync 4 KiB']).flatMap((at, i) =>
    (KINDS[measure] ?? ['perSecond', 'p50Ms', 'p99Ms', 'p999Ms', 'cpuMicros', 'failed']).flatMap((kind, j): readonly Figure[] => {
      const samples = [100, 101, 99].map(sample => times * (sample + i + j))
      const ours: Figure = { measure, side: 'rxraft', at, kind, samples }
      const theirs = (side: string, factor: number): Figure => ({ ...ours, side, samples: samples.map(sample => sample / factor) })
      if (measure !== 'in-flight' || kind === 'cpuMicros') return [ours]
      return [ours, theirs('etcd', 2), ...['1', '256'].includes(at) ? [theirs('zmq-raft', 4)] : []]
    })))

export const aReport = (figures = aFigures()): Report => ({
  format: 1, when: '2026-01-02T03:04:05.678Z', tookSeconds: 321, rounds: 3, seconds: 1, figures, skipped: [{ what: 'etcd', why: 'not on the PATH' }], failed: [],
  machine: {
    cpu: 'a processor', cores: 2, memoryGiB: 4, system: 'Linux 6', node: '20.20.0', v8: '11', fileSystem: 'ext4', loadBefore: 0.1, loadAfter: 1.5, revision: 'abc',
  },
})
