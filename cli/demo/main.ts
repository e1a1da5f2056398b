#!/usr/bin/env node
import { closeSync, createReadStream, createWriteStream, existsSync, mkdtempSync, openSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { demoCluster } from './cluster.js'
import { type Summary, runDemo } from './run.js'
import { asMistake, parsed, wholeNumber } from '../arguments.js'
import { Mistake } from '../mistake.js'
import { INTERRUPTED, runProgram } from '../program.js'
import { createScreen } from '../screen.js'

const HELP = `Three members, three processes, three data folders: a stream of commands goes in, the leader is killed with SIGKILL in the
middle, and in the end every member must have applied exactly what was acknowledged.

  npm start                                 with lines made up on the spot
  npm start -- --writes N                   N of them (default 200000), 128 bytes each
  npm start -- FILE --out COMMITTED         with the lines of FILE; what was committed is written to COMMITTED and equals FILE
                                            byte for byte ("-" for standard input or output:
                                            npm start --silent -- - --out - )
Options
  --window N     commands in flight (default 256)
  --keep         keep the data folders, and say where they are
  --help         this text

Exit code 0 when nothing was lost and all members are equal, 1 when anything differs, 2 for a mistake in the arguments, 130 when interrupted.
`
const OPTIONS = {
  out: { type: 'string' }, writes: { type: 'string' }, window: { type: 'string', default: '256' }, keep: { type: 'boolean' }, help: { type: 'boolean' },
} as const
const LINE_BYTES = 128

/** It is written at the end; that it can be is known before the cluster starts, and nothing in it is touched until then. */
const checkTarget = (out: string, file: string | undefined): void => {
  closeSync(openSync(out, 'a'))
  if (file !== undefined && file !== '-' && realpathSync(out) === realpathSync(file)) throw new Mistake(`--out would overwrite FILE, ${file}`)
}

const argumentsOf = () => {
  try {
    const { values, positionals } = parsed({ options: OPTIONS, allowPositionals: true })
    const [file, ...rest] = positionals
    if (rest.length > 0) throw new Mistake(`one FILE at most, not ${positionals.length}`)
    if (values.out !== undefined && file === undefined) throw new Mistake('--out goes with a FILE')
    if (file !== undefined && values.writes !== undefined) throw new Mistake('--writes goes without a FILE')
    if (file !== undefined && file !== '-' && !(existsSync(file) && statSync(file).isFile())) throw new Mistake(`there is no file ${file}, or it is none`)
    if (values.out !== undefined && values.out !== '-') checkTarget(values.out, file)
    const source = file === undefined ? { count: wholeNumber('writes', values.writes ?? '200000', 0), bytes: LINE_BYTES } : { file }
    return { source, out: values.out, window: wholeNumber('window', values.window, 1), keep: values.keep === true, help: values.help === true }
  } catch (error) {
    throw asMistake(error)
  }
}

const print = ({ writes, perSecond, p50Ms, p99Ms, failoverMs, retried, lost, equal }: Summary): void => {
  const rows: readonly (readonly [string, string])[] = [
    ['writes', writes.toLocaleString('en')], ['writes/s', Math.round(perSecond).toLocaleString('en')],
    ['p50', `${p50Ms.toFixed(2)} ms`], ['p99', `${p99Ms.toFixed(2)} ms`],
    ['failover', failoverMs === undefined ? 'no write waited for long' : `${Math.round(failoverMs)} ms`],
    ['sent again', `${retried}, accepted once`], ['lost', String(lost)], ['equal', equal ? 'yes' : 'no'],
  ]
  process.stderr.write(`\n${rows.map(([name, value]) => `  ${`${name}:`.padEnd(12)}${value}`).join('\n')}\n`)
}

const main = async (): Promise<number> => {
  const options = argumentsOf()
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  const folder = mkdtempSync(join(tmpdir(), 'rxraft-demo-'))
  const display = createScreen(process.stderr)
  const cluster = await demoCluster(['n1', 'n2', 'n3'], folder)
  const tidy = (): void => {
    if (options.keep) process.stderr.write(`  data:       ${folder}\n`)
    else rmSync(folder, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void Promise.all(Object.keys(cluster.members).map(cluster.kill)).then(() => {
      tidy()
      process.exit(INTERRUPTED)
    }))
  }
  try {
    const summary = await runDemo(cluster, options, display)
    if (options.out !== undefined) {
      const committed = createReadStream(cluster.fileOf('n1'))
      await (options.out === '-' ? pipeline(committed, process.stdout, { end: false }) : pipeline(committed, createWriteStream(options.out)))
    }
    print(summary)
    return summary.lost === 0 && summary.equal ? 0 : 1
  } finally {
    await cluster.stop()
    tidy()
  }
}

await runProgram(main)
