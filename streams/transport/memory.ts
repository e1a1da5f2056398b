import * as t from 'io-ts'
import { type Observable, Subject } from 'rxjs'
import { misuse } from '../../codecs/judging.js'
import { guard } from '../../codecs/primitives.js'
import { PortInUse } from '../../lib/errors.js'
import { isLeft, left, right } from '../../lib/prelude.js'
import type { LinkMessage } from '../../lib/requests.js'
import type { MemberId } from '../../lib/types.js'
import type { Cancel, Clock } from '../time/clock.js'
import { type Endpoint, LASTING_TIMEOUTS, type Links, type Party, type Transport, type TransportEvent } from './port.js'
import { type RollCall, createRollCall } from './roll.js'

interface Mailbox {
  readonly events$: Observable<TransportEvent>
  post(event: TransportEvent): void
  /** Delivers what was posted, completes `events$`, then calls `done`; what is posted afterwards is lost. */
  close(done: () => void): void
}

/** Holds what is posted until the turn of the event loop ends, and delivers it in order. */
const createMailbox = (clock: Clock): Mailbox => {
  const events = new Subject<TransportEvent>()
  let waiting: TransportEvent[] = []
  const deliver = (): void => {
    const due = waiting
    waiting = []
    for (const event of due) events.next(event)
  }
  return {
    events$: events.asObservable(),
    post: event => {
      if (waiting.push(event) === 1) clock.endOfTurn(deliver)
    },
    close: done => {
      clock.endOfTurn(() => {
        deliver()
        events.complete()
        done()
      })
    },
  }
}

/** The other end of a link, as the one who sends through it sees it. */
interface End {
  received(message: LinkMessage): void
  /** The link is over; `isGone` where the other one has left its seat, which is for good: what it left unanswered it has not seen. */
  cut(isGone: boolean): void
}

/** Why somebody got no link; `cancel` keeps it from being told later that this has lasted. */
interface Refusal {
  readonly reason: string
  readonly cancel: Cancel
}

/** A member in its place, and how others reach it. */
interface Seat {
  readonly endpoint: Endpoint
  readonly roll: RollCall
  readonly peers: Map<MemberId, End>
  /** Who was refused here: told once, until the reason changes, there is a link, or one of the two leaves its seat. */
  readonly told: Map<MemberId, Refusal>
  post(event: TransportEvent): void
}

/** A network within this process: whoever shares it can reach each other. */
export interface Network {
  /** The members that are open, by id. */
  readonly seats: Map<MemberId, Seat>
}

/** An empty network; whoever is to reach each other must be given the same one. */
export const memoryNetwork = (): Network => ({ seats: new Map() })

/** What arrives at `seat` from `from`; the party is made once, not for each message. */
const endOf = (seat: Seat, from: Party, forget: () => void): End => ({
  received: message => seat.post({ type: 'received', from, message }),
  cut: isGone => {
    forget()
    seat.post({ type: 'disconnected', party: from, unanswered: isGone ? 'unseen' : 'unknown' })
    if (isGone && from.type === 'member') seat.post({ type: 'gone', peer: from.id })
  },
})

/** What this one was refused for counts no more. */
const forgive = (by: Seat, id: MemberId): void => {
  by.told.get(id)?.cancel()
  by.told.delete(id)
}

const join = (a: Seat, b: Seat): void => {
  for (const [seat, other] of [[a, b], [b, a]] as const) {
    const { id, machineVersion } = other.endpoint
    const party: Party = { type: 'member', id }
    forgive(seat, id)
    other.peers.set(seat.endpoint.id, endOf(seat, party, () => seat.peers.delete(id)))
    seat.post({ type: 'connected', party, machineVersion })
  }
}

const refuse = (by: Seat, refused: Seat, reason: string, mayPass = false): void => {
  const { id } = refused.endpoint
  if (by.told.get(id)?.reason === reason) return
  forgive(by, id)
  by.post({ type: 'noticed', notice: { type: 'handshakeRefused', remote: id, reason } })
  const tell = (type: 'unknownToPeer' | 'refusedByPeer'): void => refused.post({ type: 'noticed', notice: { type, peer: by.endpoint.id, reason } })
  tell(mayPass ? 'unknownToPeer' : 'refusedByPeer')
  const { clock, electionTimeoutMs } = refused.endpoint
  by.told.set(id, { reason, cancel: mayPass ? clock.after(LASTING_TIMEOUTS * electionTimeoutMs, () => tell('refusedByPeer')) : () => undefined })
}

