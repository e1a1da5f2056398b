import type { Recycled } from '../../codecs/recycled.js'
import { MAX_CHUNK_BYTES } from '../../codecs/snapshots.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { Index, Snapshot } from '../../lib/types.js'
import { type Act, chain, fail, forEach, inOrder, map, oneAtATime, succeed } from '../act/act.js'
import { isAboutSpace } from './disk/file-access.js'
import type { SnapshotPlace, SnapshotReader, SnapshotReceiver, SnapshotWriter, Snapshots } from './port.js'

/** A snapshot that is being written, by whoever takes it or receives it; its acts come one at a time. */
export interface Draft {
  /** Appends a chunk of at least one byte and at most `MAX_CHUNK_BYTES`, which belongs to the caller again afterwards. */
  write(chunk: Uint8Array): Act<void, Error>
  /** Makes it the newest and removes the one before. */
  readonly finish: Act<Snapshot, Error>
  /** Leaves nothing of it behind, also after any of its acts has failed. */
  readonly discard: Act<void, unknown>
}

/** A snapshot that is being received. */
export interface Incoming extends Draft {
  /** So much of its contents is there. */
  written(): Pick<Snapshot, 'bytes' | 'checksum'>
  /** Lets go of it; what is there stays. */
  readonly close: Act<void, unknown>
}

/** A snapshot that is being read; its acts come one at a time. */
export interface Contents extends Pick<SnapshotReader, 'snapshot'> {
  readonly next: Act<Uint8Array | undefined, Error>
  readonly rewind: Act<void, Error>
  readonly close: Act<void, unknown>
}

/** Where snapshots are kept, without the rules of the port. `open` and the `finish` of drafts never overlap. */
export interface SnapshotShelf {
  newest(): Snapshot | undefined
  begin(place: SnapshotPlace): Act<Draft, Error>
  /** Takes up what is there of this very snapshot, and drops what is there of any other. */
  receive(snapshot: Snapshot): Act<Incoming, Error>
  /** Drops what was received of a snapshot up to `index`, of one that is not being received now. */
  forget(index: Index): Act<void, never>
  open(buffers: Recycled | undefined): Act<Contents, Error>
}

/** Answers some time after the call that asked, so that whoever asks in a loop does not build a tower of calls. */
type Later = (answer: () => void) => void

const CLOSED = 'the store is closed'
const NO_SPACE = 'the log needed the space that was left'

const told = <A>(later: Later, done: (outcome: Either<Error, A>) => void) => (outcome: Either<Error, A>): void => later(() => done(outcome))

function* cut(chunk: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += MAX_CHUNK_BYTES) yield chunk.subarray(at, at + MAX_CHUNK_BYTES)
}

/** One draft, from its beginning to its end. */
interface DraftLife<D extends Draft> {
  /** A failure discards the draft, and answers everything later. */
  step<A>(actOf: (draft: D) => Act<A, Error>): Act<A, Error>
  readonly finish: Act<Snapshot, Error>
  /** Ends it by `undo`, if it has not ended. */
  end(why: string, undo: (draft: D) => Act<unknown, unknown>): Act<void, never>
}

const discardOf = ({ discard }: Draft): Act<void, unknown> => discard

/** `finishing` keeps `finish` apart from what must not overlap with it; `ended` is called once nothing of it is left to do. */
const createLife = <D extends Draft>(begin: Act<D, Error>, finishing: (draft: D) => Act<Snapshot, Error>, ended: () => void): DraftLife<D> => {
  const inTurn = oneAtATime()
  /** Left once it has ended, with the reason. */
  let draft: Either<Error, D> = left(new Error('the snapshot has not begun'))
  const over = (why: Error): void => {
    draft = left(why)
    ended()
  }
  const endBy = (why: Error, undo: (draft: D) => Act<unknown, unknown>): Act<void, never> => done => {
    if (isLeft(draft)) return done(right(undefined))
    undo(draft.right)(() => {
      over(why)
      done(right(undefined))
    })
  }
  const step = <A>(actOf: (draft: D) => Act<A, Error>): Act<A, Error> => inTurn(done => {
    if (isLeft(draft)) return done(draft)
    actOf(draft.right)(outcome => (isLeft(outcome) ? endBy(outcome.left, discardOf)(() => done(outcome)) : done(outcome)))
  })
  inTurn((done: (outcome: Either<Error, D>) => void) => begin(outcome => {
    if (isLeft(outcome)) over(outcome.left)
    else draft = outcome
    done(outcome)
  }))(() => undefined)

  return {
    step,
    finish: step(current => done => finishing(current)(outcome => {
      if (!isLeft(outcome)) over(new Error('the snapshot is finished'))
      done(outcome)
    })),
    end: (why, undo) => inTurn(endBy(new Error(why), undo)),
  }
}

