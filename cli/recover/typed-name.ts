import { createInterface } from 'node:readline'
import { Mistake, Trouble } from '../mistake.js'

/** Asks for the name at the terminal. Whoever ends that with Ctrl-C or Ctrl-D has refused, at a line that is still open. */
export const typedName = async (input: NodeJS.ReadStream, output: NodeJS.WritableStream): Promise<string> => {
  if (!input.isTTY) throw new Mistake('nobody is there to type the cluster\'s name; --yes-i-understand NAME takes it instead')
  const terminal = createInterface({ input, output })
  try {
    return await new Promise((resolve, reject) => {
      terminal.once('close', () => reject(new Trouble('\nNo name was typed, and nothing was changed.')))
      terminal.question('Type the name of the cluster to go on: ', resolve)
    })
  } finally {
    terminal.close()
  }
}
