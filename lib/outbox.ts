import type { Answer, ChangeAnswer, CoreDiagnostic, LogRead, ReadAnswer, RefusalReason, SnapshotWork } from './events.js'
import type { Message } from './messages.js'
import type { EntryBatch, Index, MemberId, Round } from './types.js'

/** What one step gathers while it folds its batch: things to say, and facts that the rules conclude from. */
export interface Outbox {
  readonly messages: Message[]
  readonly logReads: LogRead[]
  readonly snapshots: SnapshotWork[]
  readonly committed: EntryBatch[]
  readonly answers: Answer[]
  readonly readAnswers: ReadAnswer[]
  readonly changeAnswers: ChangeAnswer[]
  readonly diagnostics: CoreDiagnostic[]
  /** The batch held a tick: only then do deadlines pass, so that a late tick is noticed before anything it would trigger. */
  ticked: boolean
  /** Every follower hears from the leader in this step. */
  heartbeatDue: boolean
  /** Whoever decides is asked whether this leader still leads: reads wait for the answers. */
  quorumAsked: boolean
  /** The round of what this leader sends its followers in this step, once it has sent something. */
  round: Round | undefined
  /** The leader asked, its question agreed with the log, and no write will answer it: it gets an answer now. */
  answerDue: boolean
  /** The leader is told how much is here of the snapshot that it sends. */
  chunkAnswerDue: boolean
  /** Why a proposal of this batch was refused: all later ones are for the same reason, whoever asks, so that no window is appended with a hole. */
  refusing: RefusalReason | undefined
  /** The lowest index written in this step, or Infinity. */
  appendedFrom: Index
  /** The log begins anew in this step, after a snapshot. */
  installed: boolean
  /** The commitIndex is worth writing although term and vote stand. */
  saveCommit: boolean
}

export const emptyOutbox = (): Outbox => ({
  messages: [], logReads: [], snapshots: [], committed: [], answers: [], readAnswers: [], changeAnswers: [], diagnostics: [],
  ticked: false, heartbeatDue: false, quorumAsked: false, round: undefined, answerDue: false, chunkAnswerDue: false, refusing: undefined,
  appendedFrom: Number.POSITIVE_INFINITY, installed: false, saveCommit: false,
})

/** A peer said what is no message, of which nothing can be relied on: who said it, and what, as far as that can be told. */
export const malformed = (message: unknown, from?: MemberId): Extract<CoreDiagnostic, { type: 'contradiction' }> => {
  const { from: named, type }: { readonly from?: unknown; readonly type?: unknown } = Object(message)
  return { type: 'contradiction', from: from ?? (typeof named === 'string' ? named : ''), message: typeof type === 'string' ? type : '', claim: 'the message is malformed' }
}

/** A peer claims what cannot be: reported, and otherwise as if it had not been said. */
export const reportContradiction = (outbox: Outbox, { from, type }: Message, claim: string): void => {
  outbox.diagnostics.push({ type: 'contradiction', from, message: type, claim })
}
