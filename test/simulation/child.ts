/** What runs in a child process: is told seeds, answers with lines, and does not outlive its parent. */
import { lineOf } from './line.js'

const isTwice = process.argv.includes('--twice')

process.once('disconnect', () => process.exit())
process.on('message', (seed: number) => void lineOf(seed, isTwice).then(line => process.send?.(line)))
process.send?.('ready')
