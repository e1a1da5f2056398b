import { Address } from '../../codecs/primitives.js'
import { messageOf } from '../../codecs/report.js'
import { EXIT } from '../ask/outcomes.js'
import { listed, parsed } from '../arguments.js'
import type { Command } from '../command.js'
import { oneFolder } from '../folder/arguments.js'
import { type HeldFolder, withFolder } from '../folder/hold.js'
import { survey } from '../folder/survey.js'
import { Mistake, Trouble } from '../mistake.js'
import { ifUnread } from '../output.js'
import { createScreen } from '../screen.js'
import { copyBeside } from './copy.js'
import { type Plan, checkName, planFor } from './plan.js'
import { makeAlone } from './rewrite.js'
import { typedName } from './typed-name.js'
import { warningFor } from './warning.js'

const HELP = `rxraft recover FOLDER [options]

The last resort of a cluster whose majority is lost for good: makes the member of this data folder, which must not run, the only member of its cluster. It
appends a membership of one to the log, in a new term; the member then leads alone, and all that its log holds is committed, also what was not before. What
others had acknowledged and this log does not hold is lost. The others must never be started again with their folders.

The folder is checked to the last byte first, what is about to be changed is copied beside it, and the name of the cluster has to be typed.

  --yes-i-understand NAME
                       the cluster's name, in place of typing it when asked
  --first ID,…         who the first members were, as --members of rxraft serve has them, where the log does not hold that any more
  --although-left-out HOST:PORT
                       takes a member, too, that is left out of the cluster for certain, by a committed membership in its own log, and that is refused
                       without this: what the others acknowledged without it is not in its log. It is for when no folder is left of those that
                       stayed, and says where the member is from now on
  --help               this text

Exit codes: 0 it is done; 1 it cannot be done, and nothing was changed unless that is told; 2 a mistake in the arguments;
3 it is done, and that could not be printed.

  rxraft recover data/n1 --yes-i-understand orders
`

const OPTIONS = { 'yes-i-understand': { type: 'string' }, first: { type: 'string' }, 'although-left-out': { type: 'string' } } as const

const copied = async (folder: string): Promise<string> => {
  try {
    return await copyBeside(folder, new Date())
  } catch (thrown) {
    throw new Trouble(`The folder could not be copied, and nothing was changed: ${messageOf(thrown)}`)
  }
}

const rewritten = async (held: HeldFolder, plan: Plan, copy: string): ReturnType<typeof makeAlone> => {
  try {
    return await makeAlone(held, plan, Date.now())
  } catch (thrown) {
    throw new Trouble(`It failed when the folder was being changed, which may have been changed in part: ${messageOf(thrown)} The copy of what it was is ${copy}. Once the cause is gone, recover can be run again.`)
  }
}

const aftermath = ({ id }: Plan, copy: string): string => `The copy of what was changed is ${copy}.
Start ${id} as ever, with the same --cluster and --members: what is stored counts. The others come back with empty folders and --join, and then
rxraft members --voter brings them in.
`

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: OPTIONS, allowPositionals: true })
  const folder = oneFolder(positionals)
  const given = values['although-left-out']
  if (given !== undefined && !Address.is(given)) throw new Mistake(`--although-left-out takes an address "host:port", not "${given}"`)
  return withFolder(folder, async held => {
    const found = await survey(held, true, createScreen(process.stderr))
    const plan = planFor(found, given)
    process.stderr.write(`${warningFor(folder, plan)}\n`)
    checkName(plan, found, values['yes-i-understand'] ?? await typedName(process.stdin, process.stderr), listed(values.first ?? ''))
    const copy = await copied(folder)
    const { index, term } = await rewritten(held, plan, copy)
    ifUnread(EXIT.unknown)
    process.stdout.write(`${plan.id} is the only member now, by the entry at ${index} of term ${term}.\n`)
    process.stderr.write(aftermath(plan, copy))
    return 0
  })
}

export const command: Command = { help: HELP, run }
