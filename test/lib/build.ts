/**
 * States, facts and traces of the core in a short notation.
 *
 *     entries    '1@1 2@1'        index@term, one command to a batch; '3-5@2' is one batch of three, '4@2!' a noop
 *     followers  'f1{next=3,match=2,on} n1{nv}'   on: answered just now, as no newcomer (else silent), nv: a learner;
 *                                 mode is replicate when on and probe otherwise, unless named
 *     messages   AE(to; T1; 2@1; [3@1]; c=2), with c=2? one that asks for an answer   ok(to; T1; 3/2) = verified/durable   no(to; T1; 5; 2@1) = refused prev; hint
 *                part(to; T1; 2@1; 3@1; 50+50/125) = the bytes at 50 of a batch that follows 2@1   ok(…; 2/2 held 100) = so many are there
 *                TN(to; T1; 4) = TimeoutNow where the log ends at 4   by-wish-RV(…)
 *                RV(to; T2; 4@1)   pre-RV(…)   RVR(to; T2; yes)   pre-RVR(…)
 *                IS(to; T1; 9@1; 50+50/125) = the chunk at 50 of a snapshot at 9@1   got(to; T1; 9@1; 50/125) = received, '!' awaiting more
 */
import { isDeepStrictEqual } from 'node:util'
import { lastIndexOf } from '../../lib/batch.js'
import type { Answer, Batch, ChangeAnswer, CoreDiagnostic, LogRead, RaftEvent, ReadAnswer, Ready, SnapshotWork, Write } from '../../lib/events.js'
import { brokenBetween, brokenIn } from '../../lib/invariants.js'
import { type Log, lastEntry } from '../../lib/log.js'
import type { Message } from '../../lib/messages.js'
import { unreachable } from '../../lib/prelude.js'
import { type Progress, newProgress } from '../../lib/progress.js'
import { membersOf } from '../../lib/membership.js'
import { nothingAsked } from '../../lib/ready.js'
import { type Stored, firstStep } from '../../lib/recover.js'
import { nextRandom } from '../../lib/random.js'
import type { Follower, Leader, RaftState, Settings } from '../../lib/state.js'
import { type Step, step } from '../../lib/step.js'
import type { EntryBatch, EntryBody, EntryId, Index, MemberId, Membership, Millis, Snapshot, Term } from '../../lib/types.js'

export const settingsOf = (id: MemberId, changed: Partial<Settings> = {}): Settings => ({
  id, electionTimeoutMs: 1000, heartbeatMs: 100, stallMs: 500, maxAppendBytes: 1e6, maxInflightMessages: 64, maxInflightBytes: 8e6,
  maxUncommittedBytes: 64e6, logCacheBytes: 32e6, maxApplyBytes: 8e6, snapshotKeepEntries: 0, snapshotChunkBytes: 50, snapshotBytesPerSecond: 1e9, giveWayMs: 0, maxPendingReads: 100, readLeaseMs: 0, ...changed,
})

export const words = (text: string): readonly string[] => text.split(' ').filter(Boolean)

const addressed = (lists: Omit<Membership, 'addresses'>): Membership =>
  ({ ...lists, addresses: Object.fromEntries(membersOf(lists).map(id => [id, `${id}:1`])) })

export const membershipOf = (voters: string, learners = '', outgoing = ''): Membership =>
  addressed({ voters: words(voters), outgoing: words(outgoing), learners: words(learners) })

/** `a,b` are voters, `a,b/b,c` both decide, `a,b//d` has a learner, `a,b//d>a,b,d` one that is to vote; each is reached at its name. */
export const parseMembership = (text: string): Membership => {
  const [now = '', next] = text.split('>')
  const [voters = [], outgoing = [], learners = []] = now.split('/').map(list => list.split(',').filter(Boolean))
  const [nextVoters = [], nextLearners = []] = next?.split('/').map(list => list.split(',').filter(Boolean)) ?? []
  return { ...addressed({ voters, outgoing, learners }), ...(next !== undefined && { next: { voters: nextVoters, learners: nextLearners } }) }
}
const showLists = (...lists: readonly (readonly MemberId[])[]): string => lists.map(list => list.join(',')).join('/').replace(/\/+$/, '')
export const showMembership = ({ voters, outgoing, learners, next }: Membership): string =>
  `${showLists(voters, outgoing, learners)}${next === undefined ? '' : `>${showLists(next.voters, next.learners)}`}`

/** Bodies of equal size for every command: the core never looks inside. */
export const body = (count = 1, bytes = 8 * count): EntryBody => ({ count, bytes: new Uint8Array(bytes), checksum: count })

