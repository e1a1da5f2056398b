/** What a serving member says: one line per event, for people or for programs. */
import type { Status } from '../../lib/status.js'
import { membersOf } from '../../lib/membership.js'
import type { MemberId, Membership, Millis } from '../../lib/types.js'
import type { Diagnostic } from '../../streams/outputs/diagnostics.js'
import type { MembershipState } from '../../streams/outputs/outputs.js'
import { printable } from '../words.js'

export interface Announcer {
  /** `words` for people, `event` for programs. */
  say(event: Readonly<Record<string, unknown>> & { readonly type: string }, words: string): void
  /** A line where term or leader have changed; without voters this member has yet to be added. */
  status(status: Status, membership: Pick<Membership, 'voters'>): void
  /** A line where this member is left out for good, though it runs on. */
  membership(id: MemberId, membership: MembershipState): void
  /** What deserves a look; the same again and again is counted and told now and then. */
  notice(notice: Diagnostic): void
}

/** A kind of notice is told at most so often. */
const NOTICE_EVERY_MS: Millis = 10_000

/** `name value`; what has parts is told as JSON, and numbers are rounded. */
const details = (notice: Diagnostic): string => Object.entries(notice)
  .filter(([name]) => name !== 'type' && name !== 'severity')
  .map(([name, value]) => `${name} ${typeof value === 'string' ? value : typeof value === 'number' ? Math.round(value) : JSON.stringify(value)}`).join(', ')

const leadership = ({ id, role, term, leader }: Status, { voters }: Pick<Membership, 'voters'>): string => {
  if (role === 'leader') return `${id} leads term ${term}`
  if (leader !== undefined) return `${id} follows ${leader} in term ${term}`
  return voters.length === 0 ? `${id} waits to be added to the cluster` : `${id} knows of no leader in term ${term}`
}

export const createAnnouncer = (isJson: boolean, print: (line: string) => void, now: () => Millis): Announcer => {
  const told = new Map<Diagnostic['type'], { at: Millis; unsaid: number }>()
  let last: string | undefined
  /** Whether a committed membership has named it: one that joins passes those that do not know it yet. */
  let wasNamed = false
  const say: Announcer['say'] = (event, words) => print(printable(isJson ? JSON.stringify({ time: new Date().toISOString(), ...event }) : `${new Date().toISOString()}  ${words}`))
  return {
    say,
    status: (status, membership) => {
      const words = leadership(status, membership)
      if (words === last) return
      last = words
      const { id, role, term, leader = null } = status
      say({ type: 'leadership', id, role, term, leader }, words)
    },
    membership: (id, membership) => {
      const { voters, isCommitted } = membership
      if (!isCommitted) return
      const isNamed = membersOf(membership).includes(id)
      if (wasNamed && !isNamed) say({ type: 'leftOut', id, voters }, `${id} is no member any more: its process is to be ended; to come back, it is added again`)
      wasNamed = isNamed
    },
    notice: notice => {
      const { type, severity } = notice
      // Peers come and go; that one is not reached is seen in its own status.
      if (severity === 'info' && type !== 'storageNote') return
      const before = told.get(type)
      if (before !== undefined && now() - before.at < NOTICE_EVERY_MS) {
        before.unsaid++
        return
      }
      const unsaid = before?.unsaid ?? 0
      told.set(type, { at: now(), unsaid: 0 })
      say({ type: 'notice', notice, unsaid }, `${severity}: ${type}: ${details(notice)}${unsaid > 0 ? ` (and ${unsaid} of these before it)` : ''}`)
    },
  }
}
