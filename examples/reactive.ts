// State, commands, leadership and commits as streams.
import * as t from 'io-ts'
import { distinctUntilChanged, from, interval, map, mergeMap, take, zipWith } from 'rxjs'
import { memoryCluster, orThrow, reducerMachine, whileLeader } from 'rxraft'

const kv = reducerMachine({
  command: t.strict({ key: t.string, value: t.string }), result: t.null,
  state: t.readonly(t.record(t.string, t.string)), initial: {},
  reduce: (state, { key, value }) => [{ ...state, [key]: value }, null],
})
const cluster = orThrow(await memoryCluster({ machine: kv, members: ['n1', 'n2', 'n3'] }))
const raft = cluster.n1

// What this member knows about one key.
raft.state$.pipe(map(({ state }) => state['motd']), distinctUntilChanged()).subscribe(motd => console.log('motd:', motd))

// How it fares, once a heartbeat: here, whether it hears from its leader, or as leader from a majority.
raft.health$.pipe(map(({ isInTouch }) => isInTouch), distinctUntilChanged()).subscribe(isInTouch => console.log('in touch:', isInTouch))

// A stream of commands; their outcomes come out in their order. Bounded, and never an error of the stream.
const commands$ = from(['hello', 'goodbye']).pipe(zipWith(interval(200)), map(([value]) => ({ key: 'motd', value })))
commands$.pipe(raft.replicate({ window: 256, queue: 10_000 }))
  .subscribe(({ command, outcome }) => {
    if (outcome._tag === 'Left') console.error(command, outcome.left.message)
  })

// Work of the leader alone: begins when this member is ready to lead, and is unsubscribed with its term.
for (const member of Object.values(cluster)) {
  member.leadership$.pipe(whileLeader(leadership => interval(100).pipe(
    map(n => ({ key: 'beat', value: `${leadership.term}.${n}` })), leadership.replicate()))).subscribe()
}

// Everything that is committed, as this member applies it; a dozen is enough here.
const commits$ = raft.commits$.pipe(mergeMap(event => event._tag === 'Applied' ? event.commits : []), take(12))
commits$.subscribe({
  next: ({ index, command }) => console.log(`${index}: ${command.key} = ${command.value}`),
  complete: () => Promise.all(Object.values(cluster).map(member => member.stop())),
})
