/** Several cores, a network and disks in one place, driven by hand or by a seed. */
import type { Batch, RaftEvent, Ready, SnapshotWork } from '../../lib/events.js'
import type { Message } from '../../lib/messages.js'
import { lastIndexOf } from '../../lib/batch.js'
import type { Leader, RaftState, Settings } from '../../lib/state.js'
import { isReady } from '../../lib/status.js'
import { membershipAt } from '../../lib/log.js'
import { NO_MEMBERSHIP } from '../../lib/membership.js'
import type { MemberId, Membership, MembershipWish, Millis } from '../../lib/types.js'
import { body, membershipOf, purely, settingsOf, show, words } from './build.js'
import { type Disk, type Shell, type Turned, emptyDisk, feed, startShell, writeOldest } from './shell.js'
import { appliedIn, fileOf, workOnDisk } from './snapshot-files.js'

export interface Member {
  readonly id: MemberId
  readonly state: RaftState
  readonly disk: Disk
  readonly shell: Shell
  /** index@term of all that its machine has applied, or that is in the snapshot that it was restored from. */
  readonly applied: readonly string[]
  readonly answers: Ready['answers']
  readonly readAnswers: Ready['readAnswers']
  readonly changeAnswers: Ready['changeAnswers']
  readonly isUp: boolean
}

interface Running extends Member {
  shell: Shell
  state: RaftState
  disk: Disk
  applied: string[]
  answers: Ready['answers'][number][]
  readAnswers: Ready['readAnswers'][number][]
  changeAnswers: Ready['changeAnswers'][number][]
  isUp: boolean
  /** What is to be told to it, and what its disk has yet to do before that. */
  inbox: (RaftEvent | (() => RaftEvent))[]
}

/** What may be told of a cluster while it runs. */
export interface Watch {
  readonly stepped: (before: RaftState, after: RaftState, ready: Ready) => void
  readonly left: (message: Message) => void
}

export interface Beginning {
  readonly seed?: number
  readonly settings?: Partial<Settings>
  /** What members find on their disks, besides the membership with which they begin; nothing when left out. */
  readonly disks?: Readonly<Record<MemberId, Partial<Omit<Disk, 'base'>>>>
  readonly watch?: Watch
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
  /** Asks the member, as the leader of its term, for another membership. */
  change(id: MemberId, request: number, wish: MembershipWish): void
  /** The member takes a snapshot of its machine, where that is ahead of its newest. */
  takeSnapshot(id: MemberId): void
  /** A member that is down loses its snapshot. */
  loseSnapshot(id: MemberId): void
  /** Lets `ms` pass; every member named, or all, that is up gets a tick. */
  wait(ms: Millis, ids?: readonly MemberId[]): void
  /** Delivers, writes and applies until nothing is under way; what `lost` names is dropped, and disks that hang write nothing. */
  settle(lost?: (message: Message) => boolean, hangs?: (id: MemberId) => boolean): void
  /** `wait` and `settle` until the condition holds, within 40 election timeouts. */
  until(holds: () => boolean, lost?: (message: Message) => boolean): void
  crash(id: MemberId): void
  restart(id: MemberId): void
  /** Its machine stands still, and its clock with it; what comes meanwhile is lost. */
  suspend(id: MemberId): void
  resume(id: MemberId): void
  /** A member that is down loses its disk, too. */
  wipe(id: MemberId): void
  /** It starts anew with an empty disk, to be added, whatever it was. */
  join(id: MemberId): void
  readonly now: Millis
}

