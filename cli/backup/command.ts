import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { nodeDisk } from '../../streams/storage/disk/node-disk.js'
import { atMost, parsed } from '../arguments.js'
import type { Command } from '../command.js'
import { entriesInWords } from '../folder/survey.js'
import { Mistake } from '../mistake.js'
import { createScreen } from '../screen.js'
import { printable, sizeInWords } from '../words.js'
import { type Backup, backUp } from './back-up.js'

const HELP = `rxraft backup FOLDER COPY [--json]

Copies the data folder of a member, which may run meanwhile, into COPY, which is not there yet or empty. The copy is what a crash would have left at some moment
after the command began: all that this member had on its disk by then is in it. It is read again to the last byte before it is said to be whole. FOLDER is
not changed, and not held.

A copy is for when the cluster is lost, or its state is to go back in time: rxraft recover makes a lone member of it, and the cluster grows again from there.
It never takes the place of a folder in a cluster that lives: it has forgotten votes and entries that its member promised to keep.

Needs a file descriptor for each segment of the log. Where it fails COPY is left empty. Where it is interrupted COPY is empty too, or has no file
"identity", and no member starts from what is there.

  --json               one JSON object in place of text
  --help               this text

Exit codes: 0 the copy is whole; 1 there is none, or what FOLDER holds is not whole; 2 a mistake in the arguments, no data folder, or a COPY that is not empty.

  rxraft backup data/n1 backups/n1-monday
`

/** Where this is, whatever links lead there, or would be once it is made. */
const placeOf = (path: string): string => {
  try {
    return realpathSync.native(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? resolve(path) : join(placeOf(parent), basename(path))
  }
}

const foldersIn = (positionals: readonly string[]): readonly [folder: string, copy: string] => {
  const [folder, copy] = positionals
  if (folder === undefined) throw new Mistake('the FOLDER is missing: the data folder of one member')
  if (copy === undefined || copy === '') throw new Mistake('the COPY is missing: the folder that is to hold it')
  atMost(2, positionals, 'one FOLDER and one COPY')
  if (placeOf(copy).startsWith(`${placeOf(folder)}${sep}`)) throw new Mistake(`${copy} lies in ${folder}: what is in a data folder is its member's`)
  return [folder, copy]
}

const inWords = (copy: string, found: Backup): string => {
  const { identity, hardState, snapshots: [snapshot], bytes } = found
  return `${copy}: a whole copy of ${identity.id}: term ${hardState?.term}, ${entriesInWords(found)}, ${snapshot === undefined ? 'no snapshot' : `a snapshot at ${snapshot.index}`}, ${sizeInWords(bytes)}`
}

const asJson = (copy: string, { identity, hardState, log, snapshots: [snapshot], bytes }: Backup): Readonly<Record<string, unknown>> => ({
  copy, id: identity.id, clusterId: identity.clusterId, hardState, base: { index: log?.base.index, term: log?.base.term }, lastIndex: log?.lastIndex, commitIndex: log?.commitIndex,
  snapshot: snapshot === undefined ? null : { index: snapshot.index, term: snapshot.term, bytes: snapshot.bytes }, bytes,
})

const run = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parsed({ args: [...args], options: { json: { type: 'boolean' } }, allowPositionals: true })
  const [folder, copy] = foldersIn(positionals)
  const screen = createScreen(process.stderr)
  const found = await backUp({ disk: nodeDisk(), folder, copy, tell: what => screen.bar(undefined, what) }).finally(screen.end)
  process.stdout.write(`${printable(values.json === true ? JSON.stringify(asJson(copy, found)) : inWords(copy, found))}\n`)
  return 0
}

export const command: Command = { help: HELP, run }
