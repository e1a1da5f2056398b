/** People at work while a cluster runs, who ask whichever member is at hand: one moves its leadership about, another changes who belongs to it, a third brings machines. */
import { membersOf } from '../../lib/membership.js'
import type { MembershipWish, Millis } from '../../lib/types.js'
import type { MembershipState } from '../../streams/index.js'
import type { SimulatedCluster, SimulatedMember } from '../../testing/simulation/cluster.js'
import type { Dice } from '../../testing/simulation/world/dice.js'

type Cluster = Pick<SimulatedCluster<never, unknown, unknown>, 'clock' | 'ids' | 'leader' | 'inflict'> & {
  member(id: string): Pick<SimulatedMember<never, unknown, unknown>, 'membership$' | 'address'> & { readonly raft: unknown }
}

/** How many clusters have such a person, and from one act to the next how long it is, in election timeouts. */
interface Habit {
  readonly share: number
  readonly gaps: readonly [least: number, most: number]
}
const MOVES: Habit = { share: 0.3, gaps: [0.5, 8] }
const CHANGES: Habit = { share: 0.4, gaps: [0.3, 4] }
const STAFFING: Habit = { share: 0.35, gaps: [0.2, 2] }

/** Acts now and then, until it is called off; in most clusters never. */
const nowAndThen = (cluster: Cluster, dice: Dice, { share, gaps }: Habit, electionTimeoutMs: Millis, act: () => void) => {
  const gapMs = electionTimeoutMs * dice.magnitude(...gaps)
  let isOff = !dice.chance(share)
  const next = (): void => void cluster.clock.after(dice.exponential(gapMs), () => {
    if (isOff) return
    act()
    next()
  })
  if (!isOff) next()
  return { gapMs, isOff: () => isOff, stop: () => { isOff = true } }
}

/** How often whoever leads is asked; otherwise it is any member that runs, which forwards the wish. */
const AT_THE_LEADER = 0.4

/** Whom to ask, if anybody is there. */
const drawAsked = (cluster: Cluster, dice: Dice): string | undefined => {
  const running = cluster.ids.filter(id => cluster.member(id).raft !== undefined)
  return dice.chance(AT_THE_LEADER) ? cluster.leader() : running.length === 0 ? undefined : dice.pick(running)
}

/** Asks for another leader. */
export const createOperator = (cluster: Cluster, dice: Dice, electionTimeoutMs: Millis): { readonly stop: () => void } =>
  nowAndThen(cluster, dice, MOVES, electionTimeoutMs, () => {
    const id = drawAsked(cluster, dice)
    if (id !== undefined) cluster.inflict(dice.chance(0.5) ? { type: 'handOver', id } : { type: 'handOver', id, to: dice.pick(cluster.ids) })
  })

/** Who belongs to the cluster, as far as this member knows. */
export const membershipAt = (cluster: Cluster, id: string): MembershipState | undefined => {
  let now: MembershipState | undefined
  cluster.member(id).membership$.subscribe(membership => { now = membership }).unsubscribe()
  return now
}

/** Asks for another membership: some come, some go, some only learn, and some changes are given up. */
export const createRegistrar = (cluster: Cluster, dice: Dice, electionTimeoutMs: Millis): { readonly stop: () => void } => {
  const addresses: Record<string, string> = {}
  const some = (probability: number): readonly string[] => cluster.ids.filter(() => dice.chance(probability))
  const addressed = (ids: readonly string[]): Record<string, string> => Object.fromEntries(ids.flatMap(id => addresses[id] === undefined ? [] : [[id, addresses[id]]]))
  const draw = (): MembershipWish => {
    if (dice.chance(0.15)) return { type: 'abandon' }
    const remove = some(0.25)
    const learners = some(0.15).filter(id => !remove.includes(id))
    const voters = some(0.4).filter(id => !remove.includes(id) && !learners.includes(id))
    return { type: 'change', voters: addressed(voters), learners: addressed(learners), remove, newcomers: undefined }
  }
  return nowAndThen(cluster, dice, CHANGES, electionTimeoutMs, () => {
    const id = drawAsked(cluster, dice)
    if (id === undefined) return
    Object.assign(addresses, membershipAt(cluster, id)?.addresses)
    cluster.inflict({ type: 'change', id, wish: draw() })
  })
}

/** How many members are added to those with whom a cluster begins, at most. */
const NEWCOMERS = 3
/** From the end of a machine to a word about the one in its place, at least, in election timeouts. */
const SET_UP = 0.5

/** Brings machines to a cluster that began with `first` members, and takes them away: new members come, some leave, and who has left comes back with nothing, or another in its place. */
export const createRecruiter = (cluster: Cluster, first: number, dice: Dice, electionTimeoutMs: Millis, share = STAFFING.share): { readonly brought: ReadonlySet<string>; readonly stop: () => void } => {
  const most = first + NEWCOMERS
  const brought = new Set<string>()
  /** Who has come and has not been named since. */
  const waiting = new Set<string>()
  const bring = (id: string): void => {
    if (working.isOff() || waiting.has(id)) return
    brought.add(id)
    waiting.add(id)
    cluster.inflict({ type: 'join', id })
  }
  const addressOf = (id: string): string => cluster.ids.includes(id) ? cluster.member(id).address : `${id}:7000`
  const change = (leader: string, come: readonly string[], leave: readonly string[]): void =>
    cluster.inflict({ type: 'change', id: leader, wish: { type: 'change', voters: Object.fromEntries(come.map(id => [id, addressOf(id)])), learners: {}, remove: leave, newcomers: come } })
  const act = (leader: string, named: readonly string[]): void => {
    const away = [...cluster.ids, `n${cluster.ids.length + 1}`].slice(0, most).filter(id => !named.includes(id))
    const one = away.length > 0 && dice.chance(0.7) ? dice.pick(away) : undefined
    if (one === undefined) return change(leader, [], [dice.pick(named)])
    const leave = dice.chance(0.3) ? [dice.pick(named)] : []
    // It may come first, or later, or never, or with what it had. Nobody sets up a machine in no time.
    const when = dice.number()
    if (when < 0.6) bring(one)
    else if (when < 0.8) cluster.clock.after(dice.exponential(working.gapMs) + electionTimeoutMs * SET_UP, () => bring(one))
    cluster.clock.after(when < 0.6 ? electionTimeoutMs * SET_UP : 0, () => { if (!working.isOff()) change(cluster.leader() ?? leader, [one], leave) })
  }
  const working = nowAndThen(cluster, dice, { ...STAFFING, share }, electionTimeoutMs, () => {
    const leader = cluster.leader()
    const known = leader === undefined ? undefined : membershipAt(cluster, leader)
    if (leader === undefined || known === undefined) return
    const named = membersOf(known)
    for (const id of named) waiting.delete(id)
    act(leader, named)
  })
  return { brought, stop: working.stop }
}
