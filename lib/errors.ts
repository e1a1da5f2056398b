import type { Index, MemberId } from './types.js'

/** Whether a command may be in the log: the one field a retry needs. */
export type Appended = 'never' | 'unknown' | 'yes'

export abstract class Tagged<Tag extends string> extends Error {
  abstract readonly _tag: Tag
  override get name(): string {
    return this._tag
  }
}

/** No leader could be reached, or leadership was lost before anything was appended. */
export class NotLeader extends Tagged<'NotLeader'> {
  readonly _tag = 'NotLeader'
  readonly appended = 'never'
  constructor(
    /** Who leads, as far as is known here. */
    readonly leader: MemberId | undefined,
    message: string,
  ) {
    super(message)
  }
}

/** A bound was reached; `bound` is its name in the options. */
export class Busy extends Tagged<'Busy'> {
  readonly _tag = 'Busy'
  readonly appended = 'never'
  constructor(readonly bound: string) {
    super(`This was refused because the bound "${bound}" is reached; nothing was appended, try again later.`)
  }
}

/** The encoded command exceeds `maxCommandBytes`. */
export class TooLarge extends Tagged<'TooLarge'> {
  readonly _tag = 'TooLarge'
  readonly appended = 'never'
  constructor(
    readonly bytes: number,
    readonly maxCommandBytes: number,
  ) {
    super(`The command has ${bytes} bytes when encoded; the limit maxCommandBytes is ${maxCommandBytes}.`)
  }
}

/** The command does not have the shape that the machine's codec describes, or what else the call was given makes no sense. */
export class Rejected extends Tagged<'Rejected'> {
  readonly _tag = 'Rejected'
  readonly appended = 'never'
  constructor(
    /** One line per fault, each with its path. */
    readonly report: readonly string[],
  ) {
    super(`What was asked is not acceptable: ${report.join('; ')}`)
  }
}

/** The deadline passed, or the signal was aborted. `appended` says whether a command had left this process, or a change of the membership or a transfer may have begun. */
export class TimedOut extends Tagged<'TimedOut'> {
  readonly _tag = 'TimedOut'
  constructor(
    readonly appended: 'never' | 'unknown',
    message: string,
  ) {
    super(message)
  }
}

/** The member or client was stopped, or failed, before it accepted the command, before the snapshot was durable, before anything was read, before it was known who leads next, or before a change of the membership had begun. The message says which. */
export class Stopped extends Tagged<'Stopped'> {
  readonly _tag = 'Stopped'
  readonly appended = 'never'
  /** `why` completes "This was refused because …". */
  constructor(why = 'the member or client has been stopped') {
    super(`This was refused because ${why}.`)
  }
}

/**
 * Nobody can tell any more what became of it: this process was stopped, the member failed, a leadership's term ended, the result cannot be carried, or whoever was asked for a transfer
 * or a change was lost.
 */
export class OutcomeUnknown extends Tagged<'OutcomeUnknown'> {
  readonly _tag = 'OutcomeUnknown'
  readonly appended = 'unknown'
  constructor(reason: string, then = 'the command may still be applied, once, or never') {
    super(`The outcome is unknown because ${reason}; ${then}.`)
  }
}

/** The command was sent again because nobody knew what had become of it, and by then its session was closed, which alone could have told: it may be applied, once, or never. */
export class SessionExpired extends Tagged<'SessionExpired'> {
  readonly _tag = 'SessionExpired'
  readonly appended = 'unknown'
  constructor() {
    super('The outcome is unknown because the session of this command was closed before the command could be sent again; it may have been applied, once, or never.')
  }
}

/** Plain JavaScript may pass whatever it caught as the reason, or anything else. */
const inWords = (reason: unknown): string => {
  try {
    return String(reason instanceof Error ? reason.message : reason)
  } catch {
    return 'something that has no words'
  }
}

/** The machine's reducer threw: the command is in the log, the state is unchanged, and every member records the same. */
export class MachineFailed extends Tagged<'MachineFailed'> {
  readonly _tag = 'MachineFailed'
  readonly appended = 'yes'
  readonly reason: string
  constructor(reason: string) {
    const words = inWords(reason)
    super(`The machine failed on this command, which stays in the log and changed nothing: ${words}`)
    this.reason = words
  }
}

/** Why a proposal has no result. */
export type ProposeError = NotLeader | Busy | TooLarge | Rejected | TimedOut | Stopped | OutcomeUnknown | SessionExpired | MachineFailed

/** The function that was to read the machine's state threw. Nothing else is affected. */
export class SelectFailed extends Tagged<'SelectFailed'> {
  readonly _tag = 'SelectFailed'
  constructor(
    /** What was thrown. */
    override readonly cause: unknown,
    reason: string,
  ) {
    super(`What was to be read could not be had: ${reason}`)
  }
}

/** Why nothing was read. Whatever it is, a read leaves no trace, and may be asked again. */
export type ReadError = NotLeader | Busy | Rejected | TimedOut | Stopped | SelectFailed

