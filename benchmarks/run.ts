/** `npm run bench -- NAME …`: what the README's numbers come from. */
import { parsed, wholeNumber } from '../cli/arguments.js'
import { Mistake } from '../cli/mistake.js'
import { runProgram } from '../cli/program.js'
import { durable } from './programs/durable.js'
import { endless } from './programs/endless.js'
import { failover } from './programs/failover.js'
import { inProcess } from './programs/in-process.js'
import { recorder } from './programs/recorder.js'
import { restart } from './programs/restart.js'
import { simulation } from './programs/simulation.js'
import { snapshot } from './programs/snapshot.js'

const HELP = `npm run bench -- [NAME …] [options]

  durable      three processes, TCP, fsync: --in-flight 1,16,256  --rounds 3  --seconds 3  --peer 'COMMAND'
  in-process   three members in one process, memory storage and transport: --rounds 3  --seconds 3  --peer 'COMMAND'
  failover     SIGKILL of the leader to the next accepted write: --times 9
  recorder     the same two with and without a flight recorder, in turn: --in-flight 1,256  --rounds 3  --seconds 3
  simulation   a simulated cluster of five under load against real time: --rounds 3  --seconds 3
  snapshot     a snapshot from the leader to a member that comes back, under load: --mebibytes 1024  --rounds 3  --seconds 3
  restart      a member that starts from a snapshot and a log: --mebibytes 1024  --entries 100000  --rounds 3
  endless      memory, open files and disk of durable members under load without end: --minutes 10

Without a NAME: durable, in-process and failover. --peer names a program that measures another system and prints lines of JSON
with per_s, p50_ms and p99_ms; {clients} and {secs} in it are filled in. Both sides run in turn; the table shows medians and ratios.
Results are lines of JSON on standard output; progress and tables go to standard error.
`
const text = (value: string) => ({ type: 'string', default: value }) as const

await runProgram(async () => {
  const { values, positionals } = parsed({
    allowPositionals: true,
    options: {
      'in-flight': text('1,256'), rounds: text('3'), seconds: text('3'), times: text('9'), minutes: text('10'), entries: text('100000'), mebibytes: text('1024'),
      peer: { type: 'string' }, help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stderr.write(HELP)
    return 0
  }
  const numberOf = (name: 'rounds' | 'seconds' | 'times' | 'minutes' | 'entries' | 'mebibytes'): number => wholeNumber(name, values[name], 1)
  const inFlight = values['in-flight'].split(',').map(item => wholeNumber('in-flight', item, 1))
  const [rounds, seconds, times, minutes] = [numberOf('rounds'), numberOf('seconds'), numberOf('times'), numberOf('minutes')]
  const [entries, mebibytes] = [numberOf('entries'), numberOf('mebibytes')]
  const benchmarks: Readonly<Record<string, () => Promise<void>>> = {
    durable: () => durable({ inFlight, rounds, seconds, peer: values.peer }),
    'in-process': () => inProcess({ rounds, seconds, peer: values.peer }),
    failover: () => failover({ times }),
    recorder: () => recorder({ inFlight, rounds, seconds }),
    simulation: () => simulation({ rounds, seconds }),
    snapshot: () => snapshot({ mebibytes, rounds, seconds }),
    restart: () => restart({ mebibytes, entries, rounds }),
    endless: () => endless({ minutes }),
  }
  const chosen = (positionals.length > 0 ? positionals : ['durable', 'in-process', 'failover']).map(name => {
    const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
    if (benchmark === undefined) throw new Mistake(`there is no benchmark "${name}", only ${Object.keys(benchmarks).join(', ')}`)
    return benchmark
  })
  for (const benchmark of chosen) await benchmark()
  return 0
})
