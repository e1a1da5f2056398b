import { Mistake, Trouble } from './mistake.js'
import { printableLines } from './words.js'

/** The exit code of a program that was interrupted. */
export const INTERRUPTED = 130

/** Runs a program to its exit code: its own, 2 for a mistake of whoever typed the command, 1 for whatever else it could not do. */
export const runProgram = async (main: () => Promise<number>): Promise<void> => {
  try {
    process.exitCode = await main()
  } catch (error) {
    const isExpected = error instanceof Mistake || error instanceof Trouble
    process.stderr.write(`${printableLines(isExpected ? error.message : error instanceof Error ? error.stack ?? error.message : String(error))}\n`)
    process.exitCode = error instanceof Mistake ? 2 : 1
  }
}
