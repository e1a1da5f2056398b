import type { Ready, Write } from './events.js'
import { isSameVote } from './hard-state.js'
import { batchesFrom } from './log.js'
import type { Outbox } from './outbox.js'
import type { RaftState } from './state.js'
import type { Turn } from './types.js'

/** What must be written, read off two consecutive states: no handler can forget to report a changed term or vote. */
const writesBetween = (before: RaftState, after: RaftState, { saveCommit, appendedFrom, installed }: Outbox): readonly Write[] => {
  const writes: Write[] = []
  const last = after.log.lastIndex
  const isAppending = appendedFrom <= last
  // Until the install is durable the old log stands, whose entries this would count; from then on its base says as much.
  const commitIndex = installed ? after.writtenCommit : Math.min(after.commitIndex, after.persistedIndex)
  // Beside entries the commitIndex costs nothing: it travels in their record.
  const isCommitDue = commitIndex > after.writtenCommit && (saveCommit || isAppending)
  if (isCommitDue || !isSameVote(before, after)) {
    after.writtenCommit = commitIndex
    writes.push({ type: 'hardState', hardState: { term: after.term, votedFor: after.votedFor, commitIndex, ...(after.isNewcomer && { isNewcomer: true }) } })
  }
  const { base } = after.log
  if (installed) writes.push({ type: 'install', base })
  if (isAppending) writes.push({ type: 'append', batches: batchesFrom(after.log, appendedFrom, last, Number.POSITIVE_INFINITY) })
  if (!installed && base.index > before.log.base.index) writes.push({ type: 'compact', base })
  return writes
}

/** What a step asks that asks nothing. */
export const nothingAsked = (turn: Turn): Ready =>
  ({ turn, writes: [], messages: [], logReads: [], snapshots: [], committed: [], answers: [], readAnswers: [], changeAnswers: [], diagnostics: [] })

/** What this step asks of the world; its writes are pending from now on. */
export const readyFrom = (before: RaftState, after: RaftState, outbox: Outbox): Ready => {
  const writes = writesBetween(before, after, outbox)
  if (writes.length > 0) {
    const { lastIndex } = after.log
    const last = outbox.appendedFrom <= lastIndex ? lastIndex : 0
    after.pendingWrites = [...after.pendingWrites, { turn: after.turn, last, since: after.now }]
  }
  const { messages, logReads, snapshots, committed, answers, readAnswers, changeAnswers, diagnostics } = outbox
  return { turn: after.turn, writes, messages, logReads, snapshots, committed, answers, readAnswers, changeAnswers, diagnostics }
}
