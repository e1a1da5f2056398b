/** Several cores, a network and disks in one place, driven by hand or by a seed. */
import type { Batch, RaftEvent, Ready, Write } from '../../lib/events.js'
import type { Message } from '../../lib/messages.js'
import { dropAfter, lastIndexOf } from '../../lib/batch.js'
import { firstStep } from '../../lib/recover.js'
import type { Leader, RaftState, Settings } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import type { Step } from '../../lib/step.js'
import type { EntryBatch, HardState, MemberId, Millis } from '../../lib/types.js'
import { body, membershipOf, purely, settingsOf, show } from './build.js'

/** What outlives a crash. */
interface Disk {
  hardState: HardState
  batches: readonly EntryBatch[]
}

const write = (disk: Disk, one: Write): void => {
  if (one.type === 'hardState') disk.hardState = one.hardState
  else {
    const first = one.batches[0]!.firstIndex
    const kept = disk.batches.filter(batch => batch.firstIndex < first).map(batch => dropAfter(batch, first - 1))
    disk.batches = [...kept, ...one.batches]
  }
}

interface Queued { readonly turn: number; readonly writes: readonly Write[] }
interface Held { readonly turn: number; readonly messages: readonly Message[] }

export interface Member {
  readonly id: MemberId
  readonly state: RaftState
  readonly disk: Disk
  /** index@term of all that was handed to its machine since it started. */
  readonly applied: readonly string[]
  readonly answers: Ready['answers']
  readonly isUp: boolean
}

interface Running extends Member {
  step: Step
  state: RaftState
  disk: Disk
  applied: string[]
  answers: Ready['answers'][number][]
  isUp: boolean
  writes: Queued[]
  held: Held[]
  inbox: RaftEvent[]
}

export interface Cluster {
  readonly members: readonly Member[]
  /** Messages under way. */
  readonly mail: Message[]
  /** All that was ever sent, printed, with its sender. */
  readonly sent: readonly string[]
  member(id: MemberId): Member
  leaders(): readonly Member[]
  /** The one leader of the newest term. */
  leader(): Member & { readonly state: Leader }
  /** One batch for one member. */
  act(id: MemberId, ...events: readonly RaftEvent[]): void
  /** The member's oldest write completes. */
  sync(id: MemberId): void
  /** Its machine and its reads catch up. */
  work(id: MemberId): void
  /** Delivers one message. */
  deliver(message: Message): void
  propose(id: MemberId, request: number): void
  /** Lets `ms` pass; every member that is up gets a tick. */
  wait(ms: Millis): void
  /** Delivers, writes and applies until nothing is under way; what `lost` names is dropped. */
  settle(lost?: (message: Message) => boolean): void
  /** `wait` and `settle` until the condition holds, within 40 election timeouts. */
  until(holds: () => boolean, lost?: (message: Message) => boolean): void
  crash(id: MemberId): void
  restart(id: MemberId): void
  readonly now: Millis
}

