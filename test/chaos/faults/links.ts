/** Networks that are divided, deaf in one direction, late, narrow or unsteady. */
import type { MemberId, Millis } from '../../../lib/types.js'
import { type Dice, createDice } from '../../../testing/simulation/world/dice.js'
import { type Shape, drawPartition } from '../../../testing/simulation/faults/partition.js'
import { OPEN, type Way } from '../cluster/proxy.js'
import type { Fault, Stage } from './fault.js'

const HELD: Way = { ...OPEN, isHeld: true }
const FLAP_MS = [50, 500] as const
const RESET_MS = [50, 300] as const

/** Every wire, from the one who dials. */
const pairsOf = (ids: readonly MemberId[]): readonly (readonly [MemberId, MemberId])[] =>
  ids.flatMap(a => ids.filter(b => a < b).map(b => [a, b] as const))

/** About the leader every other time. */
const victimOf = (stage: Stage, dice: Dice, otherwise: MemberId): MemberId => (dice.chance(0.5) ? stage.leader() : undefined) ?? otherwise

const SHAPES_TWO_WAY: readonly Shape[] = ['halves', 'alone', 'pair', 'ring', 'bridge']
const SHAPES_ONE_WAY: readonly Shape[] = ['deaf', 'mute', 'oneWayPair', 'random']

/** Connections are reset and refused, or nothing is heard of the other side. */
export const partition: Fault = async (stage, { seed, order }) => {
  const dice = createDice(seed)
  const shape = dice.pick(SHAPES_TWO_WAY)
  const { cluster: { ids }, wiring } = stage
  const severed = drawPartition(dice, shape, ids, victimOf(stage, dice, order[0]!))
  const pairs = pairsOf(ids).filter(([a, b]) => severed.has(`${a}>${b}`))
  if (pairs.length === 0) return undefined
  const isReset = dice.chance(0.5)
  const set = (isSevered: boolean): void => pairs.forEach(([a, b]) => {
    if (isReset) return wiring.cut(a, b, isSevered)
    wiring.setWay(a, b, isSevered ? HELD : OPEN)
    wiring.setWay(b, a, isSevered ? HELD : OPEN)
  })
  set(true)
  return { whom: `${shape}, ${isReset ? 'reset' : 'black hole'}: ${pairs.map(([a, b]) => `${a}|${b}`).join(' ')}`, mend: () => set(false) }
}

export const oneWay: Fault = async (stage, { seed, order }) => {
  const dice = createDice(seed)
  const shape = dice.pick(SHAPES_ONE_WAY)
  const severed = [...drawPartition(dice, shape, stage.cluster.ids, victimOf(stage, dice, order[0]!))].map(arrow => arrow.split('>'))
  if (severed.length === 0) return undefined
  const set = (way: Way): void => severed.forEach(([from, to]) => stage.wiring.setWay(from!, to!, way))
  set(HELD)
  return { whom: `${shape}: ${severed.map(arrow => arrow.join('>')).join(' ')}`, mend: () => set(OPEN) }
}

/** Again and again, at random times within bounds, until it is over. */
const repeatedly = (dice: Dice, [least, most]: readonly [Millis, Millis], act: () => void): (() => void) => {
  let timer: NodeJS.Timeout
  const next = (): void => {
    act()
    timer = setTimeout(next, dice.between(least, most))
  }
  next()
  return () => clearTimeout(timer)
}

export const flap: Fault = async (stage, { seed, order }) => {
  const dice = createDice(seed)
  const victim = victimOf(stage, dice, order[0]!)
  const pairs = pairsOf(stage.cluster.ids).filter(pair => pair.includes(victim))
  let isCut = false
  const set = (next: boolean): void => {
    isCut = next
    pairs.forEach(([a, b]) => stage.wiring.cut(a, b, isCut))
  }
  const over = stage.disturb(victim)
  const end = repeatedly(dice, FLAP_MS, () => set(!isCut))
  return {
    whom: victim,
    mend: () => {
      end()
      set(false)
      over()
    },
  }
}

export const resetLinks: Fault = async (stage, { seed }) => {
  const dice = createDice(seed)
  const { cluster: { ids }, wiring } = stage
  const overs = ids.map(stage.disturb)
  const end = repeatedly(dice, RESET_MS, () => wiring.reset(...dice.pick(pairsOf(ids))))
  return {
    whom: 'one pair at a time',
    mend: () => {
      end()
      overs.forEach(over => over())
    },
  }
}

const everyWay = ({ cluster: { ids }, wiring }: Stage, way: Way): void =>
  ids.forEach(from => ids.filter(to => to !== from).forEach(to => wiring.setWay(from, to, way)))

/** Up to a quarter of the election timeout each way, and as uneven as that. */
export const slowLinks: Fault = async (stage, { amount }) => {
  const delayMs = 5 + amount * stage.electionTimeoutMs / 4
  everyWay(stage, { ...OPEN, delayMs, jitterMs: delayMs * 0.8 })
  return { whom: `${delayMs.toFixed(0)} ms`, mend: () => everyWay(stage, OPEN) }
}

export const narrowLinks: Fault = async (stage, { amount }) => {
  const bytesPerSecond = 10_000 + amount * 90_000
  everyWay(stage, { ...OPEN, bytesPerSecond })
  return { whom: `${(bytesPerSecond / 1000).toFixed(0)} kB/s`, mend: () => everyWay(stage, OPEN) }
}

/** Clients find some members' doors closed. */
export const closedDoors: Fault = async (stage, { order, amount }) => {
  const whom = order.slice(0, 1 + Math.floor(amount * order.length))
  const overs = whom.map(stage.disturb)
  whom.forEach(id => stage.wiring.door(id).cut(true))
  return {
    whom: whom.join(' '),
    mend: () => {
      whom.forEach(id => stage.wiring.door(id).cut(false))
      overs.forEach(over => over())
    },
  }
}

/** Commands arrive, and their answers do not; in the end what is on its way is lost. */
export const deafDoors: Fault = async (stage, { order, amount }) => {
  const leader = stage.leader()
  const whom = amount < 0.5 && leader !== undefined ? [leader] : order
  const overs = whom.map(stage.disturb)
  whom.forEach(id => stage.wiring.door(id).set(OPEN, HELD))
  return {
    whom: whom.join(' '),
    mend: () => {
      whom.forEach(id => {
        stage.wiring.door(id).reset(() => true)
        stage.wiring.door(id).set(OPEN, OPEN)
      })
      overs.forEach(over => over())
    },
  }
}

export const resetClients: Fault = async (stage, { seed, order }) => {
  const dice = createDice(seed)
  const end = repeatedly(dice, RESET_MS, () => order.forEach(id => stage.wiring.door(id).reset(() => dice.chance(0.3))))
  const overs = order.map(stage.disturb)
  return {
    whom: 'three in ten at a time',
    mend: () => {
      end()
      overs.forEach(over => over())
    },
  }
}
