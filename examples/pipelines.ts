// The hearts of three members and nothing around them: what arrives comes as streams, what they ask of the world leaves as streams, and the world is this file.
import { Subject, connectable, filter, first, map, mergeMap } from 'rxjs'
import { DEFAULT_LIMITS, bodyOf, forEachEntry, packEntries } from 'rxraft/codecs'
import { type Membership, firstStep, isReady } from 'rxraft/lib'
import { type Clock, type Completion, type Proposed, type Received, gate, pipeline, ticks } from 'rxraft/streams'

const clock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, work) => { const timer = setTimeout(work, ms); return () => clearTimeout(timer) },
  endOfTurn: work => { const immediate = setImmediate(work); return () => clearImmediate(immediate) },
}
const ids = ['n1', 'n2', 'n3']
const membership: Membership = { voters: ids, outgoing: [], learners: [], addresses: { n1: 'here:1', n2: 'here:2', n3: 'here:3' } }
const [encoder, decoder] = [new TextEncoder(), new TextDecoder()]

/** The ways into each member. */
const into = Object.fromEntries(ids.map(id => [id, { received: new Subject<Received>(), proposed: new Subject<Proposed>(), completed: new Subject<Completion>() }]))

const members = ids.map((id, n) => {
  const { received, proposed, completed } = into[id]!
  const settings = { id, electionTimeoutMs: 150, heartbeatMs: 30, readLeaseMs: 0, ...DEFAULT_LIMITS }
  const empty = { base: { index: 0, term: 0, membership }, hardState: { term: 0, votedFor: undefined, commitIndex: 0 }, lastIndex: 0, terms: [], memberships: [], tail: [] }
  const steps$ = connectable(pipeline({
    received$: received, proposed$: proposed, ticks$: ticks(clock, 15), completions$: completed, clock,
    maxInboxEvents: 1000, overflowed: event => console.error('no room for', event.type), isAwaited: () => true,
  }, firstStep(settings, empty, n + 1, clock.now())))

  // A disk would write here, and answer once that is synced. It would answer `logReads` and `snapshots`, too, which a log that fits into memory has none of.
  steps$.pipe(filter(({ ready }) => ready.writes.length > 0)).subscribe(({ ready: { turn } }) => completed.next({ type: 'persisted', turn }))
  // A network would carry what leaves, once the term and the vote behind it are on the disk.
  const durable$ = completed.pipe(filter(event => event.type === 'persisted'), map(({ turn }) => turn))
  steps$.pipe(gate(durable$, DEFAULT_LIMITS.maxHeldTurns), mergeMap(({ ready }) => ready.messages))
    .subscribe(message => into[message.to]!.received.next({ type: 'received', message }))
  // A machine would apply this.
  steps$.pipe(mergeMap(({ ready }) => ready.committed)).subscribe(batch => {
    if (batch.kind === 'command') forEachEntry(bodyOf(batch), 0, batch.count, entry => console.log(`${id}: ${decoder.decode(entry)}`))
    completed.next({ type: 'applied', index: batch.firstIndex + batch.count - 1 })
  })
  // Whoever is ready to lead has something to say, once.
  steps$.pipe(first(({ state }) => isReady(state)), map(({ state }) => `${id} leads term ${state.term}`))
    .subscribe(words => proposed.next({ type: 'proposed', id: 1, body: packEntries(['hello', words].map(text => encoder.encode(text))) }))
  return steps$
})

const running = members.map(steps$ => steps$.connect())
setTimeout(() => running.forEach(member => member.unsubscribe()), 1500)
