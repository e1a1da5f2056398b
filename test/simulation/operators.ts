/** People at work while a cluster runs, who ask whichever member is at hand: one moves its leadership about, another changes who belongs to it. */
import type { MembershipWish, Millis } from '../../lib/types.js'
import type { MembershipState } from '../../streams/index.js'
import type { SimulatedCluster, SimulatedMember } from '../../testing/simulation/cluster.js'
import type { Dice } from '../../testing/simulation/world/dice.js'

type Cluster = Pick<SimulatedCluster<never, unknown, unknown>, 'clock' | 'ids' | 'leader' | 'inflict'> & {
  member(id: string): Pick<SimulatedMember<never, unknown, unknown>, 'membership$'> & { readonly raft: unknown }
}

/** How many clusters have somebody who moves their leadership about, and how often that is, in election timeouts. */
const MOVED = 0.3
const MOVES = [0.5, 8] as const

/** How often whoever leads is asked; otherwise it is any member that runs, which passes the wish on. */
const AT_THE_LEADER = 0.4

/** Whom to ask, if anybody is there. */
const drawAsked = (cluster: Cluster, dice: Dice): string | undefined => {
  const running = cluster.ids.filter(id => cluster.member(id).raft !== undefined)
  return dice.chance(AT_THE_LEADER) ? cluster.leader() : running.length === 0 ? undefined : dice.pick(running)
}

/** Asks for another leader, now and then, until it is called off. */
export const createOperator = (cluster: Cluster, dice: Dice, electionTimeoutMs: Millis): { readonly stop: () => void } => {
  const gapMs = electionTimeoutMs * dice.magnitude(...MOVES)
  let isOff = !dice.chance(MOVED)
  const next = (): void => void cluster.clock.after(dice.exponential(gapMs), () => {
    if (isOff) return
    const id = drawAsked(cluster, dice)
    if (id !== undefined) cluster.inflict(dice.chance(0.5) ? { type: 'handOver', id } : { type: 'handOver', id, to: dice.pick(cluster.ids) })
    next()
  })
  if (!isOff) next()
  return { stop: () => { isOff = true } }
}

/** How many clusters have somebody who changes who belongs to them, and how often that is, in election timeouts. */
const CHANGED = 0.4
const CHANGES = [0.3, 4] as const

/** Who belongs to the cluster, as far as this member knows. */
export const membershipAt = (cluster: Cluster, id: string): MembershipState | undefined => {
  let now: MembershipState | undefined
  cluster.member(id).membership$.subscribe(membership => { now = membership }).unsubscribe()
  return now
}

/** Asks for another membership, now and then, until it is called off: some come, some go, some only learn, and some changes are given up. */
export const createRegistrar = (cluster: Cluster, dice: Dice, electionTimeoutMs: Millis): { readonly stop: () => void } => {
  const gapMs = electionTimeoutMs * dice.magnitude(...CHANGES)
  const addresses: Record<string, string> = {}
  let isOff = !dice.chance(CHANGED)
  const some = (probability: number): readonly string[] => cluster.ids.filter(() => dice.chance(probability))
  const addressed = (ids: readonly string[]): Record<string, string> => Object.fromEntries(ids.flatMap(id => addresses[id] === undefined ? [] : [[id, addresses[id]]]))
  const draw = (): MembershipWish => {
    if (dice.chance(0.15)) return { type: 'abandon' }
    const remove = some(0.25)
    const learners = some(0.15).filter(id => !remove.includes(id))
    const voters = some(0.4).filter(id => !remove.includes(id) && !learners.includes(id))
    return { type: 'change', voters: addressed(voters), learners: addressed(learners), remove }
  }
  const next = (): void => void cluster.clock.after(dice.exponential(gapMs), () => {
    if (isOff) return
    const id = drawAsked(cluster, dice)
    if (id !== undefined) {
      Object.assign(addresses, membershipAt(cluster, id)?.addresses)
      cluster.inflict({ type: 'change', id, wish: draw() })
    }
    next()
  })
  if (!isOff) next()
  return { stop: () => { isOff = true } }
}
