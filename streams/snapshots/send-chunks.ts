/** Chunks of snapshots for followers, read from the disk as they are asked for, into a few buffers for each snapshot that is sent, which are used again. */
import { type Recycled, recycled, roomIn } from '../../codecs/recycled.js'
import type { SnapshotWork } from '../../lib/events.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import { isSameSnapshot } from '../../lib/snapshot-id.js'
import { type RaftState, progressOf } from '../../lib/state.js'
import type { MemberId, Snapshot } from '../../lib/types.js'
import { type Act, chain, map, oneAtATime, succeed } from '../act/act.js'
import type { SnapshotReader, Snapshots } from '../storage/port.js'
import type { SnapshotNotice } from './events.js'

type Read = Extract<SnapshotWork, { type: 'read' }>

interface SendOptions {
  readonly snapshots: Pick<Snapshots, 'read'>
  /** Told once for every read; without a chunk where there is none to be had. */
  readonly answer: (read: Read, chunk: Uint8Array | undefined) => void
  readonly notice: (notice: SnapshotNotice) => void
}

export interface ChunkSender {
  read(work: Read): void
  /** What is not sent any more, by this state, is let go. */
  follow(state: RaftState): void
  halt(): void
}

/** One snapshot on its way to one follower. */
interface Outgoing {
  readonly snapshot: Snapshot
  /** Undefined until it is open. */
  reader: SnapshotReader | undefined
  /** What comes next of the contents, as far as it has been read; `rest` begins at `at`. */
  at: number
  rest: Uint8Array
  /** What was given last: it is asked for once more where it was lost on the way. */
  last: { readonly offset: number; readonly chunk: Uint8Array } | undefined
  /** A follower that begins again asks while the disk is still at what it asked for before: two would move the reader beneath each other. */
  readonly inTurn: ReturnType<typeof oneAtATime>
  /** What is read from the disk, with one buffer more for the piece that does not fit any more; and what is joined of several pieces. */
  readonly pieces: Recycled
  readonly chunks: Recycled
  /** Whether the piece that was read last is in use, and not copied. */
  isInUse: boolean
  isOver: boolean
}

/** One is on its way, the next has been read, and the one after that is being read. */
const SENT_CHUNKS_IN_USE = 3

const NOTHING = new Uint8Array(0)

type Given = (outcome: Either<Error, Uint8Array>) => void

const close = (outgoing: Outgoing): void => {
  outgoing.isOver = true
  outgoing.reader?.close(() => undefined)
}

/** Opens the snapshot; only the newest can be opened. */
const open = (outgoing: Outgoing, snapshots: SendOptions['snapshots']): Act<SnapshotReader, Error> => done => snapshots.read(outcome => {
  if (isLeft(outcome)) return done(outcome)
  const reader = outcome.right
  if (outgoing.isOver || !isSameSnapshot(reader.snapshot, outgoing.snapshot)) {
    return reader.close(() => done(left(new Error('a newer one has taken its place'))))
  }
  outgoing.reader = reader
  done(outcome)
}, outgoing.pieces)

/** Begins again at the beginning: what is open stays open, also where a newer one has taken its place. */
const rewind = (outgoing: Outgoing, reader: SnapshotReader): Act<SnapshotReader, Error> => map(done => reader.rewind(done), () => {
  outgoing.at = 0
  outgoing.rest = NOTHING
  return reader
})

/**
 * Reads on until the chunk at `offset` is there, of at most `maxBytes`: whole pieces, as many as it holds, however finely the contents were
 * cut; or a part of one that is larger. One that does not fit begins the next chunk, so a large one is sent as it was read, without a copy. Small ones are
 * copied as they come: their memory is used again.
 */
const readTo = (outgoing: Outgoing, reader: SnapshotReader, offset: number, maxBytes: number, done: Given): void => {
  const { snapshot } = outgoing
  const most = Math.min(maxBytes, snapshot.bytes - offset)
  let chunk: Uint8Array = NOTHING
  let joined: Uint8Array | undefined
  let bytes = 0
  const add = (piece: Uint8Array): void => {
    outgoing.isInUse = bytes === 0
    if (bytes === 0) chunk = piece
    else {
      if (joined === undefined) {
        joined = roomIn(outgoing.chunks, most)
        joined.set(chunk)
      }
      joined.set(piece, bytes)
      chunk = joined.subarray(0, bytes + piece.length)
    }
    bytes = chunk.length
  }
  const give = (): void => {
    if (joined !== undefined) outgoing.chunks.pass()
    outgoing.last = { offset, chunk }
    done(right(chunk))
  }
  const take = (): void => {
    const { at, rest } = outgoing
    const before = Math.min(rest.length, Math.max(0, offset - at))
    const room = most - bytes
    if (bytes > 0 && rest.length > room) return give()
    const piece = rest.subarray(before, before + room)
    if (piece.length > 0) add(piece)
    const used = before + piece.length
    outgoing.at = at + used
    outgoing.rest = rest.subarray(used)
    // The end of the contents is asked for: only there it is known that the whole was sound.
    if (outgoing.rest.length > 0 || (bytes === most && outgoing.at < snapshot.bytes)) give()
    else more()
  }
  const more = (): void => {
    if (outgoing.isInUse) outgoing.pieces.pass()
    outgoing.isInUse = false
    reader.next(outcome => {
      if (isLeft(outcome)) return done(outcome)
      if (outcome.right === undefined) return give()
      outgoing.rest = outcome.right
      take()
    })
  }
  take()
}

const chunkAt = (outgoing: Outgoing, { snapshots }: SendOptions, { offset, maxBytes }: Read, done: Given): void => {
  const { reader, last, at } = outgoing
  if (last?.offset === offset) return done(right(last.chunk))
  const opened = reader === undefined ? open(outgoing, snapshots) : at <= offset ? succeed(reader) : rewind(outgoing, reader)
  chain(opened, (from): Act<Uint8Array, Error> => given => readTo(outgoing, from, offset, maxBytes, given))(done)
}

export const createChunkSender = (options: SendOptions): ChunkSender => {
  const outgoing = new Map<MemberId, Outgoing>()
  const begun = ({ to, snapshot }: Read): Outgoing => {
    const found = outgoing.get(to)
    if (found !== undefined && isSameSnapshot(found.snapshot, snapshot)) return found
    if (found !== undefined) close(found)
    const begun: Outgoing = { snapshot, reader: undefined, at: 0, rest: NOTHING, last: undefined, inTurn: oneAtATime(), pieces: recycled(SENT_CHUNKS_IN_USE + 1), chunks: recycled(SENT_CHUNKS_IN_USE), isInUse: false, isOver: false }
    outgoing.set(to, begun)
    return begun
  }
  return {
    read: work => {
      const one = begun(work)
      one.inTurn<Uint8Array, Error>(done => chunkAt(one, options, work, done))(outcome => {
        if (isLeft(outcome)) {
          if (one.isOver) return
          options.notice({ type: 'snapshotUnsendable', index: work.snapshot.index, to: work.to, reason: outcome.left.message })
          close(one)
          if (outgoing.get(work.to) === one) outgoing.delete(work.to)
        }
        options.answer(work, isLeft(outcome) ? undefined : outcome.right)
      })
    },
    follow: state => {
      for (const [to, one] of outgoing) {
        const sending = state.role === 'leader' ? progressOf(state, to)?.sending : undefined
        if (sending !== undefined && isSameSnapshot(sending.snapshot, one.snapshot)) continue
        close(one)
        outgoing.delete(to)
      }
    },
    halt: () => {
      for (const one of outgoing.values()) close(one)
      outgoing.clear()
    },
  }
}
