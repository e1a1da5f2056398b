import { handshakeReader } from '../../../codecs/frame-reader.js'
import {
  agreedVersion, decodeHandshakeReply, decodeHello, encodeHandshake, type Handshake, type Hello, refusal, VERSIONS, type Welcome,
} from '../../../codecs/handshake.js'
import { type Either, isLeft } from '../../../lib/prelude.js'
import type { Incarnation, Index, MemberId } from '../../../lib/types.js'
import type { Clock } from '../../time/clock.js'
import type { Endpoint, LinkLimits } from '../port.js'
import { GIVE_WAY } from './pairs.js'
import type { RollCall } from '../roll.js'
import type { ByteStream, Certificate } from './sockets.js'
import { objectionToCertificate } from './trust.js'

/** Time and its bounds, for either end, and whether both must show a certificate: of a member one that names it, and is good for members. */
export interface HandshakeTerms {
  readonly clock: Pick<Clock, 'after'>
  readonly limits: Pick<LinkLimits, 'handshakeTimeoutMs'>
  readonly isTls: boolean
}

/** How whatever begins a TLS handshake begins. */
const TLS_RECORD = [0x16, 0x03] as const

interface Exchange {
  say(message: Handshake): void
  /** Closes at once and without a word. */
  fail(reason: string): void
  /** Says why, and whether that may pass by itself, then closes. */
  refuse(reason: string, mayPass?: boolean): void
  /** The deadline is met. */
  meetDeadline(): void
}

/** One frame each way within the deadline. Whoever opens a link on the stream afterwards takes it over. */
const exchange = (stream: ByteStream, { clock, limits, isTls }: HandshakeTerms, on: {
  opened(): void
  heard(payload: Uint8Array): void
  /** Nothing came of it, and the stream is closed: by the other end, where it was not closed here. */
  over(reason: string, isTheirs: boolean): void
}): Exchange => {
  const reader = handshakeReader()
  let why: string | undefined
  let hasBegun = false
  let hasHeard = false
  let hasOpened = false
  // Whoever refuses a certificate closes, and TLS itself does not say why.
  const mayBeRefused = (): boolean => isTls && hasOpened && !hasHeard
  const fail = (reason: string): void => {
    why ??= reason
    stream.destroy()
  }
  const meetDeadline = clock.after(limits.handshakeTimeoutMs, () => fail('the handshake took longer than handshakeTimeoutMs'))
  const say = (message: Handshake): void => stream.write([encodeHandshake(message)])
  const received = (bytes: Uint8Array): void => {
    if (why !== undefined) return
    if (hasHeard) return fail('it went on before it was answered')
    if (!isTls && !hasBegun && bytes[0] === TLS_RECORD[0] && bytes[1] === TLS_RECORD[1]) return fail('it speaks TLS, and this end does not')
    hasBegun = true
    const first = reader.push(bytes)
    if (isLeft(first)) return fail(first.left.reason)
    if (first.right === undefined) return
    if (first.right.rest.length > 0) return fail('it went on before it was answered')
    hasHeard = true
    on.heard(first.right.payload)
  }
  stream.attach({
    opened: () => {
      hasOpened = true
      if (why === undefined) on.opened()
    },
    received,
    closed: reason => {
      meetDeadline()
      on.over(why ?? (mayBeRefused() ? `${reason} before a word was said; it may have refused this certificate, and its own log says why` : reason), why === undefined)
    },
  })
  return {
    say,
    fail,
    refuse: (reason, mayPass) => {
      if (why !== undefined) return
      why = reason
      say(refusal(reason, mayPass))
      stream.end()
    },
    meetDeadline,
  }
}

/** What the accepting end goes by. */
export interface Callee extends HandshakeTerms {
  readonly endpoint: Endpoint
  readonly roll: RollCall
  /** Whether another one may be linked that is not named. */
  hasPlace(): boolean
  /** Whether this end is dialling the peer at this moment. */
  isDialled(peer: MemberId): boolean
  /** Whether that goes before the peer's own dial. */
  goesFirst(peer: MemberId): boolean
  /** As which incarnation the peer is linked right now. */
  linkedAs(peer: MemberId): Incarnation | undefined
}

/** A client knows a cluster by its name alone; members must also agree on who the first members were. */
const OTHER_CLUSTER = {
  client: 'this is a member of another cluster',
  member: 'this is a member of another cluster: its name differs, or the ids of its first members do. A member that is to be added starts with join, and with the members that the first ones had',
} as const

/** Why the hello is refused; undefined when nothing but the incarnation is left to judge. */
const objectionToHello = ({ endpoint, roll, isTls, hasPlace }: Callee, hello: Hello, certificate: Certificate | undefined): string | undefined => {
  const { from, to } = hello
  const { id } = endpoint
  if (agreedVersion(hello.versions) === undefined) return `protocol versions ${hello.versions.join(' to ')} are not spoken here, but ${VERSIONS.join(' to ')}`
  if (hello.clusterId !== (hello.role === 'member' ? endpoint.clusterId : endpoint.clusterNameId)) return OTHER_CLUSTER[hello.role]
  if (to !== '' && to !== id) return `this is ${id}, not ${to}`
  if (hello.role === 'member' && from === id) return `${from} is the one that is dialled`
  const objection = hello.role === 'member' ? roll.objectionTo(from) ?? (isTls ? objectionToCertificate(certificate, from) : undefined) : undefined
  if (objection !== undefined) return objection
  if (hello.role === 'member' && roll.isNamed(from)) return undefined
  return hasPlace() ? undefined : `there is no place for another ${hello.role}: maxLinks is reached`
}

