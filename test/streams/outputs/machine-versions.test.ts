/** What a member says of the versions of the machine that the members run. */
import ava from 'ava'
import { filter } from 'rxjs'
import { createVersionWatch } from '../../../streams/outputs/machine-versions.js'
import type { Party } from '../../../streams/transport/port.js'
import { type World, counter, leaderOf, worldOf } from '../member/world.js'
import { namedTests, promises, quoted, record } from './promises.js'

const { names, test } = namedTests()

const third = { ...counter, version: 3 }

/** n1 with version 3 among n2 and n3. */
const amongThree = () => {
  const world: World<{ add: number }, number, number> = worldOf(third, ['n2', 'n3'])
  const { network } = world
  const member = (id: string): Party => ({ type: 'member', id })
  return {
    ...world,
    linked: (id: string, machineVersion?: number): void => network.say({ type: 'connected', party: member(id), ...machineVersion !== undefined && { machineVersion } }),
    unlinked: (id: string): void => network.say({ type: 'disconnected', party: member(id), unanswered: 'unknown' }),
  }
}

test('status$ emits when the version that each member\'s machine has at least is another', t => {
  const { raft, linked, unlinked } = amongThree()
  const values = record(raft.status$)
  const seen = (): readonly number[] => values.splice(0).map(({ machineVersion, lowestMachineVersion }) => { t.is(machineVersion, 3); return lowestMachineVersion })
  t.deepEqual(seen(), [0])
  linked('n2', 3)
  t.deepEqual(seen(), [], 'of n3 nothing is known')
  linked('n3', 2)
  t.deepEqual(seen(), [2])
  unlinked('n3')
  t.deepEqual(seen(), [], 'it may come back as it was')
  linked('n3', 4)
  t.deepEqual(seen(), [3])
  unlinked('n2')
  linked('n2')
  t.deepEqual(seen(), [0], 'whoever says nothing has version 0')
})

ava('a member that is alone has its own version, and so it is again once the others have left', t => {
  const world = leaderOf(third)
  t.like(record(world.raft.status$).at(-1), { machineVersion: 3, lowestMachineVersion: 3 })
  void world.raft.members.change({ learners: { n4: 'localhost:4' } })
  world.clock.settle()
  t.is(record(world.raft.status$).at(-1)?.lowestMachineVersion, 0)
  void world.raft.members.change({ remove: ['n4'] })
  world.clock.settle()
  t.is(record(world.raft.status$).at(-1)?.lowestMachineVersion, 3)
})

ava('another version than one\'s own is told once, until it is yet another', t => {
  const { raft, linked, unlinked } = amongThree()
  const told = record(raft.diagnostics$.pipe(filter(({ type }) => type === 'machineVersionDiffers')))
  for (const version of [3, 2, 2, 4, 3, 2]) {
    linked('n2', version)
    unlinked('n2')
  }
  t.deepEqual(told, [2, 4, 2].map(theirs => ({ type: 'machineVersionDiffers', peer: 'n2', theirs, ours: 3, severity: 'warning' } as const)))
})

ava('a version that is none counts as 0, whatever a transport of somebody\'s own says', t => {
  const { raft, linked } = amongThree()
  const told = record(raft.diagnostics$.pipe(filter(({ type }) => type === 'machineVersionDiffers')))
  linked('n3', 3)
  for (const version of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY]) linked('n2', version)
  t.is(record(raft.status$).at(-1)?.lowestMachineVersion, 0)
  t.deepEqual(told, [{ type: 'machineVersionDiffers', peer: 'n2', theirs: 0, ours: 3, severity: 'warning' }])
})

ava('nothing is kept of who neither belongs nor is linked', t => {
  const notices: number[] = []
  const watch = createVersionWatch('n1', 1, { n1: 'a:1', n2: 'a:2' }, { notice: ({ type }) => notices.push(type.length), changed: () => undefined })
  watch.linked('n9', 7)
  watch.unlinked('n9')
  watch.linked('n2', 1)
  watch.linked('n8', 1)
  watch.named({ n1: 'a:1', n8: 'a:8', n9: 'a:9' })
  t.is(watch.now().lowestMachineVersion, 0, 'n9 may be another by now')
  watch.unlinked('n2')
  watch.named({ n1: 'a:1', n2: 'a:2' })
  t.is(watch.now().lowestMachineVersion, 0)
  watch.named({ n1: 'a:1' })
  t.is(watch.now().lowestMachineVersion, 1)
  watch.named({ n2: 'a:2' })
  t.is(watch.now().lowestMachineVersion, 0, 'it does not belong, and may be behind')
})

ava('docs/streams.md names each of them', t => t.deepEqual(promises('machine-versions.test.ts').map(quoted), names))
