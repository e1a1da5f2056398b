/** What one member has handed to its store, and what the store has called durable: held against what it finds after a crash. */
import { type Observable, Subject, tap } from 'rxjs'
import { isSameVote } from '../../../lib/hard-state.js'
import { isRight, right } from '../../../lib/prelude.js'
import type { Write } from '../../../lib/events.js'
import type { HardState, Index, MemberId, Millis, Snapshot, Turn } from '../../../lib/types.js'
import type { Recovered, Storage, StorageEvent, Store } from '../../../streams/storage/port.js'
import { type Entries, type Image, type Piece, copyImage, emptyImage, prefixOf, putPiece, sameEntry, sumsOf } from './image.js'
import type { Judge } from './violation.js'

export interface Ledger {
  /** What has been handed over, durable or not. */
  readonly written: () => Image
  /** What a crash leaves behind for certain. */
  readonly durable: () => Image
  /** How long the oldest write has been waiting. */
  readonly waitingMs: () => Millis
  /** A step asks to write this; the store will be handed it next. */
  readonly asked: (pieces: readonly Piece[]) => void
  /** The same storage, looked on. */
  readonly watch: (storage: Storage) => Storage
  /** The process is gone: of what was not durable anything may be left. */
  readonly crashed: () => void
  /** Its disk is another one, and empty. */
  readonly emptied: () => void
}

interface Pending {
  readonly turn: Turn
  readonly pieces: readonly Piece[]
  readonly since: Millis
}

/** Whether the store found just what `image` says; of older entries it tells the terms alone, and of those before its base nothing. */
const isFound = (image: Image, { base, lastIndex, terms, tail }: Recovered): boolean => {
  if (image.terms.length !== lastIndex || (base.index > 0 && image.terms[base.index - 1] !== base.term)) return false
  let run = -1
  const hasTerms = image.terms.every((term, at) => {
    if (at < base.index) return true
    if (terms[run + 1]?.firstIndex === at + 1) run++
    return terms[run]?.term === term
  })
  return hasTerms && tail.every(batch => sumsOf(batch).every((sum, at) => image.sums[batch.firstIndex - 1 + at] === sum))
}

const summary = ({ hardState, terms }: Image): string => `${terms.length} entries up to term ${terms.at(-1) ?? 0} and a vote for ${hardState.votedFor ?? 'nobody'} in term ${hardState.term}`

/** What a start makes of a log and a snapshot: one that the log does not hold is what the log begins from. */
const settled = (image: Image, snapshot: Snapshot | undefined, history: Entries): Image =>
  snapshot === undefined || sameEntry(history, image, snapshot.index) ? image : { hardState: image.hardState, ...prefixOf(history, snapshot.index) }

/** Up to where these give up the log: that may go once a snapshot that stands for it is durable, and not before. */
const cutsIn = (writes: readonly Write[]): readonly Index[] => writes.flatMap(write => write.type === 'compact' || write.type === 'install' ? [write.base.index] : [])

/** Which of the images that a crash can have left was found, and the votes that it can have left. */
const lookFor = (recovered: Recovered, durable: Image, pending: readonly Pending[], settle: (image: Image) => Image): { readonly found: Image | undefined; readonly votes: readonly HardState[] } => {
  const candidate = copyImage(durable)
  const votes = [durable.hardState]
  let found: Image | undefined
  const look = (): void => {
    const image = settle(candidate)
    if (isFound(image, recovered)) found = copyImage(image)
  }
  look()
  for (const piece of pending.flatMap(({ pieces }) => pieces)) {
    if (piece.type === 'hardState') votes.push(piece.hardState)
    else putPiece(candidate, piece)
    look()
  }
  return { found, votes }
}

/** `hear` hears of each event before anybody else, and once, however many listen. */
const overheard = (events$: Observable<StorageEvent>, hear: (event: StorageEvent) => void): Observable<StorageEvent> => {
  const events = new Subject<StorageEvent>()
  events$.pipe(tap(hear)).subscribe(events)
  return events.asObservable()
}

/** What is still pending once the writes up to `turn` are in the image. */
const putUpTo = (image: Image, pending: readonly Pending[], turn: Turn): Pending[] => {
  const later = pending.findIndex(write => write.turn > turn)
  const done = later < 0 ? pending.length : later
  for (const { pieces } of pending.slice(0, done)) for (const piece of pieces) putPiece(image, piece)
  return pending.slice(done)
}

/** `history` is all that was ever committed. */
export const createLedger = (id: MemberId, now: () => Millis, history: () => Entries, { demand }: Judge): Ledger => {
  /** The newest snapshot, whose contents may be damaged, and the highest that ever was. */
  let newest: () => Snapshot | undefined = () => undefined
  let covered: Index = 0
  let durable = emptyImage()
  let written = emptyImage()
  let pending: Pending[] = []
  let next: readonly Piece[] = []

  /** A store may find more than it had promised, in the order in which it was handed over, and never less. */
  const reopened = (recovered: Recovered): void => {
    const snapshot = newest()
    demand(snapshot === undefined || history().terms[snapshot.index - 1] === snapshot.term, () => `${id} has a snapshot at ${snapshot?.index}@${snapshot?.term}, which was not committed`)
    const { found, votes } = lookFor(recovered, durable, pending, image => settled(image, snapshot, history()))
    demand(found !== undefined, () => `${id} had made durable ${summary(durable)}, and finds ${recovered.lastIndex} entries up to term ${recovered.terms.at(-1)?.term ?? 0}`)
    const { hardState } = recovered
    demand(votes.some(vote => isSameVote(vote, hardState)), () => `${id} had made durable ${summary(durable)}, and finds a vote for ${hardState.votedFor ?? 'nobody'} in term ${hardState.term}`)
    durable = found ?? durable
    durable.hardState = hardState
    written = copyImage(durable)
    pending = []
  }
  const persisted = (turn: Turn): void => { pending = putUpTo(durable, pending, turn) }
  const checkCut = (writes: readonly Write[]): void => {
    covered = Math.max(covered, newest()?.index ?? 0)
    for (const index of cutsIn(writes)) demand(index <= covered, () => `${id} gives up its log up to ${index}, and no snapshot beyond ${covered} is durable`)
  }
  const watched = (store: Store): Store => ({
    ...store,
    events$: overheard(store.events$, event => { if (event.type === 'persisted') persisted(event.turn) }),
    write: (turn, writes) => {
      checkCut(writes)
      pending.push({ turn, pieces: next, since: now() })
      store.write(turn, writes)
    },
  })

  return {
    written: () => written,
    durable: () => settled(durable, newest(), history()),
    asked: pieces => {
      next = pieces
      for (const piece of pieces) putPiece(written, piece)
    },
    waitingMs: () => pending[0] === undefined ? 0 : now() - pending[0].since,
    watch: storage => ({
      open: (owner, done) => storage.open(owner, outcome => {
        if (!isRight(outcome)) return done(outcome)
        newest = outcome.right.snapshots.newest
        reopened(outcome.right.recovered)
        done(right(watched(outcome.right)))
      }),
    }),
    crashed: () => { written = copyImage(settled(durable, newest(), history())) },
    emptied: () => {
      ;[newest, covered] = [() => undefined, 0]
      ;[durable, written, pending, next] = [emptyImage(), emptyImage(), [], []]
    },
  }
}
