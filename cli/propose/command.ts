import { buffer } from 'node:stream/consumers'
import { messageOf } from '../../codecs/report.js'
import { askInTurn } from '../ask/ask.js'
import { AT, AT_HELP, endpointsBehind } from '../ask/endpoints.js'
import { tellOutcome } from '../ask/outcomes.js'
import { timeOf } from '../ask/shares.js'
import { WAIT, WAIT_HELP, waitBehind } from '../ask/waiting.js'
import { atMost, parsed } from '../arguments.js'
import type { Command } from '../command.js'
import { Mistake } from '../mistake.js'

const HELP = `rxraft propose --at HOST:PORT[,…] JSON

Has one command committed and applied, and prints the machine's result as JSON. "-" in place of JSON reads it from standard input. Any member takes
it, forwards it to the leader, and sends it again while nobody answers; it is applied once. The next endpoint is asked only where nothing can have come
of it at the one before.

${AT_HELP}
${WAIT_HELP}
  --json               {"result": …} or {"error": {"tag", "message", "appended"}} in place of the result or a sentence
  --help               this text

Exit codes: 0 it is applied; 1 it is not, and never will be, or the machine failed on it; 2 a mistake in the arguments; 3 the outcome is unknown: it
may be applied, once, or never.

  rxraft propose --at 127.0.0.1:8001,127.0.0.1:8002 '{"put": "motd", "value": "hello"}'
`

/** As some shells write it, with a mark of its byte order or without. */
const UTF8 = new TextDecoder('utf-8', { fatal: true })

const textOf = (input: Uint8Array): string => {
  try {
    return UTF8.decode(input)
  } catch (error) {
    throw new Mistake(`the command is no UTF-8: ${messageOf(error)}`)
  }
}

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: { ...AT, ...WAIT, json: { type: 'boolean' } }, allowPositionals: true })
  const endpoints = endpointsBehind(values.at)
  const timeoutMs = waitBehind(values)
  atMost(1, positionals, 'one command as JSON in quotes')
  const [typed] = positionals
  if (typed === undefined) throw new Mistake('the command is missing, as JSON; "-" reads it from standard input')
  const body = typed === '-' ? textOf(await buffer(process.stdin)) : typed
  try {
    JSON.parse(body)
  } catch (error) {
    throw new Mistake(`the command is no JSON: ${messageOf(error)}`)
  }
  const outcome = await askInTurn(endpoints, timeOf(timeoutMs), { method: 'POST', path: ({ leftMs, memberMs }) => `/propose?timeoutMs=${leftMs}&leaderMs=${memberMs}`, body })
  return tellOutcome(outcome, values.json === true, answer => JSON.stringify(Reflect.get(Object(answer), 'result')))
}

export const command: Command = { help: HELP, run }
