/** Tests run as compiled JavaScript, which is brought up to date here, before the first of them. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { compileAll } from './test/compiled.mjs'

if (process.argv.some(arg => arg === '--watch' || arg === '-w')) throw new Error('what changes is compiled when a run begins: run again instead of watching')

compileAll()

/** A process takes longer to begin than most files take: when all are run, those that a `together.test.ts` imports share one. */
const isWhole = process.argv.slice(2).every(arg => arg.startsWith('-'))
const rooms = readdirSync('test', { recursive: true }).filter(path => path.endsWith('together.test.ts')).map(path => join('test', path))
const shared = rooms.flatMap(room => readFileSync(room, 'utf8').match(/(?<=').*(?=\.js')/g).map(path => `${join(room, '..', path)}.ts`))

export default {
  files: ['test/**/*.test.ts', ...(isWhole ? shared : rooms).map(path => `!${path}`)],
  extensions: { ts: 'commonjs' },
  nodeArguments: ['--require=./test/entry.cjs'],
  workerThreads: false,
  timeout: '2m',
  concurrency: 2,
}
