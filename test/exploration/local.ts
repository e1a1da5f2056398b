/**
 * One member in a world without time; every timer may fire at every moment, so clocks stand still and nothing remembers a date.
 * What only counts up (turns, rounds, chance) is renumbered after every act, so that members that will behave alike are alike.
 */
import type { RaftEvent } from '../../lib/events.js'
import type { Message } from '../../lib/messages.js'
import { lastIndexOf } from '../../lib/batch.js'
import { type RaftState, membership } from '../../lib/state.js'
import type { MemberId } from '../../lib/types.js'
import { NOTHING, held, settingsOf } from '../lib/build.js'
import { wishOf } from '../lib/wishes.js'
import { type Disk, type Fold, type Shell, feed, startShell, writeOldest } from '../lib/shell.js'
import type { Bounds } from './bounds.js'

/** What a member can do besides hearing a letter. */
export type Act =
  | { readonly type: 'stand' }
  | { readonly type: 'beat' }
  | { readonly type: 'write' }
  | { readonly type: 'crash' }
  | { readonly type: 'propose'; readonly request: number }
  | { readonly type: 'change'; readonly wish: string; readonly request: number }
  | { readonly type: 'hear'; readonly message: Message }

/** A member after an act, and what it sent. */
export interface Acted {
  readonly shell: Shell
  readonly letters: readonly Message[]
}

/** Every wait is over at once, every message carries one entry. */
const settings = (id: MemberId) => settingsOf(id, { electionTimeoutMs: 0, heartbeatMs: 0, stallMs: 0, maxAppendBytes: 1, maxInflightMessages: 2 })

export const startLocal = (id: MemberId, disk: Disk): Shell => unify(startShell(settings(id), disk, 0, 0))

/** Round 1 for every question: an answer to an older one of the same kind and term counts as if it were to the newest. */
const withoutDate = (message: Message): Message => ({ ...message, round: 1 })

export const actOn = (fold: Fold, { preVotes, hardStatesWait }: Bounds) => (before: Shell, act: Act): Acted => {
  const letters: Message[] = []
  const { id } = before.step.state.settings
  const take = (shell: Shell, now: number, ...events: readonly RaftEvent[]): Shell => {
    const turned = feed(fold, shell, { now, wall: 0, events })
    letters.push(...turned.left)
    const last = turned.shell.step.ready.committed.at(-1)
    return last === undefined ? turned.shell : take(turned.shell, now, { type: 'applied', index: lastIndexOf(last) })
  }
  /** A leader first finds that no quorum has answered for a moment. */
  const stand = (shell: Shell): Shell => {
    const waiting = shell.step.state.role === 'leader' ? unify(take(shell, 1, { type: 'ticked', due: 1 })) : shell
    const asking = take(waiting, 0, { type: 'ticked', due: 0 })
    const { state } = asking.step
    if (preVotes || state.role !== 'candidate' || state.phase === 'vote') return asking
    const { voters, outgoing } = membership(state)
    const granted = [...voters, ...outgoing].filter(other => other !== id).map(from =>
      ({ type: 'received', message: { type: 'requestVoteReply', from, to: id, term: state.term, preVote: true, voteGranted: true, round: state.round } }) as const)
    return withoutPreVotes(take(asking, 0, ...granted))
  }
  const write = (shell: Shell): Shell => {
    const { turn } = shell.writes[0]!
    const turned = writeOldest(shell)
    letters.push(...turned.left)
    return take(turned.shell, 0, { type: 'persisted', turn })
  }
  const run = (): Shell => {
    switch (act.type) {
      case 'stand': return stand(before)
      case 'beat': return take(before, 0, { type: 'ticked', due: 0 })
      case 'write': return write(before)
      case 'crash': return startLocal(id, before.disk)
      case 'propose': return take(before, 0, { type: 'proposed', id: 1, body: { count: 1, bytes: new Uint8Array(1), checksum: act.request } })
      case 'change': return take(before, 0, { type: 'changeAsked', id: 1, term: before.step.state.term, wish: wishOf(act.wish), from: undefined })
      case 'hear': return take(before, 0, { type: 'received', message: act.message })
    }
  }
  const done = (shell: Shell): Shell => hardStatesWait || shell.writes[0]?.writes.some(({ type }) => type === 'append') !== false ? shell : done(write(shell))
  const shell = unify(done(run()))
  return { shell, letters: letters.filter(letter => preVotes || !isPreVote(letter)).map(withoutDate) }
}

const isPreVote = (message: Message): boolean => (message.type === 'requestVote' || message.type === 'requestVoteReply') && message.preVote

const withoutPreVotes = (shell: Shell): Shell =>
  ({ ...shell, held: shell.held.map(({ turn, messages }) => ({ turn, messages: messages.filter(message => !isPreVote(message)) })) })

/** The same member with everything forgotten that it will never ask for again. */
const unify = ({ step, disk, writes, held }: Shell): Shell => {
  const turns = [...new Set([...writes, ...held].map(({ turn }) => turn))].sort((a, b) => a - b)
  const renumbered = <T extends { readonly turn: number }>(items: readonly T[]): readonly T[] => items.map(item => ({ ...item, turn: turns.indexOf(item.turn) + 1 }))
  const state = undated({ ...step.state, turn: turns.length, pendingWrites: renumbered(step.state.pendingWrites).map(write => ({ ...write, since: 0 })) })
  return {
    step: { state, ready: { ...NOTHING, turn: turns.length } },
    disk, writes: renumbered(writes),
    held: renumbered(held).map(({ turn, messages }) => ({ turn, messages: messages.map(withoutDate) })).filter(({ messages }) => messages.length > 0),
  }
}

const undated = (state: RaftState): RaftState => {
  const common = { now: 0, wall: 0, random: 0, round: 1, writtenAt: 0, heardAt: Number.NEGATIVE_INFINITY, promisedUntil: 0, electionDeadline: 0 }
  switch (state.role) {
    case 'follower': return { ...state, ...common, leaderCommit: 0, leaderRound: 0, answeredAt: Number.NEGATIVE_INFINITY, answeredRound: 0 }
    case 'candidate': return { ...state, ...common, votes: new Map([...state.votes].sort(([a], [b]) => a < b ? -1 : 1)) }
    case 'leader': return {
      ...state, ...common, electedAt: 0, stamped: { time: 0, at: 0 }, heartbeatDue: 0, leaving: state.leaving.map(one => ({ ...one, deadline: 0 })), transfer: state.transfer && { ...state.transfer, deadline: 0 },
      progress: state.progress.map(one => ({ ...one, since: 0, contact: Math.min(one.contact, 0), acceptedRound: 0, windowRound: 0, metRound: one.metRound && -1, probeRound: Math.min(one.probeRound, 1), inflight: one.inflight.map(sent => ({ ...sent, sentAt: 0 })), lap: { ...one.lap, since: 0 }, arrivedAt: 0, fastestMs: 0, workMs: 0 })),
    }
  }
}

/** Members with equal keys behave alike for ever. */
export const keyOf = (shell: Shell): string => {
  const { step: { state }, disk, writes, held: waiting } = shell
  const { settings: { id }, log, ...rest } = state
  // No log is ever cut here: its base is always the same one.
  const { hardState, batches } = disk
  return JSON.stringify([id, rest, held(log), hardState, batches, writes, waiting], withWords)
}

export const letterKey = (message: Message): string => JSON.stringify(message, withWords)

/** Bodies by what tells them apart, maps as lists. */
const withWords = (_: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? undefined : value instanceof Map ? [...value] : value