/** Meets whoever dialled: `welcomed` when the link may be opened on the stream, else `over` when the stream is closed. */
export const receive = (stream: ByteStream, callee: Callee, on: {
  /** `meetDeadline` must be called in time, once the link is confirmed. */
  welcomed(hello: Hello, meetDeadline: () => void): void
  /** `isMeant`: nothing went wrong. It only looked whether anyone is here, or gave way to the link that is there or on its way. */
  over(reason: string, isMeant: boolean): void
}): void => {
  const { id, incarnation, machineVersion, admit, isUnproven } = callee.endpoint
  let isOver = false
  let caller: Hello | undefined
  const hasGivenWay = (): boolean => caller?.role === 'member' && (callee.isDialled(caller.from) || callee.linkedAs(caller.from) === caller.incarnation)
  const welcome = (hello: Hello): void => {
    talk.say({ type: 'welcome', version: agreedVersion(hello.versions) ?? VERSIONS[1], id, incarnation, ...hello.role === 'member' && { ...callee.roll.named(), machineVersion } })
    on.welcomed(hello, talk.meetDeadline)
  }
  const judgeIncarnation = (hello: Hello, outcome: Either<string, void>): void => {
    if (isOver) return
    const linked = callee.linkedAs(hello.from)
    if (isLeft(outcome)) return talk.refuse(outcome.left)
    if (linked !== undefined && linked !== hello.incarnation && !isUnproven(hello.from, linked)) return talk.refuse(`${hello.from} is linked as another incarnation`)
    // What was true of it may not be any more: remembering it takes a while.
    const objection = callee.roll.objectionTo(hello.from)
    if (objection !== undefined) return talk.refuse(objection, true)
    if (callee.goesFirst(hello.from)) return talk.refuse(GIVE_WAY)
    welcome(hello)
  }
  const talk = exchange(stream, callee, {
    opened: () => undefined,
    heard: payload => {
      const hello = decodeHello(payload)
      if (isLeft(hello)) return talk.fail(hello.left)
      caller = hello.right
      const objection = objectionToHello(callee, hello.right, stream.certificate)
      if (objection !== undefined) return talk.refuse(objection, objection === callee.roll.objectionTo(hello.right.from))
      if (hello.right.role === 'client') return welcome(hello.right)
      admit(hello.right.from, hello.right.incarnation, outcome => judgeIncarnation(hello.right, outcome), hello.right.named)
    },
    over: (reason, isTheirs) => {
      isOver = true
      on.over(reason, reason === GIVE_WAY || (isTheirs && (!stream.hasSpoken || hasGivenWay())))
    },
  })
}

/** Why the one that dialled got no link. `unreachable` may pass by itself, as when the other end is restarting, and what the other end refuses where it says so; all else will not. */
export type DialFailure =
  | { readonly type: 'unreachable'; readonly reason: string }
  /** The other end refused this one. */
  | { readonly type: 'refused'; readonly reason: string; readonly mayPass: boolean }
  /** This end refused the other one. */
  | { readonly type: 'untrusted'; readonly reason: string }

/** What the dialling end goes by. */
export interface Caller extends HandshakeTerms {
  readonly hello: Pick<Hello, 'role' | 'clusterId' | 'from' | 'incarnation' | 'named' | 'machineVersion'>
  /** Who must answer, and under TLS show a certificate that names it. */
  readonly to: MemberId
  readonly admit: (incarnation: Incarnation, decide: (outcome: Either<string, void>) => void, named: Index | undefined) => void
}

const objectionToWelcome = ({ to }: Caller, { id, version }: Welcome): string | undefined => {
  if (id !== to) return `${id} answered instead of ${to}`
  return version < VERSIONS[0] || version > VERSIONS[1] ? `it chose protocol version ${version}, which was not offered` : undefined
}

/** Introduces this end over a stream that is being dialled: `welcomed` when the link may be opened on it, else `over` when it is closed. */
export const introduce = (stream: ByteStream, caller: Caller, on: {
  welcomed(by: Welcome): void
  over(failure: DialFailure): void
}): void => {
  const { hello, to, isTls, admit } = caller
  let failure: DialFailure['type'] = 'unreachable'
  let mayPass = false
  let isOver = false
  /** An end that has proved who it is learns why it is not believed otherwise; to an impostor nothing is said. */
  const distrust = (reason: string, part: (reason: string) => void): void => {
    failure = 'untrusted'
    part(reason)
  }
  const talk = exchange(stream, caller, {
    opened: () => {
      const objection = isTls ? objectionToCertificate(stream.certificate, to) : undefined
      if (objection !== undefined) return distrust(objection, talk.fail)
      talk.say({ type: 'hello', versions: VERSIONS, to, ...hello })
    },
    heard: payload => {
      const reply = decodeHandshakeReply(payload)
      if (isLeft(reply)) return talk.fail(reply.left)
      if (reply.right.type === 'refusal') {
        failure = 'refused'
        mayPass = reply.right.mayPass === true
        return talk.fail(reply.right.reason)
      }
      const welcome = reply.right
      const { incarnation, named } = welcome
      const objection = objectionToWelcome(caller, welcome)
      if (objection !== undefined) return distrust(objection, talk.refuse)
      admit(incarnation, outcome => {
        if (isOver) return
        if (isLeft(outcome)) return distrust(outcome.left, talk.refuse)
        talk.meetDeadline()
        on.welcomed(welcome)
      }, named)
    },
    over: reason => {
      isOver = true
      on.over({ type: failure, reason, mayPass })
    },
  })
}
