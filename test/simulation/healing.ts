/** After the trouble: service within a stated time, first with a minority or a link still out, then with everyone. */
import { lastEntry } from '../../lib/log.js'
import { isReady } from '../../lib/status.js'
import type { MemberId, RequestId, Term } from '../../lib/types.js'
import type { Agenda } from './agenda.js'
import { summary } from './describe.js'
import type { Dice } from './dice.js'
import type { Fates } from './fates.js'
import type { Member } from './member.js'
import type { Mix } from './mix.js'
import type { Nemesis, Rest } from './nemesis.js'
import { drawPartition } from './partition.js'
import { demand } from './violation.js'

/** Election timeouts from the last fault to a leader and service, and with everyone there also to equal logs. */
const HEALING = 10
/** Election timeouts in which nothing happens that would call for another leader. */
const CALM = 4
/** Election timeouts between two looks. */
const STRIDE = 0.1
/** Election timeouts after the first service in which candidates of earlier trouble may still come forward. */
const SETTLING = 2

export interface HealingOptions {
  readonly agenda: Agenda
  readonly dice: Dice
  readonly mix: Mix
  readonly members: readonly Member[]
  readonly fates: Fates
  readonly nemesis: Nemesis
}

/** Returns how many election timeouts the slower of the two healings took; throws when a promise is broken. */
export const heal = (options: HealingOptions): number => {
  const { members, nemesis, fates } = options
  const rest = drawRest(options)
  const present = members.filter(member => !rest.down.includes(member))
  nemesis.end(rest)
  const first = serve(options, present)
  pass(options, SETTLING)
  keepCalm(options, present)

  nemesis.end({ down: [], cuts: NO_CUTS })
  const second = serve(options, members)
  equalise(options)
  keepCalm(options, members)

  nemesis.end({ down: [], cuts: drawCut(options) })
  keepCalm(options, members)
  fates.finish()
  return Math.max(first, second)
}

const NO_CUTS: ReadonlySet<string> = new Set()

/** Less than what service needs: a minority is down, or two members do not hear each other, or one not the other. */
const drawRest = (options: HealingOptions): Rest => {
  const { dice, members } = options
  if (dice.chance(0.7)) return { down: [], cuts: drawCut(options) }
  return { down: dice.shuffled(members).slice(0, dice.integer(0, Math.floor((members.length - 1) / 2))), cuts: NO_CUTS }
}

/** With fewer than three members every link is needed. */
const drawCut = ({ dice, members }: HealingOptions): ReadonlySet<string> => {
  const ids = members.map(({ id }) => id)
  const shape = dice.pick(['pair', 'oneWayPair', undefined] as const)
  return shape === undefined || ids.length < 3 ? NO_CUTS : drawPartition(dice, shape, ids, dice.pick(ids))
}

const pass = ({ agenda, mix }: HealingOptions, electionTimeouts: number): void =>
  agenda.runUntil(agenda.now() + electionTimeouts * mix.settings.electionTimeoutMs)

/**
 * Looks again and again until `isDone`; returns how many election timeouts that took. A backlog may take its time where the bounds
 * allow one entry per round trip, so the time that is limited is the time without a `gain`.
 */
const wait = (options: HealingOptions, what: string, isDone: () => boolean, gain: () => number): number => {
  let most = gain()
  let idle = 0
  let waited = 0
  for (; !isDone(); waited += STRIDE) {
    demand(idle < HEALING, () => `no ${what} ${HEALING} election timeouts after the last fault: ${summaries(options.members)}`)
    pass(options, STRIDE)
    idle = gain() > most ? 0 : idle + STRIDE
    most = Math.max(most, gain())
  }
  return waited
}

/** Proposals to whoever leads until one is acknowledged. */
const serve = (options: HealingOptions, members: readonly Member[]): number => {
  const asked: RequestId[] = []
  const ask = (): void => {
    const leader = members.filter(member => isReady(member.state())).sort((a, b) => b.state().term - a.state().term)[0]
    if (leader !== undefined) asked.push(leader.propose(1, 10))
  }
  const isServed = (): boolean => {
    const served = asked.some(options.fates.isAcknowledged)
    if (!served) ask()
    return served
  }
  return wait(options, 'service', isServed, () => Math.max(...members.map(member => member.state().commitIndex)))
}

const equalise = (options: HealingOptions): number =>
  wait(options, 'equal logs', () => areEqual(options.members), () => options.members.reduce((sum, member) => sum + member.state().appliedIndex, 0))

/** Nobody is elected while a leader has its quorum. */
const keepCalm = (options: HealingOptions, members: readonly Member[]): void => {
  const leading = (): readonly (readonly [MemberId, Term])[] => members
    .filter(member => member.state().role === 'leader').map(member => [member.id, member.state().term])
  const before = leading()
  pass(options, CALM)
  demand(before.length === 1 && String(leading()) === String(before), () => `led by ${before.join(' and ')}, then by ${leading().join(' and ')}, although nothing was wrong`)
}

/** One leader whom all follow, and everything on every disk, committed and applied. */
const areEqual = (members: readonly Member[]): boolean => {
  const states = members.map(member => member.state())
  const { term, leader, log } = states[0]!
  const last = lastEntry(log)
  return leader !== undefined && states.every(state => state.term === term && state.leader === leader
    && lastEntry(state.log).index === last.index && lastEntry(state.log).term === last.term
    && state.persistedIndex === last.index && state.commitIndex === last.index && state.appliedIndex === last.index)
}

const summaries = (members: readonly Member[]): string => members.map(member => summary(member.state())).join(' | ')
