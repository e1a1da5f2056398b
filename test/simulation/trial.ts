/** One seed: a cluster with settings of its own and its clients, one storm or hours with several, and a judge of what all saw. */
import { isLeft, isRight } from '../../lib/prelude.js'
import { step } from '../../lib/step.js'
import type { Millis } from '../../lib/types.js'
import type { Fold } from '../../streams/pipeline/fold.js'
import { judge } from '../../testing/linearizability/judge.js'
import { simulate } from '../../testing/simulation/cluster.js'
import { createDice, seedFor } from '../../testing/simulation/world/dice.js'
import type { Registers } from './clients.js'
import { frozenStep } from './freeze.js'
import { registerModel, registers } from './register.js'
import { drawLease, drawSettings, drawSnapshots } from './settings.js'
import { namedIn } from './service.js'
import { soak } from './soak.js'
import { type Stage, spell } from './spell.js'
import { createSpending } from './spending.js'
import { drawStates, withBallast } from './states.js'

export interface Outcome {
  readonly seed: number
  readonly members: number
  readonly steps: number
  readonly elections: number
  readonly committed: number
  readonly calls: number
  readonly acknowledged: number
  /** Reads that saw something. */
  readonly read: number
  /** Members that came with nothing while it ran, new ones or again, and belong in the end. */
  readonly joined: number
  /** Snapshots that members took, that they began to receive, and that they received to the end. */
  readonly taken: number
  readonly begun: number
  readonly received: number
  readonly simulatedMs: Millis
  readonly faults: Readonly<Record<string, number>>
  /** Election timeouts from the last fault to equal logs. */
  readonly healedAfter: number
  /** Of hours with quiet times: the proposals and reads in those. */
  readonly served?: number
}

export interface TrialOptions {
  readonly trace?: (line: string) => void
  readonly fold?: Fold
  /** How many replays may be spent on a shorter story. */
  readonly replays?: number
  /** Hours instead of one storm: see `soak`. */
  readonly isSoak?: boolean | undefined
}

/** What election timeouts there are. In hours nothing is learnt from more heartbeats. */
const TIMEOUTS_MS = { storm: [150, 300, 1000], soak: [1000, 1000, 3000] } as const
/** How long the search for an order may take; what it does not decide, the comparison with the log has decided already. */
const MAX_STATES = 20_000

/** A client that lives on finds out what became of what it proposed, unless its time is up. */
const checkKnown = (cluster: Registers): void => {
  const unknown = cluster.history().find(({ at, outcome }) => !cluster.ids.includes(at) && outcome !== undefined && isLeft(outcome) && outcome.left.appended === 'unknown' && outcome.left._tag !== 'TimedOut')
  if (unknown !== undefined) throw new Error(`${unknown.at} was told of ${JSON.stringify(unknown.command)}: ${JSON.stringify(unknown.outcome)}`)
}

/** Rejects when a promise is broken. */
export const trial = async (seed: number, { trace, replays, isSoak = false, fold = seed % 16 === 0 ? frozenStep : step }: TrialOptions = {}): Promise<Outcome> => {
  const dice = createDice(seedFor(seed, 'trial'))
  const settings = drawSettings(dice, TIMEOUTS_MS[isSoak ? 'soak' : 'storm'])
  const { electionTimeoutMs } = settings
  const snapshots = drawSnapshots(createDice(seedFor(seed, 'snapshots')), electionTimeoutMs)
  const states = drawStates(createDice(seedFor(seed, 'states')), electionTimeoutMs, snapshots)
  const limits = { ...settings.limits, ...snapshots, ...states.limits }
  const spending = createSpending(fold, limits)
  const spoilt: string[] = []
  const cluster = simulate({
    ...settings, limits, readLeaseMs: drawLease(createDice(seedFor(seed, 'lease')), settings), machine: withBallast(registers, states.ballastBytes, claim => spoilt.push(claim)),
    seed, fold: spending.fold, ...(trace && { trace }), ...(replays !== undefined && { replays }),
  })
  const stage: Stage = { cluster, electionTimeoutMs, states, first: cluster.ids.length, brought: new Set(), readers: [] }
  const course = isSoak ? await soak(stage, seed) : { healedAfter: await spell(stage, { dice, before: 0, diceFor: name => createDice(seedFor(seed, name)) }) }
  checkKnown(cluster)
  for (const claim of [...spoilt, spending.complaint()]) if (claim !== undefined) throw new Error(claim)
  const verdict = judge(registerModel, [...cluster.operations(), ...stage.readers.flatMap(({ operations }) => operations)], { maxStates: MAX_STATES })
  if (verdict._tag === 'NotLinearizable') throw new Error(`no order explains what the clients of seed ${seed} saw: ${JSON.stringify(verdict.misfits)}`)
  const history = cluster.history()
  return {
    seed, members: cluster.ids.length, ...course, simulatedMs: cluster.clock.now(), faults: cluster.counts.faults(),
    steps: cluster.counts.steps(), elections: cluster.counts.elections(), committed: cluster.counts.committed(),
    calls: history.length, acknowledged: history.filter(({ outcome }) => outcome !== undefined && isRight(outcome)).length,
    ...spending.counts,
    joined: namedIn(cluster).filter(id => stage.brought.has(id)).length,
    read: cluster.readings().filter(({ outcome }) => outcome !== undefined && isRight(outcome)).length,
  }
}
