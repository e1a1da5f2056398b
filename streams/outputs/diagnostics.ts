import type { CoreDiagnostic } from '../../lib/events.js'
import type { MemberId } from '../../lib/types.js'
import type { MachineNotice } from '../machine/run-machine.js'
import type { RecorderNotice } from '../recorder/port.js'
import type { IntakeNotice } from '../requests/intake.js'
import type { SnapshotNotice } from '../snapshots/events.js'
import type { Party, TransportNotice } from '../transport/port.js'

/** What the streams of a member notice themselves. */
export type MemberNotice =
  /** Something the store found and settled when it was opened. */
  | { readonly type: 'storageNote'; readonly note: string }
  /** The `members` of the options are not those of the stored configuration; the stored ones count. */
  | { readonly type: 'membersDiffer'; readonly configured: Readonly<Record<MemberId, string>>; readonly stored: Readonly<Record<MemberId, string>> }
  /** More came in within one turn than the inbox holds: messages were dropped, proposals refused as busy. */
  | { readonly type: 'inboxFull'; readonly dropped: number; readonly bound: 'maxInboxEvents' }
  /** A party spoke in another's name, or said what its kind may not say; the message was dropped. */
  | { readonly type: 'misplacedMessage'; readonly from: Party; readonly message: string }
  /** A linked member runs another version of the machine. Told once until it comes with yet another. */
  | { readonly type: 'machineVersionDiffers'; readonly peer: MemberId; readonly theirs: number; readonly ours: number }
  /** A peer's incarnation could not be remembered; it is asked to come back. */
  | { readonly type: 'rememberFailed'; readonly peer: MemberId; readonly reason: string }
  /** On stopping, the disk or the transport did not finish in time and was left to itself. */
  | { readonly type: 'closeTimedOut'; readonly bound: 'stopTimeoutMs' }

export type Notice = CoreDiagnostic | TransportNotice | IntakeNotice | MachineNotice | RecorderNotice | SnapshotNotice | MemberNotice

/** How much an operator should care: `error` needs a person, `warning` deserves a look, `info` explains. */
export type Severity = 'info' | 'warning' | 'error'

/** Something worth knowing that changed nothing; told apart by `type`. */
export type Diagnostic = Notice & { readonly severity: Severity }

/** A case without a severity does not compile. */
export const SEVERITY: Readonly<Record<Notice['type'], Severity>> = {
  unknownSender: 'warning',
  wrongAddressee: 'warning',
  twoLeaders: 'error',
  contradiction: 'error',
  impossibleEvent: 'error',
  stalled: 'warning',
  slowDisk: 'warning',
  quorumLost: 'warning',
  handshakeRefused: 'warning',
  unreachable: 'info',
  unknownToPeer: 'info',
  refusedByPeer: 'error',
  badFrame: 'warning',
  sendBufferFull: 'warning',
  tooManyLinks: 'warning',
  renewalFailed: 'warning',
  certificateExpires: 'warning',
  storageNote: 'info',
  membersDiffer: 'warning',
  inboxFull: 'warning',
  misplacedMessage: 'warning',
  invalidRequest: 'warning',
  unsendableResult: 'warning',
  slowApply: 'warning',
  lateApply: 'warning',
  snapshotFailed: 'warning',
  slowSnapshot: 'warning',
  snapshotUnusable: 'error',
  snapshotUnsendable: 'warning',
  snapshotUnreceivable: 'warning',
  machineVersionDiffers: 'warning',
  rememberFailed: 'error',
  closeTimedOut: 'error',
  recorderBehind: 'warning',
  recorderResumed: 'info',
  recorderStopped: 'warning',
}

export const diagnostic = (notice: Notice): Diagnostic => ({ ...notice, severity: SEVERITY[notice.type] })
