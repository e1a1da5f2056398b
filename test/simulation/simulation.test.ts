/** Seeded runs of whole clusters around the real core; see `world.ts`. More seeds: `npm run simulate -- --from 1 --to 100000`. */
import test from 'ava'
import type { Batch, Ready } from '../../lib/events.js'
import { type Step, step } from '../../lib/step.js'
import { frozenStep } from './freeze.js'
import { type RunOptions, simulate } from './world.js'

const SEEDS = 100
/** Lines of a trace that are worth reading first. */
const LAST_LINES = 40

const traceOf = (seed: number, options: RunOptions = {}): readonly string[] => {
  const lines: string[] = []
  simulate(seed, { ...options, trace: line => { lines.push(line) } })
  return lines
}

test('no seed breaks a promise, and every cluster heals', t => {
  let elections = 0
  let acknowledged = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = simulate(seed)
    if (outcome.failure !== undefined) {
      t.log(traceOf(seed).slice(-LAST_LINES).join('\n'))
      t.fail(`npm run simulate -- --seed ${seed} --trace\n${outcome.failure}`)
      return
    }
    elections += outcome.elections
    acknowledged += outcome.acknowledged
  }
  // Clusters that are never troubled, or never get anything done, would prove nothing.
  t.true(elections > 3 * SEEDS, `${elections} elections`)
  t.true(acknowledged > 20 * SEEDS, `${acknowledged} acknowledged proposals`)
})

test('one seed is one run, line by line, whatever ran before it', t => {
  for (const seed of [2, 5, 11, 23]) {
    const lines = traceOf(seed)
    simulate(seed + 1)
    t.deepEqual(traceOf(seed), lines)
  }
})

test('a core that may not touch the state it was given does the same', t => {
  for (const seed of [3, 7, 12]) t.is(simulate(seed, { fold: frozenStep }).digest, simulate(seed, { fold: step }).digest)
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
  test(`the simulation finds ${fault}`, t => {
    let seed = 1
    while (seed < 40 && simulate(seed, { fold }).failure === undefined) seed++
    t.true(seed < 40, 'not found in 40 seeds')
  })
}
