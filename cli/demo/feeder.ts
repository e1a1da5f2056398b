/** The demo's client, a process of its own: feeds the cluster and counts an acknowledgement only when the machine accepted the piece. */
import { createReadStream, statSync } from 'node:fs'
import { connect } from '../../client/index.js'
import { orThrow } from '../../streams/index.js'
import { delivery } from './delivery.js'
import { generatedLines, linesOf } from './lines.js'
import { numbered } from './numbered.js'
import { type FeederTask, tell } from './protocol.js'

const MAX_PIECE_BYTES = 64 * 1024
const PROGRESS_EVERY_MS = 100

/** The pieces to send, and how much of the source has been read, where its size is known. */
const open = (source: FeederTask['source']): { readonly lines: AsyncIterable<Uint8Array>; readonly sizeBytes: number | undefined } => {
  if ('count' in source) return { lines: generatedLines(source.count, source.bytes), sizeBytes: source.count * source.bytes }
  if (source.file === '-') return { lines: linesOf(process.stdin, MAX_PIECE_BYTES), sizeBytes: undefined }
  return { lines: linesOf(createReadStream(source.file), MAX_PIECE_BYTES), sizeBytes: statSync(source.file).size }
}

const feed = async ({ cluster, members, source, window }: FeederTask): Promise<void> => {
  const client = orThrow(await connect({ cluster, members, protocol: numbered }))
  const { lines, sizeBytes } = open(source)
  const run = delivery(client, lines, window, silence => tell({ type: 'silence', ...silence }))
  const report = (): void => {
    const { acknowledged, bytes } = run.counts()
    tell({ type: 'progress', acknowledged, bytes, readFraction: sizeBytes === undefined ? undefined : sizeBytes === 0 ? 1 : bytes / sizeBytes })
  }
  const timer = setInterval(report, PROGRESS_EVERY_MS)
  try {
    await run.finished
    report()
    const { acknowledged, checksum, retried, p50Ms, p99Ms } = run.counts()
    tell({ type: 'done', acknowledged, checksum, retried, p50Ms, p99Ms })
  } finally {
    clearInterval(timer)
    await client.close()
  }
}

const task = JSON.parse(process.argv[2] ?? '{}') as FeederTask
process.once('disconnect', () => process.exit(1))
try {
  await feed(task)
} catch (error) {
  tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
  process.exitCode = 1
}
process.removeAllListeners('disconnect')
process.disconnect()
