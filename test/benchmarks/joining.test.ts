/** What is made of the rounds of a member that joins. */
import test from 'ava'
import { type JoiningRound, joiningTable } from '../../benchmarks/programs/joining.js'

const phase = (perSecond: number) => ({ inFlight: 64, valueBytes: 128, perSecond, p50Ms: 1, p99Ms: 2, p999Ms: 3, failed: 0, cpuMicros: 4 })
const round = (before: number, during: number, after: number): JoiningRound =>
  ({ before: phase(before), during: phase(during), after: phase(after), catchUpMs: during * 10, snapshotMs: 1 })

test('each figure is a median, and shares are those of single rounds', t => {
  const [, ...rows] = joiningTable([round(100, 90, 110), round(1_000, 400, 700), round(400, 100, 200)]).split('\n').map(line => line.trim().split(/ {2,}/))
  t.deepEqual(rows.map(([phase, ...cells]) => [phase, cells.slice(0, -3)]), [['before', ['400', '1.00']], ['during', ['1.00', '100', '0.400']], ['after', ['200', '0.700']]])
})
