import type { Millis } from '../lib/types.js'
import { printable } from './words.js'

/** What the person at the terminal sees: events as lines, and one bar below them where the terminal can redraw it. */
export interface Screen {
  /** Something happened. */
  event(line: string): void
  /** How far along, in [0, 1] where known, with a caption. */
  bar(fraction: number | undefined, caption: string): void
  /** No more bar. */
  end(): void
}

const BAR_WIDTH = 30
const PLAIN_EVERY_MS: Millis = 2_000

const drawBar = (fraction: number | undefined): string => {
  if (fraction === undefined) return ''
  const filled = Math.round(Math.min(1, fraction) * BAR_WIDTH)
  return `[${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}] ${String(Math.round(Math.min(1, fraction) * 100)).padStart(3)} % `
}

/** Writes to `out`; standard output stays free for data. Where no bar can be redrawn there is a line every so often. */
export const createScreen = (out: NodeJS.WriteStream, plainEveryMs = PLAIN_EVERY_MS): Screen => {
  const began = performance.now()
  let lastPlain = 0
  const wipe = (): void => { if (out.isTTY) out.write('\r\x1b[2K') }
  return {
    event: line => {
      wipe()
      out.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${printable(line)}\n`)
    },
    bar: (fraction, caption) => {
      const line = printable(`${drawBar(fraction)}${caption}`)
      if (out.isTTY) {
        wipe()
        out.write(line.slice(0, (out.columns ?? 80) - 1))
      } else if (performance.now() - lastPlain > plainEveryMs) {
        lastPlain = performance.now()
        out.write(`         ${line}\n`)
      }
    },
    end: wipe,
  }
}

/** Lines that stand where they are and change: drawn over what they were on a terminal, and told again elsewhere only where they changed. */
export const createBlock = (out: NodeJS.WriteStream): ((lines: readonly string[]) => void) => {
  let before: readonly string[] = []
  return texts => {
    const lines = texts.map(printable)
    const width = (out.columns ?? 80) - 1
    if (out.isTTY) out.write(`${before.length > 0 ? `\x1b[${before.length}A\r` : ''}\x1b[0J${lines.map(line => `${line.slice(0, width)}\n`).join('')}`)
    else if (lines.join('\n') !== before.join('\n')) out.write(`${lines.join('\n')}\n`)
    before = lines
  }
}
