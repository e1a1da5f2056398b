/** Tests run as compiled JavaScript, which is brought up to date here, before the first of them. */
import { compileAll } from './test/compiled.mjs'

if (process.argv.some(arg => arg === '--watch' || arg === '-w')) throw new Error('what changes is compiled when a run begins: run again instead of watching')

compileAll()

export default {
  files: ['test/**/*.test.ts'],
  extensions: { ts: 'commonjs' },
  nodeArguments: ['--require=./test/entry.cjs'],
  workerThreads: false,
  timeout: '2m',
  concurrency: 2,
}
