/** Strikes at times and places that the dice choose, and mends again. */
import { bytesOf } from '../../../lib/batch.js'
import type { Ready } from '../../../lib/events.js'
import type { RaftState } from '../../../lib/state.js'
import type { MemberId, Millis } from '../../../lib/types.js'
import { SECTOR_BYTES } from '../../../streams/storage/disk/disk.js'
import type { Member } from '../member.js'
import type { World } from '../world.js'
import type { Dice } from '../world/dice.js'
import type { Fault } from './fault.js'
import type { LeaderMoment, Strike, StormMix } from './mix.js'
import { drawPartition } from './partition.js'

/** When to strike: a leader at its most vulnerable, or anyone who promised something. */
type Moment = LeaderMoment | 'promise'

export interface NemesisOptions<C, R, S> {
  readonly world: World<C, R, S>
  readonly dice: Dice
  readonly mix: StormMix
  readonly electionTimeoutMs: Millis
  readonly inflict: (fault: Fault) => void
  /** Hears who is about to be cut off or to crash: whatever is proposed there now, few will hear of. */
  readonly struck: (id: MemberId) => void
}

/** Begins to strike; strikes no more once the result is called. What it did stays. */
export const unleash = <C, R, S>(options: NemesisOptions<C, R, S>): (() => void) => {
  const { world, dice, mix, electionTimeoutMs, inflict } = options
  let isOver = false
  const after = (ms: Millis, act: () => void): void => world.agenda.after(ms, () => { if (!isOver) act() })
  const tools = { ...options, after, lasting: () => electionTimeoutMs * mix.lasts * dice.exponential(1) }
  const strikes = strikesOf(tools)

  inflict({ type: 'network', mix: mix.network })
  inflict({ type: 'disks', mix: mix.disks })
  for (const { id } of world.members) if (mix.drift > 0) inflict({ type: 'skew', id, rate: 1 + mix.drift * dice.between(-1, 1) })
  for (const { id } of world.members.slice(0, mix.lame)) inflict({ type: 'slowDisk', id, factor: slowness(tools) })
  const everySoOften = (strike: Strike, gap: number): void => after(electionTimeoutMs * dice.exponential(gap), () => {
    strikes[strike]()
    everySoOften(strike, gap)
  })
  for (const [strike, gap] of Object.entries(mix.gaps)) everySoOften(strike as Strike, gap)
  const lookAway = world.onStep((id, before, _batch, state, ready) => {
    if (mix.tears > 0 && isWide(ready) && dice.chance(mix.tears)) after(dice.exponential(mix.disks.syncMs), () => strikes.tear(id))
    const moment = momentOf(before, state, ready)
    if (moment === undefined || !dice.chance(likelihoodOf(mix, moment))) return
    const soon = dice.pick([0, mix.network.delayMs + mix.disks.syncMs])
    after(dice.exponential(moment === 'elected' && dice.chance(0.3) ? electionTimeoutMs : soon), () => strikes.down(id))
  })
  return () => {
    isOver = true
    lookAway()
  }
}

const momentOf = (before: RaftState, after: RaftState, { writes, messages }: Ready): Moment | undefined => {
  if (after.role === 'leader' && before.role !== 'leader') return 'elected'
  if (after.role === 'leader' && before.commitIndex < after.noopIndex && after.commitIndex > before.commitIndex) return 'firstCommit'
  return writes.length > 0 || messages.some(({ type }) => type === 'requestVoteReply' || type === 'appendAccepted') ? 'promise' : undefined
}

/** Whether it writes several sectors at once, of which a loss of power may leave some. */
const isWide = ({ writes }: Ready): boolean =>
  writes.some(write => write.type === 'append' && write.batches.reduce((sum, batch) => sum + bytesOf(batch), 0) > 2 * SECTOR_BYTES)

const likelihoodOf = ({ ambush, chase, chaseAt }: StormMix, moment: Moment): number =>
  moment === 'promise' ? ambush : chaseAt.includes(moment) ? chase : 0

interface Tools<C, R, S> extends NemesisOptions<C, R, S> {
  readonly after: (ms: Millis, act: () => void) => void
  readonly lasting: () => Millis
}

/** How many times slower a lame disk is: a sync takes up to a few election timeouts. */
const slowness = <C, R, S>({ dice, mix, electionTimeoutMs }: Tools<C, R, S>): number =>
  Math.round(Math.max(2, electionTimeoutMs * dice.magnitude(0.2, 4) / mix.disks.syncMs))

const victimsOf = <C, R, S>({ world, dice, mix }: Tools<C, R, S>) => {
  const leader = (): Member<C, R, S> | undefined => world.members
    .filter(member => member.state()?.role === 'leader').sort((a, b) => b.state()!.term - a.state()!.term)[0]
  const one = (): Member<C, R, S> => (dice.chance(mix.atLeader) ? leader() : undefined) ?? dice.pick(world.members)
  return {
    one,
    some: (): readonly Member<C, R, S>[] => {
      const first = one()
      if (dice.chance(0.7)) return [first]
      return dice.chance(0.3) ? world.members : dice.shuffled(world.members).slice(0, dice.integer(1, world.members.length))
    },
  }
}

