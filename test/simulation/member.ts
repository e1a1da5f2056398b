/** One member: the core, and around it models of the inbox, the gate, the disk, the machine and the clock. */
import type { Batch, RaftEvent, Ready } from '../../lib/events.js'
import { firstStep } from '../../lib/recover.js'
import type { RaftState, Settings } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'
import type { MemberId, Membership, Millis, RequestId } from '../../lib/types.js'
import type { Agenda } from './agenda.js'
import { checkBounds } from './bounds.js'
import type { Dice } from './dice.js'
import { type Disk, createDisk } from './disk.js'
import type { Fates } from './fates.js'
import { createGate } from './gate.js'
import type { History, Watched } from './history.js'
import { emptyImage, storedIn } from './image.js'
import { createMachine } from './machine.js'
import type { Mix } from './mix.js'
import type { Letter } from './network.js'
import { createTicker } from './ticker.js'

export interface Member extends Watched {
  readonly isPaused: () => boolean
  readonly deliver: (letter: Letter) => void
  readonly propose: (count: number, bytes: number) => RequestId
  readonly start: () => void
  readonly crash: () => void
  /** Stops for a while: nothing is folded, ticks come late, what arrives piles up. */
  readonly pause: () => void
  readonly resume: () => void
  /** From now on its machine takes no time. */
  readonly hurry: () => void
}

export interface MemberOptions {
  readonly id: MemberId
  readonly agenda: Agenda
  readonly dice: Dice
  readonly mix: Mix
  readonly membership: Membership
  readonly fold: (previous: Step, batch: Batch) => Step
  readonly fates: Fates
  readonly history: () => History
  readonly send: (letter: Letter) => void
  /** Hears of every step, after all it asked for was handed over. */
  readonly stepped: (member: Member, before: RaftState, batch: Batch, ready: Ready) => void
}

/** A member's clock: its own rate, and a new beginning with every start. */
const createClock = ({ agenda, dice, mix }: MemberOptions) => {
  const rate = 1 + mix.drift * dice.between(-1, 1)
  let offset = 0
  let wall = 0
  return {
    rate,
    now: (): Millis => offset + agenda.now() * rate,
    wall: (): Millis => Math.floor(wall + agenda.now()),
    restart: (): void => {
      offset = dice.between(0, 10 * mix.settings.electionTimeoutMs) - agenda.now() * rate
      wall = 1_700_000_000_000 + dice.integer(-100_000, 100_000)
    },
  }
}

/** What came in since the last turn. */
interface Inbox {
  readonly events: RaftEvent[]
  readonly letters: Letter[]
}

export const createMember = (options: MemberOptions): Member => {
  const { id, agenda, dice, mix, membership, fold, fates, history, send } = options
  const settings: Settings = { id, ...mix.settings }
  const clock = createClock(options)
  let life = 0
  let current: Step = firstStep(settings, storedIn(emptyImage(), membership, 0), 0, 0)
  let isUp = false
  let isPaused = false
  let inbox: Inbox = { events: [], letters: [] }
  let isTurnPlanned = false

  /** `act` happens in this life or not at all. */
  const later = (ms: Millis, act: () => void): void => {
    const planned = life
    agenda.after(ms, () => { if (isUp && planned === life) act() })
  }
  const enter = (event: RaftEvent): void => {
    if (!isUp) return
    inbox.events.push(event)
    planTurn()
  }
  const planTurn = (): void => {
    if (isTurnPlanned || isPaused || inbox.events.length === 0) return
    isTurnPlanned = true
    later(dice.exponential(mix.turnMs), () => {
      isTurnPlanned = false
      if (!isPaused) turn()
    })
  }

  const disk: Disk = createDisk(agenda, dice, mix.disk, event => {
    if (event.type === 'persisted') gate.persisted(event.turn)
    enter(event)
  })
  const gate = createGate((ready, now) => {
    for (const message of ready.messages) {
      history().left(member, message)
      send({ message, life, askedAt: now })
    }
    machine.hand(ready.committed)
  })
  const machine = createMachine({
    dice, later, applyMs: mix.applyMs,
    apply: (index, slot) => {
      history().applied(member, index, slot)
      fates.applied(id, index, slot)
    },
    applied: index => enter({ type: 'applied', index }),
  })
  const ticker = createTicker({
    everyMs: Math.max(1, Math.floor(settings.heartbeatMs / 2)), now: clock.now,
    later: (ms, act) => later(ms / clock.rate, act),
    tick: due => enter({ type: 'ticked', due }),
  })

  const turn = (): void => {
    const { events, letters } = inbox
    const batch: Batch = { now: clock.now(), wall: clock.wall(), events }
    inbox = { events: [], letters: [] }
    const before = current.state
    current = fold(current, batch)
    const { ready, state } = current
    if (ready.writes.length > 0) disk.write(ready.turn, ready.writes)
    for (const letter of letters) history().heard(member, letter)
    fates.answered(id, events.flatMap(event => event.type === 'proposed' ? [event.id] : []), ready.answers, before.commitIndex)
    history().stepped(member, before, batch, ready)
    checkBounds(state, ready)
    for (const read of ready.reads) disk.read(read)
    gate.hold(ready, state.now)
    options.stepped(member, before, batch, ready)
  }

  const member: Member = {
    id, disk,
    life: () => life, isUp: () => isUp, isPaused: () => isPaused, state: () => current.state,
    deliver: letter => {
      if (!isUp) return
      inbox.letters.push(letter)
      enter({ type: 'received', message: letter.message })
    },
    propose: (count, bytes) => {
      const { id: request, body } = fates.propose(id, count, bytes)
      enter({ type: 'proposed', id: request, body })
      return request
    },
    start: () => {
      life++
      isUp = true
      clock.restart()
      current = firstStep(settings, disk.open(membership, settings.logCacheBytes), dice.integer(0, 0xffffffff), clock.now())
      history().started(member)
      ticker.start()
    },
    crash: () => {
      isUp = isPaused = isTurnPlanned = false
      inbox = { events: [], letters: [] }
      gate.reset()
      machine.reset()
      disk.crash()
      fates.crashed(id)
      history().crashed(member)
    },
    pause: () => {
      isPaused = true
      ticker.sleep()
    },
    resume: () => {
      isPaused = false
      ticker.wake()
      planTurn()
    },
    hurry: machine.hurry,
  }
  return member
}
