/** What happened, a line each: what a member became, wrote, said, committed, answered and noticed. */
import type { Ready, SnapshotWork } from '../../lib/events.js'
import { sameMembership } from '../../lib/membership.js'
import type { Message } from '../../lib/messages.js'
import { type RaftState, membership } from '../../lib/state.js'
import { show, showAnswer, showBatches, showChangeAnswer, showMembership, showReadAnswer, showWork, showWrite } from '../lib/build.js'

/** A loud line is of interest even where letters and writes are not. */
interface Line { readonly text: string; readonly isLoud: boolean }

export interface Trace {
  readonly stepped: (before: RaftState, after: RaftState, ready: Ready) => void
  readonly left: (message: Message) => void
  readonly say: (text: string) => void
  readonly lost: (message: Message) => void
  /** All lines since the last call; without letters and writes when quiet. */
  readonly take: (quiet: boolean) => readonly string[]
}

const roleOf = (state: RaftState): string => {
  switch (state.role) {
    case 'follower': return state.leader === undefined ? 'follower of nobody' : `follower of ${state.leader}`
    case 'candidate': return state.phase === 'preVote' ? 'candidate, asking first' : 'candidate'
    case 'leader': return 'leader'
  }
}

/** Of the way of a snapshot: its beginning and its end, and not each chunk. */
const isMilestone = ({ type }: SnapshotWork): boolean => type === 'take' || type === 'receive' || type === 'restore'

const changesOf = (before: RaftState, after: RaftState, { writes, snapshots, committed, answers, readAnswers, changeAnswers, diagnostics }: Ready): readonly Line[] => {
  const { id } = after.settings
  const line = (says: boolean, text: string, isLoud = true): readonly Line[] => says ? [{ text: `${id} ${text}`, isLoud }] : []
  return [
    ...diagnostics.flatMap(({ type }) => line(true, `notices ${type}`)),
    ...line(roleOf(before) !== roleOf(after) || before.term !== after.term, `becomes ${roleOf(after)} in T${after.term}`),
    ...line(before.votedFor !== after.votedFor && after.votedFor !== undefined, `votes for ${after.votedFor} in T${after.term}`),
    ...line(!sameMembership(membership(after), membership(before)), `goes by ${showMembership(membership(after)) || 'nobody'}`),
    ...line(after.commitIndex !== before.commitIndex, `commits up to ${after.commitIndex}`),
    ...snapshots.flatMap(work => line(true, `is to ${work.type === 'take' ? 'take a snapshot' : showWork(work)}`, isMilestone(work))),
    ...line(committed.length > 0, `applies ${showBatches(committed)}`, false),
    ...answers.flatMap(answer => line(true, `answers ${showAnswer(answer)}`)),
    ...readAnswers.flatMap(answer => line(true, `answers read ${showReadAnswer(answer)}`)),
    ...changeAnswers.flatMap(answer => line(true, `answers change ${showChangeAnswer(answer)}`)),
    ...line(writes.length > 0, `writes ${writes.map(showWrite).join(' and ')}`, false),
  ]
}

export const createTrace = (): Trace => {
  let lines: Line[] = []
  return {
    stepped: (before, after, ready) => { lines.push(...changesOf(before, after, ready)) },
    left: message => { lines.push({ text: `${message.from} says ${show(message)}`, isLoud: false }) },
    lost: message => { lines.push({ text: `lost: ${message.from}'s ${show(message)}`, isLoud: false }) },
    say: text => { lines.push({ text, isLoud: true }) },
    take: quiet => {
      const taken = lines.filter(({ isLoud }) => isLoud || !quiet).map(({ text }) => text)
      lines = []
      return taken
    },
  }
}
