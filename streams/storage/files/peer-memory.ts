/** Whom this member has met. It stands in the identity file, which is replaced whole. */
import type { Identity } from '../../../codecs/records.js'
import { type Either, isLeft, right } from '../../../lib/prelude.js'
import type { Incarnation, MemberId } from '../../../lib/types.js'
import { type Act, chain, fail, inOrder, oneAtATime, orUndo, succeed } from '../../act/act.js'
import type { Cancel, Clock } from '../../time/clock.js'
import type { Disk } from '../disk/disk.js'
import { isAboutSpace, sweep, syncFolder } from '../disk/file-access.js'
import { hasNotBegun } from '../disk/guarded-disk.js'
import { IDENTITY_FILE, identityBytes } from './identity-file.js'
import { publish, temporary, writeTemporary } from './store-file.js'

/** After so long it is tried again to strike out who could not be struck out, and to make certain what is in doubt. */
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

const identityPath = ({ folder }: PeerMemoryOptions): string => `${folder}/${IDENTITY_FILE}`

/** Writes an identity beside the one that counts: what fails costs this act alone, and the next one begins with the whole file again. */
const written = (options: PeerMemoryOptions, next: Identity): Act<void> => {
  if (options.hasFailed()) return fail(new Error('the store has failed'))
  const path = identityPath(options)
  return orUndo(writeTemporary(options.disk, path, identityBytes(next)), sweep(options.disk, temporary(path)))
}

/** Puts what was written in the place of the identity that counted. */
const published = (options: PeerMemoryOptions): Act<void> => done =>
  inOrder(publish(options.disk, identityPath(options)), syncFolder(options.disk, options.folder))((outcome: Written) => {
    if (isLeft(outcome) && !hasNotBegun(outcome.left)) options.fail(outcome.left)
    done(outcome)
  })

/** One identity in the place of another; `renaming` is called before that can have happened. */
const replaced = (options: PeerMemoryOptions, next: Identity, renaming: () => void): Act<void> => chain(written(options, next), () => {
  renaming()
  return published(options)
})

/** Remembers one peer at a time. */
export const createPeerMemory = (options: PeerMemoryOptions): PeerMemory => {
  const { clock, makeRoom } = options
  const inTurn = oneAtATime()
  /** What the file says, unless that is in doubt. */
  let identity = options.identity
  /** Whom it still names, though nobody knows them any more. */
  let gone: ReadonlySet<MemberId> = new Set()
  /** A rename was asked for, and no sync has succeeded since: the file may say either. */
  let isInDoubt = false
  let again: Cancel | undefined
  let isClosed = false

  const save = (met: Readonly<Record<MemberId, Incarnation>>): Act<void> => done => {
    const kept = Object.entries(identity.peers).filter(([peer]) => !gone.has(peer))
    const next = { ...identity, peers: { ...Object.fromEntries(kept), ...met } }
    replaced(options, next, () => { isInDoubt = true })(outcome => {
      if (isLeft(outcome)) tryAgain()
      else {
        identity = next
        gone = new Set()
        isInDoubt = false
      }
      done(outcome)
    })
  }
  const remember = (peer: MemberId, incarnation: Incarnation): Act<void> => done => {
    if (!isInDoubt && identity.peers[peer] === incarnation) {
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
  const isAsSaid = (): boolean => gone.size === 0 && !isInDoubt
  const strikeOut: Act<void> = done => (isAsSaid() ? done(right(undefined)) : save({})(done))
  const tryAgain = (): void => {
    if (isAsSaid() || isClosed || options.hasFailed()) return
    again ??= clock.after(FORGET_AGAIN_MS, () => {
      again = undefined
      inTurn(strikeOut)(() => undefined)
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