/** The members with which it begins, all voters, and behind a stroke those who can join: they are up, and know nobody. */
export const cluster = (names: string, { seed = 1, settings = {}, disks = {}, watch }: Beginning = {}): Cluster => {
  const [first = '', joining = ''] = names.split('|')
  const ids = [...words(first), ...words(joining)]
  const firstOf = (id: MemberId): Membership => membershipOf(words(joining).includes(id) ? '' : first)
  const mail: Message[] = []
  const sent: string[] = []
  let now = 1_000
  /** Since when each machine stands still that does, and for how long each has stood. */
  const still = new Map<MemberId, Millis>()
  const lag = new Map<MemberId, Millis>()
  const clockOf = (id: MemberId): Millis => now - (lag.get(id) ?? 0)

  const begin = (id: MemberId, disk: Disk): Shell =>
    startShell(settingsOf(id, settings), disk, seed * 7919 + ids.indexOf(id) * 104_729 + now, now)
  /** What a machine holds when its member starts. */
  const beginning = ({ newest }: Disk): string[] => newest === undefined ? [] : appliedIn(newest)
  const members: Running[] = ids.map(id => {
    const disk = { ...emptyDisk(firstOf(id)), ...disks[id] }
    const shell = begin(id, disk)
    return { id, disk, shell, state: shell.step.state, applied: beginning(disk), answers: [], readAnswers: [], changeAnswers: [], isUp: true, inbox: [] }
  })
  const running = (id: MemberId): Running => {
    const found = members.find(member => member.id === id)
    if (found === undefined) throw new Error(`no member ${id}`)
    return found
  }
  const put = (member: Running, { shell, left }: Turned): void => {
    Object.assign(member, { shell, state: shell.step.state, disk: shell.disk })
    for (const message of left) {
      mail.push(message)
      sent.push(`${message.from}: ${show(message)}`)
      watch?.left(message)
    }
  }
  const keep = (member: Running, disk: Disk): void => { Object.assign(member, { disk, shell: { ...member.shell, disk } }) }
  const takeSnapshot = (id: MemberId): void => {
    const member = running(id)
    const { applied, disk } = member
    if (!member.isUp || applied.length <= (disk.newest?.snapshot.index ?? 0)) return
    const newest = fileOf(applied, membershipAt(member.state.log, applied.length))
    keep(member, { ...disk, newest })
    member.inbox.push({ type: 'snapshotStored', snapshot: newest.snapshot })
  }
  const handle = (member: Running, work: SnapshotWork): void => {
    if (work.type === 'take') return takeSnapshot(member.id)
    if (work.type === 'restore') {
      member.applied = appliedIn(member.disk.newest!)
      member.inbox.push({ type: 'applied', index: work.snapshot.index })
      return
    }
    member.inbox.push(() => {
      const { disk, answer } = workOnDisk(member.disk, work)
      keep(member, disk)
      return answer
    })
  }
  const act = (id: MemberId, ...events: readonly RaftEvent[]): void => {
    const member = running(id)
    if (!member.isUp || still.has(id)) return
    const batch: Batch = { now: clockOf(id), wall: 1e12 + now, events }
    const before = member.state
    const turned = feed(purely, member.shell, batch)
    const { state, ready } = turned.shell.step
    watch?.stepped(before, state, ready)
    put(member, turned)
    const { committed, answers, readAnswers, changeAnswers, logReads, snapshots } = ready
    member.answers.push(...answers)
    member.readAnswers.push(...readAnswers)
    member.changeAnswers.push(...changeAnswers)
    for (const work of snapshots) handle(member, work)
    for (const batch of committed) {
      if (batch.firstIndex !== member.applied.length + 1) throw new Error(`${id} is to apply ${batch.firstIndex} behind ${member.applied.length}`)
      for (let index = batch.firstIndex; index <= lastIndexOf(batch); index++) member.applied.push(`${index}@${batch.term}`)
    }
    const last = committed.at(-1)
    if (last) member.inbox.push({ type: 'applied', index: lastIndexOf(last) })
    for (const read of logReads) {
      const batches = member.disk.batches.filter(batch => lastIndexOf(batch) >= read.from && batch.firstIndex <= read.to)
      member.inbox.push({ type: 'entriesRead', purpose: read.purpose, from: read.from, batches })
    }
  }
  const sync = (id: MemberId): void => {
    const member = running(id)
    const turn = member.shell.writes[0]?.turn
    if (turn === undefined) return
    put(member, writeOldest(member.shell))
    act(id, { type: 'persisted', turn })
  }
  const work = (id: MemberId): void => {
    const facts = running(id).inbox.splice(0).map(one => typeof one === 'function' ? one() : one)
    if (facts.length > 0) act(id, ...facts)
  }
  const take = (message: Message): void => { mail.splice(mail.indexOf(message), 1) }
  const settle = (lost: (message: Message) => boolean = () => false, hangs: (id: MemberId) => boolean = () => false): void => {
    const isBusy = ({ id, isUp, shell, inbox }: Running): boolean => isUp && (inbox.length > 0 || (shell.writes.length > 0 && !hangs(id)))
    for (let left = 10_000; mail.length > 0 || members.some(isBusy); left--) {
      if (left === 0) throw new Error('the cluster never comes to rest')
      for (const message of mail.splice(0)) if (!lost(message)) act(message.to, { type: 'received', message })
      for (const { id } of members.filter(isBusy)) {
        work(id)
        if (!hangs(id)) sync(id)
      }
    }
  }
  const wait = (ms: Millis, there: readonly MemberId[] = ids): void => {
    now += ms
    for (const id of there) act(id, { type: 'ticked', due: clockOf(id) })
  }
  const restart = (id: MemberId): void => {
    const member = running(id)
    const shell = begin(id, member.disk)
    Object.assign(member, { isUp: true, shell, state: shell.step.state, disk: shell.disk, applied: beginning(shell.disk), answers: [], readAnswers: [], changeAnswers: [] })
  }
  const leaders = (): readonly Running[] => members.filter(({ isUp, state }) => isUp && state.role === 'leader')
  return {
    members, mail, sent, leaders, act, sync, work, settle, wait, takeSnapshot,
    get now() { return now },
    member: running,
    leader: () => [...leaders()].sort((a, b) => b.state.term - a.state.term)[0] as Member & { readonly state: Leader },
    deliver: message => {
      take(message)
      act(message.to, { type: 'received', message })
    },
    propose: (id, request) => act(id, { type: 'proposed', id: request, body: body() }),
    change: (id, request, wish) => act(id, { type: 'changeAsked', id: request, term: running(id).state.term, wish, from: undefined }),
    until: (holds, lost) => {
      for (let round = 0; !holds(); round++) {
        if (round > 800) throw new Error('it never happens')
        wait(50)
        settle(lost)
      }
    },
    crash: id => {
      const member = running(id)
      Object.assign(member, { isUp: false, shell: { ...member.shell, writes: [], held: [] }, inbox: [] })
    },
    restart,
    suspend: id => void still.set(id, now),
    resume: id => {
      lag.set(id, (lag.get(id) ?? 0) + now - still.get(id)!)
      still.delete(id)
    },
    loseSnapshot: id => {
      const { newest: _newest, ...disk } = running(id).disk
      running(id).disk = disk
    },
    wipe: id => { running(id).disk = emptyDisk(firstOf(id)) },
    join: id => {
      running(id).disk = emptyDisk(NO_MEMBERSHIP)
      restart(id)
    },
  }
}

/** A cluster whose first leader is ready. */
export const elected = (names: string, beginning?: Beginning): Cluster => {
  const group = cluster(names, beginning)
  group.until(() => group.leaders().some(({ state }) => isReady(state)))
  return group
}
