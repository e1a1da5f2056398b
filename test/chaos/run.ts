/** `npm run chaos`: real processes, real disks, faults at random; see `options.ts`. What a command needs is loaded for it alone: most of all is there for a run. */
import { existsSync, readFileSync } from 'node:fs'
import { asMistake } from '../../cli/arguments.js'
import { Mistake } from '../../cli/mistake.js'
import { runProgram } from '../../cli/program.js'
import { createScreen } from '../../cli/screen.js'
import { messageOf } from '../../codecs/report.js'
import { openLedger, readLedger } from '../ledger.js'
import { MIXES, SKIPPED } from './mixes.js'
import { type Command, HELP, commandFrom } from './options.js'
import { parseHistory } from './oracle/history.js'
import { RUNS, type Row, commandOf, formatReport, formatTable, isOf } from './report.js'

const historyIn = (file: string): ReturnType<typeof parseHistory> => {
  try {
    return parseHistory(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Mistake(`${file} is no history: ${asMistake(error).message}`)
  }
}

const judgeFile = async (file: string): Promise<number> => {
  if (!existsSync(file)) throw new Mistake(`there is no file ${file}`)
  const { judgeHistory } = await import('./judgement.js')
  const { verdict, text } = judgeHistory(historyIn(file))
  process.stderr.write(`${text}\n`)
  return verdict === 'Linearizable' ? 0 : 1
}

const PLAIN_EVERY_MS = 15_000

const codeOf = (rows: readonly Row[]): number => rows.some(({ violations }) => violations.length > 0) ? 1 : 0

const report = (file: string): number => {
  if (!existsSync(file)) throw new Mistake(`there is no ledger ${file}`)
  const rows = readLedger(file, RUNS)
  process.stdout.write(`${file}\n${formatTable(rows)}`)
  return codeOf(rows)
}

/** One after the other; a run that cannot be done does not keep the others from being done. */
const runAll = async ({ runs, ledger: file, isAgain }: Extract<Command, { type: 'run' }>): Promise<number> => {
  const ledger = openLedger(file, RUNS)
  const rows: Row[] = []
  const undone: string[] = []
  process.stderr.write(`not done here: ${Object.entries(SKIPPED).map(([name, about]) => `${name} (${about.replace(/.*: /, '')})`).join('; ')}\n`)
  for (const options of runs) {
    const done = isAgain ? undefined : ledger.lines.findLast(isOf(options))
    if (done !== undefined) {
      rows.push(done)
      process.stderr.write(`\n${commandOf(options)}\ndone already; --again does it once more\n`)
      continue
    }
    process.stderr.write(`\n${commandOf(options)}\n${options.mix}: ${MIXES[options.mix].about}\n`)
    try {
      const { runChaos } = await import('./chaos.js')
      const report = await runChaos(options, createScreen(process.stderr, PLAIN_EVERY_MS))
      ledger.add(report)
      rows.push(report)
      process.stderr.write(formatReport(report))
      process.stdout.write(`${JSON.stringify(report)}\n`)
    } catch (error) {
      undone.push(`${commandOf(options)}\n  could not be done: ${messageOf(error)}\n`)
      process.stderr.write(undone.at(-1)!)
    }
  }
  ledger.close()
  process.stderr.write(`${formatTable(rows)}${undone.join('')}`)
  return undone.length > 0 ? 1 : codeOf(rows)
}

const main = async (): Promise<number> => {
  const command = commandFrom(process.argv.slice(2))
  switch (command.type) {
    case 'help':
      process.stdout.write(HELP)
      return 0
    case 'judge': return judgeFile(command.file)
    case 'report': return report(command.ledger)
    case 'run': return runAll(command)
  }
}

await runProgram(main)
// Of what was cut off in a run something may be left that Node waits for at its end, without end.
process.exit()
