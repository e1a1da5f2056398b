/** A cluster in virtual time: trouble first, then healing, and what must hold all along and in the end. */
import type { Batch, Ready } from '../../lib/events.js'
import { lastEntry } from '../../lib/log.js'
import { firstMembership } from '../../lib/membership.js'
import type { RaftState } from '../../lib/state.js'
import { type Step, step } from '../../lib/step.js'
import type { Millis } from '../../lib/types.js'
import { type Agenda, createAgenda } from './agenda.js'
import { describe } from './describe.js'
import { type Dice, createDice } from './dice.js'
import { createFates } from './fates.js'
import { frozenStep } from './freeze.js'
import { heal } from './healing.js'
import { type History, createHistory } from './history.js'
import { type Member, createMember } from './member.js'
import { type Mix, drawMix } from './mix.js'
import { type Moment, createNemesis } from './nemesis.js'
import { createNetwork } from './network.js'

export interface Outcome {
  readonly seed: number
  readonly mix: Mix
  /** What was broken, or undefined. */
  readonly failure: string | undefined
  readonly steps: number
  readonly elections: number
  readonly committed: number
  readonly acknowledged: number
  readonly simulatedMs: Millis
  /** Election timeouts from the last fault to service. */
  readonly healedAfter: number
  /** Of what every step did: equal for equal runs. */
  readonly digest: number
}

export interface RunOptions {
  readonly trace?: (line: string) => void
  /** The core under test. Frozen states cost time: a share of the seeds has them. */
  readonly fold?: (previous: Step, batch: Batch) => Step
}

/** The network's mean delay once it is calm, in election timeouts. */
const CALM_DELAY = 0.002

export const simulate = (seed: number, { trace, fold = seed % 8 === 0 ? frozenStep : step }: RunOptions = {}): Outcome => {
  const dice = createDice(seed)
  const mix = drawMix(dice)
  const agenda = createAgenda()
  const fates = createFates()
  const ids = Array.from({ length: mix.members }, (_, at) => `n${at + 1}`)
  const membership = firstMembership(Object.fromEntries(ids.map(id => [id, `${id}:1`])))
  const log = (line: () => string): void => trace?.(`${agenda.now().toFixed(2).padStart(9)} ${line()}`)
  let steps = 0
  let digest = seed

  const network = createNetwork(agenda, dice, mix.network, letter => {
    members.find(({ id }) => id === letter.message.to)!.deliver(letter)
  })
  const stepped = (member: Member, before: RaftState, batch: Batch, ready: Ready): void => {
    const state = member.state()
    steps++
    digest = mingle(digest, [agenda.now() * 1000, state.term, lastEntry(state.log).index, state.commitIndex, ready.messages.length, state.random])
    log(() => describe(before, state, batch, ready))
    const moment = momentOf(before, state, ready)
    if (moment !== undefined) nemesis.ambush(member, moment)
  }
  const members: readonly Member[] = ids.map(id => createMember({
    id, agenda, dice, mix, membership, fates, stepped, fold, history: () => history, send: network.send,
  }))
  const history: History = createHistory(members, fates)
  const nemesis = createNemesis({ agenda, dice, mix, members, network, burden: member => burden(dice, mix, member), trace: log })
  const outcome = (failure: string | undefined, healedAfter: number): Outcome => ({
    seed, mix, failure, steps, digest, healedAfter, elections: history.elections(), committed: history.committed().length,
    acknowledged: fates.count('acknowledged'), simulatedMs: agenda.now(),
  })

  try {
    const trouble = mix.trouble * mix.settings.electionTimeoutMs
    for (const member of members) member.start()
    nemesis.begin()
    bringLoad(agenda, dice, mix, members, trouble)
    agenda.runUntil(trouble)
    network.calm(CALM_DELAY * mix.settings.electionTimeoutMs)
    return outcome(undefined, heal({ agenda, dice, mix, members, fates, nemesis }))
  } catch (error) {
    log(() => String(error))
    return outcome(String(error), Number.POSITIVE_INFINITY)
  }
}

const mingle = (digest: number, parts: readonly number[]): number =>
  parts.reduce((mixed, part) => Math.imul(mixed ^ part, 0x01000193), digest)

/** A burst of proposals. */
const burden = (dice: Dice, { load }: Mix, member: Member): void => {
  if (!member.isUp()) return
  for (let count = dice.integer(1, load.burst); count > 0; count--) member.propose(dice.integer(1, load.entries), Math.round(dice.between(1, load.bytes)))
}

/** Bursts of proposals, mostly where they belong. */
const bringLoad = (agenda: Agenda, dice: Dice, mix: Mix, members: readonly Member[], until: Millis): void => {
  const next = (): void => {
    if (agenda.now() >= until) return
    const leaders = members.filter(member => member.isUp() && member.state().role === 'leader')
    burden(dice, mix, leaders.length > 0 && dice.chance(0.85) ? dice.pick(leaders) : dice.pick(members))
    agenda.after(mix.settings.electionTimeoutMs * dice.exponential(mix.load.gap), next)
  }
  next()
}

const momentOf = (before: RaftState, after: RaftState, { writes, messages }: Ready): Moment | undefined => {
  if (after.role === 'leader' && before.role !== 'leader') return 'elected'
  if (after.role === 'leader' && before.commitIndex < after.noopIndex && after.commitIndex > before.commitIndex) return 'firstCommit'
  return writes.length > 0 || messages.some(({ type }) => type === 'requestVoteReply' || type === 'appendAccepted') ? 'promise' : undefined
}
