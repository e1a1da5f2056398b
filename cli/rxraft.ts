#!/usr/bin/env node
/** `npx rxraft COMMAND …`: what there is to do beside running a member. */
import type { Command } from './command.js'
import { Mistake } from './mistake.js'
import { replayCommand } from './replay/command.js'

const COMMANDS: Readonly<Record<string, Command>> = { replay: replayCommand }

const HELP = `rxraft COMMAND [arguments]

${Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`).join('\n')}

rxraft COMMAND --help tells more. Exit codes: 0 all is well, 1 something was found, 2 a mistake in the arguments or a file that cannot be read.
`

const main = async ([name, ...args]: readonly string[]): Promise<number> => {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    ;(name === undefined ? process.stderr : process.stdout).write(HELP)
    return name === undefined ? 2 : 0
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) throw new Mistake(`there is no command "${name}"; rxraft --help lists them`)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(command.help)
    return 0
  }
  return command.run(args)
}

// Whoever reads the output may have seen enough.
process.stdout.on('error', () => process.exit())
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