const writerOf = ({ step, finish, end }: DraftLife<Draft>, later: Later): SnapshotWriter => ({
  write: (chunk, done) => step(({ write }) => forEach(cut(chunk), write))(told(later, done)),
  finish: done => finish(told(later, done)),
  abort: done => end('the snapshot was given up', discardOf)(() => later(done)),
})

const receiverOf = ({ step, finish, end }: DraftLife<Incoming>, { bytes }: Snapshot, received: number, later: Later): SnapshotReceiver => ({
  received,
  write: (chunk, done) => step(({ write, written }) => (written().bytes + chunk.length > bytes
    ? fail(new Error(`a snapshot of ${bytes} bytes cannot have ${chunk.length} bytes at ${written().bytes}`))
    : forEach(cut(chunk), write)))(told(later, done)),
  finish: done => finish(told(later, done)),
  close: done => end('the snapshot was let go of', ({ close }) => close)(() => later(done)),
})

/** Whether what was received is all of the snapshot, and nothing else. */
const checked = ({ bytes, checksum }: Snapshot, { written, finish }: Incoming): Act<Snapshot, Error> => {
  const found = written()
  return found.bytes === bytes && found.checksum === checksum ? finish
    : fail(new Error(`the ${found.bytes} bytes that were received are not the contents of the snapshot, which has ${bytes}`))
}

/** The reading of `contents`, one step at a time; `ended` hears of its end. */
const createReader = ({ snapshot, next, rewind, close }: Contents, later: Later, ended: () => void): { readonly reader: SnapshotReader; readonly end: Act<void, never> } => {
  const oneStep = oneAtATime()
  let isOpen = true
  const end: Act<void, never> = oneStep(done => {
    if (!isOpen) return done(right(undefined))
    isOpen = false
    ended()
    close(() => done(right(undefined)))
  })
  const step = <A>(act: Act<A, Error>): Act<A, Error> => oneStep(done => (isOpen ? act(done) : done(left(new Error('the snapshot is closed')))))
  return {
    reader: {
      snapshot,
      next: done => step(next)(told(later, done)),
      rewind: done => step(rewind)(told(later, done)),
      close: done => end(() => later(done)),
    },
    end,
  }
}

interface Slot<D extends Draft> {
  open(): DraftLife<D> | undefined
  begin(begin: Act<D, Error>, finishing: (draft: D) => Act<Snapshot, Error>): DraftLife<D>
}

/** Ends the one that is open when its turn comes, if one is. */
const endOf = <D extends Draft>(slot: Slot<D>, why: string, undo: (draft: D) => Act<unknown, unknown>): Act<void, never> =>
  done => (slot.open()?.end(why, undo) ?? succeed(undefined))(done)

/** One session at a time: `open` is the one that has not ended. */
const createSlot = <D extends Draft>(): Slot<D> => {
  let open: DraftLife<D> | undefined
  return {
    open: () => open,
    begin: (begin: Act<D, Error>, finishing: (draft: D) => Act<Snapshot, Error>): DraftLife<D> => {
      let isOver = false
      const life = createLife(begin, finishing, () => {
        isOver = true
        open = undefined
      })
      if (!isOver) open = life
      return life
    },
  }
}

interface ServedSnapshots {
  readonly snapshots: Snapshots
  /** What is being written or received is given up, or was let go of, and leaves nothing behind. */
  readonly giveUp: Act<void, never>
  /** Ends what is being written, received or read. */
  readonly close: Act<void, never>
}

