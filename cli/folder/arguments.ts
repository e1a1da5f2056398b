import { atMost } from '../arguments.js'
import { Mistake } from '../mistake.js'

/** The one FOLDER that was typed. */
export const oneFolder = (positionals: readonly string[]): string => {
  const [folder] = positionals
  if (folder === undefined) throw new Mistake('the FOLDER is missing: the data folder of one member')
  atMost(1, positionals, 'one FOLDER at a time')
  return folder
}
