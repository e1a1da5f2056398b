/**
 * A batch that comes in parts, because it is larger than what the way here carries at a time. Until it is whole it is kept beside the log,
 * and each part is answered, as an AppendEntries without entries would be, with how much is here; whole, it is what an AppendEntries brings.
 */
import { lastIndexOf } from './batch.js'
import { onAppendEntries } from './follower.js'
import { heed } from './hearing.js'
import { termAt } from './log.js'
import type { AppendEntries, AppendPart } from './messages.js'
import { type Outbox, reportContradiction } from './outbox.js'
import type { Assembly, Follower } from './state.js'
import type { BatchHead, CommandBatch, Index, Term } from './types.js'
import { LEAST_PART_BYTES } from './window.js'

/** Receiver of AppendPart in its own term. */
export const onAppendPart = (follower: Follower, request: AppendPart, outbox: Outbox): void => {
  const { head, offset, part, prevLogTerm } = request
  const { log, settings: { maxUncommittedBytes } } = follower
  const last = lastIndexOf(head)
  const end = offset + part.length
  if (end > head.body.bytes) return reportContradiction(outbox, request, `a part that ends at ${end} of ${head.body.bytes}`)
  // Each costs something beside its bytes, which alone are bounded.
  if (end < head.body.bytes && part.length < LEAST_PART_BYTES) return reportContradiction(outbox, request, `a part of ${part.length} bytes that is not the last`)
  heed(follower, request)
  if (head.body.bytes > maxUncommittedBytes) return reportContradiction(outbox, request, `a batch of ${head.body.bytes} bytes, where maxUncommittedBytes are ${maxUncommittedBytes}`)
  // What agrees at its end agrees as a whole (Log Matching, §5.3).
  if (termAt(log, last) === head.term) return onAppendEntries(follower, asAppend(request, last, head.term, []), outbox)
  const assembly = add(follower, request)
  const isWhole = assembly.held === head.body.bytes
  if (isWhole) follower.assembly = undefined
  onAppendEntries(follower, asAppend(request, head.firstIndex - 1, prevLogTerm, isWhole ? [assembled(assembly)] : []), outbox)
}

const isSameBatch = (a: BatchHead, b: BatchHead): boolean =>
  a.firstIndex === b.firstIndex && a.term === b.term && a.count === b.count && a.skip === b.skip && a.body.bytes === b.body.bytes && a.body.checksum === b.body.checksum

/** Only the part that is awaited is taken in, into what this step may change; one of another batch begins anew. */
const add = (follower: Follower, { head, offset, part }: AppendPart): Assembly => {
  const { assembly } = follower
  const own = follower.assembly = assembly !== undefined && isSameBatch(assembly.head, head) ? assembly : { head, parts: [], held: 0 }
  if (offset === own.held) {
    own.parts.push(part)
    own.held += part.length
  }
  return own
}

const assembled = ({ head, parts }: Assembly): CommandBatch => {
  const bytes = new Uint8Array(head.body.bytes)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return { ...head, body: { ...head.body, bytes } }
}

const asAppend = ({ from, to, term, round }: AppendPart, prevLogIndex: Index, prevLogTerm: Term, batches: readonly CommandBatch[]): AppendEntries =>
  ({ type: 'appendEntries', from, to, term, prevLogIndex, prevLogTerm, batches, leaderCommit: 0, asks: false, round })
