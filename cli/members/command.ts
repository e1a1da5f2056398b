import { DEFAULT_CHANGE_TIMEOUT_MS } from '../../codecs/options.js'
import { isLeft } from '../../lib/prelude.js'
import type { Membership } from '../../lib/types.js'
import { type MembershipChange, wishOf } from '../../streams/wishes/change-options.js'
import { asTyped } from '../as-typed.js'
import { type Outcome, STATUS_TIMEOUT_MS, askInTurn } from '../ask/ask.js'
import { AT, atHelp, endpointsBehind } from '../ask/endpoints.js'
import { tellOutcome } from '../ask/outcomes.js'
import { askOnceLed } from '../ask/towards-leader.js'
import { timeOf } from '../ask/shares.js'
import { WAIT, waitBehind } from '../ask/waiting.js'
import { atMost, listed, pairs, parsed } from '../arguments.js'
import type { Command } from '../command.js'
import { Mistake } from '../mistake.js'
import { createScreen } from '../screen.js'
import { showNewcomers } from './progress.js'
import { membershipInWords } from './words.js'

const HELP = `rxraft members --at HOST:PORT[,…] [--voter ID=HOST:PORT]… [--learner ID=HOST:PORT]… [--remove ID]… | --abandon

Shows who belongs to the cluster, by the log of the first member of --at that answers and belongs to one; or changes that, all that is named in one change, and
shows what it has become once that is committed. Any member takes a change, and forwards it to the leader; where none is known they are asked again until one
is. How far a new member is that has to learn first is shown on standard error, where the leader is among --at.

${atHelp(26)}
  --voter ID=HOST:PORT    shall vote: a new member, started with --join, that learns first; a learner; or a voter that has moved
  --learner ID=HOST:PORT  shall receive the log and decide nothing
  --remove ID             leaves; each of these three once or more often, or several with commas
  --abandon               ends the change that is under way with the voters from before
  --timeout-ms N          how long to wait for a change, a leader included (default ${DEFAULT_CHANGE_TIMEOUT_MS}); one that was begun goes on.
                          Where nobody listens at any endpoint that is told after two seconds
  --json                  the membership or {"error": {"tag", "message", "appended"}} in place of words
  --help                  this text

Exit codes: 0 this is the membership; 1 it was not changed, and why is told; 2 a mistake in the arguments; 3 what became of the change is unknown.

  rxraft members --at 127.0.0.1:8001,127.0.0.1:8002,127.0.0.1:8003 --voter n4=127.0.0.1:7004 --remove n2
`

/** What is wrong with a change is told before anybody is asked. */
const changeBehind = ({ voter = [], learner = [], remove = [] }: Readonly<Partial<Record<'voter' | 'learner' | 'remove', readonly string[]>>>): MembershipChange => {
  const addresses = (name: string, texts: readonly string[]) => Object.fromEntries(pairs(name, texts.flatMap(listed), 'ID=HOST:PORT'))
  const change = { voters: addresses('voter', voter), learners: addresses('learner', learner), remove: remove.flatMap(listed) }
  const wish = wishOf(change)
  if (isLeft(wish)) throw new Mistake(wish.left.map(asTyped).join('; '))
  return change
}

/** Where nobody knows what became of a change, the membership tells. */
const withAdvice = (outcome: Outcome): Outcome => outcome.type === 'done' || outcome.refusal.appended !== 'unknown' ? outcome
  : { ...outcome, refusal: { ...outcome.refusal, message: `${outcome.refusal.message} rxraft members shows what came of it.` } }

const OPTIONS = {
  ...AT, ...WAIT, voter: { type: 'string', multiple: true }, learner: { type: 'string', multiple: true }, remove: { type: 'string', multiple: true }, abandon: { type: 'boolean' }, json: { type: 'boolean' },
} as const

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: OPTIONS, allowPositionals: true })
  atMost(0, positionals, 'nothing beside the options')
  const endpoints = endpointsBehind(values.at)
  const { voter, learner, remove, abandon = false, json = false } = values
  const time = timeOf(waitBehind(values, DEFAULT_CHANGE_TIMEOUT_MS))
  const change = changeBehind(values)
  const isChange = (voter ?? learner ?? remove) !== undefined
  if (isChange && abandon) throw new Mistake('--abandon ends a change and goes with no other one')
  if (!isChange && !abandon) return tellOutcome(await askInTurn(endpoints, { ...time, mostMs: STATUS_TIMEOUT_MS }, { method: 'GET', path: () => '/membership' }), json, answer => membershipInWords(answer as Membership))
  const screen = createScreen(process.stderr)
  const newcomers = Object.keys({ ...change.voters, ...change.learners })
  const done = newcomers.length > 0 ? showNewcomers(endpoints, newcomers, screen) : screen.end
  const body = JSON.stringify(abandon ? { abandon } : change)
  const asked = askOnceLed(endpoints, time, { method: 'POST', path: ({ leftMs, memberMs }) => `/members?timeoutMs=${leftMs}&leaderMs=${memberMs}`, body }, why => screen.bar(undefined, `waiting: ${why}`))
  return tellOutcome(withAdvice(await asked.finally(done)), json, answer => membershipInWords(answer as Membership))
}

export const command: Command = { help: HELP, run }
