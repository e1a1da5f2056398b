/** `npm run chaos`: real processes, real disks, faults at random; see `options.ts`. */
import { existsSync, readFileSync } from 'node:fs'
import { Mistake } from '../../cli/mistake.js'
import { createScreen } from '../../cli/screen.js'
import { runChaos } from './chaos.js'
import { judgeHistory } from './judgement.js'
import { MIXES, SKIPPED } from './mixes.js'
import { HELP, commandFrom } from './options.js'
import { parseHistory } from './oracle/history.js'
import { commandOf, formatReport } from './report.js'
import type { RunOptions } from './stage.js'

const judgeFile = (file: string): number => {
  if (!existsSync(file)) throw new Mistake(`there is no file ${file}`)
  const { verdict, text } = judgeHistory(parseHistory(readFileSync(file, 'utf8')))
  process.stderr.write(`${text}\n`)
  return verdict === 'Linearizable' ? 0 : 1
}

const runAll = async (runs: readonly RunOptions[]): Promise<number> => {
  let code = 0
  process.stderr.write(`not done here: ${Object.entries(SKIPPED).map(([name, about]) => `${name} (${about.replace(/.*: /, '')})`).join('; ')}\n`)
  for (const options of runs) {
    process.stderr.write(`\n${commandOf(options)}\n${options.mix}: ${MIXES[options.mix].about}\n`)
    const report = await runChaos(options, createScreen(process.stderr))
    process.stderr.write(formatReport(report))
    process.stdout.write(`${JSON.stringify(report)}\n`)
    if (report.violations.length > 0) code = 1
  }
  return code
}

const main = async (): Promise<number> => {
  const command = commandFrom(process.argv.slice(2))
  switch (command.type) {
    case 'help':
      process.stdout.write(HELP)
      return 0
    case 'judge': return judgeFile(command.file)
    case 'run': return runAll(command.runs)
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof Mistake ? 2 : 1
}
