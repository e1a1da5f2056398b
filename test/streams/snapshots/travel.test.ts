/** What two states tell of snapshots on their way. */
import test from 'ava'
import type { RaftState, Receiving } from '../../../lib/state.js'
import type { Snapshot } from '../../../lib/types.js'
import type { SnapshotEvent } from '../../../streams/snapshots/events.js'
import { travelBetween } from '../../../streams/snapshots/travel.js'
import { placeAt } from './fakes.js'

const MiB = 1024 * 1024
const snapshot: Snapshot = { ...placeAt(9), bytes: 20 * MiB, checksum: 1 }
const other: Snapshot = { ...placeAt(12), bytes: 20 * MiB, checksum: 2 }

const leader = (sending: { readonly snapshot: Snapshot; readonly received: number } | undefined, matchIndex = 0, term = 3) =>
  ({ role: 'leader', term, progress: [{ id: 'n2', matchIndex, sending }] }) as unknown as RaftState
const receiver = (receiving: Pick<Receiving, 'snapshot' | 'phase' | 'received'> | undefined) => ({ role: 'follower', receiving }) as unknown as RaftState

const told = (...states: readonly RaftState[]): readonly string[] => states.slice(1).flatMap((after, i) =>
  travelBetween(states[i]!, after).map((event: SnapshotEvent) => [event.type, 'snapshot' in event ? event.snapshot.index : 0, 'bytes' in event ? event.bytes / MiB : ''].join(' ').trim()))

test('a leader tells the beginning, each 4 MiB and the end', t => {
  const at = (mebibytes: number) => leader({ snapshot, received: mebibytes * MiB })
  t.deepEqual(told(leader(undefined), at(0), at(3), at(4), at(5), at(12), at(20), leader(undefined, 9)), ['sending 9 0', 'sending 9 4', 'sending 9 12', 'sending 9 20', 'sent 9'])
})

test('another snapshot is another beginning, and one that is given up has no end', t => {
  t.deepEqual(told(leader({ snapshot, received: 3 * MiB }), leader({ snapshot: other, received: 0 }), leader(undefined, 8)), ['sending 12 0'])
  t.deepEqual(told(leader({ snapshot, received: 0 }), receiver(undefined), leader(undefined, 9, 4)), [])
  t.deepEqual(told(leader({ snapshot, received: 0 }), leader(undefined, 9, 4)), [], 'another term')
})

test('a receiver tells the beginning, each 4 MiB, when it is durable and when the machine goes on from it', t => {
  const at = (phase: Receiving['phase'], mebibytes: number) => receiver({ snapshot, phase, received: mebibytes * MiB })
  t.deepEqual(told(receiver(undefined), at('opening', 0), at('waiting', 2), at('writing', 2), at('waiting', 8), at('restoring', 20), at('restoring', 20), receiver(undefined)),
    ['receiving 9 0', 'receiving 9 8', 'received 9', 'restored 9'])
  t.deepEqual(told(at('waiting', 3), receiver({ snapshot: other, phase: 'opening', received: 0 }), receiver(undefined)), ['receiving 12 0'])
})