export const entryId = (text: string): EntryId => {
  const [index, term] = text.split('@')
  return { index: Number(index), term: Number(term) }
}

const parseBatch = (text: string): EntryBatch => {
  const [, first, last, term, noop, members] = /^(\d+)(?:-(\d+))?@(\d+)(?:(!)|=(.*))?$/.exec(text) ?? []
  if (first === undefined) throw new Error(`no entry: ${text}`)
  const count = Number(last ?? first) - Number(first) + 1
  const placed = { firstIndex: Number(first), term: Number(term), count, time: 0 }
  if (members !== undefined) return { kind: 'membership', ...placed, membership: parseMembership(members) }
  return noop ? { kind: 'noop', ...placed } : { kind: 'command', ...placed, body: body(count), skip: 0 }
}
export const entries = (text: string): readonly EntryBatch[] => words(text).map(parseBatch)

export interface LogNotes {
  readonly id?: MemberId
  readonly voters?: string
  readonly learners?: string
  readonly outgoing?: string
  readonly base?: string
  readonly log?: string
  readonly term?: Term
  readonly votedFor?: MemberId
  readonly commit?: Index
  readonly isNewcomer?: boolean
  /** How far the machine is; as far as the commit when left out. */
  readonly applied?: Index
  /** How far the log is on the disk; wholly when left out. */
  readonly durable?: Index
  /** The newest snapshot that is durable. */
  readonly snapshot?: Snapshot
  readonly now?: Millis
  readonly settings?: Partial<Settings>
}

/** What a member with these notes has on its disk. */
export const stored = ({ voters = 'f1 L f2', learners = '', outgoing = '', base = '0@0', log = '', term, votedFor, commit = 0 }: LogNotes): Stored => {
  const tail = entries(log)
  const terms = tail.filter((batch, i) => batch.term !== tail[i - 1]?.term).map(batch => ({ firstIndex: batch.firstIndex, term: batch.term }))
  const from = { ...entryId(base), membership: membershipOf(voters, learners, outgoing) }
  const last = tail.at(-1)
  return {
    base: from, lastIndex: last ? lastIndexOf(last) : from.index, terms, tail,
    memberships: tail.flatMap(batch => batch.kind === 'membership' ? [{ index: batch.firstIndex, membership: batch.membership }] : []),
    hardState: { term: term ?? Math.max(1, last?.term ?? 0), votedFor, commitIndex: commit },
  }
}

const NOW = 10_000
/** The wall clock runs beside the other one. */
const wallAt = (now: Millis): Millis => 1e12 + now

export const follower = (notes: LogNotes & { readonly leader?: MemberId; readonly verified?: Index } = {}): Follower => {
  const { id = 'f1', now = NOW, leader, verified = 0 } = notes
  const state = firstStep(settingsOf(id, notes.settings), stored(notes), 1, now).state as Follower
  const applied = notes.applied ?? state.commitIndex
  return {
    ...state, wall: wallAt(now), isNewcomer: notes.isNewcomer ?? state.isNewcomer, appliedIndex: applied, handedIndex: applied, persistedIndex: notes.durable ?? state.persistedIndex, snapshot: notes.snapshot,
    leader, heardAt: leader === undefined ? state.heardAt : now, verified, reportedDurable: verified,
  }
}

