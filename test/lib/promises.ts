/** What a cluster promises, whoever crashes: remembered over a run and compared after every step (Figure 3). */
import { lastIndexOf } from '../../lib/batch.js'
import { type RaftState, membership } from '../../lib/state.js'
import type { EntryBatch, EntryId, Index, MemberId, Membership, Term } from '../../lib/types.js'
import { held, showMembership } from './build.js'
import type { Disk } from './shell.js'

/** One entry, so that equal words mean equal entries: its term, and what tells its body from others. */
type Word = string

export interface Witness {
  readonly id: MemberId
  readonly isUp: boolean
  readonly state: RaftState
  readonly disk: Disk
}

/** What has been seen so far and may never be contradicted. */
export interface Memory {
  /** By term, who led it. */
  readonly leaders: Readonly<Record<Term, MemberId>>
  /** By index - 1, what was committed, and the lowest term in which that was known. */
  readonly committed: readonly { readonly word: Word; readonly since: Term }[]
}

export const blank: Memory = { leaders: {}, committed: [] }

const contentsOf = (batch: EntryBatch, index: Index): string => {
  switch (batch.kind) {
    case 'command': return `#${batch.body.checksum}+${batch.skip + index - batch.firstIndex}`
    case 'membership': return `=${showMembership(batch.membership)}`
    case 'noop': return '!'
  }
}

const wordsOf = (batches: readonly EntryBatch[]): readonly Word[] => {
  const found: Word[] = []
  for (const batch of batches) {
    for (let index = batch.firstIndex; index <= lastIndexOf(batch); index++) {
      found.push(`${batch.term}${contentsOf(batch, index)}`)
    }
  }
  return found
}

const termOf = (word: Word): Term => Number.parseInt(word, 10)

/** By index - 1; nothing where a snapshot stands for it. */
export type Words = readonly (Word | undefined)[]

const behind = ({ index }: EntryId, batches: readonly EntryBatch[]): Words => [...Array.from({ length: index }, () => undefined), ...wordsOf(batches)]

/** A log that is in memory as far as it is not cut. */
export const logOf = (state: RaftState): Words => behind(state.log.base, held(state.log))
export const logOnDisk = ({ base, batches }: Disk): Words => behind(base, batches)

/** Takes in what one member shows after a step; names what contradicts the past. */
export const remember = (memory: Memory, { id, state }: Pick<Witness, 'id' | 'state'>): { readonly memory: Memory; readonly broken: readonly string[] } => {
  const broken: string[] = []
  const { term, role, commitIndex, log } = state
  const words = logOf(state)
  let { leaders, committed } = memory
  if (role === 'leader' && leaders[term] !== id) {
    if (leaders[term] !== undefined) broken.push(`Election Safety: ${leaders[term]} and ${id} both lead term ${term}`)
    committed.forEach(({ word, since }, at) => {
      if (since < term && at >= log.base.index && words[at] !== word) broken.push(`Leader Completeness: ${id} leads term ${term} without ${at + 1}@${word}, committed in term ${since}`)
    })
    leaders = { ...leaders, [term]: id }
  }
  for (let at = 0; at < commitIndex; at++) {
    const word = words[at] ?? 'nothing'
    const known = committed[at]
    // Whoever cuts it has committed it before, or somebody else has.
    if (known !== undefined && at < log.base.index) continue
    if (known === undefined) committed = [...committed, { word, since: term }]
    else if (known.word !== word) broken.push(`State Machine Safety: ${id} commits ${at + 1}@${word} where ${at + 1}@${known.word} is committed`)
    else if (term < known.since) committed = committed.with(at, { word, since: term })
  }
  return { memory: leaders === memory.leaders && committed === memory.committed ? memory : { leaders, committed }, broken }
}

/** Two logs with an entry of equal index and term are equal up to there (Log Matching, §5.3). */
export const unmatched = (a: Words, b: Words): Index | undefined => {
  const isShared = (at: number): boolean => a[at] !== undefined && b[at] !== undefined
  let last = Math.min(a.length, b.length) - 1
  while (last >= 0 && !(isShared(last) && termOf(a[last]!) === termOf(b[last]!))) last--
  for (; last >= 0; last--) if (isShared(last) && a[last] !== b[last]) return last + 1
  return undefined
}

/** Log Matching among all logs, in memory and on disk. */
export const brokenAmong = (members: readonly Witness[]): readonly string[] => {
  const logs = members.flatMap(({ id, isUp, state, disk }) =>
    [{ of: `${id}'s disk`, log: logOnDisk(disk) }, ...(isUp ? [{ of: `${id}'s log`, log: logOf(state) }] : [])])
  return logs.flatMap((a, i) => logs.slice(i + 1).flatMap(b => {
    const index = unmatched(a.log, b.log)
    return index === undefined ? [] : [`Log Matching: ${a.of} and ${b.of} differ at ${index} before an entry that they share`]
  }))
}

/** The memberships by which a leader may have decided in one step: a step can append one before it counts, and another one behind that. */
export const decidersOf = (before: RaftState, after: RaftState): readonly Membership[] =>
  [membership(before), ...after.log.memberships.filter(({ index }) => index > before.log.lastIndex).map(placed => placed.membership)]

/** Whether these are a majority of the voters and, in joint consensus, of the outgoing ones too; counted without the core's help. */
export const decide = (holders: readonly MemberId[], { voters, outgoing }: Membership): boolean => {
  const isMajority = (ids: readonly MemberId[]): boolean => ids.filter(id => holders.includes(id)).length > ids.length / 2
  return isMajority(voters) && (outgoing.length === 0 || isMajority(outgoing))
}

/** What a leader newly commits is on the disks of those who decide by the membership that counts, whether they are up or not. */
export const notOnMajority = (before: RaftState, after: RaftState, members: readonly Pick<Witness, 'id' | 'disk'>[]): readonly string[] => {
  const log = logOf(after)
  const deciders = decidersOf(before, after)
  const broken: string[] = []
  for (let at = before.commitIndex; at < after.commitIndex; at++) {
    const holders = members.filter(({ disk }) => logOnDisk(disk)[at] === log[at] || (disk.newest?.snapshot.index ?? 0) > at).map(({ id }) => id)
    if (!deciders.some(one => decide(holders, one))) {
      broken.push(`Durability: ${after.settings.id} commits ${at + 1}@${log[at]}, which is on the disks of ${holders.join(', ') || 'nobody'} alone`)
    }
  }
  return broken
}
