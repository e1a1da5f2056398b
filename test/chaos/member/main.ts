/** One life of a member, a process of its own: tells its status over IPC, and on standard output what it applies, a line per command. */
import { randomInt } from 'node:crypto'
import { writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { auditTime, firstValueFrom, take } from 'rxjs'
import { isLeft } from '../../../lib/prelude.js'
import type { Index } from '../../../lib/types.js'
import { startRaft } from '../../../streams/create-raft.js'
import { type CommitEvent, type Diagnostic, type SnapshotEvent, fileStorage } from '../../../streams/index.js'
import type { KeyValueOutput } from '../../../testing/index.js'
import { nodeDisk } from '../../../streams/storage/disk/node-disk.js'
import { createDice } from '../../../testing/simulation/world/dice.js'
import { type Address, formatAddress, parseAddress } from '../../../streams/transport/tcp/addresses.js'
import { nodeSockets } from '../../../streams/transport/tcp/node-sockets.js'
import type { Sockets } from '../../../streams/transport/tcp/sockets.js'
import { socketTransport } from '../../../streams/transport/tcp/tcp.js'
import { type Member, answerTo } from './answers.js'
import { steeredClock } from './clock.js'
import { faultyDisk } from './faulty-disk.js'
import { forgetfulDisk } from './forgetful-disk.js'
import { type Command, type Contents, keyValueMachine } from './machine.js'
import type { FromMember, MemberTask, Report, ToMember } from './protocol.js'

const STATUS_EVERY_MS = 20
/** Small, so that a run goes through many of them. */
const SEGMENT_BYTES = 64 * 1024
/** As an old disk would: whoever acknowledges before that is seen. */
const FORGETFUL_SYNC_MS = 25
const OUT = 1

const tell = (message: FromMember, then: () => void = () => undefined): void => void process.send?.(message, undefined, undefined, then)
const leave = (code: number): void => {
  process.exitCode = code
  if (process.connected) process.disconnect()
}

const NOTEWORTHY: readonly Diagnostic['type'][] = ['snapshotFailed', 'snapshotUnusable', 'snapshotUnsendable', 'snapshotUnreceivable']

/** Where a life goes on behind a snapshot, and how many commands that stands for. */
const tellRestored = (index: Index, { commands }: Contents): void => void writeSync(OUT, `from ${index} after ${commands};\n`)

/** One line per command: where it stands, when it was appended, which operation it is, and a digest of it with its result; then a semicolon, or it was cut short. */
const tellApplied = (event: CommitEvent<Command, KeyValueOutput, Contents>): void => {
  if (event._tag === 'Restored') return tellRestored(event.at.index, event.state)
  if (event._tag !== 'Applied') return
  writeSync(OUT, event.commits.map(({ index, term, time, command, result }) =>
    `${index} ${term} ${time} ${command.op} ${crc32(JSON.stringify([command.input, result]))};\n`).join(''))
}

/** Whoever is dialled by its address is dialled by its wire. */
const wired = ({ doors, wires }: MemberTask): Sockets => ({
  ...nodeSockets,
  dial: (address: Address, tls) => {
    const id = Object.keys(doors).find(member => doors[member] === formatAddress(address))
    const wire = parseAddress(id === undefined ? '' : wires[id] ?? '')
    return nodeSockets.dial(isLeft(wire) ? address : wire.right, tls)
  },
})

const reportOf = async (raft: Member): Promise<Report> => {
  const { index, state } = await firstValueFrom(raft.state$)
  return { appliedIndex: index, keys: state.map.size, digest: crc32(JSON.stringify([state.commands, ...[...state.map].sort()])) }
}

const tellSnapshot = (event: SnapshotEvent): void => {
  switch (event.type) {
    case 'receiving': return tell({ type: 'snapshot', event: event.type, bytes: event.bytes })
    case 'received':
    case 'restored': return tell({ type: 'snapshot', event: event.type, bytes: event.snapshot.bytes })
  }
}

const task = JSON.parse(process.argv[2] ?? '{}') as MemberTask
const clock = steeredClock()
const forgetful = task.limbo === undefined ? undefined : forgetfulDisk(nodeDisk(), task.limbo, FORGETFUL_SYNC_MS)
const disk = faultyDisk(forgetful ?? nodeDisk())
let raft: Member | undefined

const obey = (order: ToMember): void => {
  switch (order.type) {
    case 'disk': return disk.suffer(order.faults)
    case 'clock': return clock.steer(order.wallAheadMs, order.rate)
    case 'powerCut': return forgetful?.cutPower(order.keep, createDice(order.seed).number, () => process.kill(process.pid, 'SIGKILL'))
    case 'report': return void (raft !== undefined && reportOf(raft).then(report => tell({ type: 'report', report })))
    case 'ask': return void (raft !== undefined && answerTo(raft, order.question, order.timeoutMs).then(answer => tell({ type: 'answer', number: order.number, answer })))
    case 'stop': return void raft?.stop()
  }
}

const run = (member: Member): void => {
  raft = member
  member.state$.pipe(take(1)).subscribe(({ index, state }) => { if (index > 0) tellRestored(index, state) })
  member.commits$.subscribe(tellApplied)
  member.snapshots$.subscribe(tellSnapshot)
  member.diagnostics$.subscribe(diagnostic => {
    if (diagnostic.type === 'twoLeaders' || diagnostic.type === 'contradiction') tell({ type: 'alarm', message: JSON.stringify(diagnostic) })
    if (NOTEWORTHY.includes(diagnostic.type)) tell({ type: 'noticed', what: diagnostic.type })
  })
  let hasStarted = false
  member.status$.subscribe(({ term, lastIndex }) => {
    if (!hasStarted) tell({ type: 'started', term, lastIndex })
    hasStarted = true
  })
  member.status$.pipe(auditTime(STATUS_EVERY_MS)).subscribe(status => tell({ type: 'status', status }))
  member.ended$.subscribe(end => {
    const isFailure = end._tag === 'Failed'
    tell({ type: 'ended', reason: isFailure ? end.error.message : 'stopped', isFailure }, () => leave(isFailure ? 1 : 0))
  })
}

process.on('message', message => obey(message as ToMember))
process.once('disconnect', () => process.exit(process.exitCode ?? 1))
startRaft({
  cluster: task.cluster, id: task.id, members: task.members, ...task.isJoining && { join: task.doors[task.id]! }, machine: keyValueMachine(task.snapshots.paddingBytes), electionTimeoutMs: task.electionTimeoutMs,
  limits: {
    snapshotEntries: task.snapshots.entries, snapshotKeepEntries: task.snapshots.keepEntries, snapshotChunkBytes: task.snapshots.chunkBytes,
    snapshotBytesPerSecond: task.snapshots.bytesPerSecond,
  },
  transport: socketTransport(wired(task), { listen: task.listen }), storage: fileStorage(task.folder, { disk, clock, segmentBytes: SEGMENT_BYTES }),
}, { clock, seed: randomInt(2 ** 32) }, outcome => {
  if (isLeft(outcome)) tell({ type: 'refused', tag: outcome.left._tag, message: outcome.left.message }, () => leave(1))
  else run(outcome.right)
})
