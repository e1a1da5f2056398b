import type { Type } from 'io-ts'
import { type Client, connect } from '../../client/index.js'
import { DEFAULT_LIMITS } from '../../codecs/options.js'
import { MAX_TIMER_MS } from '../../codecs/primitives.js'
import { InvalidOptions } from '../../lib/errors.js'
import { isLeft } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import type { Trust } from '../../streams/transport/tcp/trust.js'
import { firstToAnswer } from '../ask/ask.js'
import { AT, AT_HELP, endpointsBehind } from '../ask/endpoints.js'
import { EXIT } from '../ask/outcomes.js'
import { atMost, parsed, wholeNumber } from '../arguments.js'
import type { Command } from '../command.js'
import type { MemberStatus } from '../control/member-status.js'
import { loadMachine } from '../machine/load-machine.js'
import { Mistake, Trouble } from '../mistake.js'
import { asTyped } from '../as-typed.js'
import { ifUnread } from '../output.js'
import { TRUST, TRUST_HELP, trustBehind } from '../trust.js'
import { type Line, linesIn, pipeProtocol } from './commands.js'
import { type OutcomeWriter, createOutcomeWriter } from './outcomes.js'

const DEFAULT_TIMEOUT_MS: Millis = 30_000
const DEFAULT_WINDOW = 1_024
/** The largest that a member may be told. */
const MAX_COMMAND_BYTES = 2 ** 30

const HELP = `rxraft pipe --at HOST:PORT[,…] [options]

Sends each line of standard input, one command as JSON, through the cluster, and prints one line for each, in the order of the input;
blank lines are skipped:

  {"result": …}                                  it is applied, and this is the machine's result
  {"error": {"tag", "message", "appended"}}      it is not; "appended" says whether it may be in the log: "never", "yes" or "unknown"

Commands are committed in the order of the input, many at a time. --at is asked once, for the cluster's name and its members; then members are spoken to
as rxraft/client does, whoever leads and however often that changes. What was on its way to a leader that died is sent to the next one, and applied once;
its outcome is unknown only where its time is up. It reads no faster than what it prints is taken.

${AT_HELP}
  --window N           commands on their way at a time (default ${DEFAULT_WINDOW})
  --timeout-ms N       how long a command waits for its outcome, a leader included (default ${DEFAULT_TIMEOUT_MS})
  --machine FILE       checks commands by the codec of this machine before they leave, which tells better what is wrong with one
  --max-command-bytes N
                       the members' limit maxCommandBytes, where it is not the default
${TRUST_HELP}
  --help               this text

Exit codes: 0 every line is applied; 1 some are not, for certain, or the machine failed on them; 2 a mistake in the arguments; 3 the outcome of some is
unknown, or could not be printed. Standard error counts them where there are any.

  rxraft pipe --at 127.0.0.1:8001,127.0.0.1:8002 < commands.jsonl > outcomes.jsonl
`

interface PipeOptions {
  readonly trust: Trust
  readonly window: number
  readonly timeoutMs: Millis
  readonly maxCommandBytes: number
  readonly codec: Type<unknown, unknown> | undefined
}

/** What holds for a client whose commands may be so large; of how many values they are is for the members to judge. */
const limitsFor = (maxCommandBytes: number): Partial<typeof DEFAULT_LIMITS> => {
  const more = Math.max(0, maxCommandBytes - DEFAULT_LIMITS.maxCommandBytes)
  const larger = (name: 'maxFrameBytes' | 'maxSendBufferBytes' | 'maxPendingBytes' | 'maxUncommittedBytes') => ({ [name]: DEFAULT_LIMITS[name] + more })
  return { maxCommandBytes, maxCommandValues: MAX_COMMAND_BYTES, ...larger('maxFrameBytes'), ...larger('maxSendBufferBytes'), ...larger('maxPendingBytes'), ...larger('maxUncommittedBytes') }
}

