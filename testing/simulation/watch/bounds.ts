/** Everything that could grow has a bound in the settings; each may be passed by the one item that reached it. */
import { bytesOf, lastIndexOf } from '../../../lib/batch.js'
import type { Ready } from '../../../lib/events.js'
import type { RaftState } from '../../../lib/state.js'
import type { EntryBatch } from '../../../lib/types.js'
import type { Judge } from './violation.js'

const weigh = (batches: readonly EntryBatch[]): number => batches.reduce((sum, batch) => sum + bytesOf(batch), 0)

const checkLeader = (state: Extract<RaftState, { readonly role: 'leader' }>, { demand }: Judge): void => {
  const { settings, progress, trackers, uncommittedBytes, reads } = state
  const { id, maxInflightMessages, maxInflightBytes, maxUncommittedBytes, maxPendingReads } = settings
  demand(reads.length <= maxPendingReads, () => `${id} lets ${reads.length} reads wait`)
  for (const { id: to, inflight, inflightBytes } of progress) {
    const bytes = inflight.reduce((sum, sent) => sum + sent.bytes, 0)
    demand(inflight.length <= maxInflightMessages, () => `${id} has ${inflight.length} messages on their way to ${to}`)
    demand(inflightBytes === bytes && bytes - (inflight.at(-1)?.bytes ?? 0) <= maxInflightBytes, () => `${id} has ${bytes} bytes on their way to ${to}, and counts ${inflightBytes}`)
  }
  const bytes = trackers.reduce((sum, tracker) => sum + tracker.bytes, 0)
  demand(uncommittedBytes === bytes && bytes - (trackers.at(-1)?.bytes ?? 0) <= maxUncommittedBytes, () => `${id} has ${bytes} bytes uncommitted, and counts ${uncommittedBytes}`)
}

export const checkBounds = (state: RaftState, ready: Ready, judge: Judge): void => {
  const { demand } = judge
  const { settings: { id, maxAppendBytes, maxInflightBytes, maxApplyBytes, logCacheBytes }, handed, log, persistedIndex } = state
  for (const message of ready.messages) {
    demand(message.type !== 'appendPart' || message.part.length <= Math.max(1024, maxInflightBytes), () => `${id} sent a part of ${message.type === 'appendPart' ? message.part.length : 0} bytes`)
    if (message.type !== 'appendEntries') continue
    demand(message.batches.length <= 1 || weigh(message.batches) <= maxAppendBytes, () => `${id} sent ${weigh(message.batches)} bytes at once`)
  }
  const handedBytes = handed.reduce((sum, { bytes }) => sum + bytes, 0)
  demand(handedBytes - (handed.at(-1)?.bytes ?? 0) <= maxApplyBytes, () => `${id} handed out ${handedBytes} bytes to apply`)
  const oldest = log.tail.batches[log.tail.start]
  demand(log.tail.bytes <= logCacheBytes || log.tail.start === log.tail.end || lastIndexOf(oldest!) > persistedIndex, () => `${id} keeps ${log.tail.bytes} bytes of its log in memory`)
  if (state.role === 'leader') checkLeader(state, judge)
}
