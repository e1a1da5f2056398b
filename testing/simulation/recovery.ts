/** After the trouble: one leader whom all follow, equal logs, and new writes served, within a stated time. */
import { mayBeVoter } from '../../lib/fitness.js'
import { lastEntry, membershipsFrom, placedMembershipOf } from '../../lib/log.js'
import { membersOf } from '../../lib/membership.js'
import { type Leader, type RaftState, isLacking, membership } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import type { MemberId, Membership, Millis } from '../../lib/types.js'
import { mendAll } from './faults/perform.js'
import type { Member } from './member.js'
import { isSameState } from './watch/appliances.js'
import { summary } from './watch/describe.js'
import { told } from './watch/told.js'
import type { World } from './world.js'

/** Election timeouts from the last fault to a leader and equal logs, as long as nothing gets better meanwhile. */
const HEALING = 10
/** Election timeouts that it may take in all, for who gains and loses again gains for ever. */
const AT_MOST = 100 * HEALING
/** Election timeouts between two looks. */
const STRIDE = 0.1

/** One leader whom all follow, and everything on every disk, committed and applied. */
const areEqual = <C, R, S>(members: readonly Member<C, R, S>[]): boolean => {
  const states = members.map(member => member.state())
  const first = states[0]
  if (first === undefined || first.leader === undefined || !states.some(state => state !== undefined && isReady(state))) return false
  const last = lastEntry(first.log)
  return states.every(state => state !== undefined && state.term === first.term && state.leader === first.leader
    && lastEntry(state.log).index === last.index && lastEntry(state.log).term === last.term
    && state.persistedIndex === last.index && state.commitIndex === last.index && state.appliedIndex === last.index)
}

/** Who belongs to the cluster, by the member that knows the most of it, or by what was committed where those who know that are down. */
const membershipNow = <C, R, S>({ members, guard }: World<C, R, S>): Membership | undefined => {
  const states = members.flatMap(member => member.state() ?? [])
  const [newest] = states.sort((a, b) => b.commitIndex - a.commitIndex || b.log.lastIndex - a.log.lastIndex)
  if (newest === undefined) return undefined
  const [placed, committed] = [placedMembershipOf(newest.log), guard.committed()]
  return (placed.index >= committed.index ? placed : committed).membership
}

/** Whether anything is demanded of this member: nobody tells those who have left what became of the rest. */
const belongs = <C, R, S>(world: World<C, R, S>, id: MemberId): boolean => {
  const now = membershipNow(world)
  return now === undefined || membersOf(now).includes(id)
}

/** Whether the log of one is no older than that of the other (§5.4.1). */
const isNoOlder = (one: RaftState, other: RaftState): boolean => {
  const [a, b] = [lastEntry(one.log), lastEntry(other.log)]
  return a.term > b.term || (a.term === b.term && a.index >= b.index)
}

/** Whether all are there whom any log counts, or may count. */
const areAllThere = <C, R, S>(world: World<C, R, S>, states: readonly RaftState[]): boolean =>
  states.flatMap(({ log, commitIndex }) => membershipsFrom(log, commitIndex).flatMap(membersOf)).every(id => world.member(id)?.state() !== undefined)

/**
 * Whether those who are present are enough to decide, even without so many of them; somebody among them must be able to lead so many, whose own snapshot is not lost: only another
 * leader could bring it that. Where nobody is missing, and never too many had lost theirs, there must be one.
 */
const canDecide = <C, R, S>(world: World<C, R, S>, present: readonly Member<C, R, S>[], spared: number): boolean => {
  const now = membershipNow(world)
  if (now === undefined) return 2 * (present.length - spared) > world.members.length
  // Those who are to leave, too: they may be all who have the change.
  const states = world.members.flatMap(member => member.state() ?? [])
  const areEnough = (voters: readonly MemberId[], ids: readonly MemberId[]): boolean => voters.length === 0 || 2 * (ids.filter(id => voters.includes(id)).length - spared) > voters.length
  // Who stands is elected by the membership in its own log, which may be newer than what is committed, and ask for one that is lost.
  const canLead = (state: RaftState): boolean => {
    const helpers = states.filter(other => isNoOlder(state, other)).map(({ settings: { id } }) => id)
    const { voters, outgoing } = membership(state)
    return !isLacking(state) && mayBeVoter(state) && areEnough(voters, helpers) && areEnough(outgoing, helpers)
  }
  const ids = present.map(({ id }) => id)
  const isOwed = spared === 0 && !world.guard.isImpoverished() && areAllThere(world, states)
  // Who is still starting has said nothing yet.
  return areEnough(now.voters, ids) && areEnough(now.outgoing, ids) && (present.some(member => member.state() === undefined) || isOwed || states.some(canLead))
}

/** With faults left, some may be out of reach: one leads, and what it has is committed. */
const isServing = <C, R, S>(members: readonly Member<C, R, S>[]): boolean => members.some(member => {
  const state = member.state()
  return state !== undefined && isReady(state) && state.commitIndex === state.log.lastIndex
})

