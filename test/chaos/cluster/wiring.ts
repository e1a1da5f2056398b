/** Every wire of the cluster runs through this process: one proxy per pair of members, and one door per member for clients. */
import type { MemberId } from '../../../lib/types.js'
import { OPEN, type Proxy, type Way, createProxy } from './proxy.js'

export interface Wiring {
  /** Where this member finds the others. Of a pair the smaller id dials, so that a wire is known by its port. */
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

interface Wire {
  readonly proxy: Proxy
  there: Way
  back: Way
}

const loopback = (port: number): string => `127.0.0.1:${port}`
const nameOf = (a: MemberId, b: MemberId): string => (a < b ? `${a} ${b}` : `${b} ${a}`)

/** `portOf` says where a member listens in its present life. */
export const createWiring = async (ids: readonly MemberId[], portOf: (id: MemberId) => number | undefined, changed: () => void): Promise<Wiring> => {
  const wires = new Map<string, Wire>()
  const entrances = new Map<MemberId, Proxy>()
  for (const a of ids) {
    for (const b of ids.filter(id => a < id)) wires.set(nameOf(a, b), { proxy: await createProxy(() => portOf(b)), there: OPEN, back: OPEN })
    entrances.set(a, await createProxy(() => portOf(a)))
  }
  const wire = (a: MemberId, b: MemberId): Wire => wires.get(nameOf(a, b))!
  const door = (id: MemberId): Proxy => entrances.get(id)!
  return {
    wiresOf: id => Object.fromEntries(ids.filter(other => other !== id).map(other => [other, loopback(wire(id, other).proxy.port)])),
    doors: Object.fromEntries(ids.map(id => [id, loopback(door(id).port)])),
    setWay: (from, to, way) => {
      const found = wire(from, to)
      found[from < to ? 'there' : 'back'] = way
      found.proxy.set(found.there, found.back)
      changed()
    },
    cut: (a, b, isCut) => {
      wire(a, b).proxy.cut(isCut)
      changed()
    },
    reset: (a, b) => wire(a, b).proxy.reset(() => true),
    door,
    isClear: (a, b) => wire(a, b).proxy.isClear(),
    heal: () => {
      for (const found of wires.values()) {
        found.there = found.back = OPEN
        found.proxy.cut(false)
        found.proxy.set(OPEN, OPEN)
      }
      for (const entrance of entrances.values()) {
        entrance.cut(false)
        entrance.set(OPEN, OPEN)
      }
      changed()
    },
    close: () => [...[...wires.values()].map(({ proxy }) => proxy), ...entrances.values()].forEach(proxy => proxy.close()),
  }
}