const parseProgress = (text: string, last: Index, now: Millis): Progress & { readonly isLearner: boolean } => {
  const [, id, inside] = /^(\w+)(?:\{(.*)\})?$/.exec(text) ?? []
  if (id === undefined) throw new Error(`no follower: ${text}`)
  const flags = (inside ?? '').split(',')
  const number = (name: string, otherwise: number): number =>
    Number(flags.find(flag => flag.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise)
  const on = flags.includes('on')
  const match = number('match', 0)
  const mode = flags.includes('probe') ? 'probe' : flags.includes('replicate') || on ? 'replicate' : 'probe'
  return {
    ...newProgress(id, number('next', last + 1), 0), mode, matchIndex: match, verifiedIndex: number('verified', match), lacks: number('lacks', 0),
    sentCommit: number('told', 0), mayBeNewcomer: !on, contact: on ? now : Number.NEGATIVE_INFINITY, acceptedRound: on ? now * 1000 - 1 : 0, isLearner: flags.includes('nv'),
  }
}

/** A leader that is ready for proposals unless `noop` names an index not yet applied. */
export const leader = (notes: LogNotes & { readonly others?: string; readonly noop?: Index } = {}): Leader => {
  const { id = 'L', now = NOW, others = 'f1 f2' } = notes
  const last = entries(notes.log ?? '').at(-1)
  const base = entryId(notes.base ?? '0@0').index
  const progress = words(others).map(text => parseProgress(text, last ? lastIndexOf(last) : base, now))
  const names = (isLearner: boolean): string => progress.filter(one => one.isLearner === isLearner).map(one => one.id).join(' ')
  const { verified: _, leaderRound: __, reportedDurable: ___, ...common } =
    follower({ voters: `${id} ${names(false)}`, learners: names(true), votedFor: id, ...notes, id })
  return {
    ...common, role: 'leader', leader: id, electedAt: now, noopIndex: notes.noop ?? 0, heartbeatDue: now + common.settings.heartbeatMs,
    progress: progress.map(({ isLearner: _learner, ...one }) => one), leaving: [], trackers: [], uncommittedBytes: 0, stamped: { time: common.log.time, at: now }, committedAt: Number.NEGATIVE_INFINITY, sequels: 0, chunkDue: now, transfer: undefined, hasAskedToStand: false, reads: [], readRound: 0, round: now * 1000,
  }
}

/** A fact, or one that depends on the member it reaches. */
export type Fact = RaftEvent | ((state: RaftState) => RaftEvent)

export const message = (from: MemberId, said: Partial<Message> & { readonly type: Message['type'] }): Fact => state =>
  ({ type: 'received', message: { term: state.term, round: state.round, ...said, from, to: state.settings.id } as Message })

export type Said = { readonly term?: Term; readonly round?: number; readonly lacks?: Index; readonly held?: number; readonly promisedMs?: number; readonly asks?: boolean; readonly isNewcomer?: boolean }

/** AppendEntries after `prev`. */
export const ae = (from: MemberId, prev: string, batches = '', leaderCommit = 0, said: Said = {}): Fact => {
  const { index, term } = entryId(prev)
  const asked = { type: 'appendEntries', prevLogIndex: index, prevLogTerm: term, batches: entries(batches), leaderCommit, asks: false } as const
  return message(from, { ...asked, ...said })
}
export const accepted = (from: MemberId, verified: Index, durable: Index = verified, said: Said = {}): Fact =>
  message(from, { type: 'appendAccepted', verified, durable, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false, ...said })
export const refused = (from: MemberId, prevLogIndex: Index, hint = '0@0', said: Said = {}): Fact =>
  message(from, { type: 'appendRefused', prevLogIndex, hintIndex: entryId(hint).index, hintTerm: entryId(hint).term, isNewcomer: false, ...said })
const request = (from: MemberId, term: Term, last: string, preVote: boolean): Fact => {
  const { index, term: lastLogTerm } = entryId(last)
  return message(from, { type: 'requestVote', preVote, transfer: false, term, lastLogIndex: index, lastLogTerm, round: 7 })
}
export const requestVote = (from: MemberId, term: Term, last: string): Fact => request(from, term, last, false)
export const requestPreVote = (from: MemberId, term: Term, last: string): Fact => request(from, term, last, true)
export const vote = (from: MemberId, voteGranted: boolean, said: Said = {}): Fact =>
  message(from, { type: 'requestVoteReply', preVote: false, voteGranted, ...said })
export const preVote = (from: MemberId, voteGranted: boolean, said: Said = {}): Fact =>
  message(from, { type: 'requestVoteReply', preVote: true, voteGranted, ...said })
export const propose = (id: number, count = 1): Fact => ({ type: 'proposed', id, body: body(count) })
export const read = (id: number): Fact => ({ type: 'readAsked', id })
export const persisted = (turn: number): Fact => ({ type: 'persisted', turn })
/** All that was written up to the latest step is durable. */
export const allPersisted: Fact = state => ({ type: 'persisted', turn: state.turn })
export const applied = (index: Index): Fact => ({ type: 'applied', index })
export const tick: Fact = state => ({ type: 'ticked', due: state.now })
export const lateTick = (lateMs: Millis): Fact => state => ({ type: 'ticked', due: state.now - lateMs })
export const gone = (peer: MemberId): Fact => ({ type: 'peerGone', peer })
export const readToReplicate = (to: MemberId, from: Index, batches: string): Fact =>
  ({ type: 'entriesRead', purpose: { type: 'replicate', to }, from, batches: entries(batches) })
export const readToApply = (from: Index, batches: string): Fact =>
  ({ type: 'entriesRead', purpose: { type: 'apply' }, from, batches: entries(batches) })

const showHead = (batch: Pick<EntryBatch, 'kind' | 'firstIndex' | 'term' | 'count'>): string => {
  const last = lastIndexOf(batch)
  return `${batch.firstIndex}${last > batch.firstIndex ? `-${last}` : ''}@${batch.term}${batch.kind === 'noop' ? '!' : ''}`
}
const showBatch = (batch: EntryBatch): string => `${showHead(batch)}${batch.kind === 'membership' ? `=${showMembership(batch.membership)}` : ''}`
export const showBatches = (batches: readonly EntryBatch[]): string => batches.map(showBatch).join(' ')
const showNew = ({ isNewcomer = false }: { readonly isNewcomer?: boolean }): string => isNewcomer ? ' new' : ''
export const show = (said: Message): string => {
  const head = `(${said.to}; T${said.term}; `
  switch (said.type) {
    case 'appendEntries': return `AE${head}${said.prevLogIndex}@${said.prevLogTerm}; [${showBatches(said.batches)}]; c=${said.leaderCommit}${said.asks ? '?' : ''})`
    case 'appendPart': return `part${head}${said.head.firstIndex - 1}@${said.prevLogTerm}; ${showHead(said.head)}; ${said.offset}+${said.part.length}/${said.head.body.bytes})`
    case 'appendAccepted': return `ok${head}${said.verified}/${said.durable}${said.lacks > 0 ? ` lacks ${said.lacks}` : ''}${said.held > 0 ? ` held ${said.held}` : ''}${showNew(said)})`
    case 'appendRefused': return `no${head}${said.prevLogIndex}; ${said.hintIndex}@${said.hintTerm}${showNew(said)})`
    case 'requestVote': return `${said.preVote ? 'pre-' : said.transfer ? 'by-wish-' : ''}RV${head}${said.lastLogIndex}@${said.lastLogTerm})`
    case 'requestVoteReply': return `${said.preVote ? 'pre-' : ''}RVR${head}${said.voteGranted ? 'yes' : 'no'})`
    case 'timeoutNow': return `TN${head}${said.lastIndex})`
    case 'installSnapshot': return `IS${head}${showId(said.snapshot)}; ${said.offset}+${said.chunk.length}/${said.snapshot.bytes})`
    case 'chunkAccepted': return `got${head}${showId(said.snapshot)}; ${said.received}/${said.snapshot.bytes}${said.awaited ? '!' : ''}${showNew(said)})`
    default: return unreachable(said)
  }
}
const showId = ({ index, term }: EntryId): string => `${index}@${term}`
export const showWrite = (write: Write): string => {
  switch (write.type) {
    case 'append': return `append(${showBatches(write.batches)})`
    case 'hardState': return `hardState(T${write.hardState.term} ${write.hardState.votedFor ?? '-'} c=${write.hardState.commitIndex}${showNew(write.hardState)})`
    case 'compact': case 'install': return `${write.type}(${showId(write.base)})`
    default: return unreachable(write)
  }
}
export const showWork = (work: SnapshotWork): string => {
  switch (work.type) {
    case 'take': return 'take'
    case 'receive': case 'restore': return `${work.type} ${showId(work.snapshot)}`
    case 'write': return `write ${showId(work.snapshot)} ${work.offset}+${work.chunk.length}`
    case 'read': return `read ${showId(work.snapshot)} ${work.offset}+${work.maxBytes} for ${work.to}`
    default: return unreachable(work)
  }
}
const showRead = ({ purpose, from, to }: LogRead): string => `${purpose.type === 'apply' ? 'apply' : purpose.to}: ${from}-${to}`
export const showAnswer = (answer: Answer): string => {
  const more = answer.type === 'refused' ? ` ${answer.reason}` : answer.type === 'appended' ? ` at ${answer.firstIndex}@${answer.term}` : ''
  return `#${answer.id} ${answer.type}${more}`
}
export const showReadAnswer = (answer: ReadAnswer): string => `#${answer.id} ${answer.type === 'readable' ? `readable at ${answer.index}` : `refused ${answer.reason}`}`

export const showChangeAnswer = (answer: ChangeAnswer): string =>
  `#${answer.id} ${answer.type === 'changeTaken' ? `taken at ${answer.index}@${answer.term}` : `${answer.type === 'changeRefused' ? 'refused' : 'not taken'}: ${answer.reason}`}`

/** The log's batches in memory. */
export const held = ({ tail }: Log): readonly EntryBatch[] => tail.batches.slice(tail.start, tail.end)
/** The log in the notation it was built from. */
export const showLog = (state: RaftState): string => showBatches(held(state.log))
/** What a leader knows of a follower. */
export const progressOf = (state: RaftState, id: MemberId): Progress => {
  const found = state.role === 'leader' ? state.progress.find(one => one.id === id) : undefined
  if (found === undefined) throw new Error(`no progress of ${id}`)
  return found
}
export const showProgress = (state: RaftState, id: MemberId): string => {
  const { nextIndex, matchIndex, mode } = progressOf(state, id)
  return `${mode} next=${nextIndex} match=${matchIndex}`
}

/** Freezes all that a step could reach; the growing array behind a log stays open at its end, and only there. */
const freeze = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return
  if (value instanceof Map) value.set = () => { throw new TypeError('a frozen map') }
  const isTail = 'batches' in value && 'start' in value && 'end' in value
  for (const [key, inner] of Object.entries(value)) {
    if (isTail && key === 'batches') for (const batch of inner as EntryBatch[]) freeze(batch)
    else freeze(inner)
  }
  Object.freeze(value)
}

