/** A step in one line, for traces and failures. */
import type { Batch, Ready } from '../../../lib/events.js'
import { lastEntry } from '../../../lib/log.js'
import type { Message } from '../../../lib/messages.js'
import type { RaftState } from '../../../lib/state.js'
import type { MemberId } from '../../../lib/types.js'

export const summary = (state: RaftState): string => {
  const { settings: { id }, role, term, leader, log, commitIndex, appliedIndex, persistedIndex } = state
  return `${id} ${role} of ${leader ?? 'nobody'} in ${term}, log ${lastEntry(log).index}@${lastEntry(log).term}, disk ${persistedIndex}, commit ${commitIndex}, applied ${appliedIndex}`
}

const newcomerMark = ({ isNewcomer }: { readonly isNewcomer: boolean }): string => isNewcomer ? ' new' : ''

const brief = (message: Message, other: MemberId): string => {
  switch (message.type) {
    case 'appendEntries': return `append ${other} T${message.term} ${message.prevLogIndex}@${message.prevLogTerm}+${message.batches.reduce((sum, { count }) => sum + count, 0)} c${message.leaderCommit}${message.asks ? '?' : ''}`
    case 'appendPart': return `part ${other} T${message.term} ${message.head.firstIndex}@${message.head.term} ${message.offset}+${message.part.length} of ${message.head.body.bytes}`
    case 'appendAccepted': return `accept ${other} T${message.term} v${message.verified} d${message.durable}${message.held > 0 ? ` h${message.held}` : ''}${newcomerMark(message)}`
    case 'appendRefused': return `refuse ${other} T${message.term} ${message.prevLogIndex} hint ${message.hintIndex}@${message.hintTerm}${newcomerMark(message)}`
    case 'requestVote': return `${message.preVote ? 'preVote' : 'vote'} ${other} T${message.term} ${message.lastLogIndex}@${message.lastLogTerm}`
    case 'timeoutNow': return `stand ${other} T${message.term} at ${message.lastIndex}`
    case 'installSnapshot': return `snapshot ${other} T${message.term} ${message.snapshot.index}@${message.snapshot.term} ${message.offset}+${message.chunk.length} of ${message.snapshot.bytes}`
    case 'chunkAccepted': return `chunk ${other} T${message.term} ${message.snapshot.index}@${message.snapshot.term} ${message.received}${message.awaited ? ' awaited' : ''}${newcomerMark(message)}`
    case 'requestVoteReply': return `${message.preVote ? 'preVote' : 'vote'} ${message.voteGranted ? 'yes' : 'no'} ${other} T${message.term}`
  }
}

export const describe = (before: RaftState, state: RaftState, { events }: Batch, { messages, answers, readAnswers, diagnostics }: Ready): string => {
  const heard = events.map(event => event.type === 'received' ? `<${brief(event.message, event.message.from)}` : event.type === 'persisted' ? `persisted ${event.turn}` : event.type)
  const said = messages.map(message => `>${brief(message, message.to)}`)
  const fates = [...answers.map(({ type, id }) => `${type} ${id}`), ...readAnswers.map(({ type, id }) => `read ${id} ${type}`)]
  const role = before.role === state.role ? '' : ` [${before.role} → ${state.role}]`
  return `${summary(state)}${role} :: ${[...heard, '=>', ...said, ...fates, ...diagnostics.map(({ type }) => type)].join('; ')}`
}
