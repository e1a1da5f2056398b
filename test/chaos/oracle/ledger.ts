/**
 * What all members have applied in all their lives, held against each other as it comes in: one sequence, of which every life applies a
 * part that begins at its beginning or behind a snapshot, leaves out nothing but what a snapshot stands for that it received, and in which
 * no operation is twice. Nothing that was once applied at an index is ever something else.
 */
import type { MemberId } from '../../../lib/types.js'

export interface Ledger {
  /**
   * A line of a member's life: index, term, time, operation and digest, or the index of the snapshot behind which it goes on, and how many
   * operations that stands for. What is wrong with it, if anything.
   */
  add(id: MemberId, life: number, line: string): string | undefined
  /** What is wrong when no more comes in. */
  end(): readonly string[]
  /** Where an operation was applied. */
  indexOf(op: number): number | undefined
  lastIndex(): number
  readonly size: number
}

interface Life {
  readonly id: MemberId
  /** How many operations it has applied, or a snapshot for it; and up to which index. */
  position: number
  index: number
  torn: string | undefined
  /** Who applied what its snapshot stands for may be heard later than it: till then it waits. */
  waiting: readonly string[]
}

const LINE = /^(\d+) (\d+) ([\d.]+) (\d+) \d+;$/
const SNAPSHOT = /^from (\d+) after (\d+);$/

export const createLedger = (): Ledger => {
  const lines: string[] = []
  const indexes: number[] = []
  const ops = new Map<number, number>()
  const lives = new Map<number, Life>()
  const waiting = new Set<Life>()
  let last = { index: 0, term: 0, time: 0 }

  const faultOf = (index: number, term: number, time: number, op: number): string | undefined => {
    if (index <= last.index || term < last.term || time < last.time) return `comes after index ${last.index} of term ${last.term} at ${last.time}`
    return ops.has(op) ? `was applied at index ${ops.get(op)} before` : undefined
  }
  /** A wrong line is one like any other for those who compare themselves with it: each mistake is told once. */
  const extend = (line: string, index: number, term: number, time: number, op: number): string | undefined => {
    const fault = faultOf(index, term, time, op)
    last = { index, term, time }
    if (!ops.has(op)) ops.set(op, index)
    lines.push(line)
    indexes.push(index)
    return fault
  }
  const apply = (life: Life, line: string, [, index, term, time, op]: readonly string[]): string | undefined => {
    const known = lines[life.position]
    life.position++
    life.index = Number(index)
    if (known === undefined) return extend(line, life.index, Number(term), Number(time), Number(op))
    return known === line ? undefined : `is "${known}" elsewhere`
  }
  const jump = (life: Life, index: number, commands: number): string | undefined => {
    const { position, index: before } = life
    life.position = commands
    life.index = index
    if (index <= before || commands < position) return `leads back from index ${before}, where ${position} operations were applied`
    const stands = indexes.filter(each => each <= index).length
    return stands === commands ? undefined : `stands for ${stands} operations`
  }
  const read = (life: Life, line: string): string | undefined => {
    if (life.torn !== undefined) return `${life.id} went on after "${life.torn}"`
    const [, index, commands] = SNAPSHOT.exec(line) ?? []
    const fields = LINE.exec(line)
    // A life that was killed may not have finished its last line.
    if (index === undefined && fields === null) return void (life.torn = line)
    if (waiting.has(life) || Number(commands) > lines.length) {
      waiting.add(life)
      return void (life.waiting = [...life.waiting, line])
    }
    const fault = fields === null ? jump(life, Number(index), Number(commands)) : apply(life, line, fields)
    return fault === undefined ? undefined : `"${line}" (index, term, time, operation, digest; or snapshot) of ${life.id} ${fault}`
  }
  /** Those who waited go on as far as they can. */
  const readWaiting = (): readonly (string | undefined)[] => [...waiting].flatMap(life => {
    const held = life.waiting
    waiting.delete(life)
    life.waiting = []
    return held.map(line => read(life, line))
  })
  return {
    add: (id, life, line) => {
      const known = lives.get(life) ?? { id, position: 0, index: 0, torn: undefined, waiting: [] }
      lives.set(life, known)
      const faults = [read(known, line)]
      for (let before = -1; waiting.size > 0 && lines.length > before;) {
        before = lines.length
        faults.push(...readWaiting())
      }
      return faults.find(fault => fault !== undefined)
    },
    end: () => [...waiting].map(({ id, waiting: [line] }) => `"${line}" of ${id} stands for operations that nobody has applied; there are ${lines.length}`),
    indexOf: op => ops.get(op),
    lastIndex: () => last.index,
    get size() {
      return lines.length
    },
  }
}
