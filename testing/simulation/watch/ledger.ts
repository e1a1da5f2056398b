/** What one member has handed to its store, and what the store has called durable: held against what it finds after a crash. */
import { tap } from 'rxjs'
import { isRight, right } from '../../../lib/prelude.js'
import type { HardState, MemberId, Millis, Turn } from '../../../lib/types.js'
import type { Recovered, Storage, Store } from '../../../streams/storage/port.js'
import { type Image, type Piece, copyImage, emptyImage, putPiece, sumsOf } from './image.js'
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
}

interface Pending {
  readonly turn: Turn
  readonly pieces: readonly Piece[]
  readonly since: Millis
}

const sameVote = (a: HardState, b: HardState): boolean => a.term === b.term && a.votedFor === b.votedFor

/** Whether the store found just what `image` says; of older entries it tells the terms alone. */
const isFound = (image: Image, { lastIndex, terms, tail }: Recovered): boolean => {
  if (image.terms.length !== lastIndex) return false
  let run = -1
  const hasTerms = image.terms.every((term, at) => {
    if (terms[run + 1]?.firstIndex === at + 1) run++
    return terms[run]?.term === term
  })
  return hasTerms && tail.every(batch => sumsOf(batch).every((sum, at) => image.sums[batch.firstIndex - 1 + at] === sum))
}

const summary = ({ hardState, terms }: Image): string => `${terms.length} entries up to term ${terms.at(-1) ?? 0} and a vote for ${hardState.votedFor ?? 'nobody'} in term ${hardState.term}`

export const createLedger = (id: MemberId, now: () => Millis, { demand }: Judge): Ledger => {
  let durable = emptyImage()
  let written = emptyImage()
  let pending: Pending[] = []
  let next: readonly Piece[] = []

  /** A store may find more than it had promised, in the order in which it was handed over, and never less. */
  const reopened = (recovered: Recovered): void => {
    const candidate = copyImage(durable)
    const votes = [durable.hardState]
    let found = isFound(candidate, recovered) ? copyImage(candidate) : undefined
    for (const piece of pending.flatMap(({ pieces }) => pieces)) {
      if (piece.type === 'hardState') votes.push(piece.hardState)
      else putPiece(candidate, piece)
      if (isFound(candidate, recovered)) found = copyImage(candidate)
    }
    demand(found !== undefined, () => `${id} had made durable ${summary(durable)}, and finds ${recovered.lastIndex} entries up to term ${recovered.terms.at(-1)?.term ?? 0}`)
    const { hardState } = recovered
    demand(votes.some(vote => sameVote(vote, hardState)), () => `${id} had made durable ${summary(durable)}, and finds a vote for ${hardState.votedFor ?? 'nobody'} in term ${hardState.term}`)
    durable = found ?? durable
    durable.hardState = hardState
    written = copyImage(durable)
    pending = []
  }
  const persisted = (turn: Turn): void => {
    let done = 0
    for (; done < pending.length && pending[done]!.turn <= turn; done++) for (const piece of pending[done]!.pieces) putPiece(durable, piece)
    pending = pending.slice(done)
  }
  const watched = (store: Store): Store => ({
    ...store,
    events$: store.events$.pipe(tap(event => { if (event.type === 'persisted') persisted(event.turn) })),
    write: (turn, writes) => {
      pending.push({ turn, pieces: next, since: now() })
      store.write(turn, writes)
    },
  })

  return {
    written: () => written,
    durable: () => durable,
    asked: pieces => {
      next = pieces
      for (const piece of pieces) putPiece(written, piece)
    },
    waitingMs: () => pending[0] === undefined ? 0 : now() - pending[0].since,
    watch: storage => ({
      open: (owner, done) => storage.open(owner, outcome => {
        if (isRight(outcome)) reopened(outcome.right.recovered)
        done(isRight(outcome) ? right(watched(outcome.right)) : outcome)
      }),
    }),
    crashed: () => { written = copyImage(durable) },
  }
}