/** What grows while a cluster recovers, whatever its clients do meanwhile: who is furthest behind catches up, and may take its time. */
const gainOf = <C, R, S>(members: readonly Member<C, R, S>[]): number => Math.min(...members.map(member => gainIn(member.state())))

/** What is applied, and the part that is here of a snapshot on its way: one in tiny chunks may take long. */
const gainIn = (state: RaftState | undefined): number =>
  state === undefined ? 0 : state.appliedIndex + (state.receiving === undefined ? 0 : state.receiving.expected / (state.receiving.snapshot.bytes + 1))

const commitOf = <C, R, S>(members: readonly Member<C, R, S>[]): number => Math.max(...members.map(member => member.state()?.commitIndex ?? 0))

const summaries = <C, R, S>(members: readonly Member<C, R, S>[]): string => members.map(member => {
  const state = member.state()
  return state === undefined ? `${member.id} is ${member.isUp() ? 'starting' : 'down'}` : summary(state)
}).join(' | ')

/** Faults that stay, with which a cluster must live: members that are down, ordered pairs `from>to` that are cut. */
export interface Rest {
  readonly down?: readonly MemberId[]
  readonly links?: readonly string[]
}

/** Who has applied the same has become the same. */
const checkStates = <C, R, S>({ judge, view }: World<C, R, S>, members: readonly Member<C, R, S>[]): void => {
  const [first, ...others] = members.flatMap(({ id, latest }) => {
    const applied = latest()
    return applied === undefined ? [] : [{ id, index: applied.index, state: view(applied.state) }]
  })
  for (const other of others) {
    judge.demand(first === undefined || first.index !== other.index || isSameState(first.state, other.state),
      () => `at ${other.index} ${other.id} has become ${told(other.state)}, and ${first?.id} ${told(first?.state)}`)
  }
}

/** Ends all faults but the rest, and waits; returns how many election timeouts it took. A cluster that does not recover is a violation. */
export const recover = async <C, R, S>(world: World<C, R, S>, electionTimeoutMs: Millis, { down = [], links = [] }: Rest): Promise<number> => {
  const { members, judge, agenda } = world
  for (const id of down) world.member(id)?.crash(0)
  const able = members.filter(({ id }) => !down.includes(id))
  mendAll(world, able)
  if (links.length > 0) world.perform({ type: 'cut', links })
  const present = (): readonly Member<C, R, S>[] => able.filter(member => !member.isLost() && belongs(world, member.id))
  // Of two that do not hear each other one can be spared: nothing is demanded where no majority hears each other without it.
  const spared = links.length > 0 ? 1 : 0
  // Clients that go on can keep logs from ever being equal: after a while what was in them by then is enough.
  let enough = Number.POSITIVE_INFINITY
  const isDone = (): boolean => !canDecide(world, present(), spared) || (links.length > 0 ? isServing : areEqual)(present())
    || (links.length > 0 ? commitOf : gainOf)(present()) >= enough
  let last = gainOf(present())
  let idle = 0
  let waited = 0
  while (judge.violation() === undefined && !isDone()) {
    if (!judge.demand(idle < HEALING && waited < AT_MOST, () => `no leader with equal logs ${HEALING} election timeouts after the last fault: ${summaries(members)}`)) break
    await world.run(agenda.now() + STRIDE * electionTimeoutMs)
    waited += STRIDE
    if (waited >= HEALING && enough === Number.POSITIVE_INFINITY) enough = Math.max(...present().map(member => member.state()?.log.lastIndex ?? 0))
    for (const member of able) member.start()
    const gain = gainOf(present())
    // Less than before it is where others have come to belong, or where a snapshot begins anew.
    idle = gain > last ? 0 : idle + STRIDE
    last = gain
  }
  if (links.length === 0) checkStates(world, present())
  return waited
}

/**
 * Nobody is elected while a leader has its quorum, but whom it has told to stand, or who follows one that a change left out: whatever else is elected meanwhile is a violation.
 * Where too few are left to have a leader, nothing is demanded.
 */
export const keepCalm = async <C, R, S>(world: World<C, R, S>, ms: Millis): Promise<void> => {
  const { members, judge, agenda, guard } = world
  const leaders = (): readonly Leader[] => members.flatMap(member => {
    const state = member.state()
    return state?.role === 'leader' ? [state] : []
  })
  const tellLeaders = (leading: readonly Leader[]): string => leading.map(({ settings: { id }, term }) => `${id} in term ${term}`).join(' and ')
  const before = leaders()
  const [handovers, elections] = [guard.handovers(), guard.elections()]
  const isUnderWay = before.some(({ hasAskedToStand }) => hasAskedToStand)
  await world.run(agenda.now() + ms)
  const hasLeft = before.some(({ settings: { id } }) => !belongs(world, id))
  const excused = guard.handovers() - handovers + Number(isUnderWay) + Number(hasLeft)
  const isCalm = guard.elections() - elections <= excused && (excused > 0 || before.length > 1 || tellLeaders(leaders()) === tellLeaders(before))
  judge.demand(before.length === 0 || isCalm, () => `led by ${tellLeaders(before)}, then by ${tellLeaders(leaders()) || 'nobody'}, although nothing was wrong`)
}
