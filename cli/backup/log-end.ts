/**
 * Where a copied log ends. Records are written by the segment's member meanwhile, so whoever reads ahead may miss one, and find the next, which says that the one
 * before is durable: that would pass for damage. So a copy ends where the records that are whole at one moment end, and the fill pattern follows, as in a segment that nobody
 * has written further. All that was durable before the segments were listed is before that.
 *
 * The segments are looked at from the newest on. One that holds no records is being prepared, and no part of the log; the one before it is looked
 * at later, so whatever it says is true of a log that has not gone over to the prepared one. A seal says that the log goes on in the next segment: where that is not
 * copied, the seal is not, either. What is before the one in which the copy ends was sealed before that one had its first record, and changes no more.
 */
import { Damaged } from '../../lib/errors.js'
import { type Either, isLeft, left } from '../../lib/prelude.js'
import type { Failure } from '../../streams/storage/files/store-file.js'
import { type Scanned, judge, scanFile } from '../../streams/storage/log/scan-file.js'
import { SEAL_BYTES } from '../../streams/storage/log/segment.js'
import { startError } from '../../streams/storage/store-folder.js'
import { settled } from '../folder/hold.js'
import { Trouble } from '../mistake.js'
import type { Sources } from './sources.js'

/** So often a segment is read again that seems to be damaged and may be in the midst of a write; then it is damaged. */
const MAX_READINGS = 20
const READ_AGAIN_MS = 10

export interface LogEnd extends Scanned {
  readonly number: number
  /** What of the segment is copied. */
  readonly copiedBytes: number
}

/** What a segment holds at some moment, or what is wrong with it for good. */
const look = async ({ disk }: Sources, folder: string, number: number): Promise<Either<Failure, Scanned>> => {
  for (let reading = 1; ; reading++) {
    const scanned = await settled<Scanned, Failure>(scanFile(disk, folder, number, () => undefined, () => undefined))
    const damage = isLeft(scanned) ? undefined : judge(scanned.right, undefined)
    if (damage === undefined) return scanned
    if (reading === MAX_READINGS) return left(damage)
    await new Promise(resolve => setTimeout(resolve, READ_AGAIN_MS))
  }
}

/** The segment in which the log of the copy ends; undefined where there is none. */
export const logEnd = async (sources: Sources, folder: string): Promise<LogEnd | undefined> => {
  const refused = (failure: Failure): Trouble => new Trouble(startError(folder, failure).message)
  /** What is wrong with a newer one: nothing, if the log has not come so far, for a start drops it then. */
  let doubt: Failure | undefined
  for (const number of sources.segments.toReversed()) {
    const scanned = await look(sources, folder, number)
    if (isLeft(scanned)) {
      if (!(scanned.left instanceof Damaged)) throw refused(scanned.left)
      doubt ??= scanned.left
      continue
    }
    const { end: { records, isSealed, tail } } = scanned.right
    if (records === 0) continue
    if (doubt !== undefined && isSealed) throw refused(doubt)
    return { ...scanned.right, number, copiedBytes: isSealed ? tail - SEAL_BYTES : tail }
  }
  if (doubt !== undefined) throw refused(doubt)
  return undefined
}
