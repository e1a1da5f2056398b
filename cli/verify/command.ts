import { parsed } from '../arguments.js'
import type { Command } from '../command.js'
import { oneFolder } from '../folder/arguments.js'
import { withFolder } from '../folder/hold.js'
import { entriesInWords, survey, surveyAsJson } from '../folder/survey.js'
import { ifUnread } from '../output.js'
import { type Survey, couldStartAlone } from '../../streams/storage/survey.js'
import { createScreen } from '../screen.js'
import { counted, printable } from '../words.js'

const HELP = `rxraft verify FOLDER [--json]

Reads every byte that counts in the data folder of a member that does not run, snapshots included, and checks every checksum and that the log goes on
without a gap from file to file. Names all damage with file and offset, not only the first. Padding behind a
record does not count. Nothing is changed. A folder from which its member starts only with the snapshot of a leader is no backup, and does not pass for whole.

  --json               one JSON object in place of text
  --help               this text

Exit codes: 0 all is whole; 1 something is not, also where a start survives that, or the member needs the snapshot of a leader to start, or the folder
is in use; 2 a mistake in the arguments, or no data folder.

  rxraft verify data/n1
`

/** What to say of a folder without faults. */
const verdict = (found: Survey): string => {
  const held = `${counted(found.segments.length, 'segment')}, ${entriesInWords(found)}, ${counted(found.snapshots.length, 'snapshot')}`
  if (found.survived.length > 0) return `not all is whole, and a start survives that: ${held}`
  return couldStartAlone(found) ? `all is whole: ${held}` : `what is there is whole, and the member needs the snapshot of a leader to start: ${held}`
}

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: { json: { type: 'boolean' } }, allowPositionals: true })
  const folder = oneFolder(positionals)
  return withFolder(folder, async held => {
    const found = await survey(held, true, createScreen(process.stderr))
    const { faults, survived, notes } = found
    const code = couldStartAlone(found) && survived.length === 0 ? 0 : 1
    ifUnread(code)
    if (values.json === true) process.stdout.write(`${printable(JSON.stringify(surveyAsJson(found)))}\n`)
    else {
      for (const note of notes) process.stdout.write(`note: ${printable(note)}\n`)
      for (const damage of survived) process.stdout.write(`${printable(damage)}\n`)
      for (const fault of faults) process.stdout.write(`${printable(fault.message)}\n`)
      if (faults.length === 0) process.stdout.write(`${printable(folder)}: ${verdict(found)}\n`)
    }
    return code
  })
}

export const command: Command = { help: HELP, run }
