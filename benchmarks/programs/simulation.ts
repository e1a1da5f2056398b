/** How fast a simulated cluster runs: real members, storage and frames on one core, against the time that passes for them. */
import * as t from 'io-ts'
import { reducerMachine } from '../../streams/index.js'
import { simulate } from '../../testing/index.js'
import { median, report, say, tableOf } from '../reporting/stats.js'

export interface SimulationSpeedOptions {
  readonly rounds: number
  /** Of real time, about, for each round. */
  readonly seconds: number
}

const MEMBERS = 5
const PER_SECOND = 500
const CLIENTS = 10

const values = t.readonly(t.record(t.string, t.string))
const machine = reducerMachine({
  command: t.strict({ key: t.string, value: t.string }), result: t.union([t.string, t.null]), state: values, initial: {},
  reduce: (state, { key, value }) => [{ ...state, [key]: value }, state[key] ?? null],
})

interface Load {
  readonly what: string
  /** Commands that are proposed at one moment: the rate stays the same. */
  readonly together: number
  /** Each at another member, or all where no member has to pass them on. */
  readonly at: 'each member' | 'the leader'
}

const LOADS: readonly Load[] = [
  { what: 'one by one', together: 1, at: 'each member' },
  { what: `${CLIENTS} at a time`, together: CLIENTS, at: 'each member' },
  { what: `${CLIENTS} at a time at the leader`, together: CLIENTS, at: 'the leader' },
]

interface Speed {
  /** Simulated seconds per second. */
  readonly timesReal: number
  /** Of this process and its threads, for each simulated second: what says most where others use the machine too. */
  readonly cpuMs: number
  /** Turns of each member in a simulated second, what each costs, and how many all members take for one command. */
  readonly turnsPerMember: number
  readonly cpuUsPerTurn: number
  readonly turnsPerCommand: number
}

const COLUMNS = {
  timesReal: 'simulated s / s', cpuMs: 'CPU ms / simulated s', turnsPerMember: 'turns / s and member', cpuUsPerTurn: 'CPU µs / turn', turnsPerCommand: 'turns / command',
} as const satisfies Record<keyof Speed, string>
const NAMES = Object.keys(COLUMNS) as readonly (keyof Speed)[]

/** A cluster under load, warmed up, and then measured for about `seconds`. */
const measure = async ({ together, at }: Load, seconds: number): Promise<Speed> => {
  const cluster = simulate({ members: MEMBERS, machine, seed: 1 })
  await cluster.until(() => cluster.leader() !== undefined)
  let failed = 0
  let acknowledged = 0
  const propose = (): void => void cluster.clock.after(together * 1000 / PER_SECOND, () => {
    for (let i = 0; i < together; i++) {
      void cluster.propose({ key: `k${i}`, value: 'x'.repeat(20) }, { at: at === 'the leader' ? cluster.leader()! : cluster.ids[i % MEMBERS]!, client: `client ${i}` })
        .then(({ _tag }) => _tag === 'Left' ? failed++ : acknowledged++)
    }
    propose()
  })
  propose()
  const passing = async (realMs: number): Promise<number> => {
    const began = performance.now()
    while (performance.now() - began < realMs) await cluster.run(250)
    return performance.now() - began
  }
  await passing(seconds * 1000)
  const before = { simulated: cluster.clock.now(), turns: cluster.counts.steps(), acknowledged, cpu: process.cpuUsage() }
  const took = await passing(seconds * 1000)
  const cpu = process.cpuUsage(before.cpu)
  if (failed > 0) throw new Error(`${failed} commands failed in a cluster without faults`)
  const turns = cluster.counts.steps() - before.turns
  const simulatedMs = cluster.clock.now() - before.simulated
  const cpuUs = cpu.user + cpu.system
  return {
    timesReal: simulatedMs / took, cpuMs: cpuUs / simulatedMs, turnsPerMember: turns * 1000 / simulatedMs / MEMBERS, cpuUsPerTurn: cpuUs / turns,
    turnsPerCommand: turns / (acknowledged - before.acknowledged),
  }
}

export const simulation = async ({ rounds, seconds }: SimulationSpeedOptions): Promise<void> => {
  const rows: (readonly (string | number)[])[] = []
  for (const load of LOADS) {
    const speeds: Speed[] = []
    for (let round = 0; round < rounds; round++) {
      say(`${MEMBERS} members, ${PER_SECOND} commands a second, ${load.what}: round ${round + 1} of ${rounds}`)
      const speed = await measure(load, seconds)
      speeds.push(speed)
      report({ what: 'simulation', members: MEMBERS, perSecond: PER_SECOND, load: load.what, ...speed })
    }
    rows.push([load.what, ...NAMES.map(name => median(speeds.map(speed => speed[name])))])
  }
  say(`\n${tableOf([`${MEMBERS} members, ${PER_SECOND} commands per simulated second`, ...NAMES.map(name => COLUMNS[name])], rows)}\n`)
}
