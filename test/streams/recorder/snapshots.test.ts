/** Snapshots that were received and sent, made again from a recording that holds none of their bytes. */
import test from 'ava'
import { inputWords, outputWords, plain, stateWords } from '../../../cli/replay/words.js'
import type { RaftEvent } from '../../../lib/events.js'
import type { Message } from '../../../lib/messages.js'
import { type Step, step } from '../../../lib/step.js'
import type { Snapshot } from '../../../lib/types.js'
import { replay } from '../../../streams/recorder/index.js'
import { type Driven, drive, segmentsOn } from './drive.js'

const membership = { voters: ['n1', 'n2'], outgoing: [], learners: [], addresses: { n1: 'localhost:1', n2: 'localhost:2' } }
const snapshot = (index: number, term: number): Snapshot => ({ index, term, time: 5, compression: 'none', membership, bytes: 10, checksum: 77 })
const said = (message: Message): RaftEvent => ({ type: 'received', message })
const parties = { from: 'n2', to: 'n1' }

/** Drives one of two members, and returns its steps as they were made, and as a replay makes them. */
const both = (act: (driven: Driven, last: () => Step) => void): { readonly made: readonly Step[]; readonly again: readonly Step[] } => {
  const made: Step[] = []
  const driven = drive({}, {
    others: ['n2'], settings: { snapshotKeepEntries: 0, snapshotChunkBytes: 6 },
    fold: (previous, batch) => {
      made.push(step(previous, batch))
      return made.at(-1)!
    },
  })
  act(driven, () => made.at(-1)!)
  driven.close()
  const again = segmentsOn(driven.disk).flatMap(segment => [...replay(segment)]).map(found => {
    if (found.type === 'stepped') return found.step
    throw new Error(`${found.type}: ${JSON.stringify(found)}`)
  })
  return { made, again }
}

/** The same with zeros for the bytes of chunks. */
const blank = (of: Step['ready']): Step['ready'] => ({
  ...of,
  messages: of.messages.map(message => message.type === 'installSnapshot' ? { ...message, chunk: new Uint8Array(message.chunk.length) } : message),
  snapshots: of.snapshots.map(work => work.type === 'write' ? { ...work, chunk: new Uint8Array(work.chunk.length) } : work),
})
test('a follower that receives a snapshot', t => {
  const coming = snapshot(9, 3)
  const install = (offset: number, chunk: Uint8Array): RaftEvent => said({ type: 'installSnapshot', ...parties, term: 4, snapshot: coming, offset, chunk, round: offset + 1 })
  const { made, again } = both(driven => {
    driven.turn(install(0, new Uint8Array(0)))
    driven.turn({ type: 'persisted', turn: 1 }, { type: 'chunkWritten', snapshot: coming, received: 0 })
    driven.turn(install(0, Buffer.from('secret')))
    driven.turn({ type: 'chunkWritten', snapshot: coming, received: 6 })
    driven.turn({ type: 'receiveFailed', snapshot: coming })
    driven.turn(install(6, new Uint8Array(0)))
    driven.turn({ type: 'chunkWritten', snapshot: coming, received: 6 })
    driven.turn(install(6, Buffer.from('text')))
    driven.turn({ type: 'snapshotStored', snapshot: coming })
    driven.turn({ type: 'persisted', turn: 9 })
    driven.turn({ type: 'applied', index: 9 })
  })
  t.deepEqual(again.map(({ ready }) => ready), made.map(({ ready }) => blank(ready)))
  t.like(again.at(-1)!.state, { appliedIndex: 9, commitIndex: 9, snapshot: coming, receiving: undefined })
  t.deepEqual(again.flatMap(outputWords), [
    '→ write term 4, vote none, commit 0',
    '→ chunkAccepted to n2 in term 4: snapshot 9@3 (10 bytes), received 0', '→ receive snapshot 9@3 (10 bytes)',
    '→ chunkAccepted to n2 in term 4: snapshot 9@3 (10 bytes), received 0, awaits more',
    '→ chunkAccepted to n2 in term 4: snapshot 9@3 (10 bytes), received 6, awaits more',
    '→ write bytes 0 to 6 of snapshot 9@3 (10 bytes)',
    '→ chunkAccepted to n2 in term 4: snapshot 9@3 (10 bytes), received 0', '→ receive snapshot 9@3 (10 bytes)',
    '→ chunkAccepted to n2 in term 4: snapshot 9@3 (10 bytes), received 6, awaits more',
    '→ write bytes 6 to 10 of snapshot 9@3 (10 bytes)',
    '→ begin the log anew after 9@3', '→ restore snapshot 9@3 (10 bytes)',
    '→ appendAccepted to n2 in term 4: verified 9, durable 9',
  ])
  t.regex(stateWords(again[2]!.state), /, receives snapshot 9@3 \(10 bytes\): waiting, 0 written$/)
})

