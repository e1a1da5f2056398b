/** The simulation itself is held to account: one seed is one run, and faults put into a core on purpose are found. */
import test from 'ava'
import type { Batch, Ready } from '../../lib/events.js'
import { type Step, step } from '../../lib/step.js'
import { frozenStep } from './freeze.js'
import { type TrialOptions, trial } from './trial.js'

/** Seeds within which each fault is found. */
const ENOUGH = 40

const traceOf = async (seed: number, options: TrialOptions = {}): Promise<readonly string[]> => {
  const lines: string[] = []
  await trial(seed, { ...options, trace: line => { lines.push(line) } })
  return lines
}

test('one seed is one run, line by line, whatever ran before it', async t => {
  t.timeout(300_000)
  for (let seed = 201; seed <= 210; seed++) {
    const lines = await traceOf(seed)
    t.true(lines.length > 500, `${lines.length} lines`)
    t.deepEqual(await traceOf(seed), lines)
  }
})

test('a core that may not touch the state it was given does the same', async t => {
  t.timeout(300_000)
  for (const seed of [3, 7]) t.deepEqual(await traceOf(seed, { fold: frozenStep }), await traceOf(seed, { fold: step }))
})

/** A core with a fault that shows in what it asks for. */
const faulty = (spoil: (ready: Ready, step: Step) => Partial<Ready>) => (previous: Step, batch: Batch): Step => {
  const next = step(previous, batch)
  return { state: next.state, ready: { ...next.ready, ...spoil(next.ready, next) } }
}
const messagesWith = (spoil: (message: Ready['messages'][number], step: Step) => Partial<Ready['messages'][number]>) =>
  faulty((ready, step) => ({ messages: ready.messages.map(message => ({ ...message, ...spoil(message, step) }) as typeof message) }))

const FAULTS: Readonly<Record<string, (previous: Step, batch: Batch) => Step>> = {
  'votes that are not written': faulty(({ writes }) => ({
    writes: writes.map(write => write.type === 'hardState' ? { ...write, hardState: { ...write.hardState, votedFor: undefined } } : write),
  })),
  'votes for everyone': messagesWith(message => message.type === 'requestVoteReply' ? { voteGranted: true } : {}),
  'entries called durable on arrival': messagesWith(message => message.type === 'appendAccepted' ? { durable: message.verified } : {}),
  'a log called verified that nobody checked': messagesWith((message, { state }) =>
    message.type === 'appendAccepted' ? { verified: state.log.lastIndex, durable: state.persistedIndex } : {}),
  'a commitIndex ahead of the majority': messagesWith((message, { state }) => message.type === 'appendEntries' ? { leaderCommit: state.log.lastIndex } : {}),
  'entries applied twice': faulty(({ committed }) => ({ committed: [...committed, ...committed.slice(-1)] })),
  'a lost proposal that nobody is told of': faulty(({ answers }) => ({ answers: answers.filter(({ type }) => type !== 'lost') })),
  'refusals of a question that was not asked': messagesWith(message => message.type === 'appendRefused' ? { hintIndex: message.prevLogIndex, prevLogIndex: message.prevLogIndex + 1 } : {}),
  'commits that followers never hear of': messagesWith(message => message.type === 'appendEntries' ? { leaderCommit: 0 } : {}),
}

for (const [fault, fold] of Object.entries(FAULTS)) {
  test(`the simulation finds ${fault}`, async t => {
    t.timeout(300_000)
    let seed = 1
    while (seed <= ENOUGH && await trial(seed, { fold, replays: 0 }).then(() => true, () => false)) seed++
    t.true(seed <= ENOUGH, `not found in ${ENOUGH} seeds`)
  })
}
