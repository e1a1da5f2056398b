import { DEFAULT_CHANGE_TIMEOUT_MS } from '../../codecs/options.js'
import type { Membership } from '../../lib/types.js'
import { STATUS_TIMEOUT_MS, askInTurn } from '../ask/ask.js'
import { AT, atHelp, endpointsBehind } from '../ask/endpoints.js'
import { tellOutcome } from '../ask/outcomes.js'
import { askTowardsLeader } from '../ask/towards-leader.js'
import { WAIT, WAIT_SLACK_MS, waitBehind } from '../ask/waiting.js'
import { atMost, pairs, parsed } from '../arguments.js'
import type { Command } from '../command.js'
import { Mistake } from '../mistake.js'
import { createScreen } from '../screen.js'
import { showNewcomers } from './progress.js'

const HELP = `rxraft members --at HOST:PORT[,…] [--voter ID=HOST:PORT]… [--learner ID=HOST:PORT]… [--remove ID]… | --abandon

Shows who belongs to the cluster, by the log of the first member of --at that answers; or changes that, all that is named in one change, and shows what it has
become once that is committed. Any member takes a change, and forwards it to the leader. How far a new member is that has to learn first is shown on standard
error, where the leader is among --at.

${atHelp(26)}
  --voter ID=HOST:PORT    shall vote: a new member, started with --join, that learns first; a learner; or a voter that has moved
  --learner ID=HOST:PORT  shall receive the log and decide nothing
  --remove ID             leaves
  --abandon               ends the change that is under way with the voters from before
  --timeout-ms N          how long to wait for a change (default ${DEFAULT_CHANGE_TIMEOUT_MS}); one that was begun goes on
  --json                  the membership or {"error": {"tag", "message", "appended"}} in place of words
  --help                  this text

Exit codes: 0 this is the membership; 1 it was not changed, and why is told; 2 a mistake in the arguments; 3 what became of the change is unknown.

  rxraft members --at 127.0.0.1:8001,127.0.0.1:8002,127.0.0.1:8003 --voter n4=127.0.0.1:7004 --remove n2
`

/** A line for each member. */
const inWords = ({ voters, outgoing, learners, addresses, next }: Membership): string => Object.entries(addresses).map(([id, address]) => {
  const role = voters.includes(id) ? 'voter' : learners.includes(id) ? 'learner' : 'leaves'
  const awaits = next?.voters.includes(id) === true && role === 'learner' ? ', votes once it has caught up' : ''
  return `${id}  ${address}  ${role}${awaits}${outgoing.includes(id) && role === 'voter' ? ', also in the membership that is left' : ''}`
}).join('\n')

const OPTIONS = {
  ...AT, ...WAIT, voter: { type: 'string', multiple: true }, learner: { type: 'string', multiple: true }, remove: { type: 'string', multiple: true }, abandon: { type: 'boolean' }, json: { type: 'boolean' },
} as const

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: OPTIONS, allowPositionals: true })
  atMost(0, positionals, 'nothing beside the options')
  const endpoints = endpointsBehind(values.at)
  const { voter = [], learner = [], remove = [], abandon = false, json = false } = values
  const timeoutMs = waitBehind(values, DEFAULT_CHANGE_TIMEOUT_MS)
  const change = { voters: Object.fromEntries(pairs('voter', voter, 'ID=HOST:PORT')), learners: Object.fromEntries(pairs('learner', learner, 'ID=HOST:PORT')), remove }
  const isChange = voter.length + learner.length + remove.length > 0
  if (isChange && abandon) throw new Mistake('--abandon ends a change and goes with no other one')
  const newcomers = Object.keys({ ...change.voters, ...change.learners })
  const done = newcomers.length > 0 ? showNewcomers(endpoints, newcomers, createScreen(process.stderr)) : () => undefined
  const asked = !isChange && !abandon
    ? askInTurn(endpoints, { method: 'GET', path: '/membership', timeoutMs: STATUS_TIMEOUT_MS })
    : askTowardsLeader(endpoints, { method: 'POST', path: `/members?timeoutMs=${timeoutMs}`, body: JSON.stringify(abandon ? { abandon } : change), timeoutMs: timeoutMs + WAIT_SLACK_MS })
  return tellOutcome(await asked.finally(done), json, answer => inWords(answer as Membership))
}

export const command: Command = { help: HELP, run }
