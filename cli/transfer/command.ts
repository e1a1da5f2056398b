import { DEFAULT_PROPOSE_TIMEOUT_MS } from '../../codecs/options.js'
import { leadsAlready } from '../../streams/wishes/transfer.js'
import type { Outcome } from '../ask/ask.js'
import { AT, AT_HELP, endpointsBehind } from '../ask/endpoints.js'
import { tellOutcome } from '../ask/outcomes.js'
import { askTowardsLeader } from '../ask/towards-leader.js'
import { timeOf } from '../ask/shares.js'
import { WAIT, waitBehind } from '../ask/waiting.js'
import { atMost, parsed } from '../arguments.js'
import type { Command } from '../command.js'

const HELP = `rxraft transfer --at HOST:PORT[,…] [TO]

Has the leader hand its leadership over, to the member TO or to whoever has the whole log first, and prints who leads then. Proposals wait for a few
milliseconds meanwhile. Any member takes the wish, and forwards it to the leader.

${AT_HELP}
  --timeout-ms N       how long to wait until somebody leads next (default ${DEFAULT_PROPOSE_TIMEOUT_MS}); a transfer that was begun goes on
  --json               {"leader": ID} or {"error": {"tag", "message", "appended"}} in place of words
  --help               this text

Exit codes: 0 it was handed over, or TO leads already; 1 it was not, and why is told; 2 a mistake in the arguments; 3 what became of it is unknown.

  rxraft transfer --at 127.0.0.1:8001,127.0.0.1:8002,127.0.0.1:8003 n2
`

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: { ...AT, ...WAIT, json: { type: 'boolean' } }, allowPositionals: true })
  const endpoints = endpointsBehind(values.at)
  const time = timeOf(waitBehind(values))
  atMost(1, positionals, 'one member TO')
  const [to] = positionals
  const outcome = await askTowardsLeader(endpoints, time, { method: 'POST', path: ({ leftMs }) => `/transfer?timeoutMs=${leftMs}`, body: JSON.stringify({ to }) })
  // What was wanted is so.
  const isSo = to !== undefined && outcome.type === 'refused' && outcome.refusal.tag === 'TransferFailed' && outcome.refusal.message.includes(leadsAlready(to))
  const told: Outcome = isSo ? { type: 'done', text: JSON.stringify({ leader: to }), at: outcome.at, isChange: false } : outcome
  return tellOutcome(told, values.json === true, answer => `${String(Reflect.get(Object(answer), 'leader'))} leads`)
}

export const command: Command = { help: HELP, run }