/** Damaged disks stay away for good: fewer than half of them may be. */
const mayBeDamaged = <C, R, S>(world: World<C, R, S>, damaged: ReadonlySet<MemberId>, id: MemberId): boolean =>
  damaged.has(id) || 2 * (damaged.size + 1) < world.members.length

type Strikes = Readonly<Record<Strike, () => void>> & Readonly<Record<'down' | 'tear', (id: MemberId) => void>>

/** What ends a process, or stops it for a while. */
const processStrikes = <C, R, S>({ dice, mix, inflict, after, lasting }: Tools<C, R, S>) => {
  const startLater = (id: MemberId): void => after(dice.chance(0.4) ? 1 : lasting(), () => inflict({ type: 'start', id }))
  const ended = (fault: Extract<Fault, { type: 'crash' | 'kill' }>, { isUp }: Member<C, R, S>): void => {
    if (!isUp()) return
    inflict(fault)
    startLater(fault.id)
  }
  return {
    startLater,
    crash: (member: Member<C, R, S>): void => ended({ type: 'crash', id: member.id, keep: mix.keep }, member),
    kill: (member: Member<C, R, S>): void => ended({ type: 'kill', id: member.id }, member),
    pause: ({ id, isUp, isPaused }: Member<C, R, S>): void => {
      if (!isUp() || isPaused()) return
      inflict({ type: 'pause', id })
      after(lasting(), () => inflict({ type: 'resume', id }))
    },
  }
}

/** What befalls a disk, and what comes of it: a member that fails by itself comes back by itself. */
const diskStrikes = <C, R, S>(tools: Tools<C, R, S>, startLater: (id: MemberId) => void) => {
  const { world, dice, mix, inflict, after, lasting } = tools
  // Whose disk an earlier storm has cost counts, too.
  const damaged = new Set(world.members.filter(member => member.isLost()).map(({ id }) => id))
  const troubled = (id: MemberId, fault: Fault): void => {
    inflict(fault)
    startLater(id)
    after(lasting() * 2, () => inflict({ type: 'start', id }))
  }
  return {
    slow: ({ id }: Member<C, R, S>): void => {
      inflict({ type: 'slowDisk', id, factor: slowness(tools) })
      after(lasting(), () => inflict({ type: 'slowDisk', id, factor: 1 }))
    },
    fail: ({ id }: Member<C, R, S>): void => troubled(id, {
      type: 'failDisk', id, operation: dice.pick(['write', 'datasync', 'datasync', 'rename', 'syncDirectory', 'create']), code: 'EIO', skip: dice.integer(0, 5),
    }),
    fill: ({ id }: Member<C, R, S>): void => {
      troubled(id, { type: 'fillDisk', id, freeBytes: dice.integer(0, 100_000) })
      after(lasting(), () => inflict({ type: 'fillDisk', id, freeBytes: Number.MAX_SAFE_INTEGER }))
    },
    damage: ({ id, isUp }: Member<C, R, S>): void => {
      if (!mayBeDamaged(world, damaged, id)) return
      damaged.add(id)
      if (isUp()) inflict(dice.chance(0.5) ? { type: 'kill', id } : { type: 'crash', id, keep: mix.keep })
      if (dice.chance(0.6)) inflict({ type: 'damageLast', id, at: dice.integer(0, 1 << 20) })
      // What is written stands at the front of a file.
      else inflict({ type: 'damage', id, file: dice.integer(0, 99), at: Math.floor(dice.magnitude(1, 1 << 20)) })
      startLater(id)
    },
  }
}

const strikesOf = <C, R, S>(tools: Tools<C, R, S>): Strikes => {
  const { world, dice, mix, inflict, after, lasting, struck } = tools
  const { ids } = world
  const { one, some } = victimsOf(tools)
  const { startLater, crash, kill, pause } = processStrikes(tools)
  const { slow, fail, fill, damage } = diskStrikes(tools, startLater)
  const lame = ids.slice(0, mix.lame)
  let present: Fault | undefined
  const divide = (around: MemberId): void => {
    const cut: Fault = { type: 'cut', links: [...drawPartition(dice, dice.pick(mix.shapes), ids, around, lame.find(id => id !== around))] }
    present = cut
    inflict(cut)
    after(lasting(), () => { if (present === cut) inflict({ type: 'cut', links: [] }) })
  }
  return {
    partition: () => {
      const { id } = one()
      struck(id)
      divide(id)
    },
    reset: () => inflict({ type: 'reset', a: one().id, b: dice.pick(ids) }),
    pause: () => some().forEach(pause),
    crash: () => some().forEach(crash),
    kill: () => some().forEach(kill),
    slowDisk: () => some().forEach(slow),
    failDisk: () => fail(one()),
    fillDisk: () => fill(one()),
    damage: () => damage(one()),
    skew: () => inflict({ type: 'skew', id: one().id, rate: 1 + mix.drift * dice.between(-1, 1), wallMs: Math.round(dice.between(-100_000, 100_000)) }),
    tear: id => crash(world.member(id)!),
    down: id => {
      const member = world.member(id)!
      struck(id)
      if (mix.gaps.slowDisk !== undefined && dice.chance(0.5)) slow(member)
      if (dice.chance(mix.crashes)) crash(member)
      else divide(id)
    },
  }
}
