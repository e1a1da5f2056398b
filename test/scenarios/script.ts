/**
 * A story is a text file: comments (#), commands (>), and below each command what came of it. A run keeps comments and
 * commands and says what lies below them anew; a test compares, `npm run scenarios -- --update` rewrites.
 */

/** A line that stands as it is, or a command with the trace that is expected below it. */
export type Part =
  | { readonly type: 'note'; readonly line: string }
  | { readonly type: 'command'; readonly line: number; readonly text: string; readonly trace: readonly string[] }

const COMMAND = /^> /

const parse = (text: string): readonly Part[] => {
  const parts: Part[] = []
  for (const [at, line] of text.trimEnd().split('\n').entries()) {
    const last = parts.at(-1)
    if (COMMAND.test(line)) parts.push({ type: 'command', line: at + 1, text: line.replace(COMMAND, ''), trace: [] })
    else if (last?.type === 'command' && line !== '' && !line.startsWith('#')) parts[parts.length - 1] = { ...last, trace: [...last.trace, line] }
    else parts.push({ type: 'note', line })
  }
  return parts
}

const print = (parts: readonly Part[]): string =>
  `${parts.flatMap(part => part.type === 'note' ? [part.line] : [`> ${part.text}`, ...part.trace]).join('\n')}\n`

/** The story as it is told by `run`, which takes a command and returns its trace; an error ends it where it happened. */
export const retell = (text: string, run: (command: string) => readonly string[]): { readonly text: string; readonly failure: string | undefined } => {
  let failure: string | undefined
  const parts = parse(text).map((part): Part => {
    if (part.type === 'note' || failure !== undefined) return part
    try {
      return { ...part, trace: run(part.text) }
    } catch (error) {
      failure = `line ${part.line}: ${part.text}: ${error instanceof Error ? error.message : String(error)}`
      return part
    }
  })
  return { text: print(parts), failure }
}
