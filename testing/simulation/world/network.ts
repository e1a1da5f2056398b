/** The hosts of a cluster and the connections between them: byte streams, as the real wire code knows them, over a network that fails. */
import { left, right } from '../../../lib/prelude.js'
import type { MemberId } from '../../../lib/types.js'
import { type Address, formatAddress } from '../../../streams/transport/tcp/addresses.js'
import { type ByteStream, REFUSED, type Sockets } from '../../../streams/transport/tcp/sockets.js'
import type { Agenda } from './agenda.js'
import { type Dice, createDice, seedFor } from './dice.js'
import { BROKEN, CLOSED, type End, abandon, close, send, take } from './ends.js'
import { type Lane, type Parcel, createLane } from './lanes.js'
import type { Loop } from './loop.js'
import { CALM_NETWORK, type NetworkMix } from './network-mix.js'

export interface Network {
  /** The network as one life of a member sees it. */
  readonly socketsOf: (id: MemberId, loop: Loop) => Sockets
  /** Replaces the cuts: ordered pairs as `from>to`. */
  readonly cut: (cuts: ReadonlySet<string>) => void
  /** What is cut now. */
  readonly cuts: () => ReadonlySet<string>
  readonly set: (mix: NetworkMix) => void
  /** The process is gone: its system breaks its connections. */
  readonly killed: (id: MemberId) => void
  /** The machine is gone: nobody hears of it. */
  readonly lostPower: (id: MemberId) => void
  readonly hasPower: (id: MemberId) => void
  /** A machine is set up there, new or in the place of another: what strayed from or to that one never arrives. */
  readonly setUp: (id: MemberId, address: string) => void
  /** Breaks every connection between the two. */
  readonly reset: (a: MemberId, b: MemberId) => void
}

export interface NetworkOptions {
  readonly agenda: Agenda
  readonly seed: number
  /** Who listens where from the beginning, as `host:port`. */
  readonly addresses: Readonly<Record<MemberId, string>>
}

interface Listening {
  readonly loop: Loop
  readonly onStream: (stream: ByteStream) => void
}

/** A network at work. */
interface Wires extends NetworkOptions {
  readonly listening: Map<MemberId, Listening>
  readonly ends: Set<End>
  /** Machines without power. */
  readonly off: Set<MemberId>
  readonly dices: Map<string, Dice>
  /** Machines by their addresses, and how often each was set up anew. */
  readonly hosts: Map<string, MemberId>
  readonly setUps: Map<MemberId, number>
  cuts: ReadonlySet<string>
  mix: NetworkMix
  dialled: number
}

/** What a system takes from a process before it has to wait. */
const SYSTEM_BUFFER_BYTES = 64 * 1024
/** What was cut off is sent again this soon once the way is free, at the latest. */
const MENDED_WITHIN_MS = 100

const isCut = ({ cuts, off }: Wires, from: MemberId, to: MemberId): boolean => (cuts.size > 0 && cuts.has(`${from}>${to}`)) || (off.size > 0 && off.has(to))

const diceOf = ({ dices, seed }: Wires, key: string): Dice => {
  const dice = dices.get(key) ?? createDice(seedFor(seed, key))
  dices.set(key, dice)
  return dice
}

const mend = (wires: Wires): void => {
  for (const { out } of wires.ends) if (!isCut(wires, out.from, out.to)) out.mend(diceOf(wires, 'mending').between(0, MENDED_WITHIN_MS))
}

const forgetClosed = ({ ends }: Wires, end: End): void => {
  if (end.phase !== 'closed' || end.peer().phase !== 'closed') return
  ends.delete(end)
  ends.delete(end.peer())
}

/** Both ends hear of it soon, and nothing that was under way arrives. */
const breakUp = (wires: Wires, end: End): void => {
  for (const one of [end, end.peer()]) {
    wires.agenda.after(0, () => {
      close(one, BROKEN)
      forgetClosed(wires, one)
    })
  }
}

/** How often the two were set up anew, together. */
const setUpsOf = ({ setUps }: Wires, a: MemberId, b: MemberId): number => setUps.size === 0 ? 0 : (setUps.get(a) ?? 0) + (setUps.get(b) ?? 0)

/** A message that lost its way arrives over whatever connection there is by then. */
const stray = (wires: Wires, end: End, bytes: Uint8Array): void => {
  const peer = end.peer().id
  const machines = setUpsOf(wires, end.id, peer)
  wires.agenda.after(end.dice.exponential(wires.mix.strayMs), () => {
    if (wires.mix.stray === 0 || isCut(wires, end.id, peer) || setUpsOf(wires, end.id, peer) !== machines) return
    for (const other of wires.ends) {
      if (other.id === end.id && other.peer().id === peer && other.phase === 'open') return other.out.post({ type: 'bytes', bytes })
    }
  })
}

const abort = (wires: Wires, end: End): void => {
  if (end.phase === 'closed') return
  abandon(end, BROKEN)
  forgetClosed(wires, end)
  wires.agenda.after(0, () => end.loop?.enter(() => end.events?.closed(CLOSED)))
}

