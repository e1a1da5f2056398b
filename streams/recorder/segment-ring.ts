import { isLeft } from '../../lib/prelude.js'
import { type Act, chain, fail, forEach, inOrder, map, succeed } from '../act/act.js'
import type { Disk, DiskFile } from '../storage/disk/disk.js'
import { listFolder, openFile, removeFile, sizeOf, withFile, writeFully } from '../storage/disk/file-access.js'
import { strangersIn } from '../storage/disk/strangers.js'

export interface SegmentRingOptions {
  readonly disk: Disk
  readonly folder: string
  /** What all files of the folder may take up together. */
  readonly maxBytes: number
  /** What one file will take up at most. */
  readonly segmentBytes: number
  /** Hears of the first failure; nothing is written after it. */
  failed(error: NodeJS.ErrnoException): void
  /** Hears each time that all is written that was handed over. */
  rested(): void
}

/** Files that are written one after the other, of which the oldest go when there is no more room. Nothing is synced. */
export interface SegmentRing {
  /** What is appended from here on goes into the next file. */
  begin(): void
  append(bytes: Uint8Array): void
  /** Bytes handed over and not yet written. */
  held(): number
  /** Writes what is held and lets go of the files. */
  close(done: () => void): void
}

const nameOf = (number: number): string => `flight-${String(number).padStart(8, '0')}.rxr`
/** The number in a segment's name, or undefined for another file. */
export const segmentNumberIn = (name: string): number | undefined => {
  const digits = /^flight-(\d{8,15})\.rxr$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

interface StoredSegment {
  readonly number: number
  bytes: number
}

/** A folder without a segment is recorded into only where nobody else has put anything. */
const checkFree = (disk: Disk, folder: string, names: readonly string[]): Act<void> =>
  chain(strangersIn(disk, folder, names, () => false), found => found === undefined ? succeed(undefined) : fail(new Error(`${folder} is no folder of a recorder, and ${found}`)))

/** The segments that earlier runs left, oldest first: they stay until there is no more room. */
const findSegments = (disk: Disk, folder: string): Act<StoredSegment[]> => {
  const make: Act<void> = done => disk.makeDirectory(folder, done)
  return chain(make, () => chain(listFolder(disk, folder), names => {
    const found: StoredSegment[] = []
    const numbers = names.flatMap(name => segmentNumberIn(name) ?? []).sort((a, b) => a - b)
    const free = numbers.length === 0 ? checkFree(disk, folder, names) : succeed(undefined)
    return map(inOrder(free, forEach(numbers, number => map(withFile(disk, `${folder}/${nameOf(number)}`, 'read', sizeOf), bytes => found.push({ number, bytes })))), () => found)
  }))
}

type Task = { readonly type: 'begin' } | { readonly type: 'append'; readonly bytes: Uint8Array }

/** Where the ring stands; its acts run one at a time. */
interface Ring {
  readonly options: SegmentRingOptions
  readonly segments: StoredSegment[]
  file: DiskFile | undefined
}

const makeRoom = ({ options: { disk, folder, maxBytes, segmentBytes }, segments }: Ring): Act<void> => {
  let used = segments.reduce((sum, { bytes }) => sum + bytes, 0)
  const leaving: StoredSegment[] = []
  for (const segment of segments) {
    if (used + segmentBytes <= maxBytes) break
    leaving.push(segment)
    used -= segment.bytes
  }
  return map(forEach(leaving, ({ number }) => removeFile(disk, `${folder}/${nameOf(number)}`)), () => void segments.splice(0, leaving.length))
}

const closeFile = (ring: Ring): Act<void> => {
  const { file } = ring
  ring.file = undefined
  return file === undefined ? succeed(undefined) : file.close
}

const beginNext = (ring: Ring): Act<void> => {
  const { options: { disk, folder }, segments } = ring
  const open = (): Act<void> => {
    const number = (segments.at(-1)?.number ?? 0) + 1
    return map(openFile(disk, `${folder}/${nameOf(number)}`, 'create'), file => {
      ring.file = file
      segments.push({ number, bytes: 0 })
    })
  }
  return chain(inOrder(closeFile(ring), makeRoom(ring)), open)
}

const write = (ring: Ring, pieces: readonly Uint8Array[]): Act<void> => {
  const segment = ring.segments.at(-1)
  if (ring.file === undefined || segment === undefined) return fail(new Error('there is no segment to write to'))
  return map(writeFully(ring.file, pieces, segment.bytes), () => { segment.bytes += pieces.reduce((sum, { length }) => sum + length, 0) })
}

/** The next thing to do of `tasks`, which are taken from them: a new file, or all that can be written at once. */
const takeNext = (ring: Ring, tasks: Task[]): { readonly act: Act<void>; readonly bytes: number } => {
  if (tasks[0]?.type === 'begin') {
    tasks.shift()
    return { act: beginNext(ring), bytes: 0 }
  }
  const end = tasks.findIndex(({ type }) => type === 'begin')
  const pieces = tasks.splice(0, end < 0 ? tasks.length : end).flatMap(task => task.type === 'append' ? [task.bytes] : [])
  return { act: write(ring, pieces), bytes: pieces.reduce((sum, { length }) => sum + length, 0) }
}

export const createSegmentRing = (options: SegmentRingOptions): SegmentRing => {
  let ring: Ring | undefined
  const tasks: Task[] = []
  let held = 0
  let isBusy = false
  let hasFailed = false
  let closed: (() => void) | undefined

  const run = (act: Act<void>, bytes: number): void => {
    isBusy = true
    act(outcome => {
      isBusy = false
      held -= bytes
      if (isLeft(outcome)) giveUp(outcome.left)
      pump()
    })
  }
  const giveUp = (error: NodeJS.ErrnoException): void => {
    hasFailed = true
    tasks.length = 0
    held = 0
    options.failed(error)
  }
  /** Behind the last task; lets go of the file at the end, or after a failure. */
  const rest = (): void => {
    const then = closed
    if (then === undefined && !hasFailed) return options.rested()
    closed = undefined
    const end = (): void => then?.()
    if (ring === undefined) end()
    else closeFile(ring)(end)
  }
  const pump = (): void => {
    if (isBusy) return
    if (tasks.length === 0) return rest()
    if (ring === undefined) return run(map(findSegments(options.disk, options.folder), segments => { ring = { options, segments, file: undefined } }), 0)
    const { act, bytes } = takeNext(ring, tasks)
    run(act, bytes)
  }
  const add = (task: Task): void => {
    if (hasFailed) return
    if (task.type === 'append') held += task.bytes.length
    tasks.push(task)
    pump()
  }
  return {
    begin: () => add({ type: 'begin' }),
    append: bytes => add({ type: 'append', bytes }),
    held: () => held,
    close: done => {
      closed = done
      pump()
    },
  }
}
