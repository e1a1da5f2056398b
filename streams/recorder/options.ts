import * as t from 'io-ts'
import { closed, optional } from '../../codecs/judging.js'
import { guard, integer } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import { InvalidOptions } from '../../lib/errors.js'
import { type Complete, type Either, isLeft, left, right } from '../../lib/prelude.js'
import { type Disk, DiskShape } from '../storage/disk/disk.js'
import { nodeDisk } from '../storage/disk/node-disk.js'

export interface FlightRecorderOptions {
  /** What all files of the recording may take up together. Default 64 MiB. */
  readonly maxBytes?: number | undefined
  /** What may wait in memory for the disk; beyond it turns are left out. Default 4 MiB. */
  readonly maxBufferBytes?: number | undefined
  readonly disk?: Disk | undefined
}

/** The options of a recorder, complete. */
export interface CheckedRecorderOptions extends Complete<FlightRecorderOptions> {
  readonly folder: string
}

const MiB = 1024 * 1024
const DEFAULT_MAX_BYTES = 64 * MiB
const DEFAULT_MAX_BUFFER_BYTES = 4 * MiB

const Folder = guard<string>('Folder', value => (typeof value === 'string' && value !== '' ? undefined : 'must be a path'))
const Place = t.type({ recorder: t.type({ folder: Folder }) })
const Given = t.type({
  recorder: closed({
    maxBytes: optional(integer('Bound', MiB, 2 ** 32)), maxBufferBytes: optional(integer('Bound', MiB, 2 ** 30)), disk: optional(DiskShape),
  }),
})

/** Every fault by its path, or the options with their defaults. */
export const checkRecorderOptions = (folder: string, options: FlightRecorderOptions): Either<InvalidOptions, CheckedRecorderOptions> => {
  const [place, decoded] = [decodeWith(Place, { recorder: { folder } }), decodeWith(Given, { recorder: options })]
  const faults = [place, decoded].flatMap(part => isLeft(part) ? part.left : [])
  if (isLeft(decoded) || faults.length > 0) return left(new InvalidOptions(faults))
  const { maxBytes = DEFAULT_MAX_BYTES, maxBufferBytes = DEFAULT_MAX_BUFFER_BYTES } = decoded.right.recorder
  return right({ folder, maxBytes, maxBufferBytes, disk: options.disk ?? nodeDisk() })
}