const streamOf = (wires: Wires, end: End, remote: string): ByteStream => ({
  remote,
  certificate: undefined,
  get hasSpoken() { return end.hasHeard },
  get bufferedBytes() { return Math.max(0, end.out.underWay() - SYSTEM_BUFFER_BYTES) },
  attach: events => { end.events = events },
  // What arrives is told.
  pause: () => undefined,
  resume: () => undefined,
  write: chunks => send(end, chunks, wires.mix, { strayed: bytes => stray(wires, end, bytes), broken: () => breakUp(wires, end) }),
  end: () => {
    if (end.phase === 'opening') return abort(wires, end)
    if (end.phase !== 'open') return
    end.phase = 'ending'
    end.out.post({ type: 'close', reason: CLOSED })
  },
  destroy: () => abort(wires, end),
})

/** The system accepts on behalf of a process, even one that is stopped. */
const accept = (wires: Wires, end: End): void => {
  const listener = wires.listening.get(end.id)
  if (listener === undefined) return abandon(end, REFUSED)
  end.loop = listener.loop
  end.phase = 'open'
  end.out.post({ type: 'accept' })
  listener.loop.enter(() => {
    listener.onStream(streamOf(wires, end, `10.0.1.0:${++wires.dialled}`))
    end.events?.opened()
  })
}

const deliver = (wires: Wires, end: End, parcel: Parcel): void => {
  switch (parcel.type) {
    case 'dial': return accept(wires, end)
    case 'accept':
      if (end.phase !== 'opening') return
      end.phase = 'open'
      return end.loop?.enter(() => end.events?.opened())
    case 'bytes': return take(end, parcel.bytes)
    case 'close':
      if (end.phase === 'open') end.out.post({ type: 'close', reason: parcel.reason })
      close(end, parcel.reason)
      return forgetClosed(wires, end)
  }
}

const connect = (wires: Wires, from: MemberId, to: MemberId, loop: Loop): End => {
  const lane = (here: MemberId, there: MemberId, sink: () => End): Lane => createLane(here, there, {
    agenda: wires.agenda, dice: diceOf(wires, `${here}>${there}`), mix: () => wires.mix,
    isCut: () => isCut(wires, here, there), deliver: parcel => deliver(wires, sink(), parcel),
  })
  const endAt = (id: MemberId, own: Loop | undefined, out: Lane, peer: () => End): End =>
    ({ id, loop: own, out, peer, dice: diceOf(wires, `${out.from} sends ${out.to}`), events: undefined, phase: 'opening', hasHeard: false })
  const near: End = endAt(from, loop, lane(from, to, () => far), () => far)
  const far: End = endAt(to, undefined, lane(to, from, () => near), () => near)
  wires.ends.add(near).add(far)
  near.out.post({ type: 'dial' })
  return near
}

const socketsOf = (wires: Wires, id: MemberId, loop: Loop): Sockets => {
  // Where no machine is nobody listens.
  const idAt = (address: Address): MemberId => wires.hosts.get(formatAddress(address)) ?? formatAddress(address)
  return {
    inspect: () => right({ names: [], isForMembers: true, validFrom: 0, validTo: Number.POSITIVE_INFINITY }),
    listen: (address, _tls, onStream, done) => void loop.clock.endOfTurn(() => {
      if (wires.listening.has(id)) return done(left({ code: 'EADDRINUSE', message: `${formatAddress(address)} is in use` }))
      wires.listening.set(id, { loop, onStream })
      done(right({
        address,
        close: closed => {
          wires.listening.delete(id)
          loop.clock.endOfTurn(closed)
        },
      }))
    }),
    dial: address => streamOf(wires, connect(wires, id, idAt(address), loop), formatAddress(address)),
  }
}

/** The process at this host is gone, with its end of every connection. */
const leave = (wires: Wires, id: MemberId, part: (end: End) => void): void => {
  wires.listening.delete(id)
  for (const end of [...wires.ends]) {
    if (end.id !== id || end.phase === 'closed') continue
    part(end)
    end.phase = 'closed'
    forgetClosed(wires, end)
  }
}

export const createNetwork = (options: NetworkOptions): Network => {
  const hosts = new Map(Object.entries(options.addresses).map(([id, address]) => [address, id]))
  const wires: Wires = { ...options, listening: new Map(), ends: new Set(), off: new Set(), dices: new Map(), hosts, setUps: new Map(), cuts: new Set(), mix: CALM_NETWORK, dialled: 0 }
  return {
    socketsOf: (id, loop) => socketsOf(wires, id, loop),
    cut: cuts => {
      wires.cuts = cuts
      mend(wires)
    },
    cuts: () => wires.cuts,
    set: mix => { wires.mix = mix },
    killed: id => leave(wires, id, end => abandon(end, BROKEN)),
    lostPower: id => {
      leave(wires, id, end => end.out.forget())
      wires.off.add(id)
    },
    hasPower: id => {
      wires.off.delete(id)
      mend(wires)
    },
    setUp: (id, address) => {
      wires.hosts.set(address, id)
      wires.setUps.set(id, (wires.setUps.get(id) ?? 0) + 1)
    },
    reset: (a, b) => {
      for (const end of [...wires.ends]) if (end.id === a && end.peer().id === b) breakUp(wires, end)
    },
  }
}
