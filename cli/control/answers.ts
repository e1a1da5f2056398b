/** What is answered, and with which status. */
import type { ChangeError, ProposeError, ReadError, SnapshotError, TransferError } from '../../lib/errors.js'
import { unreachable } from '../../lib/prelude.js'
import { transferFate } from '../../streams/wishes/transfer.js'
import type { Refusal } from './member-status.js'
import type { Outgoing } from './outgoing.js'

/** An answer that is complete; `json` is the text of its body. */
export interface JsonAnswer {
  readonly type: 'json'
  readonly status: number
  readonly json: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The same of what is no JSON. */
export interface TextAnswer {
  readonly type: 'text'
  readonly status: number
  readonly contentType: string
  readonly text: string
}

export type Answer = JsonAnswer | TextAnswer
  /** It is written as it comes about, and ended by whoever writes it. */
  | { readonly type: 'stream'; readonly write: (out: Outgoing, signal: AbortSignal) => void }

export const json = (status: number, value: unknown): JsonAnswer => ({ type: 'json', status, json: JSON.stringify(value) })

export const refuse = (status: number, tag: string, message: string, more: Omit<Refusal, 'tag' | 'message'> = {}): JsonAnswer => json(status, { tag, message, ...more } satisfies Refusal)

type Failure = ProposeError | ReadError | SnapshotError | TransferError | ChangeError

const TRANSFER_STATUS = { lasting: 409, passing: 503, unknown: 504 } as const

/** 4xx: the same request will fail again. 503: nothing happened, and it may be asked again. 504: what happened is not known. 500: this member could not. */
const statusOf = (error: Failure): number => {
  switch (error._tag) {
    case 'Rejected': return 400
    case 'ChangeFailed': return 409
    case 'TooLarge': return 413
    case 'MachineFailed': case 'SelectFailed': return 422
    case 'NotLeader': case 'Busy': case 'Stopped': return 503
    case 'TimedOut': return error.appended === 'never' ? 503 : 504
    case 'OutcomeUnknown': case 'SessionExpired': return 504
    case 'TransferFailed': return TRANSFER_STATUS[transferFate(error)]
    case 'SnapshotFailed': return 500
    default: return unreachable(error)
  }
}

/** What helps whoever asked: who leads, as far as is known, or what is wrong with the command. */
const helpIn = (error: Failure): Pick<Refusal, 'leader' | 'report'> => ({
  ...(error._tag === 'NotLeader' && error.leader !== undefined && { leader: error.leader }),
  ...(error._tag === 'Rejected' && { report: error.report }),
})

/** An error of the library. */
export const failed = (error: Failure): Answer =>
  refuse(statusOf(error), error._tag, error.message, { ...('appended' in error && { appended: error.appended }), ...helpIn(error) })

/** The same of a read, of which nobody asks whether it is in the log. */
export const unread = (error: ReadError): Answer => refuse(statusOf(error), error._tag, error.message, helpIn(error))

/** Sends what is complete. */
export const send = (out: Outgoing, answer: JsonAnswer | TextAnswer): void => {
  const [contentType, text] = answer.type === 'json' ? ['application/json; charset=utf-8', `${answer.json}\n`] : [answer.contentType, answer.text]
  out.begin(answer.status, {
    'content-type': contentType, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff',
    ...(answer.type === 'json' && answer.headers), 'content-length': Buffer.byteLength(text),
  })
  void out.end(text)
}
