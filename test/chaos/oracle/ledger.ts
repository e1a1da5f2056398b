/**
 * What all members have applied in all their lives, held against each other as it comes in: one sequence, of which every life applies a
 * part that begins at its beginning or behind the snapshot that it says it began from, and in which no operation is twice. Nothing that was once
 * applied at an index is ever something else.
 */
import type { MemberId } from '../../../lib/types.js'

export interface Ledger {
  /** A line of a member's life: index, term, time, operation and digest, or the index of the snapshot that it began from. What is wrong with it, if anything. */
  add(id: MemberId, life: number, line: string): string | undefined
  /** Where an operation was applied. */
  indexOf(op: number): number | undefined
  lastIndex(): number
  readonly size: number
}

const LINE = /^(\d+) (\d+) ([\d.]+) (\d+) \d+;$/
const BEGINNING = /^from (\d+);$/

export const createLedger = (): Ledger => {
  const lines: string[] = []
  const indexes: number[] = []
  const ops = new Map<number, number>()
  const positions = new Map<number, number>()
  const torn = new Map<number, string>()
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
  return {
    add: (id, life, line) => {
      const beginning = BEGINNING.exec(line)
      if (beginning !== null) {
        positions.set(life, indexes.filter(index => index <= Number(beginning[1])).length)
        return undefined
      }
      const fields = LINE.exec(line)
      if (torn.has(life)) return `${id} went on after "${torn.get(life)}"`
      // A life that was killed may not have finished its last line.
      if (fields === null) return void torn.set(life, line)
      const position = positions.get(life) ?? 0
      positions.set(life, position + 1)
      const known = lines[position]
      const fault = known === undefined ? extend(line, Number(fields[1]), Number(fields[2]), Number(fields[3]), Number(fields[4]))
        : known === line ? undefined : `is "${known}" elsewhere`
      return fault === undefined ? undefined : `"${line}" (index, term, time, operation, digest) of ${id} ${fault}`
    },
    indexOf: op => ops.get(op),
    lastIndex: () => last.index,
    get size() {
      return lines.length
    },
  }
}
