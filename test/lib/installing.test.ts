/** Clusters whose members cut their logs: whoever lags gets a snapshot instead. */
import test from 'ava'
import { isLacking } from '../../lib/state.js'
import { type Cluster, type Member, elected } from './cluster.js'
import { areEqual, story } from './story.js'

const apart = (id: string) => ({ from, to }: { readonly from: string; readonly to: string }): boolean => from === id || to === id
const othersOf = (group: Cluster, id: string): readonly [Member, Member] => group.members.filter(member => member.id !== id) as [Member, Member]
const write = (group: Cluster, count: number, lost?: ReturnType<typeof apart>): void => {
  for (let request = 1; request <= count; request++) {
    group.propose(group.leader().id, request)
    group.settle(lost)
  }
}
const installsOf = (group: Cluster): readonly string[] => group.sent.filter(text => text.includes(' IS('))

test('P03 a follower that lags, but not behind what is kept, is served from the log', t => {
  const group = elected('a b c', { settings: { snapshotKeepEntries: 4 } })
  const [far] = othersOf(group, group.leader().id)
  write(group, 4, apart(far.id))
  group.takeSnapshot(group.leader().id)
  group.until(() => areEqual(group))
  t.is(group.leader().state.log.base.index, 1)
  t.deepEqual(installsOf(group), [])
})

test('P04 P05 a follower that lags behind the cut gets the snapshot, and then the log from there on', t => {
  const group = elected('a b c')
  const [far] = othersOf(group, group.leader().id)
  write(group, 4, apart(far.id))
  group.takeSnapshot(group.leader().id)
  group.settle(apart(far.id))
  write(group, 2, apart(far.id))
  t.is(far.state.log.lastIndex, 1)
  group.until(() => areEqual(group))
  t.is(far.state.log.base.index, 5)
  t.like(far.disk.newest?.snapshot, { index: 5, term: 1 })
  t.is(far.applied.length, 7)
  t.true(installsOf(group).length > 0)
  group.crash(far.id)
  group.restart(far.id)
  t.is(far.applied.length, 5, 'it begins with the snapshot that it was given')
  group.until(() => areEqual(group))
})

test('A6 64 a deposed leader with a tail of its own gets the snapshot over it, also when it crashes before its log knows', t => {
  for (const crashes of [false, true]) {
    const group = elected('a b c')
    const old = group.member(group.leader().id)
    write(group, 6, apart(old.id))
    t.deepEqual([old.state.log.lastIndex, old.state.commitIndex], [7, 1])
    group.until(() => group.leaders().some(({ id }) => id !== old.id), apart(old.id))
    group.until(() => group.leader().state.commitIndex > 1, apart(old.id))
    write(group, 1, apart(old.id))
    group.takeSnapshot(group.leader().id)
    group.settle(apart(old.id))
    t.is(group.leader().state.log.base.index, 3)
    for (let patience = 200; old.disk.newest === undefined && patience > 0; patience--) {
      group.wait(50)
      group.settle(undefined, id => id === old.id && old.disk.newest !== undefined)
    }
    t.is(old.disk.newest?.snapshot.index, 3)
    if (crashes) {
      group.crash(old.id)
      group.restart(old.id)
      t.like(old.state, { commitIndex: 3, appliedIndex: 3 })
    }
    group.until(() => areEqual(group))
    t.is(old.state.log.base.index, 3)
  }
})

test('a leader that dies in the middle: its successor goes on or begins anew', t => {
  const group = elected('a b c', { settings: { snapshotChunkBytes: 4 } })
  const dead = group.leader().id
  const [far, near] = othersOf(group, dead)
  write(group, 5, apart(far.id))
  for (const id of [dead, near.id]) group.takeSnapshot(id)
  group.settle(apart(far.id))
  group.until(() => (far.disk.incoming?.contents.length ?? 0) > 4, ({ from, to }) => from === far.id && to === dead && group.sent.filter(text => /IS.*\+4/.test(text)).length > 2)
  t.is(far.disk.newest, undefined)
  group.crash(dead)
  const received = far.disk.incoming!.contents.length
  const before = group.sent.length
  group.until(() => far.applied.length >= 6)
  t.is(group.leader().id, near.id)
  const offsets = group.sent.slice(before).filter(text => /IS\(.*\+[1-4]\//.test(text)).map(text => Number(/; (\d+)\+/.exec(text)![1]))
  t.is(offsets[0], received, 'the same contents: what was here is not sent again')
})

test('a member that lost its snapshot gets one, and keeps its log', t => {
  const group = elected('a b c')
  const [weak] = othersOf(group, group.leader().id)
  write(group, 3)
  for (const { id } of group.members) group.takeSnapshot(id)
  group.settle()
  write(group, 2)
  group.crash(weak.id)
  group.loseSnapshot(weak.id)
  group.restart(weak.id)
  t.true(isLacking(weak.state))
  t.is(weak.applied.length, 0)
  group.until(() => areEqual(group))
  t.like(weak.state.log, { lastIndex: 6 })
  t.is(weak.state.log.base.index, 4)
})

test('A6 57 nothing is cut before the snapshot is durable', t => {
  const group = elected('a b c')
  write(group, 3)
  const { id } = group.leader()
  group.takeSnapshot(id)
  t.is(group.leader().state.log.base.index, 0, 'it is taken, and nobody knows yet that it is durable')
  group.settle()
  t.is(group.leader().state.log.base.index, 4)
})

const SEEDS = 4
const ACTS = 2_500

for (const [names, keep] of [['a b c', 0], ['a b c', 3], ['a b c d e', 0]] as const) {
  test(`P21 the same with snapshots, ${keep} entries kept behind them: ${names}`, t => {
    let [committed, installs, lost] = [0, 0, 0]
    for (let seed = 1; seed <= SEEDS; seed++) {
      const told = story(names, seed, ACTS, { snapshotKeepEntries: keep, snapshotChunkBytes: 40 })
      committed += told.committed
      installs += told.installs
      lost += told.lost
    }
    t.log(`${committed} entries committed under faults, ${installs} machines restored, ${lost} of them because their own snapshot was lost`)
    t.true(committed > 0 && installs > 0 && lost > 0)
  })
}
