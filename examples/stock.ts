// A machine of its own: a Map that apply changes in place, and that goes into snapshots line by line.
import * as t from 'io-ts'
import { type Machine, MachineFailed } from 'rxraft'

type Stock = ReadonlyMap<string, number>

const Movement = t.strict({ item: t.string, add: t.number })
const Line = t.tuple([t.string, t.number])

/** What is left of the item, or why this cannot be: then nothing is changed, on every member alike. */
const move = (stock: Map<string, number>, { item, add }: t.TypeOf<typeof Movement>): number | MachineFailed => {
  const left = (stock.get(item) ?? 0) + add
  if (left < 0) return new MachineFailed(`of ${item} there are ${left - add}, and not ${-add}`)
  if (left === 0) stock.delete(item)
  else stock.set(item, left)
  return left
}

const LINES_PER_CHUNK = 1000

/** Encodes as it is asked, so that nothing else waits for the whole. */
async function* chunksOf(lines: readonly (readonly [string, number])[]): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < lines.length; i += LINES_PER_CHUNK) {
    yield Buffer.from(lines.slice(i, i + LINES_PER_CHUNK).map(line => `${JSON.stringify(line)}\n`).join(''))
  }
}

const stockIn = async (chunks: AsyncIterable<Uint8Array>): Promise<Map<string, number>> => {
  const stock = new Map<string, number>()
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) { // may be cut anywhere, also inside a character
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const decoded = Line.decode(JSON.parse(line))
      if (decoded._tag === 'Left') throw new Error(`no line of a stock: ${line}`)
      stock.set(...decoded.right)
    }
  }
  if (rest !== '') throw new Error('the snapshot ends inside a line')
  return stock
}

export const stockMachine: Machine<t.TypeOf<typeof Movement>, number, Stock> = {
  command: Movement, result: t.number,
  start: () => {
    let stock = new Map<string, number>() // a copy of its own for each member
    return {
      get state() { return stock },
      apply: entries => [entries.map(({ command }) => move(stock, command))], // one list, one result per entry
      snapshot: () => chunksOf([...stock]), // copied here and now; what is applied next is not in it
      restore: async chunks => { stock = await stockIn(chunks) }, // replaced once all of it is read
    }
  },
}
