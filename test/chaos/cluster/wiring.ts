/** Every wire of the cluster runs through this process: one proxy per member and peer, and one door per member for clients. */
import type { MemberId } from '../../../lib/types.js'
import { OPEN, type Proxy, type Way, createProxy } from './proxy.js'

export interface Wiring {
  /** Where this member finds the others. */
  wiresOf(id: MemberId): Readonly<Record<MemberId, string>>
  /** Where clients find the members, and by which they are known to each other. */
  readonly doors: Readonly<Record<MemberId, string>>
  /** How bytes travel from one member to another. */
  setWay(from: MemberId, to: MemberId, way: Way): void
  cut(a: MemberId, b: MemberId, isCut: boolean): void
  reset(a: MemberId, b: MemberId): void
  door(id: MemberId): Proxy
  isClear(a: MemberId, b: MemberId): boolean
  heal(): void
  close(): void
}

/** What connects two, whichever of them dials. */
interface Wire {
  /** From the smaller id to the larger, and the other way round. */
  readonly there: Proxy
  readonly back: Proxy
  wayThere: Way
  wayBack: Way
}

const loopback = (port: number): string => `127.0.0.1:${port}`
const nameOf = (a: MemberId, b: MemberId): string => (a < b ? `${a} ${b}` : `${b} ${a}`)

/** `portOf` says where a member listens in its present life. */
export const createWiring = async (ids: readonly MemberId[], portOf: (id: MemberId) => number | undefined, changed: () => void): Promise<Wiring> => {
  const wires = new Map<string, Wire>()
  const entrances = new Map<MemberId, Proxy>()
  for (const a of ids) {
    for (const b of ids.filter(id => a < id)) wires.set(nameOf(a, b), { there: await createProxy(() => portOf(b)), back: await createProxy(() => portOf(a)), wayThere: OPEN, wayBack: OPEN })
    entrances.set(a, await createProxy(() => portOf(a)))
  }
  const wire = (a: MemberId, b: MemberId): Wire => wires.get(nameOf(a, b))!
  const door = (id: MemberId): Proxy => entrances.get(id)!
  const both = ({ there, back }: Wire): readonly Proxy[] => [there, back]
  const set = (one: Wire): void => {
    one.there.set(one.wayThere, one.wayBack)
    one.back.set(one.wayBack, one.wayThere)
  }
  return {
    wiresOf: id => Object.fromEntries(ids.filter(other => other !== id).map(other => [other, loopback(wire(id, other)[id < other ? 'there' : 'back'].port)])),
    doors: Object.fromEntries(ids.map(id => [id, loopback(door(id).port)])),
    setWay: (from, to, way) => {
      const found = wire(from, to)
      found[from < to ? 'wayThere' : 'wayBack'] = way
      set(found)
      changed()
    },
    cut: (a, b, isCut) => {
      for (const proxy of both(wire(a, b))) proxy.cut(isCut)
      changed()
    },
    reset: (a, b) => both(wire(a, b)).forEach(proxy => proxy.reset(() => true)),
    door,
    isClear: (a, b) => both(wire(a, b)).every(proxy => proxy.isClear()),
    heal: () => {
      for (const found of wires.values()) {
        found.wayThere = found.wayBack = OPEN
        for (const proxy of both(found)) proxy.cut(false)
        set(found)
      }
      for (const entrance of entrances.values()) {
        entrance.cut(false)
        entrance.set(OPEN, OPEN)
      }
      changed()
    },
    close: () => [...[...wires.values()].flatMap(both), ...entrances.values()].forEach(proxy => proxy.close()),
  }
}
