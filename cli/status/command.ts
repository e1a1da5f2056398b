import { setTimeout as wait } from 'node:timers/promises'
import { MAX_TIMER_MS } from '../../codecs/primitives.js'
import type { Millis } from '../../lib/types.js'
import type { Address } from '../../streams/transport/tcp/addresses.js'
import { STATUS_TIMEOUT_MS, askStatus } from '../ask/ask.js'
import { AT, AT_HELP, endpointsBehind } from '../ask/endpoints.js'
import { EXIT } from '../ask/outcomes.js'
import { atMost, parsed, wholeNumber } from '../arguments.js'
import type { Command } from '../command.js'
import { createBlock } from '../screen.js'
import { printable } from '../words.js'
import { type Row, isWell, rowsAsJson, tableOf } from './table.js'

const DEFAULT_EVERY_MS: Millis = 1_000

const HELP = `rxraft status --at HOST:PORT[,…] [--once]

Shows how members are, one row each: its role and term, who leads as far as it knows, how far its log is committed, applied and long, how many
committed entries it has not applied (lag), and its newest snapshot. On a terminal the table is drawn again and again; elsewhere it is printed
again when it changes. Members that do not answer are named with the reason.

${AT_HELP}
  --once               once, and not again and again
  --every-ms N         how often (default ${DEFAULT_EVERY_MS})
  --json               one JSON object per look in place of the table
  --help               this text

Exit codes, with --once: 0 all that were asked answer, belong to one cluster and are ready; 1 otherwise; 2 a mistake in the arguments.

  rxraft status --at 127.0.0.1:8001,127.0.0.1:8002,127.0.0.1:8003 --once
`

const look = (endpoints: readonly Address[]): Promise<readonly Row[]> =>
  Promise.all(endpoints.map(async at => ({ at, status: await askStatus(at, STATUS_TIMEOUT_MS) })))

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({
    args: [...args], options: { ...AT, once: { type: 'boolean' }, json: { type: 'boolean' }, 'every-ms': { type: 'string' } }, allowPositionals: true,
  })
  const endpoints = endpointsBehind(values.at)
  const everyMs = values['every-ms'] === undefined ? DEFAULT_EVERY_MS : wholeNumber('every-ms', values['every-ms'], 1, MAX_TIMER_MS)
  atMost(0, positionals, 'nothing beside the options')
  const block = createBlock(process.stdout)
  const show = (rows: readonly Row[]): void => {
    if (values.json === true) process.stdout.write(`${printable(rowsAsJson(rows))}\n`)
    else block(tableOf(rows))
  }
  for (;;) {
    const rows = await look(endpoints)
    show(rows)
    if (values.once === true) return isWell(rows) ? EXIT.done : EXIT.failed
    await wait(everyMs)
  }
}

export const command: Command = { help: HELP, run }
