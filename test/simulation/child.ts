/** What runs in a child process: is told seeds, answers with lines, and does not outlive its parent. */
import { Worker } from 'node:worker_threads'
import { lineOf } from './line.js'

const [isSoak, isTwice] = ['--soak', '--twice'].map(name => process.argv.includes(name)) as [boolean, boolean]

process.once('disconnect', () => process.exit())
// A seed that never lets go of this thread would not hear of it.
new Worker(`setInterval(() => { if (process.ppid !== ${process.ppid}) process.kill(process.pid, 'SIGKILL') }, 1000)`, { eval: true, execArgv: [] }).unref()
process.on('message', (seed: number) => void lineOf(seed, { isSoak, isTwice }).then(line => process.send?.(line)))
process.send?.('ready')