/** What becomes of a part of a snapshot that nobody receives now. */
const partKeeping = (shelf: SnapshotShelf, receiving: Slot<Incoming>) => {
  /** What was received up to `index` is dropped. */
  const forget = (index: Index): Act<void, never> => done => (receiving.open() === undefined ? shelf.forget(index) : succeed(undefined))(done)
  /** Where there is no room for what is being written it gives up its own: the next attempt has it. */
  const makingRoom = <A>(act: Act<A, Error>): Act<A, Error> => done => act(outcome => {
    if (isLeft(outcome) && isAboutSpace(outcome.left)) forget(Number.POSITIVE_INFINITY)(() => done(outcome))
    else done(outcome)
  })
  const draftAt = (place: SnapshotPlace): Act<Draft, Error> => map(makingRoom(shelf.begin(place)), (draft): Draft =>
    ({ write: chunk => makingRoom(draft.write(chunk)), finish: makingRoom(draft.finish), discard: draft.discard }))
  return { forget, draftAt }
}

/** Keeps the rules of the port for snapshots that lie on `shelf`. */
export const serveSnapshots = (shelf: SnapshotShelf, later: Later): ServedSnapshots => {
  const inTurn = oneAtATime()
  const readers = new Set<Act<void, never>>()
  const writing = createSlot<Draft>()
  const receiving = createSlot<Incoming>()
  const { forget, draftAt } = partKeeping(shelf, receiving)
  let isClosed = false

  const notNewer = ({ index }: SnapshotPlace): string | undefined => {
    const last = shelf.newest()?.index
    return last !== undefined && index <= last ? `a snapshot at ${index} would not be newer than the one at ${last}` : undefined
  }
  const refusal = (place: SnapshotPlace, other: DraftLife<Incoming> | DraftLife<Draft> | undefined, doing: string): Error | undefined => {
    const why = isClosed ? CLOSED : other !== undefined ? `another snapshot is being ${doing}` : notNewer(place)
    return why === undefined ? undefined : new Error(why)
  }
  /** One is written while another is received: only the first of the two to end is newer than the newest for certain. */
  const finishing = (place: SnapshotPlace, finish: Act<Snapshot, Error>): Act<Snapshot, Error> => inTurn(done => {
    const why = notNewer(place)
    if (why === undefined) chain(finish, snapshot => map(forget(snapshot.index), () => snapshot))(done)
    else done(left(new Error(why)))
  })

  return {
    snapshots: {
      newest: () => shelf.newest(),
      write: place => {
        const refused = refusal(place, writing.open(), 'written')
        const life = refused === undefined ? writing.begin(draftAt(place), draft => finishing(place, draft.finish))
          : createLife<Draft>(fail(refused), ({ finish }) => finish, () => undefined)
        return writerOf(life, later)
      },
      receive: (snapshot, done) => {
        const refused = refusal(snapshot, receiving.open(), 'received')
        if (refused !== undefined) return later(() => done(left(refused)))
        const life = receiving.begin(shelf.receive(snapshot), incoming => finishing(snapshot, checked(snapshot, incoming)))
        life.step(({ written }) => succeed(receiverOf(life, snapshot, written().bytes, later)))(told(later, done))
      },
      read: (done, buffers) => inTurn<SnapshotReader, Error>(opened => {
        if (isClosed) return opened(left(new Error(CLOSED)))
        shelf.open(buffers)(outcome => {
          if (isLeft(outcome)) return opened(outcome)
          const { reader, end } = createReader(outcome.right, later, () => readers.delete(end))
          readers.add(end)
          opened(right(reader))
        })
      })(told(later, done)),
    },
    giveUp: inOrder(
      endOf(writing, NO_SPACE, discardOf), endOf(receiving, NO_SPACE, discardOf),
      forget(Number.POSITIVE_INFINITY),
    ),
    close: done => {
      isClosed = true
      const endReaders: Act<void, never> = inTurn(ended => inOrder(...readers)(ended))
      inOrder(endOf(writing, CLOSED, discardOf), endOf(receiving, CLOSED, ({ close }) => close), endReaders)(done)
    },
  }
}
