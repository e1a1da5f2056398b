/** A cluster under random troubles, checked at every step, which must come to rest once they end. */
import { membersOf } from '../../lib/membership.js'
import { type RaftState, type Settings, isLacking, membership } from '../../lib/state.js'
import { membershipsFrom, termAt } from '../../lib/log.js'
import { dice, showLast } from './build.js'
import { type Cluster, type Member, cluster } from './cluster.js'
import { decide, decidersOf } from './promises.js'
import { wishOf } from './wishes.js'

/** Who belongs to the cluster, by the one who knows most of what is committed. */
const belonging = ({ members }: Cluster): readonly Member[] => {
  const { state } = members.reduce((most, one) => one.state.commitIndex > most.state.commitIndex ? one : most)
  const ids = membersOf(membership(state))
  return members.filter(({ id }) => ids.includes(id))
}

/** Everyone who belongs to it has applied the same, and all that is in its log. */
export const areEqual = (group: Cluster): boolean => {
  const members = belonging(group)
  return new Set(members.map(({ applied }) => applied.join(' '))).size === 1 && members.every(({ applied, state }) => applied.length === state.log.lastIndex)
}

const isSettled = ({ state }: Member): boolean => membership(state).outgoing.length === 0 && membership(state).next === undefined

/** All that the checker has seen of one run. */
interface History {
  readonly leaders: Map<number, string>
  /** index → index@term, committed once and for ever. */
  readonly committed: Map<number, string>
}

const claim = (holds: boolean, what: string): void => { if (!holds) throw new Error(what) }

const check = (group: Cluster, history: History): void => {
  for (const { id, state, applied } of group.members) {
    const { base } = state.log
    if (state.role === 'leader') {
      claim((history.leaders.get(state.term) ?? id) === id, `two leaders in term ${state.term}`)
      if (!history.leaders.has(state.term)) {
        history.leaders.set(state.term, id)
        for (const [index, entry] of history.committed) {
          if (index >= base.index) claim(entry === `${index}@${termAt(state.log, index)}`, `leader ${id} lacks committed ${entry}`)
        }
      }
    }
    for (let index = Math.max(1, base.index, Math.min(state.commitIndex - 5, history.committed.size + 1)); index <= state.commitIndex; index++) {
      const entry = `${index}@${termAt(state.log, index)}`
      claim((history.committed.get(index) ?? entry) === entry, `${id} commits ${entry}, but ${history.committed.get(index)} is committed`)
      history.committed.set(index, entry)
    }
    for (let index = Math.max(1, applied.length - 5); index <= applied.length; index++) {
      const entry = history.committed.get(index)
      // What was committed and cut while nobody looked is not known.
      if (entry !== undefined || index > base.index) claim(applied[index - 1] === entry, `${id} applied ${applied[index - 1]} at ${index}, where ${entry} is committed`)
    }
  }
}

/** A newly committed entry is on the disks of a quorum, counted there and nowhere else. */
const checkDurable = ({ members }: Cluster, before: RaftState, after: RaftState): void => {
  const { commitIndex: index, log } = after
  if (after.role !== 'leader' || index === before.commitIndex) return
  const term = termAt(log, index)
  const holders = members.filter(({ disk }) =>
    disk.batches.some(batch => batch.firstIndex === index && batch.term === term) || (disk.newest?.snapshot.index ?? disk.base.index) >= index).map(({ id }) => id)
  claim(decidersOf(before, after).some(one => decide(holders, one)), `${index}@${term} is committed, and on the disks of ${holders.join(', ')} alone`)
}

type Draw = (below: number) => number

/** One random act: a message delivered, doubled, lost or overtaken, a write, a tick, a proposal, a crash. */
const disturb = (group: Cluster, draw: Draw, request: number): void => {
  const member = group.members[draw(group.members.length)]!
  const act = draw(100)
  const message = group.mail[draw(Math.min(group.mail.length, 8))]
  if (act < 55 && message) group.deliver(message)
  else if (act < 60 && message) group.act(message.to, { type: 'received', message })
  else if (act < 64 && message) group.mail.splice(group.mail.indexOf(message), 1)
  else if (act < 80) group.sync(member.id)
  else if (act < 88) group.work(member.id)
  else if (act < 93) group.wait(draw(60))
  else if (act < 98) for (const { id } of group.leaders()) group.propose(id, request)
  else if (member.isUp && draw(4) === 0) group.crash(member.id)
  else if (!member.isUp) group.restart(member.id)
  while (group.mail.length > 200) group.mail.shift()
}

