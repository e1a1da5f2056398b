/**
 * Whether the numbers of a message can be meant. The codecs of the wire see to that, and to all else of its form; whoever hands messages to `step` by other ways has
 * the numbers checked here, so that nonsense is reported and changes nothing.
 */
import { isPosition, isTime } from './bounds.js'
import type { Message } from './messages.js'
import type { EntryBatch } from './types.js'

const isPlaced = ({ firstIndex, term, count, time }: Pick<EntryBatch, 'firstIndex' | 'term' | 'count' | 'time'>): boolean =>
  firstIndex > 0 && isPosition(firstIndex) && isPosition(term) && count > 0 && isPosition(count) && isPosition(firstIndex + count - 1) && isTime(time)

/** Whether its type is known, and its positions, terms, lengths and times make sense. */
export const isWellFormed = (message: Message): boolean => {
  if (!isPosition(message.term) || !isPosition(message.round)) return false
  switch (message.type) {
    case 'appendEntries': return isPosition(message.prevLogIndex) && isPosition(message.prevLogTerm) && isPosition(message.leaderCommit) && message.batches.every(isPlaced)
    case 'appendPart': return isPosition(message.prevLogTerm) && isPosition(message.offset) && isPlaced(message.head) && isPosition(message.head.skip) && isPosition(message.head.body.bytes)
    case 'appendAccepted':
      return isPosition(message.verified) && isPosition(message.durable) && isPosition(message.lacks) && isPosition(message.held) && isTime(message.promisedMs)
    case 'appendRefused': return isPosition(message.prevLogIndex) && isPosition(message.hintIndex) && isPosition(message.hintTerm)
    case 'requestVote': return isPosition(message.lastLogIndex) && isPosition(message.lastLogTerm)
    case 'timeoutNow': return isPosition(message.lastIndex)
    case 'installSnapshot': return isPosition(message.offset) && isPosition(message.snapshot.index) && isPosition(message.snapshot.term) && isTime(message.snapshot.time) && isPosition(message.snapshot.bytes)
    case 'chunkAccepted': return isPosition(message.received)
    case 'requestVoteReply': return true
    default: return false
  }
}