test('what is told of snapshots, in words and as JSON, has their sizes in place of their bytes', t => {
  const of = snapshot(9, 3)
  const events: readonly RaftEvent[] = [
    said({ type: 'installSnapshot', ...parties, term: 4, snapshot: of, offset: 4, chunk: new Uint8Array(6), round: 1 }),
    said({ type: 'appendAccepted', ...parties, term: 4, verified: 9, durable: 9, lacks: 9, held: 0, promisedMs: 0, isNewcomer: false, round: 1 }),
    { type: 'snapshotStored', snapshot: of }, { type: 'chunkWritten', snapshot: of, received: 6 }, { type: 'receiveFailed', snapshot: of },
    { type: 'chunkRead', to: 'n2', snapshot: of, offset: 4, chunk: new Uint8Array(6) },
    { type: 'chunkRead', to: 'n2', snapshot: of, offset: 4, chunk: undefined },
  ]
  t.deepEqual(inputWords(events), [
    '← installSnapshot from n2 in term 4: snapshot 9@3 (10 bytes), bytes 4 to 10',
    '← appendAccepted from n2 in term 4: verified 9, durable 9, lacks a snapshot at 9 or later',
    '← snapshot 9@3 (10 bytes) is durable', '← snapshot 9@3 (10 bytes): 6 are written', '← snapshot 9@3 (10 bytes) cannot be written any further',
    '← snapshot 9@3 (10 bytes): read bytes 4 to 10 for n2', '← snapshot 9@3 (10 bytes) cannot be read any more for n2',
  ])
  t.regex(JSON.stringify(events[5], plain), /"offset":4,"chunk":\{"byteLength":6\}\}$/)
})

test('a leader that sends one to a follower that lost its own', t => {
  const { made, again } = both((driven, last) => {
    const reply = (message: object): RaftEvent => said({ ...parties, term: last().state.term, round: last().state.round, ...message } as Message)
    for (let turn = 1; turn === 1 || last().state.role === 'follower'; turn++) driven.turn({ type: 'ticked', due: 50 * turn })
    driven.turn(reply({ type: 'requestVoteReply', preVote: true, voteGranted: true }))
    driven.turn({ type: 'persisted', turn: last().state.turn }, reply({ type: 'requestVoteReply', preVote: false, voteGranted: true }))
    driven.turn({ type: 'persisted', turn: last().state.turn }, reply({ type: 'appendAccepted', verified: 1, durable: 1, lacks: 0, held: 0, promisedMs: 0, isNewcomer: false }))
    driven.turn({ type: 'applied', index: 1 })
    const { term } = last().state
    const taken = snapshot(1, term)
    const id = { index: 1, term, bytes: taken.bytes, checksum: taken.checksum }
    driven.turn({ type: 'snapshotStored', snapshot: taken })
    driven.turn(reply({ type: 'appendAccepted', verified: 1, durable: 1, lacks: 1, held: 0, promisedMs: 0, isNewcomer: false }))
    driven.turn(reply({ type: 'chunkAccepted', snapshot: id, received: 0, awaited: true, isNewcomer: false }))
    driven.turn({ type: 'chunkRead', to: 'n2', snapshot: taken, offset: 0, chunk: Buffer.from('secret') })
    driven.turn({ type: 'chunkRead', to: 'n2', snapshot: taken, offset: 6, chunk: Buffer.from('text') })
    driven.turn(reply({ type: 'chunkAccepted', snapshot: id, received: 6, awaited: true, isNewcomer: false }))
    driven.turn({ type: 'chunkRead', to: 'n2', snapshot: taken, offset: 6, chunk: undefined })
  })
  t.deepEqual(again.map(({ ready }) => ready), made.map(({ ready }) => blank(ready)))
  t.deepEqual(again.flatMap(outputWords).slice(-6), [
    '→ give up entries up to 1@2',
    '→ installSnapshot to n2 in term 2: snapshot 1@2 (10 bytes), no chunk',
    '→ read up to 6 bytes from 0 of snapshot 1@2 (10 bytes) for n2',
    '→ installSnapshot to n2 in term 2: snapshot 1@2 (10 bytes), bytes 0 to 6',
    '→ read up to 6 bytes from 6 of snapshot 1@2 (10 bytes) for n2',
    '→ installSnapshot to n2 in term 2: snapshot 1@2 (10 bytes), bytes 6 to 10',
  ])
  t.like(again.at(-1)!.state, { role: 'leader', snapshot: undefined })
  t.is(again.at(-1)!.state.log.base.index, 1)
})