export const cluster = (names: string, seed = 1, settings: Partial<Settings> = {}): Cluster => {
  const membership = membershipOf(names)
  const mail: Message[] = []
  const sent: string[] = []
  let now = 1_000

  const begin = (id: MemberId, disk: Disk): Step => {
    const last = disk.batches.at(-1)
    const terms = disk.batches.filter((batch, i) => batch.term !== disk.batches[i - 1]?.term).map(({ firstIndex, term }) => ({ firstIndex, term }))
    const own = seed * 7919 + membership.voters.indexOf(id) * 104_729 + now
    return firstStep(settingsOf(id, settings), {
      base: { index: 0, term: 0, membership }, lastIndex: last ? lastIndexOf(last) : 0, terms, memberships: [], tail: disk.batches,
      hardState: disk.hardState,
    }, own, now)
  }
  const members: Running[] = membership.voters.map(id => {
    const disk: Disk = { hardState: { term: 0, votedFor: undefined, commitIndex: 0 }, batches: [] }
    const step = begin(id, disk)
    return { id, disk, step, state: step.state, applied: [], answers: [], isUp: true, writes: [], held: [], inbox: [] }
  })
  const running = (id: MemberId): Running => members.find(member => member.id === id)!

  /** Messages leave when every hard state of their own and of all earlier turns is on the disk. */
  const release = (member: Running): void => {
    const blocking = member.writes.find(({ writes }) => writes.some(({ type }) => type === 'hardState'))?.turn ?? Number.POSITIVE_INFINITY
    while (member.held[0] !== undefined && member.held[0].turn < blocking) {
      for (const message of member.held.shift()!.messages) {
        mail.push(message)
        sent.push(`${message.from}: ${show(message)}`)
      }
    }
  }
  const act = (id: MemberId, ...events: readonly RaftEvent[]): void => {
    const member = running(id)
    if (!member.isUp) return
    const batch: Batch = { now, wall: 1e12 + now, events }
    member.step = purely(member.step, batch)
    member.state = member.step.state
    const { turn, writes, messages, committed, answers, reads } = member.step.ready
    if (writes.length > 0) member.writes.push({ turn, writes })
    member.held.push({ turn, messages })
    member.answers.push(...answers)
    for (const batch of committed) {
      for (let index = batch.firstIndex; index <= lastIndexOf(batch); index++) member.applied.push(`${index}@${batch.term}`)
    }
    const last = committed.at(-1)
    if (last) member.inbox.push({ type: 'applied', index: lastIndexOf(last) })
    for (const read of reads) {
      const batches = member.disk.batches.filter(batch => lastIndexOf(batch) >= read.from && batch.firstIndex <= read.to)
      member.inbox.push({ type: 'entriesRead', purpose: read.purpose, from: read.from, batches })
    }
    release(member)
  }
  const sync = (id: MemberId): void => {
    const member = running(id)
    const done = member.writes.shift()
    if (done === undefined) return
    for (const one of done.writes) write(member.disk, one)
    release(member)
    act(id, { type: 'persisted', turn: done.turn })
  }
  const work = (id: MemberId): void => {
    const facts = running(id).inbox.splice(0)
    if (facts.length > 0) act(id, ...facts)
  }
  const take = (message: Message): void => { mail.splice(mail.indexOf(message), 1) }
  const isBusy = (member: Running): boolean => member.isUp && (member.writes.length > 0 || member.inbox.length > 0)

  const settle = (lost: (message: Message) => boolean = () => false): void => {
    for (let left = 10_000; mail.length > 0 || members.some(isBusy); left--) {
      if (left === 0) throw new Error('the cluster never comes to rest')
      for (const message of mail.splice(0)) if (!lost(message)) act(message.to, { type: 'received', message })
      for (const { id } of members.filter(isBusy)) {
        work(id)
        sync(id)
      }
    }
  }
  const wait = (ms: Millis): void => {
    now += ms
    for (const { id } of members) act(id, { type: 'ticked', due: now })
  }
  const leaders = (): readonly Running[] => members.filter(({ isUp, state }) => isUp && state.role === 'leader')
  return {
    members, mail, sent, leaders, act, sync, work, settle, wait,
    get now() { return now },
    member: running,
    leader: () => [...leaders()].sort((a, b) => b.state.term - a.state.term)[0] as Member & { readonly state: Leader },
    deliver: message => {
      take(message)
      act(message.to, { type: 'received', message })
    },
    propose: (id, request) => act(id, { type: 'proposed', id: request, body: body() }),
    until: (holds, lost) => {
      for (let round = 0; !holds(); round++) {
        if (round > 800) throw new Error('it never happens')
        wait(50)
        settle(lost)
      }
    },
    crash: id => {
      const member = running(id)
      Object.assign(member, { isUp: false, writes: [], held: [], inbox: [] })
    },
    restart: id => {
      const member = running(id)
      const step = begin(id, member.disk)
      Object.assign(member, { isUp: true, step, state: step.state, applied: [], answers: [] })
    },
  }
}

/** A cluster whose first leader is ready. */
export const elected = (names: string): Cluster => {
  const group = cluster(names)
  group.until(() => group.leaders().some(({ state }) => isReady(state)))
  return group
}
