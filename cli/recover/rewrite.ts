/** The change itself, through the storage that a member writes with. */
import { firstValueFrom, map as mapped } from 'rxjs'
import { openLog } from '../../lib/log.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { EntryId, HardState } from '../../lib/types.js'
import { chain, ensure, map } from '../../streams/act/act.js'
import { openToMend } from '../../streams/storage/file.js'
import { HARD_STATE_FILE, openHardState } from '../../streams/storage/files/hard-state-file.js'
import type { Failure } from '../../streams/storage/files/store-file.js'
import { type HeldFolder, carriedOut } from '../folder/hold.js'
import { Trouble } from '../mistake.js'
import type { Plan } from './plan.js'

/** The newest entries that have to be in memory: the last batch alone. */
const TAIL_BYTES = 1

/** Writes what `change` makes of the hard state, and answers with that once it is durable. */
const rewriteHardState = ({ folder, disk }: HeldFolder, change: (found: HardState) => HardState): Promise<HardState> =>
  carriedOut(folder, chain(openHardState(disk, `${folder}/${HARD_STATE_FILE}`, () => undefined), file => {
    const next = change(file.found)
    return ensure<HardState, Failure>(map(file.write(next), () => next), file.close)
  }))

/** Appends the membership of one at `entry`. */
const append = async ({ folder, disk }: HeldFolder, { clusterId, id, before, after, time }: Plan, entry: EntryId, now: number): Promise<void> => {
  const store = await carriedOut(folder, openToMend(disk, folder, { clusterId, id, membership: before, tailBytes: TAIL_BYTES }))
  const log = openLog(store.recovered)
  const answer = firstValueFrom(store.events$.pipe(mapped((event): Either<string, void> => event.type === 'persisted' ? right(undefined) : left(event.type === 'writeFailed' ? event.error.message : event.type))))
  store.write(1, [
    { type: 'append', batches: [{ kind: 'membership', firstIndex: entry.index, term: entry.term, count: 1, time: Math.max(log.time, time, now), membership: after }] },
  ])
  const written = await answer
  await new Promise<void>(resolve => store.close(resolve))
  if (isLeft(written)) throw new Trouble(`the membership could not be appended: ${written.left}.`)
}

/**
 * Appends the membership of one in a term that nobody has been in here, with this member's own vote in it. Answers where it stands, once it is durable. A commitIndex
 * after the end of the log, with which no member starts, is taken back only then: until then it is all that tells of what was lost.
 */
export const makeAlone = async (held: HeldFolder, plan: Plan, now: number): Promise<EntryId> => {
  const { id, last, lostTo } = plan
  // No newcomer, whatever it was: it is to lead alone.
  const { term } = await rewriteHardState(held, found => ({ term: Math.max(last.term, found.term) + 1, votedFor: id, commitIndex: found.commitIndex }))
  const entry = { index: last.index + 1, term }
  await append(held, plan, entry, now)
  if (lostTo !== undefined) await rewriteHardState(held, found => ({ ...found, commitIndex: Math.min(found.commitIndex, last.index) }))
  return entry
}
