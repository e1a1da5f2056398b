/** What is looked at from the outside: mistakes of one member that no client need ever hear of. */
import test from 'ava'
import type { Batch, Ready } from '../../lib/events.js'
import { type Step, step } from '../../lib/step.js'
import type { EntryBatch, MemberId } from '../../lib/types.js'
import { around } from '../../testing/around.js'
import { type Fault, type SimulationOptions, SimulationFailed, simulate } from '../../testing/index.js'
import { counter } from './counters.js'

/** Commands at whoever leads, and another leader in between. */
const served = async (options: Partial<SimulationOptions<{ add: number }, number, number>> = {}): Promise<void> => {
  const cluster = simulate({ machine: counter, seed: 3, replays: 0, ...options })
  for (let i = 1; i <= 12; i++) {
    await cluster.until(() => cluster.leader() !== undefined)
    await cluster.settle(cluster.propose({ add: i }, { at: cluster.leader()!, timeoutMs: 2000 }))
    if (i === 6) cluster.crash(cluster.leader()!)
  }
  await cluster.recover()
  await cluster.check()
}

type Spoil = (ready: Ready, id: MemberId) => Partial<Ready>

/** Members ask for something else than their cores have decided. */
const spoilt = (spoil: Spoil) => (previous: Step, batch: Batch): Step => {
  const next = step(previous, batch)
  return { ...next, ready: { ...next.ready, ...spoil(next.ready, next.state.settings.id) } }
}
/** One of them does. */
const atOne = (spoil: Spoil): Spoil => (ready, id) => id === 'n2' ? spoil(ready, id) : {}
const earlier = (batch: EntryBatch): EntryBatch => ({ ...batch, time: batch.time - 1000 })

const MISTAKES: Readonly<Record<string, readonly [spoil: Spoil, claim: RegExp]>> = {
  'a member that writes another time than its entries have': [
    atOne(({ writes }) => ({ writes: writes.map(write => write.type === 'append' ? { ...write, batches: write.batches.map(earlier) } : write) })),
    /n\d has another entry \d+ of term \d+ than was written before/,
  ],
  'a machine that is given another time than the others': [
    atOne(({ committed }) => ({ committed: committed.map(earlier) })),
    /n\d applied \d+ at \d+, which was appended at \d+/,
  ],
  'a machine for which time goes back': [
    ({ committed }) => ({ committed: committed.map(batch => ({ ...batch, time: batch.time - 1000 * batch.firstIndex })) }),
    /n\d applied \d+ at \d+, after \d+ at \d+/,
  ],
}

test('members that do as they should are accused of nothing', async t => {
  await t.notThrowsAsync(served())
})

for (const [mistake, [spoil, claim]] of Object.entries(MISTAKES)) {
  test(`noticed: ${mistake}`, async t => {
    await t.throwsAsync(served({ fold: spoilt(spoil) }), { instanceOf: SimulationFailed, message: claim })
  })
}

/** The copy of the machine that was started as the second throws once. */
const failingOnce = (): typeof counter => {
  let starts = 0
  let calls = 0
  return around(counter, running => {
    const isIt = ++starts === 2
    return {
      apply: entries => {
        if (isIt && ++calls === 1) throw new Error('nothing that a disk has to do with')
        return running.apply(entries)
      },
    }
  })
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'a failure that never comes': { type: 'failDisk', id: 'n2', operation: 'rename', code: 'EIO', skip: 1_000_000 },
  'a failure that came': { type: 'failDisk', id: 'n2', operation: 'list', code: 'EIO', skip: 0 },
  'room for more than there is': { type: 'fillDisk', id: 'n2', freeBytes: Number.MAX_SAFE_INTEGER },
  'damage': { type: 'damageLast', id: 'n2', at: 0 },
}

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`a disk excuses no end that has another reason: ${what}`, async t => {
    const cluster = simulate({ machine: failingOnce(), seed: 3, replays: 0 })
    await cluster.until(() => cluster.leader() !== undefined)
    cluster.inflict(fault)
    void cluster.propose({ add: 1 }, { at: 'n1' })
    await t.throwsAsync(cluster.run(2000), { instanceOf: SimulationFailed, message: /n2 ended by itself: .*nothing that a disk/ })
  })
}
