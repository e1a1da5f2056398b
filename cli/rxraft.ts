#!/usr/bin/env node
/** `npx rxraft COMMAND …`: a cluster without writing a program, and what there is to do beside running a member. */
import type { Command } from './command.js'
import { Mistake } from './mistake.js'
import { endWithOutput } from './output.js'
import { runProgram } from './program.js'

/** A line for the list, and where the rest is; nothing is loaded for commands that nobody called. */
interface Listed {
  readonly summary: string
  readonly load: () => Promise<{ readonly command: Command }>
}

const COMMANDS: Readonly<Record<string, Listed>> = {
  serve: { summary: 'run one member until it is told to stop', load: () => import('./serve/command.js') },
  status: { summary: 'show how the members are', load: () => import('./status/command.js') },
  propose: { summary: 'have one command committed and applied', load: () => import('./propose/command.js') },
  read: { summary: 'read the state, linearizably', load: () => import('./read/command.js') },
  watch: { summary: 'follow commits and leaderships', load: () => import('./watch/command.js') },
  pipe: { summary: 'send a command per line of standard input, in order', load: () => import('./pipe/command.js') },
  transfer: { summary: 'hand the leadership over', load: () => import('./transfer/command.js') },
  members: { summary: 'show who belongs to the cluster, or change that', load: () => import('./members/command.js') },
  snapshot: { summary: 'have a member take a snapshot now', load: () => import('./snapshot/command.js') },
  inspect: { summary: 'show what a data folder holds', load: () => import('./inspect/command.js') },
  verify: { summary: 'check every checksum of a data folder', load: () => import('./verify/command.js') },
  backup: { summary: 'copy a data folder, while its member runs or not', load: () => import('./backup/command.js') },
  recover: { summary: 'make a lone member of a folder whose majority is lost', load: () => import('./recover/command.js') },
  replay: { summary: 'make the steps of a flight recording again', load: () => import('./replay/command.js') },
}

const HELP = `rxraft COMMAND [arguments]

${Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`).join('\n')}

rxraft help COMMAND, or rxraft COMMAND --help, tells more. Exit codes: 0 all is well, 1 it could not be done or something was found,
2 a mistake in the arguments or a file that cannot be read, 3 the outcome of a command is unknown.
`

const commandNamed = async (name: string): Promise<Command> => {
  const found = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (found === undefined) throw new Mistake(`there is no command "${name}"; rxraft --help lists them`)
  return (await found.load()).command
}

/** Whether help is asked for; after `--` there are only words. */
const asksForHelp = (args: readonly string[]): boolean => {
  const end = args.indexOf('--')
  const options = end < 0 ? args : args.slice(0, end)
  return options.includes('--help') || options.includes('-h')
}

const tellHelp = (help: string): number => {
  endWithOutput()
  process.stdout.write(help)
  return 0
}

const main = async ([name, ...args]: readonly string[]): Promise<number> => {
  if (name === undefined) {
    process.stderr.write(HELP)
    return 2
  }
  const [topic] = args
  if (name === '--help' || name === '-h' || name === 'help') return tellHelp(topic === undefined ? HELP : (await commandNamed(topic)).help)
  const command = await commandNamed(name)
  if (asksForHelp(args)) return tellHelp(command.help)
  if (command.isService === true) process.stdout.on('error', () => undefined)
  else endWithOutput()
  // What is shown there is for whoever looks, and its reader may go away before what is done here is done.
  process.stderr.on('error', () => undefined)
  return command.run(args)
}

await runProgram(() => main(process.argv.slice(2)))