const comparable = ({ state, ready }: Step): unknown => ({ ready, state: { ...state, log: { ...state.log, tail: held(state.log) } } })

/** One step, of which nothing must touch what came before it, and which must come out the same when it is taken twice. */
export const purely = (previous: Step, batch: Batch): Step => {
  freeze(previous)
  freeze(batch)
  const before = held(previous.state.log)
  const next = step(previous, batch)
  const again = step(previous, batch)
  if (!isDeepStrictEqual(comparable(next), comparable(again))) throw new Error('the same step came out differently')
  const after = held(previous.state.log)
  if (before.length !== after.length || before.some((one, i) => one !== after[i])) throw new Error('an earlier view of the log has changed')
  const broken = [...brokenIn(next.state), ...brokenBetween(previous.state, next.state)]
  if (broken.length > 0) throw new Error(broken.join('; '))
  return next
}

/** What one turn asked of the world, in words. */
export interface Trace {
  readonly turn: number
  readonly said: readonly string[]
  readonly wrote: readonly string[]
  readonly reads: readonly string[]
  readonly snapshots: readonly string[]
  readonly committed: string
  readonly answers: readonly string[]
  readonly readAnswers: readonly string[]
  readonly changeAnswers: readonly string[]
  readonly noticed: readonly CoreDiagnostic['type'][]
  readonly ready: Ready
}

