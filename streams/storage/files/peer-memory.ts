/** Whom this member has met. It stands in the identity file, which is replaced whole. */
import type { Identity } from '../../../codecs/records.js'
import { type Either, isLeft, left, right } from '../../../lib/prelude.js'
import type { Incarnation, MemberId } from '../../../lib/types.js'
import { type Act, inOrder, oneAtATime, orUndo, succeed } from '../../act/act.js'
import type { Cancel, Clock } from '../../time/clock.js'
import type { Disk } from '../disk/disk.js'
import { isAboutSpace, sweep, syncFolder } from '../disk/file-access.js'
import { hasNotBegun } from '../disk/guarded-disk.js'
import { IDENTITY_FILE, identityBytes } from './identity-file.js'
import { publish, temporary, writeTemporary } from './store-file.js'

/** After so long it is tried again to strike out who could not be struck out. */
const FORGET_AGAIN_MS = 30_000

export interface PeerMemoryOptions {
  readonly disk: Disk
  readonly folder: string
  readonly identity: Identity
  readonly clock: Pick<Clock, 'after'>
  /** Gives back space, so that a peer can be let in. */
  readonly makeRoom: Act<void, never>
  /** Nobody knows any more what the folder holds: the store's end. */
  readonly fail: (error: Error) => void
  readonly hasFailed: () => boolean
}

export interface PeerMemory {
  remember(peer: MemberId, incarnation: Incarnation): Act<void, Error>
  /** Whoever could not be struck out is struck out with whatever is written next, and for that it is tried again after a while. */
  forget(gone: readonly MemberId[]): Act<void, Error>
  /** Begins nothing more by itself, and waits for what is under way. */
  readonly close: Act<void, never>
}

type Written = Either<NodeJS.ErrnoException, void>

/** Writes one identity in the place of another: what fails before the rename, or has not begun after it, costs this act alone, and the next one begins with the whole file again. */
const replacing = ({ disk, folder, fail, hasFailed }: PeerMemoryOptions) => (next: Identity): Act<void> => done => {
  if (hasFailed()) return done(left(new Error('the store has failed')))
  const path = `${folder}/${IDENTITY_FILE}`
  orUndo(writeTemporary(disk, path, identityBytes(next)), sweep(disk, temporary(path)))(written => {
    if (isLeft(written)) return done(written)
    inOrder(publish(disk, path), syncFolder(disk, folder))((published: Written) => {
      if (isLeft(published) && !hasNotBegun(published.left)) fail(published.left)
      done(published)
    })
  })
}

/** Remembers one peer at a time. */
export const createPeerMemory = (options: PeerMemoryOptions): PeerMemory => {
  const { clock, makeRoom } = options
  const inTurn = oneAtATime()
  const replace = replacing(options)
  /** What the file says for certain. */
  let identity = options.identity
  /** Whom it still names, though nobody knows them any more. */
  let gone: ReadonlySet<MemberId> = new Set()
  let again: Cancel | undefined
  let isClosed = false

  const save = (met: Readonly<Record<MemberId, Incarnation>>): Act<void> => done => {
    const kept = Object.entries(identity.peers).filter(([peer]) => !gone.has(peer))
    const next = { ...identity, peers: { ...Object.fromEntries(kept), ...met } }
    replace(next)(outcome => {
      if (!isLeft(outcome)) {
        identity = next
        gone = new Set()
      }
      done(outcome)
    })
  }
  const remember = (peer: MemberId, incarnation: Incarnation): Act<void> => done => {
    if (identity.peers[peer] === incarnation) {
      gone = new Set([...gone].filter(one => one !== peer))
      return done(right(undefined))
    }
    const met = save({ [peer]: incarnation })
    met(outcome => {
      if (!isLeft(outcome)) done(outcome)
      else if (isAboutSpace(outcome.left)) makeRoom(() => met(done))
      else if (hasNotBegun(outcome.left)) met(done)
      else done(outcome)
    })
  }
  const strikeOut: Act<void> = done => {
    if (gone.size === 0) return done(right(undefined))
    save({})(outcome => {
      if (isLeft(outcome) && !isClosed && !options.hasFailed()) again ??= clock.after(FORGET_AGAIN_MS, () => {
        again = undefined
        inTurn(strikeOut)(() => undefined)
      })
      done(outcome)
    })
  }
  return {
    remember: (peer, incarnation) => inTurn(remember(peer, incarnation)),
    forget: peers => inTurn(done => {
      gone = new Set([...gone, ...peers.filter(peer => identity.peers[peer] !== undefined)])
      strikeOut(done)
    }),
    close: done => {
      isClosed = true
      again?.()
      inTurn(succeed(undefined))(done)
    },
  }
}
