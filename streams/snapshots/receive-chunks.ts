/** The snapshot that a leader sends, chunk by chunk onto the disk. */
import type { SnapshotWork } from '../../lib/events.js'
import { isLeft, left, right } from '../../lib/prelude.js'
import { isSameSnapshot } from '../../lib/snapshot-id.js'
import type { RaftState } from '../../lib/state.js'
import type { Snapshot } from '../../lib/types.js'
import { type Act, oneAtATime, succeed } from '../act/act.js'
import type { SnapshotReceiver, Snapshots } from '../storage/port.js'
import type { Clock } from '../time/clock.js'
import { type BackoffLimits, createBackoff } from './backoff.js'
import { compressionFault } from './compression.js'
import type { SnapshotNotice } from './events.js'

interface ReceiveOptions {
  readonly snapshots: Pick<Snapshots, 'receive'>
  /** So much of it is written. */
  readonly written: (snapshot: Snapshot, received: number) => void
  /** All of it is, and durable: it is the newest. */
  readonly stored: (snapshot: Snapshot) => void
  /** It could not be written, and may be begun again: not told before its time, so that a full disk is not asked with every heartbeat. */
  readonly failed: (snapshot: Snapshot) => void
  readonly limits: BackoffLimits
  readonly clock: Pick<Clock, 'after'>
  readonly notice: (notice: SnapshotNotice) => void
}

export interface ChunkReceiver {
  receive(work: Extract<SnapshotWork, { type: 'receive' }>): void
  write(work: Extract<SnapshotWork, { type: 'write' }>): void
  /** What is not received any more, by this state, is let go. */
  follow(state: RaftState): void
  halt(): void
}

interface Incoming {
  readonly snapshot: Snapshot
  /** Undefined until it is open. */
  receiver: SnapshotReceiver | undefined
  /** So many bytes of it are here, or handed over to be written. */
  taken: number
  isOver: boolean
}

const closeOf = (receiver: SnapshotReceiver): Act<void, never> => done => receiver.close(() => done(right(undefined)))

/** What comes of it from now on is nobody's; what was opened is closed. */
const endOf = (one: Incoming): Act<void, never> => {
  one.isOver = true
  return one.receiver === undefined ? succeed(undefined) : closeOf(one.receiver)
}

/** Hands the next chunk over to be written; answers how much is written then. */
const takeIn = (one: Incoming, receiver: SnapshotReceiver, chunk: Uint8Array): Act<number, Error> => {
  one.taken += chunk.length
  const received = one.taken
  return done => receiver.write(chunk, outcome => done(isLeft(outcome) ? outcome : right(received)))
}

/** Opens the receiver, unless by then nobody wants it. What cannot be decompressed here is of no use: for it the log would be given up, and the machine restored from nothing. */
const openOf = (snapshots: ReceiveOptions['snapshots'], one: Incoming): Act<SnapshotReceiver | undefined, Error> => done => {
  if (one.isOver) return done(right(undefined))
  const missing = compressionFault(one.snapshot.compression)
  if (missing !== undefined) return done(left(new Error(missing)))
  snapshots.receive(one.snapshot, outcome => {
    if (!isLeft(outcome) && one.isOver) closeOf(outcome.right)(() => done(right(undefined)))
    else done(outcome)
  })
}

export const createChunkReceiver = ({ snapshots, written, stored, failed, limits, clock, notice }: ReceiveOptions): ChunkReceiver => {
  /** The store receives one at a time: the next is opened when the one before is closed. */
  const inTurn = oneAtATime()
  const backoff = createBackoff(limits, clock)
  let incoming: Incoming | undefined

  const letGo = (): void => {
    if (incoming !== undefined) inTurn(endOf(incoming))(() => undefined)
    incoming = undefined
  }
  const fail = (one: Incoming, { message: reason }: Error): void => {
    if (one.isOver) return
    letGo()
    const retryMs = backoff.wait(() => failed(one.snapshot))
    notice({ type: 'snapshotUnreceivable', index: one.snapshot.index, reason, retryMs })
  }
  const finish = (one: Incoming, receiver: SnapshotReceiver): void => receiver.finish(outcome => {
    if (isLeft(outcome)) return fail(one, outcome.left)
    backoff.reset()
    // It is the newest now, whoever still wants it.
    if (incoming === one) incoming = undefined
    stored(outcome.right)
  })

  return {
    receive: ({ snapshot }) => {
      backoff.cancel()
      letGo()
      const one: Incoming = { snapshot, receiver: undefined, taken: 0, isOver: false }
      incoming = one
      inTurn(openOf(snapshots, one))(outcome => {
        if (isLeft(outcome)) return fail(one, outcome.left)
        if (outcome.right === undefined) return
        one.receiver = outcome.right
        one.taken = outcome.right.received
        written(snapshot, one.taken)
      })
    },
    write: ({ snapshot, offset, chunk }) => {
      const one = incoming
      const receiver = one?.receiver
      if (one === undefined || receiver === undefined || !isSameSnapshot(one.snapshot, snapshot)) return
      if (offset !== one.taken) return fail(one, new Error(`a chunk for ${offset} came where ${one.taken} bytes are taken in`))
      takeIn(one, receiver, chunk)(outcome => {
        if (isLeft(outcome)) return fail(one, outcome.left)
        if (one.isOver) return
        if (outcome.right < snapshot.bytes) written(snapshot, outcome.right)
        else finish(one, receiver)
      })
    },
    follow: ({ receiving }) => {
      // A restoring one is being read: its file is whole, and nobody writes it any more.
      if (incoming !== undefined && (receiving === undefined || !isSameSnapshot(receiving.snapshot, incoming.snapshot))) letGo()
    },
    halt: () => {
      backoff.cancel()
      letGo()
    },
  }
}
