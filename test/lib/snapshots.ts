/** What is said and done about snapshots, in the notation of `build.ts`. */
import type { MemberId, Membership, Snapshot } from '../../lib/types.js'
import { type Fact, type Said, entryId, membershipOf, message } from './build.js'

/** Three chunks of at most 50 bytes. */
export const BYTES = 125

export const snapshotAt = (place: string, { bytes = BYTES, checksum = 7, membership = membershipOf('L f1 f2') }: {
  readonly bytes?: number; readonly checksum?: number; readonly membership?: Membership
} = {}): Snapshot => ({ ...entryId(place), time: 0, compression: 'none', membership, bytes, checksum })

/** InstallSnapshot with so many bytes at `offset`; without any it asks how far the snapshot is. */
export const is = (from: MemberId, snapshot: Snapshot, offset = 0, length = 0, said: Said = {}): Fact =>
  message(from, { type: 'installSnapshot', snapshot, offset, chunk: new Uint8Array(length), ...said })
const got = (from: MemberId, { index, term, bytes, checksum }: Snapshot, received: number, awaited: boolean, said: Said): Fact =>
  message(from, { type: 'chunkAccepted', snapshot: { index, term, bytes, checksum }, received, awaited, isNewcomer: false, ...said })
export const awaits = (from: MemberId, snapshot: Snapshot, received: number, said: Said = {}): Fact => got(from, snapshot, received, true, said)
export const isBusyAt = (from: MemberId, snapshot: Snapshot, received: number, said: Said = {}): Fact => got(from, snapshot, received, false, said)
export const snapshotStored = (snapshot: Snapshot): Fact => ({ type: 'snapshotStored', snapshot })
export const chunkWritten = (snapshot: Snapshot, received: number): Fact => ({ type: 'chunkWritten', snapshot, received })
export const receiveFailed = (snapshot: Snapshot): Fact => ({ type: 'receiveFailed', snapshot })
export const chunkRead = (to: MemberId, snapshot: Snapshot, offset: number, length: number): Fact =>
  ({ type: 'chunkRead', to, snapshot, offset, chunk: new Uint8Array(length) })
export const snapshotGone = (to: MemberId, snapshot: Snapshot): Fact => ({ type: 'chunkRead', to, snapshot, offset: 0, chunk: undefined })
