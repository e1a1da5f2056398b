import { MAX_TIMER_MS } from '../../codecs/primitives.js'
import { isLeft } from '../../lib/prelude.js'
import type { Millis } from '../../lib/types.js'
import type { Address } from '../../streams/transport/tcp/addresses.js'
import { STATUS_TIMEOUT_MS, askInTurn, askStatus, firstToAnswer } from '../ask/ask.js'
import { AT, AT_HELP, endpointsBehind } from '../ask/endpoints.js'
import { LOOK_EVERY_MS, showWhile } from '../looking.js'
import { tellOutcome } from '../ask/outcomes.js'
import { WAIT_SLACK_MS, timeOf } from '../ask/shares.js'
import { atMost, parsed, wholeNumber } from '../arguments.js'
import type { Command } from '../command.js'
import { type Screen, createScreen } from '../screen.js'
import { sizeInWords } from '../words.js'

/** Machines may be large, and disks slow. */
const DEFAULT_TIMEOUT_MS: Millis = 600_000

const HELP = `rxraft snapshot --at HOST:PORT[,…]

Has one member, the first of --at that answers, take a snapshot of its machine now, and prints where it stands when it is durable. Members take
snapshots by themselves, and each its own; this is for who cannot wait. How much of a long one is written is shown on standard error.

${AT_HELP}
  --timeout-ms N       how long to wait (default ${DEFAULT_TIMEOUT_MS}); the snapshot goes on where nobody waits
  --json               {"index", "term", "bytes"} or {"error": {"tag", "message"}} in place of words
  --help               this text

Exit codes: 0 it is durable; 1 there is none, and why is told; 2 a mistake in the arguments; 3 nobody answered in time.

  rxraft snapshot --at 127.0.0.1:8001
`

/** Shows how much is written, beside the size of the one before, until the result is called. */
const showProgress = (at: Address, screen: Screen): (() => void) => {
  let before: number | undefined
  return showWhile(async over => {
    const status = await askStatus(at, LOOK_EVERY_MS, over)
    if (isLeft(status)) return undefined
    const { capturing, snapshot } = status.right
    before ??= snapshot?.bytes
    return capturing === null ? undefined
      : { fraction: before === undefined || before === 0 ? undefined : capturing.bytes / before, caption: `${sizeInWords(capturing.bytes)} of the state at ${capturing.index}` }
  }, screen)
}

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: { ...AT, 'timeout-ms': { type: 'string' }, json: { type: 'boolean' } }, allowPositionals: true })
  const endpoints = endpointsBehind(values.at)
  const timeoutMs = values['timeout-ms'] === undefined ? DEFAULT_TIMEOUT_MS : wholeNumber('timeout-ms', values['timeout-ms'], 1, MAX_TIMER_MS - WAIT_SLACK_MS)
  atMost(0, positionals, 'nothing beside the options')
  const { at } = await firstToAnswer(endpoints)
  const done = showProgress(at, createScreen(process.stderr))
  const outcome = await askInTurn([at], { ...timeOf(timeoutMs), mostMs: STATUS_TIMEOUT_MS }, { method: 'POST', path: () => '/snapshot', body: '{}' })
  done()
  return tellOutcome(outcome, values.json === true, answer => {
    const { index, term, bytes } = answer as { index: number; term: number; bytes: number }
    return `a snapshot at ${index} of term ${term}, ${sizeInWords(bytes)}`
  })
}

export const command: Command = { help: HELP, run }
