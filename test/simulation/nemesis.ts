/** Strikes at times and places that the dice choose, and mends again. */
import type { Millis } from '../../lib/types.js'
import type { Agenda } from './agenda.js'
import type { Dice } from './dice.js'
import type { Member } from './member.js'
import type { Mix } from './mix.js'
import type { Network } from './network.js'
import { drawPartition } from './partition.js'

/** When to strike: a leader at its most vulnerable, or anyone who promised something. */
export type Moment = 'elected' | 'firstCommit' | 'promise'

export interface Nemesis {
  /** Begins to strike. */
  readonly begin: () => void
  /** A step did something worth interrupting: it may be this member's last for a while. */
  readonly ambush: (member: Member, moment: Moment) => void
  /** No more strikes, and all earlier ones undone, but for what the rest names. */
  readonly end: (rest: Rest) => void
}

/** Faults that stay, with which a cluster must live. */
export interface Rest {
  readonly down: readonly Member[]
  readonly cuts: ReadonlySet<string>
}

export interface NemesisOptions {
  readonly agenda: Agenda
  readonly dice: Dice
  readonly mix: Mix
  readonly members: readonly Member[]
  readonly network: Network
  /** Gives a member something to do. */
  readonly burden: (member: Member) => void
  readonly trace: (line: () => string) => void
}

/** Without faults no one waits long for the disk: what remains to be caught up with is a matter of round trips. */
const CALM_DISK = 0.1

export const createNemesis = ({ agenda, dice, mix, members, network, burden, trace }: NemesisOptions): Nemesis => {
  const { electionTimeoutMs } = mix.settings
  const ids = members.map(({ id }) => id)
  let isOver = false
  let present: ReadonlySet<string> = new Set()

  const lasting = (): Millis => electionTimeoutMs * mix.faults.lasts * dice.exponential(1)
  const unlessOver = (ms: Millis, act: () => void): void => agenda.after(ms, () => { if (!isOver) act() })

  const leader = (): Member | undefined => members
    .filter(member => member.isUp() && member.state().role === 'leader')
    .sort((a, b) => b.state().term - a.state().term)[0]
  const victim = (): Member => (dice.chance(mix.faults.atLeader) ? leader() : undefined) ?? dice.pick(members)
  const victims = (): readonly Member[] => {
    const one = victim()
    if (dice.chance(0.7)) return [one]
    return dice.chance(0.3) ? members : dice.shuffled(members).slice(0, dice.integer(1, members.length))
  }

  const crash = (member: Member): void => {
    if (!member.isUp()) return
    trace(() => `${member.id} crashes`)
    member.crash()
    unlessOver(dice.chance(0.4) ? electionTimeoutMs * 0.01 : lasting(), () => { restart(member) })
  }
  const restart = (member: Member): void => {
    if (member.isUp()) return
    member.start()
    trace(() => `${member.id} starts with ${member.disk.durable().slots.length} entries in term ${member.state().term}`)
  }
  const pause = (member: Member): void => {
    if (!member.isUp() || member.isPaused()) return
    trace(() => `${member.id} stops for a while`)
    member.pause()
    unlessOver(lasting(), () => { resume(member) })
  }
  const resume = (member: Member): void => {
    trace(() => `${member.id} goes on`)
    member.resume()
  }
  const lame = (member: Member): void => {
    const writeMs = electionTimeoutMs * dice.magnitude(0.2, 3)
    trace(() => `${member.id}'s disk now takes ${writeMs.toFixed(0)} ms`)
    member.disk.slow(writeMs / mix.disk.writeMs)
  }
  const slow = (member: Member): void => {
    lame(member)
    unlessOver(lasting(), () => { member.disk.slow(1) })
  }
  const divide = (around: Member): void => {
    const shape = dice.pick(mix.faults.shapes)
    const cuts = drawPartition(dice, shape, ids, around.id)
    trace(() => `partition ${shape}: ${[...cuts].join(' ')}`)
    present = cuts
    network.cut(cuts)
    unlessOver(lasting(), () => { if (present === cuts) network.heal() })
  }
  const strikeDown = (member: Member): void => {
    if (mix.faults.slowDisk !== undefined && dice.chance(0.5)) slow(member)
    if (dice.chance(mix.faults.crashes)) crash(member)
    else divide(member)
    // Whatever its peers will not hear of.
    burden(member)
  }

  const everySoOften = (gap: number | undefined, strike: () => void): void => {
    if (gap === undefined) return
    unlessOver(electionTimeoutMs * dice.exponential(gap), () => {
      strike()
      everySoOften(gap, strike)
    })
  }

  return {
    begin: () => {
      const { faults } = mix
      members.slice(0, faults.lame).forEach(lame)
      everySoOften(faults.partition, () => { divide(victim()) })
      everySoOften(faults.pause, () => { victims().forEach(pause) })
      everySoOften(faults.crash, () => { victims().forEach(crash) })
      everySoOften(faults.slowDisk, () => { victims().forEach(slow) })
    },
    ambush: (member, moment) => {
      if (isOver || !dice.chance(moment === 'promise' ? mix.faults.ambush : mix.faults.chase)) return
      const soon = dice.pick([0, mix.network.delayMs + mix.disk.writeMs])
      unlessOver(dice.exponential(moment === 'elected' && dice.chance(0.3) ? electionTimeoutMs : soon), () => { strikeDown(member) })
    },
    end: rest => {
      isOver = true
      trace(() => `all faults end, but for ${rest.down.map(({ id }) => id).join(', ') || 'nobody'} down and ${[...rest.cuts].join(' ') || 'nothing'} cut`)
      network.cut(rest.cuts)
      for (const member of members) {
        member.disk.slow(CALM_DISK)
        member.hurry()
        if (rest.down.includes(member)) crash(member)
        else restart(member)
        if (member.isPaused()) resume(member)
      }
    },
  }
}
