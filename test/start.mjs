/** Runs a program of this repository as it stands: `node test/start.mjs test/fuzz/main.ts …`. */
import { resolve } from 'node:path'
import { compileAll, compiledOf } from './compiled.mjs'

compileAll()
process.setSourceMapsEnabled(true)
const program = compiledOf(resolve(process.argv[2]))
process.argv.splice(1, 2, program)
await import(program)
