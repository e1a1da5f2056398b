import { once } from 'node:events'
import { MAX_POSITION } from '../../codecs/bytes.js'
import { unreachable } from '../../lib/prelude.js'
import type { Index } from '../../lib/types.js'
import { parsed } from '../arguments.js'
import type { Command } from '../command.js'
import { oneFolder } from '../folder/arguments.js'
import { withFolder } from '../folder/hold.js'
import { entriesInWords, survey, surveyAsJson } from '../folder/survey.js'
import { loadMachine } from '../machine/load-machine.js'
import { Mistake, Trouble } from '../mistake.js'
import { ifUnread } from '../output.js'
import { createScreen } from '../screen.js'
import { type ShownEntry, entriesIn } from './entries.js'
import { surveyInWords } from './words.js'
import { printable } from '../words.js'

const HELP = `rxraft inspect FOLDER [options]

Shows what the data folder of a member holds that does not run: whose it is, its term and vote, where its log begins and ends, who belongs to the
cluster by it, its snapshots and its segments with the entries that were appended in each. Nothing is changed. The contents of snapshots are not
read: that is for rxraft verify.

  --entries FROM[-TO]  prints these entries of the log instead, commands as JSON; where it has none of them, standard error says which it has
  --machine FILE       reads and writes commands by the codec of this machine
  --json               one JSON object, or one per entry, in place of text
  --help               this text

Exit codes: 0 it is shown; 1 it is in use or damaged, which is shown too; 2 a mistake in the arguments, or no data folder.

  rxraft inspect data/n1 --entries 1-10
`

interface Range {
  readonly from: Index
  readonly to: Index
}

const rangeBehind = (text: string): Range => {
  const [, first, last] = /^(\d+)(?:-(\d*))?$/.exec(text) ?? []
  const from = Number(first)
  const to = last === undefined ? from : last === '' ? MAX_POSITION : Number(last)
  if (!(from >= 1 && from <= to && to <= MAX_POSITION)) throw new Mistake(`--entries takes FROM, FROM-TO or FROM-, each 1 or more, not "${text}"`)
  return { from, to }
}

const contentInWords = ({ kind, value, fault }: ShownEntry): string => {
  if (fault !== undefined) return `cannot be read: ${fault}`
  switch (kind) {
    case 'command': return JSON.stringify(value)
    case 'noop': return 'a new leader'
    case 'session': return 'a session'
    case 'membership': return `members ${JSON.stringify(value)}`
    default: return unreachable(kind)
  }
}

const entryInWords = (entry: ShownEntry): string => `${entry.index}@${entry.term}  ${new Date(entry.time).toISOString()}  ${contentInWords(entry)}`

const print = async (line: string): Promise<void> => {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
}

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({
    args: [...args], options: { entries: { type: 'string' }, machine: { type: 'string' }, json: { type: 'boolean' } }, allowPositionals: true,
  })
  const folder = oneFolder(positionals)
  const range = values.entries === undefined ? undefined : rangeBehind(values.entries)
  if (values.machine !== undefined && range === undefined) throw new Mistake('--machine goes with --entries')
  const codec = values.machine === undefined ? undefined : (await loadMachine(values.machine)).command
  return withFolder(folder, async held => {
    const found = await survey(held, false, createScreen(process.stderr))
    const code = found.faults.length === 0 ? 0 : 1
    ifUnread(code)
    if (range === undefined) await print(values.json === true ? printable(JSON.stringify(surveyAsJson(found))) : surveyInWords(folder, found).map(printable).join('\n'))
    else if (found.log === undefined || found.faults.length > 0) throw new Trouble(found.faults.map(({ message }) => message).join('\n'))
    else if (range.from > found.log.lastIndex || range.to <= found.log.base.index) process.stderr.write(`The log has ${entriesInWords(found)}.\n`)
    else for await (const entry of entriesIn(held, found.log, range.from, range.to, codec)) await print(printable(values.json === true ? JSON.stringify(entry) : entryInWords(entry)))
    return code
  })
}

export const command: Command = { help: HELP, run }