/** Now and then leaders are to change the membership, one member at a time or three at once, or to abandon what is under way. */
const disturbMembers = (group: Cluster, draw: Draw, request: number): void => {
  if (draw(60) > 0) return
  const ids = group.members.map(({ id }) => id)
  const names = Array.from({ length: 1 + draw(3) }, () => ids.splice(draw(ids.length), 1)[0]!)
  const wish = draw(8) === 0 ? 'abandon' : names.map(id => `${'++?-'.charAt(draw(4))}${id}`).join(' ')
  for (const { id } of group.leaders()) group.change(id, request, wishOf(wish))
}

/** Whether all others are sound, and make majorities without it by every membership that may count now or next. */
const canDoWithout = ({ members }: Cluster, lost: string): boolean => {
  const isEnough = (voters: readonly string[]): boolean => !voters.includes(lost) || 2 * (voters.length - 1) > voters.length
  return members.every(({ id, isUp, state }) => (id === lost || (isUp && !isLacking(state)))
    && membershipsFrom(state.log, state.commitIndex).every(({ voters, outgoing, next }) => [voters, outgoing, next?.voters ?? []].every(isEnough)))
}

/** So long that nobody takes one that is down for one that is there. */
const passTime = (group: Cluster): void => {
  for (let i = 0; i <= 20; i++) {
    group.wait(50)
    group.settle()
  }
}

/** Now and then a member takes a snapshot; one that is down may lose its own while the others can do without. */
const disturbSnapshots = (group: Cluster, draw: Draw): void => {
  const member = group.members[draw(group.members.length)]!
  if (draw(30) === 0) group.takeSnapshot(member.id)
  if (member.isUp || !canDoWithout(group, member.id) || draw(4) > 0) return
  passTime(group)
  if (canDoWithout(group, member.id)) group.loseSnapshot(member.id)
}

export interface Told {
  readonly committed: number
  /** How many memberships were committed, by the one who saw most of them. */
  readonly changes: number
  /** How often a machine was restored from another member's snapshot, and of that how often only because its own was lost. */
  readonly installs: number
  readonly lost: number
}

const troubled = (names: string, seed: number, acts: number, settings: Partial<Settings> | undefined): Told => {
  let installs = 0
  let lost = 0
  const changes = new Map<string, number>()
  const stepped: NonNullable<Parameters<typeof cluster>[1]>['watch'] = {
    left: () => undefined,
    stepped: (before, after, { snapshots, committed }) => {
      checkDurable(group, before, after)
      const { id } = after.settings
      changes.set(id, (changes.get(id) ?? 0) + committed.filter(({ kind }) => kind === 'membership').length)
      if (!snapshots.some(({ type }) => type === 'restore')) return
      installs++
      if (isLacking(before)) lost++
    },
  }
  const group: Cluster = cluster(names, {
    seed, watch: stepped, settings: { logCacheBytes: 600, maxAppendBytes: 500, maxInflightMessages: 4, maxApplyBytes: 600, ...settings },
  })
  const history: History = { leaders: new Map(), committed: new Map() }
  const draw = dice(seed)
  const canJoin = names.includes('|')
  for (let i = 0; i < acts; i++) {
    disturb(group, draw, i)
    if (settings !== undefined) disturbSnapshots(group, draw)
    if (canJoin) disturbMembers(group, draw, i)
    check(group, history)
  }
  for (const { id, isUp } of group.members) if (!isUp) group.restart(id)
  group.mail.splice(0)
  const committed = Math.max(0, ...history.committed.keys())
  group.until(() => group.leaders().length === 1 && isSettled(group.leader()) && areEqual(group))
  check(group, history)
  claim(new Set(belonging(group).map(({ state }) => showLast(state))).size === 1, 'they end with different logs')
  return { committed, changes: Math.max(0, ...changes.values()), installs, lost }
}

/** So many random acts, then peace; with settings that concern snapshots, members take some, and where others can join, the membership changes. Throws what does not hold, with the seed that shows it. */
export const story = (names: string, seed: number, acts: number, settings?: Partial<Settings>): Told => {
  try {
    return troubled(names, seed, acts, settings)
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
