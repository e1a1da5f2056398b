/** The simulation itself is held to account: faults put into a core on purpose are found. */
import test from 'ava'
import type { Batch, Ready } from '../../lib/events.js'
import { type Step, step } from '../../lib/step.js'
import { trial } from './trial.js'

/** Seeds within which each fault is found. */
const ENOUGH = 40
/** The first of them, where it is not 1: those before it take long and notice nothing. */
const FIRST: Readonly<Record<string, number>> = { 'a log called verified that nobody checked': 8, 'refusals of a question that was not asked': 2 }

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
    const first = FIRST[fault] ?? 1
    let seed = first
    while (seed < first + ENOUGH && await trial(seed, { fold, replays: 0 }).then(() => true, () => false)) seed++
    t.true(seed < first + ENOUGH, `not found in ${ENOUGH} seeds`)
    t.log(`by seed ${seed}`)
  })
}
