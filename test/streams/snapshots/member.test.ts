/** Real members that take snapshots while they work, and start from them. */
import test, { type ExecutionContext } from 'ava'
import * as t from 'io-ts'
import { type Observable, filter, firstValueFrom } from 'rxjs'
import { isRight, right } from '../../../lib/prelude.js'
import type { Snapshot } from '../../../lib/types.js'
import { type Machine, type RaftOptions, type Storage, createRaft, memoryStorage, orThrow, reducerMachine } from '../../../streams/index.js'
import type { SnapshotEvent } from '../../../streams/snapshots/events.js'
import { type Add, type Counter, counter, errorOf, optionsOf } from '../member/world.js'

const record = <A>(stream$: Observable<A>): A[] => {
  const values: A[] = []
  stream$.subscribe(value => values.push(value))
  return values
}

const start = async (c: ExecutionContext, options: RaftOptions<Add, number, number>): Promise<Counter> => {
  const raft = orThrow(await createRaft(options))
  c.teardown(() => raft.stop())
  return raft
}

const add = async (raft: Counter, ...adds: readonly number[]): Promise<void> => {
  for (const one of adds) orThrow(await raft.propose({ add: one }))
}

/** The counter, and every index that any copy of it was handed. */
const watched = (inner: Machine<Add, number, number> = counter) => {
  const handed: number[] = []
  const machine: Machine<Add, number, number> = {
    ...inner,
    start: () => {
      const running = inner.start()
      return {
        get state() { return running.state },
        apply: entries => {
          handed.push(...entries.map(({ index }) => index))
          return running.apply(entries)
        },
        snapshot: () => running.snapshot(),
        restore: bytes => running.restore(bytes),
      }
    },
  }
  return { machine, handed }
}

const ofType = <T extends SnapshotEvent['type']>(type: T) => (event: SnapshotEvent): event is Extract<SnapshotEvent, { type: T }> => event.type === type

test('a member that starts again begins from its snapshot, and only what follows is applied', async c => {
  const storage = memoryStorage()
  const first = await start(c, optionsOf({ storage }))
  await add(first, 1, 2, 3)
  const snapshot: Snapshot = orThrow(await first.snapshot())
  c.like(snapshot, { index: 4, term: 1, membership: { voters: ['n1'] } })
  await add(first, 10, 20)
  await first.stop()

  const { machine, handed } = watched()
  const second = await start(c, optionsOf({ storage, machine }))
  const events = record(second.snapshots$)
  const [began] = record(second.state$)
  c.deepEqual(began, { index: 4, term: 1, time: snapshot.time, state: 6 })
  c.like(await firstValueFrom(second.status$), { commitIndex: 6, appliedIndex: 4 })
  await firstValueFrom(second.state$.pipe(filter(({ state }) => state === 36)))
  c.deepEqual(handed, [5, 6])
  c.deepEqual(events, [{ type: 'restored', snapshot }])
  c.is(orThrow(await second.propose({ add: 1 })), 37)
})
