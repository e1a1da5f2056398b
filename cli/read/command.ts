import { askInTurn } from '../ask/ask.js'
import { AT, AT_HELP, endpointsBehind } from '../ask/endpoints.js'
import { tellOutcome } from '../ask/outcomes.js'
import { type Share, timeOf } from '../ask/shares.js'
import { WAIT, WAIT_HELP, waitBehind } from '../ask/waiting.js'
import { atMost, parsed } from '../arguments.js'
import type { Command } from '../command.js'

const HELP = `rxraft read --at HOST:PORT[,…] [PATH]

Prints a part of the machine's state as JSON, linearizably: all that was acknowledged to anybody before is in it. PATH is property names, keys of
Maps and places in lists with dots between them, a backslash before a dot that belongs to a name; without it the whole state is printed.

${AT_HELP}
${WAIT_HELP}
  --json               {"value": …} or {"error": {"tag", "message"}} in place of the value or a sentence
  --help               this text

Exit codes: 0 it is printed; 1 there is nothing at PATH, it is too large, or nobody could answer; 2 a mistake in the arguments.

  rxraft read --at 127.0.0.1:8001,127.0.0.1:8002 motd
`

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: { ...AT, ...WAIT, json: { type: 'boolean' } }, allowPositionals: true })
  const endpoints = endpointsBehind(values.at)
  const timeoutMs = waitBehind(values)
  atMost(1, positionals, 'one PATH at a time')
  const pathAfter = ({ memberMs }: Share): string => `/read?${new URLSearchParams({ timeoutMs: String(memberMs), path: positionals[0] ?? '' })}`
  const outcome = await askInTurn(endpoints, timeOf(timeoutMs), { method: 'GET', path: pathAfter })
  return tellOutcome(outcome, values.json === true, answer => JSON.stringify(Reflect.get(Object(answer), 'value')))
}

export const command: Command = { help: HELP, run }
