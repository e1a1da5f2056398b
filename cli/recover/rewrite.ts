/** The change itself, through the storage that a member writes with. */
import { firstValueFrom, map } from 'rxjs'
import { lastEntry, openLog } from '../../lib/log.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import type { StartError } from '../../lib/errors.js'
import type { EntryId, Index } from '../../lib/types.js'
import { chain, ensure } from '../../streams/act/act.js'
import { fileStorage } from '../../streams/storage/file.js'
import { HARD_STATE_FILE, openHardState } from '../../streams/storage/files/hard-state-file.js'
import type { Failure } from '../../streams/storage/files/store-file.js'
import type { Store } from '../../streams/storage/port.js'
import { type HeldFolder, carriedOut } from '../folder/hold.js'
import { Trouble } from '../mistake.js'
import type { Plan } from './plan.js'

/** The newest entries that have to be in memory: the last batch alone. */
const TAIL_BYTES = 1

/** Opens the store of a folder that is held already: its lock is not taken a second time. */
const openStore = ({ folder, disk }: HeldFolder, { clusterId, id, before }: Plan): Promise<Either<StartError, Store>> => new Promise(resolve =>
  fileStorage(folder, { disk: { ...disk, lock: (_path, done) => done(right({ release: released => released(right(undefined)) })) } })
    .open({ clusterId, id, membership: before, tailBytes: TAIL_BYTES }, resolve))

/** Takes back a commitIndex after the end of the log, with which no member starts. */
const takeBack = ({ folder, disk }: HeldFolder, last: Index): Promise<void> =>
  carriedOut(folder, chain(openHardState(disk, `${folder}/${HARD_STATE_FILE}`, () => undefined), file =>
    ensure<void, Failure>(file.write({ ...file.found, commitIndex: Math.min(file.found.commitIndex, last) }), file.close)))

/** Appends the membership of one in a term that nobody has been in here, with this member's own vote in it. Answers where it stands, once it is durable. */
export const makeAlone = async (held: HeldFolder, plan: Plan, now: number): Promise<EntryId> => {
  if (plan.lostTo !== undefined) await takeBack(held, plan.last.index)
  const opened = await openStore(held, plan)
  if (isLeft(opened)) throw new Trouble(opened.left.message)
  const store = opened.right
  const { recovered: { hardState, ...stored } } = store
  const log = openLog(stored)
  const last = lastEntry(log)
  const entry: EntryId = { index: last.index + 1, term: Math.max(last.term, hardState.term) + 1 }
  const answer = firstValueFrom(store.events$.pipe(map((event): Either<string, void> => event.type === 'persisted' ? right(undefined) : left(event.type === 'writeFailed' ? event.error.message : event.type))))
  store.write(1, [
    // No newcomer, whatever it was: it is to lead alone.
    { type: 'hardState', hardState: { term: entry.term, votedFor: plan.id, commitIndex: hardState.commitIndex } },
    { type: 'append', batches: [{ kind: 'membership', firstIndex: entry.index, term: entry.term, count: 1, time: Math.max(log.time, plan.time, now), membership: plan.after }] },
  ])
  const written = await answer
  await new Promise<void>(resolve => store.close(resolve))
  if (isLeft(written)) throw new Trouble(`The folder could not be changed: ${written.left}. The copy holds what it was.`)
  return entry
}