const trace = (ready: Ready): Trace => ({
  turn: ready.turn, ready, said: ready.messages.map(show), wrote: ready.writes.map(showWrite), reads: ready.logReads.map(showRead),
  snapshots: ready.snapshots.map(showWork), committed: showBatches(ready.committed), answers: ready.answers.map(showAnswer),
  readAnswers: ready.readAnswers.map(showReadAnswer), changeAnswers: ready.changeAnswers.map(showChangeAnswer), noticed: ready.diagnostics.map(({ type }) => type),
})

export interface Player {
  readonly state: RaftState
  /** One batch at the present moment. */
  turn(...facts: readonly Fact[]): Trace
  /** One batch, `ms` later. */
  later(ms: Millis, ...facts: readonly Fact[]): Trace
}

/** What a member asks of the world before its first step. */
export const NOTHING: Ready = nothingAsked(0)

/** A member under test: each call is one step, each step is checked. */
export const play = (first: RaftState): Player => {
  let latest: Step = { state: first, ready: NOTHING }
  let now = first.now
  const turn = (...facts: readonly Fact[]): Trace => {
    const events = facts.map(fact => (typeof fact === 'function' ? fact({ ...latest.state, now }) : fact))
    latest = purely(latest, { now, wall: wallAt(now), events })
    return trace(latest.ready)
  }
  return {
    get state() { return latest.state },
    turn,
    later: (ms, ...facts) => {
      now += ms
      return turn(...facts)
    },
  }
}

/** The last entry in the log, in the notation. */
export const showLast = (state: RaftState): string => {
  const { index, term } = lastEntry(state.log)
  return `${index}@${term}`
}

/** A candidate of the term given, among five. */
export const candidateIn = (term: number, log = '') => {
  const player = play(follower({ id: 'a', voters: 'a b c d e', term: term - 1, log }))
  player.later(2000, tick)
  player.turn(preVote('b', true), preVote('c', true))
  return player
}

/** Whole numbers below a limit, the same for the same seed. */
export const dice = (seed: number) => {
  let random = seed
  return (below: number): number => {
    const [next, drawn] = nextRandom(random)
    random = next
    return Math.floor(drawn * below)
  }
}
