/** How a command ends that asked a member: its lines and its exit code. */
import type { Refusal } from '../control/member-status.js'
import { ifUnread } from '../output.js'
import type { Outcome } from './ask.js'
import { printable, printableJson, printableLines } from '../words.js'

export const EXIT = { done: 0, failed: 1, unknown: 3 } as const

/** 3 where the command may be in the log and nobody knows. */
export const exitCodeOf = ({ appended }: Refusal): number => appended === 'unknown' ? EXIT.unknown : EXIT.failed

/** One line of JSON for a refusal, or a sentence. */
export const tellRefusal = (refusal: Refusal, isJson: boolean): number => {
  const code = exitCodeOf(refusal)
  ifUnread(code)
  if (isJson) process.stdout.write(`${printable(JSON.stringify({ error: refusal }))}\n`)
  else process.stderr.write(`${printable(refusal.message)}${refusal.appended === 'never' ? ' (nothing was changed)' : ''}\n`)
  return code
}

/** Prints what was answered: whole as JSON, or what `shown` makes of it. Where something was changed, and nobody reads that, its outcome is unknown. */
export const tellOutcome = (outcome: Outcome, isJson: boolean, shown: (answer: unknown) => string): number => {
  if (outcome.type === 'refused') return tellRefusal(outcome.refusal, isJson)
  if (outcome.isChange) ifUnread(EXIT.unknown)
  process.stdout.write(`${isJson ? printableJson(outcome.text) : printableLines(String(shown(JSON.parse(outcome.text))))}\n`)
  return EXIT.done
}