/** The machine did not give its state, or the disk did not take it. Nothing else is affected, and the snapshot before stays the newest. */
export class SnapshotFailed extends Tagged<'SnapshotFailed'> {
  readonly _tag = 'SnapshotFailed'
  constructor(
    /** Where the snapshot was to stand. */
    readonly index: Index,
    readonly reason: string,
  ) {
    super(`There is no snapshot at ${index}: ${reason}`)
  }
}

/** Why there is no snapshot. */
export type SnapshotError = SnapshotFailed | Stopped

/** The leadership was not handed over to the one that was meant; `reason` says what became of it. */
export class TransferFailed extends Tagged<'TransferFailed'> {
  readonly _tag = 'TransferFailed'
  constructor(
    /** Who was to lead next; undefined where anybody would have done. */
    readonly to: MemberId | undefined,
    readonly reason: string,
  ) {
    super(`The leadership was not handed over${to === undefined ? '' : ` to "${to}"`}: ${reason}.`)
  }
}

/** Why a leadership was not handed over. */
export type TransferError = NotLeader | TransferFailed | Rejected | TimedOut | Stopped | OutcomeUnknown

/** The membership has not become what was wanted. */
export class ChangeFailed extends Tagged<'ChangeFailed'> {
  readonly _tag = 'ChangeFailed'
  constructor(
    /** `yes` where it was begun, and then abandoned. */
    readonly appended: 'never' | 'yes',
    readonly reason: string,
  ) {
    super(`The membership was not changed: ${reason}.`)
  }
}

/** Why a membership is not what was wanted. */
export type ChangeError = ChangeFailed | Rejected | TimedOut | Stopped | OutcomeUnknown

/** An option is missing, of the wrong shape, or at odds with another; nothing was started. */
export class InvalidOptions extends Tagged<'InvalidOptions'> {
  readonly _tag = 'InvalidOptions'
  constructor(
    /** One line per fault, each with its path. */
    readonly report: readonly string[],
  ) {
    super(`Invalid options: ${report.join('; ')}`)
  }
}

/** The address to listen on is taken. */
export class PortInUse extends Tagged<'PortInUse'> {
  readonly _tag = 'PortInUse'
  /** `whence`: a clause after the address that says where it was read, if not from the options. */
  constructor(readonly address: string, whence = '') {
    super(`Cannot listen on ${address}${whence}: the address is in use.`)
  }
}

/** Listening failed for another reason than a taken address. */
export class ListenFailed extends Tagged<'ListenFailed'> {
  readonly _tag = 'ListenFailed'
  /** `whence`: a clause after the address that says where it was read, if not from the options. */
  constructor(
    readonly address: string,
    reason: string,
    whence = '',
  ) {
    super(`Cannot listen on ${address}${whence}: ${reason}.`)
  }
}

/** Another member, in this process or another, holds the data folder. */
export class FolderInUse extends Tagged<'FolderInUse'> {
  readonly _tag = 'FolderInUse'
  constructor(readonly folder: string) {
    super(`The data folder ${folder} is in use by a running member.`)
  }
}

/** The data folder belongs to another cluster or another member, or is no data folder at all. */
export class WrongFolder extends Tagged<'WrongFolder'> {
  readonly _tag = 'WrongFolder'
  constructor(
    readonly folder: string,
    reason: string,
  ) {
    super(`The data folder ${folder} cannot be used: ${reason}.`)
  }
}

/** What is stored does not match its checksums or contradicts itself; nothing was changed. */
export class Damaged extends Tagged<'Damaged'> {
  readonly _tag = 'Damaged'
  constructor(
    readonly file: string,
    readonly offset: number,
    /** The first log index in doubt, where one is known. */
    readonly index: number | undefined,
    reason: string,
  ) {
    super(`${file} is damaged at offset ${offset}${index === undefined ? '' : ` (log index ${index})`}: ${reason}.`)
  }
}

/** The disk refused an act that starting needs: no space, no permission, read-only, and the like. */
export class StorageFailed extends Tagged<'StorageFailed'> {
  readonly _tag = 'StorageFailed'
  constructor(
    readonly path: string,
    reason: string,
  ) {
    super(`The storage at ${path} failed: ${reason}.`)
  }
}

/** The log begins after entries that only a snapshot stands for, and no snapshot can be restored; nothing was changed. */
export class SnapshotLost extends Tagged<'SnapshotLost'> {
  readonly _tag = 'SnapshotLost'
  constructor(
    /** The last entry that is not in the log. */
    readonly baseIndex: Index,
    readonly reason: string,
  ) {
    super(`The log begins after ${baseIndex}, and what precedes it cannot be restored: ${reason}`)
  }
}

/** Why a member could not be started. */
export type StartError = InvalidOptions | PortInUse | ListenFailed | FolderInUse | WrongFolder | Damaged | StorageFailed | SnapshotLost