/** Asks `by` whether `peer` may be its peer; `welcomed` follows if so. Who leaves its seat meanwhile neither refuses nor is refused. */
const introduce = ({ seats }: Network, peer: Seat, by: Seat, welcomed: () => void): void => {
  const areSeated = (): boolean => [peer, by].every(one => seats.get(one.endpoint.id) === one)
  if (!areSeated()) return
  const { clusterId, id, incarnation } = peer.endpoint
  if (by.endpoint.clusterId !== clusterId) return refuse(by, peer, 'the cluster is another one')
  const objection = by.roll.objectionTo(id)
  if (objection !== undefined) return refuse(by, peer, objection, true)
  by.endpoint.admit(id, incarnation, outcome => {
    if (!areSeated()) return
    if (isLeft(outcome)) refuse(by, peer, outcome.left)
    else welcomed()
  }, peer.roll.named().named)
}

const send = (seat: Seat, to: Party, messages: readonly LinkMessage[]): void => {
  const end = to.type === 'member' ? seat.peers.get(to.id) : undefined
  if (end === undefined) return
  for (const message of messages) end.received(message)
}

/** Links two that are open, once each takes the other for who it is. */
const meet = (network: Network, seat: Seat, other: Seat): void => {
  const areLinked = (): boolean => seat.peers.has(other.endpoint.id)
  if (areLinked()) return
  introduce(network, seat, other, () => introduce(network, other, seat, () => {
    if (!areLinked() && [[seat, other], [other, seat]].every(([one, two]) => one!.roll.objectionTo(two!.endpoint.id) === undefined)) join(seat, other)
  }))
}

/** Cuts the link with this one, at both ends. */
const part = (seat: Seat, id: MemberId, isGone: boolean): void => {
  const end = seat.peers.get(id)
  if (end === undefined) return
  seat.peers.delete(id)
  seat.post({ type: 'disconnected', party: { type: 'member', id }, unanswered: 'unknown' })
  end.cut(isGone)
}

/** Others belong to the cluster from now on. */
const review = (network: Network, seat: Seat): void => {
  const { id, admit, isUnproven } = seat.endpoint
  for (const peer of [...seat.peers.keys()]) {
    const other = network.seats.get(peer)
    if (other === undefined || seat.roll.objectionTo(peer) !== undefined) part(seat, peer, false)
    else if (!seat.roll.isNamed(peer)) continue
    else if (isUnproven(peer, other.endpoint.incarnation)) part(seat, peer, false)
    else admit(peer, other.endpoint.incarnation, outcome => { if (isLeft(outcome)) part(seat, peer, false) })
  }
  for (const other of network.seats.values()) if (other !== seat && (seat.roll.isNamed(other.endpoint.id) || other.roll.isNamed(id))) meet(network, seat, other)
}

const linksOf = (network: Network, seat: Seat, address: string, box: Mailbox): Links => {
  const { id, clock } = seat.endpoint
  const waiting: (() => void)[] = []
  const closed = (): void => waiting.splice(0).forEach(call => call())
  let phase: 'open' | 'closing' | 'closed' = 'open'
  return {
    address,
    events$: box.events$,
    send: (to, messages) => {
      if (phase === 'open') send(seat, to, messages)
    },
    update: roll => {
      if (phase !== 'open') return
      seat.roll.replace(roll)
      review(network, seat)
    },
    close: done => {
      waiting.push(done)
      if (phase === 'closed') clock.endOfTurn(closed)
      if (phase !== 'open') return
      phase = 'closing'
      network.seats.delete(id)
      for (const refused of seat.told.keys()) forgive(seat, refused)
      for (const other of network.seats.values()) forgive(other, id)
      for (const peer of [...seat.peers.keys()]) part(seat, peer, true)
      box.close(() => {
        phase = 'closed'
        closed()
      })
    },
  }
}

const Joinable = t.type({ network: guard('Network', value => Reflect.get(Object(value), 'seats') instanceof Map ? undefined : 'must be what memoryNetwork() makes') })

/** Members of one process: messages are handed over as they are, in order, when the turn of the event loop ends. */
export const memoryTransport = (network: Network): Transport => ({
  open: (endpoint, done) => {
    const { id, clock, address } = endpoint
    const fault = misuse({ transport: Joinable }, { transport: { network } }) ?? (network.seats.has(id) ? new PortInUse(address) : undefined)
    if (fault !== undefined) {
      clock.endOfTurn(() => done(left(fault)))
      return
    }
    const box = createMailbox(clock)
    const seat: Seat = { endpoint, roll: createRollCall(endpoint), peers: new Map(), told: new Map(), post: box.post }
    const others = [...network.seats.values()]
    network.seats.set(id, seat)
    clock.endOfTurn(() => {
      done(right(linksOf(network, seat, address, box)))
      for (const other of others) meet(network, seat, other)
    })
  },
})