const connected = async ({ cluster, members, tls }: MemberStatus, { trust, timeoutMs, maxCommandBytes, codec }: PipeOptions): Promise<Client<Line, unknown>> => {
  if (tls && trust.tls === undefined) throw new Mistake('--tls-cert, --tls-key and --tls-ca are missing: these members speak to nobody without')
  const client = await connect({ cluster, members, protocol: pipeProtocol(codec), timeoutMs, limits: limitsFor(maxCommandBytes), ...trust })
  if (!isLeft(client)) return client.right
  if (client.left instanceof InvalidOptions) throw new Mistake(client.left.report.map(asTyped).join('; '))
  throw new Trouble(client.left.message)
}

/** Lines on their way, all together: half of what a client holds, since JSON made anew may be longer. */
const MAX_BYTES_ON_THEIR_WAY = DEFAULT_LIMITS.maxPendingBytes / 2

/** Lets lines go as long as there is room for them, and for the outcomes of those before. */
const createValve = ({ isFull }: Pick<OutcomeWriter, 'isFull'>) => {
  let bytesOnTheirWay = 0
  let resume: (() => void) | undefined
  return {
    async *letThrough(lines: AsyncIterable<Line>): AsyncGenerator<Line> {
      for await (const line of lines) {
        while (bytesOnTheirWay > 0 && bytesOnTheirWay + line.bytes > MAX_BYTES_ON_THEIR_WAY) await new Promise<void>(resolve => { resume = resolve })
        bytesOnTheirWay += line.bytes
        yield line
        await isFull()
      }
    },
    arrived: ({ bytes }: Line): void => {
      bytesOnTheirWay -= bytes
      resume?.()
    },
  }
}

/** Runs to the end of the input; the exit code. */
const pump = async (client: Client<Line, unknown>, { window, maxCommandBytes }: PipeOptions): Promise<number> => {
  const writer = createOutcomeWriter(process.stdout)
  const valve = createValve(writer)
  // Where an outcome is not taken, commands were under way.
  ifUnread(EXIT.unknown)
  await client.replicateFrom(valve.letThrough(linesIn(process.stdin, maxCommandBytes)), { window }).forEach(({ command, outcome }) => {
    valve.arrived(command)
    writer.write(outcome)
  })
  await writer.finish()
  const { applied, refused, unknown } = writer.tally()
  if (refused + unknown === 0) return EXIT.done
  process.stderr.write(`applied: ${applied}, not applied: ${refused}, outcome unknown: ${unknown}\n`)
  return unknown > 0 ? EXIT.unknown : EXIT.failed
}

const OPTIONS = {
  ...AT, ...TRUST, window: { type: 'string' }, 'timeout-ms': { type: 'string' }, machine: { type: 'string' }, 'max-command-bytes': { type: 'string' },
} as const

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: OPTIONS, allowPositionals: true })
  const endpoints = endpointsBehind(values.at)
  const number = (name: 'window' | 'timeout-ms' | 'max-command-bytes', otherwise: number, most: number): number => {
    const text = values[name]
    return text === undefined ? otherwise : wholeNumber(name, text, 1, most)
  }
  const options: PipeOptions = {
    trust: trustBehind(values),
    window: number('window', DEFAULT_WINDOW, DEFAULT_LIMITS.maxPendingProposals),
    timeoutMs: number('timeout-ms', DEFAULT_TIMEOUT_MS, MAX_TIMER_MS),
    maxCommandBytes: number('max-command-bytes', DEFAULT_LIMITS.maxCommandBytes, MAX_COMMAND_BYTES),
    codec: values.machine === undefined ? undefined : (await loadMachine(values.machine)).command,
  }
  atMost(0, positionals, 'nothing beside the options: commands come from standard input')
  const { status } = await firstToAnswer(endpoints)
  const client = await connected(status, options)
  try {
    return await pump(client, options)
  } finally {
    await client.close()
  }
}

export const command: Command = { help: HELP, run }
