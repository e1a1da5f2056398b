/** `npm run bench -- NAME …`: what the README's numbers come from. */
import { parseArgs } from 'node:util'
import { durable } from './durable.js'
import { endless } from './endless.js'
import { failover } from './failover.js'
import { inProcess } from './in-process.js'
import { recorder } from './recorder.js'
import { simulation } from './simulation.js'

const HELP = `npm run bench -- [NAME …] [options]

  durable      three processes, TCP, fsync: --in-flight 1,16,256  --rounds 3  --seconds 3  --peer 'COMMAND'
  in-process   three members in one process, memory storage and transport: --rounds 3  --seconds 3  --peer 'COMMAND'
  failover     SIGKILL of the leader to the next accepted write: --times 9
  recorder     the same two with and without a flight recorder, in turn: --in-flight 1,256  --rounds 3  --seconds 3
  simulation   a simulated cluster of five under load against real time: --rounds 3  --seconds 3
  endless      memory of a durable member while the log grows: --commands 10000000

Without a NAME: durable, in-process and failover. --peer names a program that measures another system and prints lines of JSON
with per_s, p50_ms and p99_ms; {clients} and {secs} in it are filled in. Both sides run in turn; the table shows medians and ratios.
Results are lines of JSON on standard output; progress and tables go to standard error.
`
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'in-flight': { type: 'string', default: '1,256' }, rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '3' },
    times: { type: 'string', default: '9' }, commands: { type: 'string', default: '10000000' }, peer: { type: 'string' }, help: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const benchmarks: Readonly<Record<string, () => Promise<void>>> = {
  durable: () => durable({ inFlight: values['in-flight'].split(',').map(Number), rounds, seconds, peer: values.peer }),
  'in-process': () => inProcess({ rounds, seconds, peer: values.peer }),
  failover: () => failover({ times: Number(values.times) }),
  recorder: () => recorder({ inFlight: values['in-flight'].split(',').map(Number), rounds, seconds }),
  simulation: () => simulation({ rounds, seconds }),
  endless: () => endless({ commands: Number(values.commands) }),
}
const unknown = positionals.filter(name => benchmarks[name] === undefined)
if (values.help || unknown.length > 0) {
  process.stderr.write(`${unknown.length > 0 ? `unknown: ${unknown.join(', ')}\n` : ''}${HELP}`)
  process.exitCode = unknown.length > 0 ? 2 : 0
} else {
  for (const name of positionals.length > 0 ? positionals : ['durable', 'in-process', 'failover']) await benchmarks[name]!()
}
