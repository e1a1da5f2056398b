/** What a long run has done so far, a line of JSON for each part, so that it can be stopped at any moment and go on later. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type * as t from 'io-ts'
import { isLeft } from '../lib/prelude.js'
import { decodeWith } from '../codecs/report.js'
import { asMistake } from '../cli/arguments.js'
import { Mistake } from '../cli/mistake.js'

/** Which lines a ledger has. */
export interface Kind<A> {
  readonly codec: t.Type<A, unknown>
  /** How each of them begins, so that one that was cut short is told from a file that is something else. */
  readonly opening: string
}

export interface Ledger<A> {
  /** Those of earlier runs included. */
  readonly lines: readonly A[]
  /** Written when it returns: whatever ends this process later, the line stays. */
  readonly add: (line: A) => void
  readonly close: () => void
}

interface Read<A> {
  readonly lines: readonly A[]
  /** Where a last line begins that was cut short. */
  readonly tornAt: number | undefined
}

const decoded = <A>({ codec }: Kind<A>, text: string): A | undefined => {
  try {
    const line = decodeWith(codec, JSON.parse(text))
    return isLeft(line) ? undefined : line.right
  } catch {
    return undefined
  }
}

const read = <A>(file: string, kind: Kind<A>): Read<A> => {
  const [tail = '', ...whole] = readFileSync(file, 'utf8').split('\n').reverse()
  const lines = whole.reverse().map((text, at) => {
    const line = decoded(kind, text)
    if (line === undefined) throw new Mistake(`${file} is no ledger of this program: its line ${at + 1} is something else`)
    return line
  })
  if (!tail.startsWith(kind.opening) && !kind.opening.startsWith(tail)) throw new Mistake(`${file} is no ledger of this program: its last line is something else`)
  return { lines, tornAt: tail === '' ? undefined : whole.reduce((bytes, text) => bytes + Buffer.byteLength(text) + 1, 0) }
}

const withFile = <A>(file: string, work: () => A): A => {
  try {
    return work()
  } catch (error) {
    if (error instanceof Mistake) throw error
    throw new Mistake(`the ledger ${file} cannot be used: ${asMistake(error).message}`)
  }
}

/** What is in it, of which nothing is changed. */
export const readLedger = <A>(file: string, kind: Kind<A>): readonly A[] => withFile(file, () => read(file, kind).lines)

/** Begins one where there is none; a last line that was cut short does not count, and is cut off. */
export const openLedger = <A>(file: string, kind: Kind<A>): Ledger<A> => withFile(file, () => {
  mkdirSync(dirname(file), { recursive: true })
  const known: Read<A> = existsSync(file) ? read(file, kind) : { lines: [], tornAt: undefined }
  if (known.tornAt !== undefined) truncateSync(file, known.tornAt)
  const lines = [...known.lines]
  const descriptor = openSync(file, 'a')
  return {
    lines,
    add: line => {
      lines.push(line)
      writeFileSync(descriptor, `${JSON.stringify(line)}\n`)
    },
    close: () => closeSync(descriptor),
  }
})
