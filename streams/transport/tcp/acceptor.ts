import type { Hello } from '../../../codecs/handshake.js'
import type { MemberId } from '../../../lib/types.js'
import { hostOf } from './addresses.js'
import type { Meeting } from './dialler.js'
import { type Callee, receive } from './handshake.js'
import type { Endpoint, Party, TransportNotice } from '../port.js'
import type { Registry } from './registry.js'
import type { ByteStream } from './sockets.js'

/** Of the connections that are not yet links, one host may hold this share: it cannot shut out the others. */
const SHARE_OF_ONE_HOST = 3 / 4

type Waiting = Pick<ByteStream, 'remote' | 'destroy'>

export interface WaitingRoom {
  /** Takes a place and returns how to give it back; undefined when there is none. */
  enter(stream: Waiting): (() => void) | undefined
}

/** Places for those that are not yet links, in all and per host. Where all are taken, the host that has most gives way to who has less. */
export const createWaitingRoom = (places: number): WaitingRoom => {
  /** Those of each host, the one that came first in front. */
  const perHost = new Map<string, Set<Waiting>>()
  const placesPerHost = Math.ceil(places * SHARE_OF_ONE_HOST)
  let taken = 0
  const leave = (host: string, stream: Waiting): void => {
    const here = perHost.get(host)
    if (here?.delete(stream) !== true) return
    taken--
    if (here.size === 0) perHost.delete(host)
  }
  /** Whether one that has waited longest, of the host that has most, had to go for one more of a host that has so many. */
  const makeRoom = (here: number): boolean => {
    const [host, most] = [...perHost].reduce((most, other) => other[1].size > most[1].size ? other : most)
    const [first] = most
    if (first === undefined || most.size <= here + 1) return false
    leave(host, first)
    first.destroy()
    return true
  }
  return {
    enter: stream => {
      const host = hostOf(stream.remote)
      const here = perHost.get(host)?.size ?? 0
      if (here >= placesPerHost || (taken >= places && !makeRoom(here))) return undefined
      taken++
      perHost.set(host, (perHost.get(host) ?? new Set<Waiting>()).add(stream))
      return () => leave(host, stream)
    },
  }
}

/** Tells why a member got no link: once, until the reason changes or there is one. Of clients, who come and go, nothing is told. */
const createTeller = (notice: Registry['notice']) => {
  const told = new Map<MemberId, string>()
  return {
    linked: (party: Party): void => {
      if (party.type === 'member') told.delete(party.id)
    },
    unlinked: (party: Party, remote: string, reason: string, isRefused: boolean): void => {
      if (party.type === 'client' || told.get(party.id) === reason) return
      told.set(party.id, reason)
      notice(isRefused
        ? { type: 'refusedByPeer', peer: party.id, reason }
        : { type: 'handshakeRefused', remote, reason: `${party.id} did not confirm the link (${reason})` })
    },
  }
}

/** Opens the link, which counts once the other end has confirmed it. */
const welcome = ({ registry, pairs }: Meeting, teller: ReturnType<typeof createTeller>, stream: ByteStream, hello: Hello, party: Party, on: {
  meetDeadline(): void
  left(): void
}): void => {
  const guest = party.type === 'member' ? pairs.welcomed(party.id, () => stream.destroy()) : undefined
  let isConfirmed = false
  let isRefused = false
  registry.open(stream, party, {
    confirmed: link => {
      isConfirmed = true
      on.meetDeadline()
      on.left()
      teller.linked(party)
      guest?.confirmed()
      registry.join(party, hello, link)
    },
    refused: () => { isRefused = true },
    closed: reason => {
      on.meetDeadline()
      guest?.over()
      if (isConfirmed) return
      on.left()
      // Where there is a link, or the other end gave way to the one that is dialled here, this one was not needed any more.
      const isNeeded = party.type === 'client' || (registry.linkedAs(party.id) !== hello.incarnation && (isRefused || !pairs.isDialled(party.id)))
      if (isNeeded) teller.unlinked(party, stream.remote, reason, isRefused)
    },
  })
}

/** Leads whoever dials this member through the handshake, so many at a time. */
export const createAcceptor = (endpoint: Endpoint, isTls: boolean, meeting: Meeting): { accept(stream: ByteStream): void; close(): void } => {
  const { limits, clock } = endpoint
  const { roll, pairs, registry } = meeting
  const room = createWaitingRoom(limits.maxHandshakes)
  const strangers = new Set<ByteStream>()
  let clientsSoFar = 0
  let isClosed = false
  let isFull = false
  const callee: Callee = {
    endpoint, isTls, clock, limits, roll,
    // Members that are named never compete with others for a place.
    hasPlace: () => registry.unnamed() < limits.maxLinks - roll.others().length,
    isDialled: pairs.isDialled,
    goesFirst: pairs.goesFirst,
    linkedAs: registry.linkedAs,
  }
  const notice = (what: TransportNotice): void => {
    if (!isClosed) registry.notice(what)
  }
  const teller = createTeller(notice)

  const turnAway = (stream: ByteStream): void => {
    if (!isFull) notice({ type: 'tooManyLinks', remote: stream.remote, bound: 'maxHandshakes' })
    isFull = true
    stream.destroy()
  }

  const accept = (stream: ByteStream): void => {
    if (isClosed) return stream.destroy()
    const leaveRoom = room.enter(stream)
    if (leaveRoom === undefined) return turnAway(stream)
    isFull = false
    const release = registry.hold()
    strangers.add(stream)
    const leave = (): void => {
      strangers.delete(stream)
      leaveRoom()
      release()
    }
    const over = (reason: string, isMeant: boolean): void => {
      leave()
      if (!isMeant) notice({ type: 'handshakeRefused', remote: stream.remote, reason })
    }
    receive(stream, callee, {
      welcomed: (hello, meetDeadline) => {
        const party: Party = hello.role === 'member' ? { type: 'member', id: hello.from } : { type: 'client', link: ++clientsSoFar }
        welcome(meeting, teller, stream, hello, party, { meetDeadline, left: leave })
      },
      over,
    })
  }

  return {
    accept,
    close: () => {
      isClosed = true
      for (const stream of strangers) stream.destroy()
    },
  }
}
