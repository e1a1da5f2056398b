/** Somebody at work while the cluster suffers: moves its leadership about, replaces members by such as begin with nothing, and adds one more for a while. */
import { setTimeout as sleep } from 'node:timers/promises'
import { membersOf, sameLists } from '../../lib/membership.js'
import type { MemberId, Membership, Millis } from '../../lib/types.js'
import { createDice } from '../../testing/simulation/world/dice.js'
import type { Stage } from './faults/fault.js'
import type { Answer, Question } from './member/protocol.js'

export interface OperatorOptions {
  readonly stage: Stage
  readonly seed: number
  /** Those with whom the cluster begins, and has to end. */
  readonly first: readonly MemberId[]
  /** One more, who comes and goes. */
  readonly spare: MemberId
  readonly doors: Readonly<Record<MemberId, string>>
  /** What this member was is forgotten by all who watch. */
  readonly forget: (id: MemberId) => void
}

export interface Operator {
  /** What was done, by name, and how often. */
  readonly deeds: ReadonlyMap<string, number>
  begin(): void
  /** Begins nothing more, and sees to it that those belong who did at first; whether that was done in time. */
  end(withinMs: Millis): Promise<boolean>
}

/** Times in election timeouts: between two deeds of a kind, for a question, for a change, and for those to belong who are to. */
const GAPS = [0.3, 1.5] as const
const TRANSFERS = [1, 4] as const
const ANSWERS_WITHIN = 2
const CHANGES_WITHIN = 4
const PATIENCE = 15
/** A change that is not through after so long is given up. */
const STUCK = 6
const POLL_MS = 50

const isUnderWay = ({ outgoing, next }: Membership, isCommitted: boolean): boolean => !isCommitted || outgoing.length > 0 || next !== undefined

export const createOperator = ({ stage, seed, first, spare, doors, forget }: OperatorOptions): Operator => {
  const { cluster, electionTimeoutMs } = stage
  const dice = createDice(seed)
  const deeds = new Map<string, number>()
  /** Whoever is not to be counted on until those belong who did at first. */
  const overs: (() => void)[] = []
  const resting = new AbortController()
  let free = stage.holdDown(spare)
  let running: Promise<unknown> = Promise.resolve()
  const isOver = (): boolean => resting.signal.aborted

  const did = (what: string): void => void deeds.set(what, (deeds.get(what) ?? 0) + 1)
  const disturb = (ids: readonly MemberId[]): void => void overs.push(...ids.map(stage.disturb))
  const ask = async (question: Question): Promise<Answer | undefined> => {
    const leader = stage.leader()
    return leader === undefined ? undefined : cluster.ask(leader, question, electionTimeoutMs * (question.type === 'change' ? CHANGES_WITHIN : ANSWERS_WITHIN))
  }
  const change = async (voters: readonly MemberId[], now: Membership): Promise<void> => {
    const come = voters.filter(id => !now.voters.includes(id))
    const answer = await ask({ type: 'change', change: { voters: Object.fromEntries(come.map(id => [id, doors[id]!])), remove: membersOf(now).filter(id => !voters.includes(id)) } })
    did(answer?.type === 'done' ? 'changes' : `changes not told of (${answer?.type === 'failed' ? answer.error : 'no answer'})`)
  }
  /** Whether in the end these belong and no others. */
  const reach = async (voters: readonly MemberId[], withinMs: Millis): Promise<boolean> => {
    const end = performance.now() + withinMs
    let movedAt = performance.now()
    while (performance.now() < end) {
      const seen = await ask({ type: 'membership' })
      if (seen?.type === 'membership') {
        const { membership, isCommitted } = seen
        if (!isUnderWay(membership, isCommitted)) {
          if (sameLists(membership.voters, voters) && membership.learners.length === 0) return true
          await change(voters, membership)
          movedAt = performance.now()
        } else if (performance.now() - movedAt > STUCK * electionTimeoutMs) {
          await ask({ type: 'abandon' })
          movedAt = performance.now()
        }
      }
      await sleep(POLL_MS)
    }
    return false
  }
  const restored = async (withinMs: Millis): Promise<boolean> => {
    if (!await reach(first, withinMs)) return false
    if (cluster.ids.includes(spare)) {
      const hold = stage.holdDown(spare)
      free = hold
      await cluster.dismiss(spare)
      did('left for good')
    }
    for (const over of overs.splice(0)) over()
    return true
  }
  /** Another takes its place, with its name and nothing else. Whatever strikes it at the moment comes to its end first. */
  const renew = async (id: MemberId): Promise<void> => {
    while (stage.isHeldDown(id)) await sleep(POLL_MS)
    const release = stage.holdDown(id)
    await cluster.renew(id)
    forget(id)
    release()
    await stage.revive(id)
  }
  const replace = async (id: MemberId): Promise<void> => {
    disturb([id])
    if (!await reach(first.filter(other => other !== id), PATIENCE * electionTimeoutMs)) return
    await renew(id)
    if (await restored(PATIENCE * electionTimeoutMs)) did('came back with nothing')
  }
  const visit = async (): Promise<void> => {
    disturb([...first, spare])
    free()
    await renew(spare)
    if (await reach([...first, spare], PATIENCE * electionTimeoutMs)) did('joined')
    await restored(PATIENCE * electionTimeoutMs)
  }
  const transfer = async (): Promise<void> => {
    while (stage.leader() === undefined) {
      if (isOver()) return
      await sleep(POLL_MS)
    }
    const answer = await ask({ type: 'transfer', to: dice.chance(0.5) ? dice.pick(first) : undefined })
    did(answer?.type === 'done' ? 'transfers' : `transfers refused (${answer?.type === 'failed' ? answer.error : 'no answer'})`)
  }
  const again = async (gaps: readonly [number, number], act: () => Promise<void>): Promise<void> => {
    while (!isOver()) {
      await sleep(electionTimeoutMs * dice.between(...gaps), undefined, { signal: resting.signal }).catch(() => undefined)
      if (!isOver()) await act()
    }
  }
  const reshape = async (): Promise<void> => {
    if (await restored(PATIENCE * electionTimeoutMs)) await (dice.chance(0.6) ? replace(dice.pick(first)) : visit())
  }
  return {
    deeds,
    begin: () => { running = Promise.all([again(TRANSFERS, transfer), again(GAPS, reshape)]) },
    end: async withinMs => {
      resting.abort()
      await running
      return restored(withinMs)
    },
  }
}
