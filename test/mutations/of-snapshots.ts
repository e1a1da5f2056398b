/** Mistakes with snapshots that are on their way or cannot be had, and with the log behind them. */
import type { Mutation } from './mutation.js'

const COMPACTION = 'test/lib/compaction.test.ts'
const SHORT = 'no seed looks at how long a log is'

export const SNAPSHOT_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the log is cut before a snapshot of it is durable', file: 'lib/compaction.ts', killer: [COMPACTION, 'G16*'],
    from: 'Math.min(snapshot.index - settings.snapshotKeepEntries, state.appliedIndex', to: 'Math.min(state.appliedIndex',
  },
  {
    name: 'what a snapshot stands for passes for written', file: 'lib/receiving.ts', killer: ['test/lib/receiving.test.ts', 'what a snapshot stands for*'],
    unseen: 'logs of the seeds seldom outgrow what is kept in memory while a snapshot that was lost comes back',
    from: '  if (!isHeld) beginLog(state, snapshot, outbox)\n', to: '  if (!isHeld) beginLog(state, snapshot, outbox)\n  state.persistedIndex = Math.max(state.persistedIndex, index)\n',
  },
  {
    name: 'a snapshot that the log has overtaken is waited for', file: 'lib/step.ts', killer: ['test/lib/receiving.test.ts', 'a follower that has caught up*'],
    unseen: SHORT,
    from: '  giveUpOvertaken(state)\n', to: '',
  },
  {
    name: 'who cannot take a snapshot in holds the log for ever', file: 'lib/compaction.ts', killer: [COMPACTION, 'who answers and takes nothing in*'],
    unseen: SHORT,
    from: ' && isMoving(state, one.sending)', to: '',
  },
  {
    name: 'who cannot take a snapshot in holds the log with each that is new', file: 'lib/sending.ts', killer: [COMPACTION, 'who answers and takes nothing in*'],
    unseen: SHORT,
    from: 'progress.sending?.movedAt ?? leader.now', to: 'leader.now',
  },
  {
    name: 'a follower whose machine takes long over a snapshot is sent one after the other', file: 'lib/sending.ts', killer: [COMPACTION, 'who is ready for what it is sent*'],
    unseen: 'machines of the simulation take no time',
    from: '(received > 0 && received === snapshot.bytes) || ', to: '',
  },
  {
    name: 'whoever lost what it had of a snapshot is sent the same again', file: 'lib/sending.ts', killer: [COMPACTION, 'whoever begins again from nothing*'],
    unseen: SHORT,
    from: ' || isOutdated(leader, progress.sending)', to: '',
  },
  {
    name: 'a snapshot that cannot be read stays the newest unless it is damaged', file: 'streams/storage/file-snapshots.ts', killer: ['test/streams/storage/snapshot-failures.test.ts', 'where 3 cannot be read*'],
    unseen: 'what a disk of the simulation cannot read once it can read the next time',
    from: 'isLeft(outcome) && !hasNotBegun(outcome.left) && file?.snapshot === snapshot', to: "isLeft(outcome) && String(outcome.left).includes('damaged') && file?.snapshot === snapshot",
  },
  {
    name: 'what is read ahead of a snapshot is missing when it is read again', file: 'streams/storage/file-snapshots.ts', killer: ['test/ports/storage.test.ts', '*who reads may begin again*'],
    unseen: 'what passes for damaged is taken and sent anew',
    from: 'map(reading.rest, () => { reading = chunksOf(found, buffers) })(ended)', to: 'map(reading.rest, () => undefined)(ended)',
  },
  {
    name: 'a machine that gives nothing keeps the process to itself', file: 'streams/snapshots/in-time.ts', killer: ['test/streams/snapshots/pump.test.ts', '*whoever gives only empty chunks*'],
    unseen: 'no machine of the simulation does so',
    from: 'return void clock.endOfTurn(ask)', to: 'return ask()',
  },
  {
    name: 'what compresses is waited for, and not the machine', file: 'streams/snapshots/pump.ts', killer: ['test/streams/snapshots/pump.test.ts', 'compressed, it is still the machine*'],
    unseen: 'no snapshot of the simulation is compressed',
    from: 'compressed(given, compression)', to: 'inTime(compressed(given, compression)[Symbol.asyncIterator](), { stallMs, clock, held })',
  },
  {
    name: 'a machine that takes in what a small chunk holds passes for stalled', file: 'streams/snapshots/restore.ts', killer: ['test/streams/snapshots/restore.test.ts', 'a machine that takes its time*'],
    unseen: 'no snapshot of the simulation is compressed',
    from: '      asked()\n', to: '',
  },
]
