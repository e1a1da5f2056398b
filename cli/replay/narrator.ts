/** What a replay says, line by line: in words, or as one JSON object per line. */
import type { Turn } from '../../lib/types.js'
import { type Replayed, type Segment, type UnreadableRecording, partsOf } from '../../streams/recorder/index.js'
import { inputWords, outputWords, plain, stateWords } from './words.js'

export interface ReplayOptions {
  readonly from: Turn | undefined
  readonly to: Turn | undefined
  readonly json: boolean
  readonly outputs: boolean
}

/** How a replay ended. `enough`: the turn was reached after which it was to stop. */
export type OutcomeType = 'passed' | 'enough' | 'found' | 'unreadable'
export type Stepped = Extract<Replayed, { type: 'stepped' }>

export interface Narrator {
  segment(file: string, segment: Segment): void
  /** Something that is no fault of the steps. */
  note(text: string): void
  turn(stepped: Stepped): void
  broken(broken: Extract<Replayed, { type: 'broken' }>): void
  differed(turn: Turn, lines: readonly string[]): void
  unreadable(error: UnreadableRecording): void
  /** How the recorded run ended, as far as it was told. */
  ended(end: NonNullable<Segment['end']>): void
  summary(outcome: OutcomeType): void
}

const CLUSTER_CHARACTERS = 12
const dateOf = (wall: number): string => {
  const date = new Date(wall)
  return Number.isNaN(date.getTime()) ? String(wall) : date.toISOString()
}

const inWords = ({ outputs }: ReplayOptions, print: (line: string) => void): Narrator => {
  let turns = 0
  let segments = 0
  return {
    segment: (file, { header: { clusterId, id, run, turn, wall, dropped }, lastTurn }) => {
      segments++
      turns += lastTurn - turn
      print(`${file}: member ${id} of cluster ${clusterId.slice(0, CLUSTER_CHARACTERS)}, run ${run}, turns ${turn + 1} to ${lastTurn}, from ${dateOf(wall)}`)
      if (dropped > 0) print(`  ${dropped} turns before it were dropped, because the disk did not keep up`)
    },
    note: print,
    turn: ({ recorded: { turn, batch }, step }) => {
      print(`turn ${turn}  ${dateOf(batch.wall)}  ${stateWords(step.state)}`)
      for (const line of [...inputWords(batch.events), ...outputs ? outputWords(step) : []]) print(`    ${line}`)
    },
    broken: ({ recorded: { turn, batch }, before, reasons }) => {
      print(`turn ${turn}  ${dateOf(batch.wall)}  broken:`)
      for (const reason of reasons) print(`    ✘ ${reason}`)
      for (const line of inputWords(batch.events)) print(`    ${line}`)
      print(`    before it: ${stateWords(before)}`)
    },
    differed: (turn, lines) => lines.forEach(line => print(`turn ${turn}: ${line}`)),
    unreadable: error => print(error.message),
    ended: ({ how, reason }) => print(how === 'stopped' ? 'the member was stopped' : `the member failed: ${reason}`),
    summary: outcome => {
      if (outcome === 'passed') print(`${turns} ${turns === 1 ? 'turn' : 'turns'} of ${segments} ${segments === 1 ? 'segment' : 'segments'}: all came out as recorded`)
    },
  }
}

const asJson = ({ outputs }: ReplayOptions, print: (line: string) => void): Narrator => {
  const say = (value: Readonly<Record<string, unknown>>): void => print(JSON.stringify(value, plain))
  return {
    segment: (file, { header, lastTurn }) => say({ type: 'segment', file, ...header, lastTurn }),
    note: text => say({ type: 'note', text }),
    turn: ({ recorded: { turn, batch }, step: { state, ready } }) =>
      say({ type: 'turn', turn, ...batch, state: partsOf(state).record.state, ...(outputs && { ready }) }),
    broken: ({ recorded: { turn, batch }, before, reasons }) => say({ type: 'broken', turn, reasons, ...batch, before: partsOf(before).record.state }),
    differed: (turn, lines) => say({ type: 'differed', turn, lines }),
    unreadable: ({ file, offset, message }) => say({ type: 'unreadable', file, offset, message }),
    ended: end => say({ type: 'ended', ...end }),
    summary: outcome => say({ type: 'summary', outcome }),
  }
}

export const createNarrator = (options: ReplayOptions, print: (line: string) => void): Narrator => (options.json ? asJson : inWords)(options, print)
