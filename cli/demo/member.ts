/** One member of the demo's cluster, a process of its own: runs until told to stop, and writes what it applies to a file. */
import { openSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { auditTime } from 'rxjs'
import { createRaft, fileStorage, tcpTransport } from '../../streams/index.js'
import { numbered } from './numbered.js'
import { type MemberTask, tell } from './protocol.js'

const STATUS_EVERY_MS = 50

const task = JSON.parse(process.argv[2] ?? '{}') as MemberTask
const started = await createRaft({
  cluster: task.cluster, id: task.id, members: task.members, machine: numbered,
  transport: tcpTransport(), storage: fileStorage(task.folder),
})
if (started._tag === 'Left') {
  tell({ type: 'refused', message: started.left.message })
  process.exitCode = 1
  process.disconnect()
} else {
  const raft = started.right
  const applied = openSync(task.applied, 'w')
  let pieces = 0
  let checksum = 0
  raft.commits$.subscribe(event => {
    if (event._tag !== 'Applied') return
    const accepted = event.commits.filter(({ result }) => result === 'accepted').map(({ command }) => command.bytes)
    if (accepted.length === 0) return
    const bytes = Buffer.concat(accepted)
    writeSync(applied, bytes)
    pieces += accepted.length
    checksum = crc32(bytes, checksum)
  })
  raft.status$.pipe(auditTime(STATUS_EVERY_MS)).subscribe(status => tell({ type: 'status', status }))
  raft.ended$.subscribe(end => {
    tell({ type: 'ended', reason: end._tag === 'Failed' ? end.error.message : 'stopped' })
    if (end._tag === 'Failed') process.exitCode = 1
    if (process.connected) process.disconnect()
  })
  process.on('message', request => {
    if (request === 'report') tell({ type: 'applied', pieces, checksum })
    if (request === 'stop') void raft.stop()
  })
  process.once('disconnect', () => void raft.stop())
  tell({ type: 'started' })
}
