/** `npm run bench`: all of `measures`, as a report; `npm run bench -- NAME …`: one thing, closely, among them some that are in no report. What the README's numbers come from. */
import { runProgram } from '../cli/program.js'
import { command } from './command.js'

await runProgram(async () => command(process.argv.slice(2))())
