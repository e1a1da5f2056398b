/** In which order what a step asks for is done, as those hear it who may ask for more at once. */
import test from 'ava'
import { right } from '../../../lib/prelude.js'
import type { Step } from '../../../lib/step.js'
import type { Position } from '../../../streams/machine/machine.js'
import type { SnapshotEvent } from '../../../streams/snapshots/events.js'
import { createSnapshotWorker } from '../../../streams/snapshots/snapshot-work.js'
import { LIMITS, kept } from './capture-world.js'
import { heldChunks, heldWriter, placeAt, rest, virtualClock } from './fakes.js'

test('whoever asks for a snapshot when another member\'s takes its place is given that one, and not the state that goes', async t => {
  const journal: string[] = []
  const clock = virtualClock()
  let at: Position = { index: 3, term: 1, time: 5 }
  let isBusy = false
  let looks: ((at: Position) => void)[] = []
  const outcomes: unknown[] = []
  const restoring = kept(40)
  const heard = (event: SnapshotEvent): void => {
    if (event.type === 'captureFailed') void worker.snapshot().then(outcome => outcomes.push(outcome))
  }
  const worker = createSnapshotWorker({
    machine: { snapshot: () => {
      journal.push(`snapshot at ${at.index}`)
      return heldChunks([]).chunks
    } },
    snapshots: { newest: () => restoring, write: place => heldWriter([], place).writer, receive: () => t.fail(), read: () => t.fail() },
    restored: undefined, from: 3, limits: LIMITS, compression: 'none', clock, told: undefined,
    atRest: look => {
      if (isBusy) looks.push(look)
      else look(at)
      return () => { looks = looks.filter(one => one !== look) }
    },
    restore: ({ index }) => {
      journal.push(`restore ${index}`)
      isBusy = true
    },
    membershipAt: index => placeAt(index).membership, notice: () => undefined, completed: () => undefined, events: { observed: true, next: heard },
  })
  void worker.snapshot()
  worker.step({ state: { role: 'follower' }, ready: { snapshots: [{ type: 'restore', snapshot: restoring }] } } as unknown as Step)
  t.deepEqual(journal, ['snapshot at 3', 'restore 40'])
  at = { ...at, index: 40 }
  isBusy = false
  for (const look of looks) look(at)
  await rest(clock)
  t.deepEqual(journal, ['snapshot at 3', 'restore 40'])
  t.deepEqual(outcomes, [right(restoring)])
})
