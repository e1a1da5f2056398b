/**
 * Whether the numbers of a message can be meant. The codecs of the wire see to that, and to all else of its form; whoever hands messages to `step` by other ways has
 * the numbers checked here, so that nonsense is reported and changes nothing.
 */
import type { Message } from './messages.js'
import type { EntryBatch } from './types.js'

const isWhole = (number: number): boolean => Number.isSafeInteger(number) && number >= 0

const isPlaced = ({ firstIndex, term, count }: Pick<EntryBatch, 'firstIndex' | 'term' | 'count'>): boolean =>
  firstIndex > 0 && isWhole(firstIndex) && isWhole(term) && count > 0 && isWhole(count)

/** Whether its type is known, and its positions, terms, lengths and times make sense. */
export const isWellFormed = (message: Message): boolean => {
  if (!isWhole(message.term) || !isWhole(message.round)) return false
  switch (message.type) {
    case 'appendEntries': return isWhole(message.prevLogIndex) && isWhole(message.prevLogTerm) && isWhole(message.leaderCommit) && message.batches.every(isPlaced)
    case 'appendPart': return isWhole(message.prevLogTerm) && isWhole(message.offset) && isPlaced(message.head) && isWhole(message.head.skip) && isWhole(message.head.body.bytes)
    case 'appendAccepted':
      return isWhole(message.verified) && isWhole(message.durable) && isWhole(message.lacks) && isWhole(message.held) && message.promisedMs >= 0 && Number.isFinite(message.promisedMs)
    case 'appendRefused': return isWhole(message.prevLogIndex) && isWhole(message.hintIndex) && isWhole(message.hintTerm)
    case 'requestVote': return isWhole(message.lastLogIndex) && isWhole(message.lastLogTerm)
    case 'timeoutNow': return isWhole(message.lastIndex)
    case 'installSnapshot': return isWhole(message.offset) && isWhole(message.snapshot.index) && isWhole(message.snapshot.term) && isWhole(message.snapshot.bytes)
    case 'chunkAccepted': return isWhole(message.received)
    case 'requestVoteReply': return true
    default: return false
  }
}
