/** Lines of text as commands. */
import * as t from 'io-ts'
import { utf8 } from '../../codecs/json.js'
import { messageOf } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'
import type { Protocol } from '../../streams/machine/machine.js'

/** Why a line holds no command. It keeps its place among the others. */
class NoCommand extends Error {
  override readonly name = 'NoCommand'
}

/** A command, or why there is none, and what it took in the input. */
export interface Line {
  readonly command: unknown
  readonly bytes: number
}

const NEWLINE = 0x0a

const BLANK = /^\s*$/

/** As some programs begin a file with. */
const BYTE_ORDER_MARK = /^\uFEFF/

/** What a line says, if anything. */
const commandIn = (line: Uint8Array, number: number): { readonly command: unknown } | undefined => {
  try {
    const decoded = utf8.decode(line)
    const text = number === 1 ? decoded.replace(BYTE_ORDER_MARK, '') : decoded
    return BLANK.test(text) ? undefined : { command: JSON.parse(text) as unknown }
  } catch (error) {
    return { command: new NoCommand(`line ${number} holds no JSON in UTF-8: ${messageOf(error)}`) }
  }
}

/** The lines of the input but for blank ones, the last one with or without a newline. Of a line that is too long nothing is kept. */
export async function* linesIn(input: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<Line> {
  let open: Uint8Array[] = []
  let openBytes = 0
  let number = 0
  const take = (rest: Uint8Array): readonly Line[] => {
    number++
    const bytes = openBytes + rest.length
    const isTooLong = bytes > maxLineBytes
    const found = isTooLong ? { command: new NoCommand(`line ${number} has ${bytes} bytes, and a command ${maxLineBytes} at most`) } : commandIn(Buffer.concat([...open, rest]), number)
    open = []
    openBytes = 0
    return found === undefined ? [] : [{ ...found, bytes }]
  }
  for await (const chunk of input) {
    let from = 0
    for (let newline = chunk.indexOf(NEWLINE); newline >= 0; newline = chunk.indexOf(NEWLINE, from)) {
      yield* take(chunk.subarray(from, newline))
      from = newline + 1
    }
    if (from === chunk.length) continue
    openBytes += chunk.length - from
    if (openBytes > maxLineBytes) open = []
    else open.push(chunk.subarray(from))
  }
  if (openBytes > 0) yield* take(new Uint8Array(0))
}

/** What is no command is refused in its turn; `codec` judges the rest before it leaves, where the machine is known. */
export const pipeProtocol = (codec: t.Type<unknown, unknown> = t.unknown): Protocol<Line, unknown> => ({
  command: new t.Type<Line, unknown>(
    'a command', (value): value is Line => t.UnknownRecord.is(value) && 'command' in value && !(value['command'] instanceof NoCommand),
    (value, context) => {
      if (t.UnknownRecord.is(value) && value['command'] instanceof NoCommand) return t.failure(value, context, value['command'].message)
      const command = codec.validate(value, context)
      return isLeft(command) ? command : t.success({ command: value, bytes: 0 })
    },
    ({ command }) => {
      if (command instanceof NoCommand) throw command
      return command
    },
  ),
  result: t.unknown,
})
