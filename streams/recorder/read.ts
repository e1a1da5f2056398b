import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Segment, type SegmentFault, readSegment } from '../../codecs/recording/index.js'
import { messageOf } from '../../codecs/report.js'
import { type Either, isLeft, left, right } from '../../lib/prelude.js'
import { segmentNumberIn } from './segment-ring.js'

/** A file is no recording, or not one that this version can read, or damaged. */
export class UnreadableRecording extends Error {
  override readonly name = 'UnreadableRecording'
  constructor(
    readonly file: string,
    /** Where in the file, in bytes. */
    readonly offset: number,
    reason: string,
    /** Nothing is wrong, but there is nothing to replay yet: its writer ended first. */
    readonly isUnfinished = false,
  ) {
    super(`${file} cannot be read as a flight recording at offset ${offset}: ${reason}.`)
  }
}

/** No recorder writes larger segments. */
const MAX_SEGMENT_BYTES = 2 ** 30

export const unreadable = (file: string, { offset, reason, isUnfinished }: SegmentFault): UnreadableRecording => new UnreadableRecording(file, offset, reason, isUnfinished)

const attempt = async <A>(file: string, act: () => Promise<A>): Promise<Either<UnreadableRecording, A>> => {
  try {
    return right(await act())
  } catch (thrown) {
    return left(new UnreadableRecording(typeof file === 'string' ? file : messageOf(file), 0, messageOf(thrown)))
  }
}

/** The segments at `path`, oldest first: those of a recorder's folder, or the one file that it names. Never rejects. */
export const recordingFiles = async (path: string): Promise<Either<UnreadableRecording, readonly string[]>> => {
  const found = await attempt(path, async () => (await stat(path)).isDirectory() ? await readdir(path) : undefined)
  if (isLeft(found)) return found
  const names = found.right
  if (names === undefined) return right([path])
  const files = names.flatMap(name => {
    const number = segmentNumberIn(name)
    return number === undefined ? [] : [{ name, number }]
  }).sort((a, b) => a.number - b.number).map(({ name }) => join(path, name))
  return files.length > 0 ? right(files) : left(new UnreadableRecording(path, 0, 'the folder holds no segment of a flight recording'))
}

/** One segment, whole in memory. Never rejects. */
export const readRecording = async (file: string): Promise<Either<UnreadableRecording, Segment>> => {
  const size = await attempt(file, async () => (await stat(file)).size)
  if (isLeft(size)) return size
  if (size.right > MAX_SEGMENT_BYTES) return left(new UnreadableRecording(file, 0, `it has ${size.right} bytes, more than any segment`))
  const bytes = await attempt(file, () => readFile(file))
  if (isLeft(bytes)) return bytes
  const segment = readSegment(bytes.right)
  return isLeft(segment) ? left(unreadable(file, segment.left)) : segment
}
