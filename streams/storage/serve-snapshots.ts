import { MAX_CHUNK_BYTES } from '../../codecs/snapshots.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Snapshot } from '../../lib/types.js'
import { type Act, fail, forEach, inOrder, oneAtATime } from './disk/act.js'
import type { SnapshotPlace, SnapshotReader, SnapshotWriter, Snapshots } from './port.js'

/** A snapshot that is being written; its acts come one at a time. */
export interface Draft {
  /** Appends a chunk of at least one byte and at most `MAX_CHUNK_BYTES`, which belongs to the caller again afterwards. */
  write(chunk: Uint8Array): Act<void, Error>
  /** Makes it the newest and removes the one before. */
  readonly finish: Act<Snapshot, Error>
  /** Leaves nothing of it behind, also after any of its acts has failed. */
  readonly discard: Act<void, unknown>
}

/** A snapshot that is being read; its acts come one at a time. */
export interface Contents extends Pick<SnapshotReader, 'snapshot'> {
  readonly next: Act<Uint8Array | undefined, Error>
  readonly close: Act<void, unknown>
}

/** Where snapshots are kept, without the rules of the port. `open` and a draft's `finish` never overlap. */
export interface SnapshotShelf {
  newest(): Snapshot | undefined
  begin(place: SnapshotPlace): Act<Draft, Error>
  readonly open: Act<Contents, Error>
}

/** Answers some time after the call that asked, so that whoever asks in a loop does not build a tower of calls. */
type Later = (answer: () => void) => void

const CLOSED = 'the store is closed'

const told = <A>(later: Later, done: (outcome: Either<Error, A>) => void) => (outcome: Either<Error, A>): void => later(() => done(outcome))

function* cut(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += MAX_CHUNK_BYTES) yield chunk.subarray(at, at + MAX_CHUNK_BYTES)
}

interface OpenWriter {
  readonly writer: SnapshotWriter
  /** Ends it, if it has not ended. */
  end(why: string): Act<void, never>
}

/** `finishing` keeps `finish` apart from what must not overlap with it; `ended` is called once nothing of it is left to do. */
const createWriter = (begin: Act<Draft, Error>, finishing: ReturnType<typeof oneAtATime>, later: Later, ended: () => void): OpenWriter => {
  const inTurn = oneAtATime()
  /** Left once it has ended, with the reason. */
  let draft: Either<Error, Draft> = left(new Error('the snapshot has not begun'))
  const over = (why: Error): void => {
    draft = left(why)
    ended()
  }
  const discard = (why: Error): Act<void, never> => done => {
    if (isLeft(draft)) return done(right(undefined))
    draft.right.discard(() => {
      over(why)
      done(right(undefined))
    })
  }
  const step = <A>(actOf: (draft: Draft) => Act<A, Error>): Act<A, Error> => inTurn(done => {
    if (isLeft(draft)) return done(draft)
    actOf(draft.right)(outcome => (isLeft(outcome) ? discard(outcome.left)(() => done(outcome)) : done(outcome)))
  })
  const end = (why: string): Act<void, never> => inTurn(discard(new Error(why)))
  inTurn((done: (outcome: Either<Error, Draft>) => void) => begin(outcome => {
    if (isLeft(outcome)) over(outcome.left)
    else draft = outcome
    done(outcome)
  }))(() => undefined)

  return {
    writer: {
      write: (chunk, done) => step(({ write }) => forEach(cut(chunk), write))(told(later, done)),
      finish: done => step<Snapshot>(({ finish }) => written => finishing(finish)(outcome => {
        if (!isLeft(outcome)) over(new Error('the snapshot is finished'))
        written(outcome)
      }))(told(later, done)),
      abort: done => end('the snapshot was given up')(() => later(done)),
    },
    end,
  }
}

/** Keeps the rules of the port for snapshots that lie on `shelf`; `close` ends what is being written or read. */
export const serveSnapshots = (shelf: SnapshotShelf, later: Later): { readonly snapshots: Snapshots; readonly close: Act<void, never> } => {
  const inTurn = oneAtATime()
  const readers = new Set<Act<void, never>>()
  let writing: OpenWriter | undefined
  let isClosed = false

  const openReader = ({ snapshot, next, close }: Contents): SnapshotReader => {
    const oneStep = oneAtATime()
    let isOpen = true
    const end: Act<void, never> = oneStep(done => {
      if (!isOpen) return done(right(undefined))
      isOpen = false
      readers.delete(end)
      close(() => done(right(undefined)))
    })
    readers.add(end)
    return {
      snapshot,
      next: done => oneStep<Uint8Array | undefined, Error>(read => (isOpen ? next(read) : read(left(new Error('the snapshot is closed')))))(told(later, done)),
      close: done => end(() => later(done)),
    }
  }
  const refusal = ({ index }: SnapshotPlace): string | undefined => {
    const last = shelf.newest()?.index
    if (isClosed) return CLOSED
    if (writing !== undefined) return 'another snapshot is being written'
    return last !== undefined && index <= last ? `a snapshot at ${index} would not be newer than the one at ${last}` : undefined
  }

  return {
    snapshots: {
      newest: () => shelf.newest(),
      write: place => {
        const refused = refusal(place)
        if (refused !== undefined) return createWriter(fail(new Error(refused)), inTurn, later, () => undefined).writer
        let isOver = false
        const opened = createWriter(shelf.begin(place), inTurn, later, () => {
          isOver = true
          writing = undefined
        })
        if (!isOver) writing = opened
        return opened.writer
      },
      read: done => inTurn<SnapshotReader, Error>(opened => {
        if (isClosed) return opened(left(new Error(CLOSED)))
        shelf.open(outcome => opened(isLeft(outcome) ? outcome : right(openReader(outcome.right))))
      })(told(later, done)),
    },
    close: done => {
      isClosed = true
      const endWriter: Act<void, never> = ended => (writing === undefined ? ended(right(undefined)) : writing.end(CLOSED)(ended))
      const endReaders: Act<void, never> = inTurn(ended => inOrder(...readers)(ended))
      inOrder(endWriter, endReaders)(done)
    },
  }
}
