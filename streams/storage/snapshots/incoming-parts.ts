import { right } from '../../../lib/prelude.js'
import type { Index, Snapshot } from '../../../lib/types.js'
import { type Act, chain, map, oneAtATime, succeed } from '../../act/act.js'
import { sweep } from '../disk/file-access.js'
import type { CheckOwner } from '../files/store-file.js'
import { type Standing, openIncoming } from './receive-snapshot.js'
import { incomingName, incomingNamed } from './snapshot-file.js'
import type { DraftFile, SnapshotFolder } from './write-snapshot.js'

/** What there is of a snapshot that was being received, of one at a time. */
export interface IncomingParts {
  /** Takes up what is there of this very snapshot, and drops what is there of any other. */
  receive(snapshot: Snapshot): Act<DraftFile>
  /** It has become a snapshot. */
  finished(): void
  /** Drops it, if it is of one up to `index`. */
  forget(index: Index): Act<void, never>
}

/** `found` is the name of what the start has found. */
export const incomingParts = (options: SnapshotFolder, checkOwner: CheckOwner, found: string | undefined): IncomingParts => {
  const { disk, folder } = options
  /** Nothing is received under a name that is being removed. */
  const inTurn = oneAtATime()
  /** Doubtful from when somebody goes on with it until that was made to last, for its sync may fail. */
  let part: { readonly name: string; readonly standing: Standing } | undefined = found === undefined ? undefined : { name: found, standing: 'found' }
  const drop: Act<void, never> = done => {
    if (part === undefined) return done(right(undefined))
    const { name } = part
    part = undefined
    sweep(disk, `${folder}/${name}`)(() => done(right(undefined)))
  }
  return {
    receive: snapshot => inTurn(done => {
      const name = incomingName(snapshot)
      const there = part?.name === name ? part : undefined
      chain(there === undefined ? drop : succeed(undefined), () => {
        part = { name, standing: 'doubtful' }
        return map(openIncoming(options, snapshot, there?.standing ?? 'doubtful', checkOwner), (draft): DraftFile =>
          ({ ...draft, keep: map(draft.keep, () => { part = { name, standing: 'kept' } }) }))
      })(done)
    }),
    finished: () => { part = undefined },
    forget: index => inTurn(done => (part !== undefined && (incomingNamed(part.name)?.index ?? 0) <= index ? drop : succeed(undefined))(done)),
  }
}
