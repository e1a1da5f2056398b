/** Mistakes with what begins a turn, when a commit is told, memory that is used again, and turns that are recorded. */
import type { Mutation } from './mutation.js'

const AWAITING = 'test/lib/awaiting.test.ts'

export const TURN_MUTATIONS: readonly Mutation[] = [
  {
    name: 'whoever is busy again and again never stands', file: 'lib/timers.ts', killer: ['test/lib/election.test.ts', 'a member that is busy again and again*'],
    unseen: 'it takes stalls that come as regularly as a timer',
    from: 'if (deadline <= longestElectionWait(state))', to: 'if (deadline < 0)',
  },
  {
    name: 'an answer by which an entry may be committed begins no turn', file: 'lib/awaiting.ts', killer: [AWAITING, 'every answer on which*'],
    unseen: 'the next tick commits it',
    from: ' || durable > leader.commitIndex', to: '',
  },
  {
    name: 'a write of the own disk that commits begins no turn', file: 'lib/awaiting.ts', killer: [AWAITING, 'a write of the own disk*'],
    unseen: 'the next tick commits it',
    from: 'quorumReached(leader, log.lastIndex, ', to: 'quorumReached(leader, 0, ',
  },
  {
    name: 'an answer waits until it is a late one', file: 'lib/awaiting.ts', killer: [AWAITING, 'an answer that would pass for a late one*'],
    unseen: 'a window that is too small costs time',
    from: 'round, leader.settings.heartbeatMs', to: 'round',
  },
  {
    name: 'a commit is held back from who reads by lease', file: 'lib/reads.ts', killer: [AWAITING, 'it is told at once where few*'],
    unseen: 'the next tick tells it',
    from: 'if (confirmed.length > 0) countOnNone(leader)', to: 'void countOnNone',
  },
  {
    name: 'a leader that leaves takes the word with it that another has left', file: 'lib/reconfiguration.ts', killer: ['test/lib/reconfiguration.test.ts', 'whoever leaves together*'],
    unseen: 'whoever was not told is asked to leave again, or stays away as it was told to',
    from: '  countOnNone(leader)', to: '  void countOnNone',
  },
  {
    name: 'a command is taken from the lane of snapshots', file: 'streams/transport/tcp/link.ts', killer: ['test/streams/transport/link.test.ts', 'what is no chunk*'],
    unseen: 'no member sends any there',
    from: `lane === 'snapshot' && message`, to: `lane !== lane && message`,
  },
  {
    name: 'a command is taken from the lane of what is all head', file: 'streams/transport/tcp/link.ts', killer: ['test/streams/transport/link.test.ts', 'what has a tail*'],
    unseen: 'no member sends any there',
    from: `lane === 'control' && hasTail(message)`, to: `lane !== lane && hasTail(message)`,
  },
  {
    name: 'a commit that is held back is not told with a tick', file: 'lib/replication.ts', killer: [AWAITING, 'where one command has followed*'],
    unseen: 'the next heartbeat tells it',
    from: ' && !outbox.ticked', to: '',
  },
  {
    name: 'what nobody awaits fills the inbox for good', file: 'streams/pipeline/per-turn.ts', killer: ['test/streams/pipeline/pipeline.test.ts', '*where there is no room for more'],
    unseen: 'ticks begin turns, and no inbox is so small',
    from: '(bounded < max && !isAwaited(item))', to: '!isAwaited(item)',
  },
  {
    name: 'the next chunk is read over its own header', file: 'streams/storage/snapshots/read-snapshot.ts', killer: ['test/ports/storage.test.ts', '*one buffer may be used for all chunks*'],
    unseen: 'what passes for damaged is taken and sent anew',
    from: 'room.slice(payloadBytes)', to: 'room.subarray(payloadBytes)',
  },
  {
    name: 'a chunk is read over the one that is on its way', file: 'streams/snapshots/send-chunks.ts', killer: ['test/streams/snapshots/send-chunks.test.ts', 'a chunk stays what it is*'],
    unseen: 'what passes for damaged is taken and sent anew',
    from: 'SENT_CHUNKS_IN_USE = 3', to: 'SENT_CHUNKS_IN_USE = 1',
  },
  {
    name: 'a chunk is received over the one that is being written', file: 'codecs/frame-reader.ts', killer: ['test/codecs/frames.test.ts', 'the memory of a chunk*'],
    unseen: 'disks of the simulation take what they are given at once',
    from: 'recycled(RECEIVED_CHUNKS_IN_USE + 1)', to: 'recycled(1)',
  },
  {
    name: 'the state of a segment waits for turns', file: 'streams/recorder/tape.ts', killer: ['test/streams/recorder/recorder.test.ts', '*behind the first turn of a segment*'],
    unseen: 'no member is recorded there',
    from: 'if (writer.isComplete()) return', to: 'return',
  },
  {
    name: 'a state is read no deeper than most JSON nests', file: 'codecs/json.ts', killer: ['test/codecs/recording.test.ts', 'the deepest state*'],
    unseen: 'no member is recorded there',
    from: 'Math.max(LEAST_DEPTH, depthOf(codec))', to: 'LEAST_DEPTH + 0 * depthOf(codec)',
  },
]
