import { isLeft } from '../../lib/prelude.js'
import type { RaftState } from '../../lib/state.js'
import { type Segment, type SegmentHeader, differences, digestOf, readRecording, recordingFiles } from '../../streams/recorder/index.js'
import { parsed } from '../arguments.js'
import type { Command } from '../command.js'
import { Mistake } from '../mistake.js'
import { createScreen } from '../screen.js'
import { type ReplayOptions, createNarrator } from './narrator.js'
import { type Outcome, replaySegment } from './run.js'
import { printable } from '../words.js'

const HELP = `rxraft replay FILE|FOLDER [options]

Makes the recorded steps of a member again, from the recorded state and inputs, and compares them turn by turn with what was recorded. FOLDER is
that of a flight recorder and is replayed segment by segment; FILE is one segment. Stops at the first broken invariant, at the first
difference, or after --to.

  --from TURN    print every turn from this one on, with what went in and the state that came of it
  --to TURN      print every turn up to this one, then stop
  --outputs      print what these turns wrote, sent, answered and applied, too
  --json         one JSON object per line in place of text, with whole states
  --help         this text

Without --from or --to the turns are printed in which role, term or leader change. Results go to standard output, progress to standard
error. Commands and snapshots are not in a recording: their sizes and checksums are.

Exit code 0 when all turns came out as recorded, 1 at a broken invariant or a difference, 2 for a mistake in the arguments and for what
cannot be read.
`
const OPTIONS = { from: { type: 'string' }, to: { type: 'string' }, json: { type: 'boolean' }, outputs: { type: 'boolean' } } as const

const turnOf = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const turn = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(turn) || turn < 1) throw new Mistake(`--${name} takes the number of a turn, 1 or more, not "${text}"`)
  return turn
}

const argumentsOf = (args: readonly string[]): ReplayOptions & { readonly path: string } => {
  const { values, positionals: [path, ...rest] } = parsed({ args: [...args], options: OPTIONS, allowPositionals: true })
  if (path === undefined) throw new Mistake('a FILE or FOLDER is missing; rxraft replay --help tells more')
  if (rest.length > 0) throw new Mistake(`one FILE or FOLDER at a time, not ${rest.length + 1}`)
  const from = turnOf('from', values.from)
  const to = turnOf('to', values.to)
  if (from !== undefined && to !== undefined && from > to) throw new Mistake(`--from ${from} is after --to ${to}`)
  return { path, from, to, json: values.json === true, outputs: values.outputs === true }
}

/** Where a run was when its last segment so far had been replayed. */
interface Reached {
  readonly header: SegmentHeader
  readonly state: RaftState
}

/** What lies between a segment and the one before it, if that is of the same run. */
const gapBetween = (reached: Reached | undefined, { header, first }: Segment): readonly string[] =>
  reached?.header.run === header.run && reached.state.turn < first.turn
    ? [`turns ${reached.state.turn + 1} to ${first.turn} are in no segment${header.dropped > 0 ? ': the disk did not keep up' : ''}`]
    : []

/** A state that was recorded as the beginning of a segment must be the one that the segment before it led to. */
const differenceBetween = (reached: Reached | undefined, { header, first }: Segment): readonly string[] =>
  reached?.header.run === header.run && reached.state.turn === first.turn ? differences(digestOf(first), digestOf(reached.state)) : []

const CODES: Readonly<Record<Outcome['type'], number>> = { passed: 0, enough: 0, found: 1, unreadable: 2 }

const run = async (args: readonly string[]): Promise<number> => {
  const { path, ...options } = argumentsOf(args)
  const files = await recordingFiles(path)
  if (isLeft(files)) throw new Mistake(files.left.message)
  const count = files.right.length
  const screen = createScreen(process.stderr)
  const narrator = createNarrator(options, line => {
    screen.end()
    process.stdout.write(`${printable(line)}\n`)
  })
  let reached: Reached | undefined
  let outcome: Outcome['type'] = 'passed'
  for (const [i, file] of files.right.entries()) {
    const read = await readRecording(file)
    if (isLeft(read)) {
      // A process that was killed at the wrong moment leaves a last segment without its state: no damage.
      if (count === 1 || !read.left.isUnfinished) throw new Mistake(read.left.message)
      narrator.note(read.left.message)
      continue
    }
    const segment = read.right
    for (const gap of gapBetween(reached, segment)) narrator.note(gap)
    const lines = differenceBetween(reached, segment)
    if (lines.length > 0) {
      narrator.differed(segment.first.turn, lines)
      outcome = 'found'
      break
    }
    narrator.segment(file, segment)
    const replayed = replaySegment(file, segment, options, narrator, done => screen.bar((i + done) / count, ` segment ${i + 1} of ${count}`))
    screen.end()
    reached = { header: segment.header, state: replayed.state }
    outcome = replayed.type
    if (outcome !== 'passed') break
  }
  narrator.summary(outcome)
  return CODES[outcome]
}

export const command: Command = { help: HELP, run }
