/** What is no message is reported, whoever hands it over, and changes nothing. */
import test from 'ava'
import { MAX_POSITION, MAX_TIME } from '../../lib/bounds.js'
import type { Message } from '../../lib/messages.js'
import { type Fact, ae, accepted, follower, leader, message, play, refused, requestVote, vote } from './build.js'
import { awaits, is, snapshotAt } from './snapshots.js'

const S = snapshotAt('9@1')
const ODD = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, MAX_POSITION + 1, 2 ** 53 - 1, 2 ** 53]

const ODD_TIMES = [-1, Number.NaN, Number.POSITIVE_INFINITY, MAX_TIME + 1, MAX_POSITION]
/** Numbers that may have a fraction. */
const TIMES = ['time', 'promisedMs']

/** What no other field may be: nothing, nonsense, and what is like it from afar. */
const NONSENSE = [undefined, null, 7, 'foo', {}, [null], [{}], true, Number.NaN]

/** A message, and which of its numbers are to be positions, terms or lengths. */
const TO_FOLLOWER: readonly (readonly [string, Fact, readonly string[]])[] = [
  ['AppendEntries', ae('L', '2@1', '3@1', 3), ['term', 'round', 'prevLogIndex', 'prevLogTerm', 'leaderCommit', 'batches.0.firstIndex', 'batches.0.term', 'batches.0.count', 'batches.0.time']],
  ['a part of a batch', message('L', {
    type: 'appendPart', prevLogTerm: 1, offset: 0, part: new Uint8Array(5),
    head: { kind: 'command', firstIndex: 3, term: 1, count: 1, time: 0, skip: 0, body: { count: 1, bytes: 10, checksum: 0 } },
  }), ['term', 'round', 'prevLogTerm', 'offset', 'head.firstIndex', 'head.term', 'head.count', 'head.time', 'head.skip', 'head.body.bytes']],
  ['a vote request', requestVote('f2', 1, '2@1'), ['term', 'round', 'lastLogIndex', 'lastLogTerm']],
  ['a chunk', is('L', S, 0, 5), ['term', 'round', 'offset', 'snapshot.index', 'snapshot.term', 'snapshot.time', 'snapshot.bytes']],
  ['TimeoutNow', message('L', { type: 'timeoutNow', lastIndex: 2 }), ['term', 'round', 'lastIndex']],
]
const TO_LEADER: typeof TO_FOLLOWER = [
  ['an acceptance', accepted('f1', 2), ['term', 'round', 'verified', 'durable', 'lacks', 'held', 'promisedMs']],
  ['a refusal', refused('f1', 2, '1@1'), ['term', 'round', 'prevLogIndex', 'hintIndex', 'hintTerm']],
  ['the answer to a chunk', awaits('f1', S, 5), ['term', 'round', 'received']],
  ['a vote', vote('f1', true), ['term', 'round']],
]

/** The same with another value at the path. */
const withOdd = (value: unknown, path: readonly string[], odd: unknown): unknown => {
  const [first, ...rest] = path
  if (first === undefined) return odd
  return Array.isArray(value) ? value.map((one, i) => String(i) === first ? withOdd(one, rest, odd) : one)
    : { ...Object(value), [first]: withOdd(Reflect.get(Object(value), first), rest, odd) }
}

for (const [to, table, stateOf] of [
  ['a follower', TO_FOLLOWER, () => follower({ log: '1@1 2@1', leader: 'L', verified: 2, commit: 1 })],
  ['a leader', TO_LEADER, () => leader({ log: '1@1 2@1', commit: 1, others: 'f1{next=3,match=1,on} f2' })],
] as const) {
  for (const [what, fact, paths] of table) {
    test(`L22 ${what} to ${to} with numbers that are none is reported and changes nothing`, t => {
      for (const path of ['type', ...paths]) for (const odd of path === 'type' ? ['foo', 'toString', undefined] : TIMES.includes(path.split('.').at(-1)!) ? ODD_TIMES : ODD) {
        const player = play(stateOf())
        const { log, term, role, commitIndex } = player.state
        const sound = typeof fact === 'function' ? fact(player.state) : fact
        const { noticed, said, wrote } = player.turn(withOdd(sound, ['message', ...path.split('.')], odd) as { readonly type: 'received'; readonly message: Message })
        t.deepEqual([noticed, said.filter(one => !one.startsWith('AE')), wrote], [['contradiction'], [], []], `${path} ${String(odd)}`)
        t.like(player.state, { log, term, role, commitIndex })
      }
    })
  }
}

/** The messages above, and what in each is no number; without what a field of its kind may be. */
const SHAPES: readonly (readonly [Fact, readonly string[]])[] = [
  ...TO_FOLLOWER.map(([, fact]) => [fact, ['from', 'to']] as const),
  [TO_FOLLOWER[0]![1], ['asks', 'batches', 'batches.0', 'batches.0.kind', 'batches.0.body', 'batches.0.body.bytes', 'batches.0.body.checksum', 'batches.0.skip']],
  [ae('L', '2@1', '3@1=L,f1'), ['membership', 'membership.voters', 'membership.outgoing', 'membership.learners', 'membership.addresses.f1'].map(path => `batches.0.${path}`)],
  [TO_FOLLOWER[1]![1], ['head', 'head.kind', 'head.body', 'head.body.checksum', 'part']],
  [requestVote('f2', 1, '2@1'), ['preVote', 'transfer']],
  [is('L', S, 0, 5), ['snapshot', 'snapshot.membership', 'snapshot.membership.voters', 'snapshot.compression', 'snapshot.checksum', 'chunk']],
  [accepted('f1', 2), ['isNewcomer']], [refused('f1', 2, '1@1'), ['isNewcomer']], [vote('f1', true), ['preVote', 'voteGranted']],
  [awaits('f1', S, 5), ['snapshot', 'snapshot.index', 'awaited', 'isNewcomer']],
]

/** What one of its kind may be, too. */
const MAY_BE: Readonly<Record<string, readonly unknown[]>> = {
  from: ['foo'], to: ['foo'], asks: [true], preVote: [true], transfer: [true], voteGranted: [true], awaited: [true], isNewcomer: [true],
  checksum: [7], index: [7],
}

test('L22 messages that have not the shape of one are reported and change nothing', t => {
  for (const [fact, paths] of SHAPES) for (const path of paths) for (const odd of NONSENSE) {
    if (MAY_BE[path.split('.').at(-1)!]?.includes(odd)) continue
    const player = play(follower({ log: '1@1 2@1', leader: 'L', verified: 2, commit: 1 }))
    const { log, term, role, commitIndex } = player.state
    const sound = typeof fact === 'function' ? fact(player.state) : fact
    const { noticed, said, wrote } = player.turn(withOdd(sound, ['message', ...path.split('.')], odd) as { readonly type: 'received'; readonly message: Message })
    t.deepEqual([noticed, said, wrote], [['contradiction'], [], []], `${path} ${JSON.stringify(odd)}`)
    t.like(player.state, { log, term, role, commitIndex })
  }
})

test('what could not be read again is reported, and neither written nor taken in', t => {
  const appended = ae('L', '2@1', '3@1')
  const batch = ['message', 'batches', '0']
  const memberships: readonly unknown[] = [
    { voters: ['f1', 'f1'] }, { voters: ['f1', 'L'] }, { voters: [] }, { learners: ['L'] }, { addresses: { L: 'L:1' } }, { addresses: { L: 'L:1', f1: 'f1:1', n: 'n:1' } },
    { addresses: { L: 'L:1', f1: 'nowhere' } }, { voters: ['L', 'f1', ''], addresses: { L: 'L:1', f1: 'f1:1', '': 'n:1' } },
    { voters: [], addresses: {} }, { next: { voters: [], learners: [] } }, { next: { voters: ['n'], learners: [] } }, { outgoing: ['L'], next: { voters: ['L'], learners: ['f1'] } },
  ]
  const cases: readonly (readonly [Fact, readonly string[], unknown])[] = [
    [appended, [...batch, 'term'], 0],
    [appended, [...batch, 'count'], 2 ** 32],
    [appended, batch, { kind: 'command', firstIndex: 3, term: 1, count: 2 ** 32, time: 0, skip: 0, body: { count: 2 ** 32, bytes: new Uint8Array(8), checksum: 0 } }],
    ...memberships.map(odd => [ae('L', '2@1', '3@1=L,f1'), [...batch, 'membership'], { voters: ['L', 'f1'], outgoing: [], learners: [], addresses: { L: 'L:1', f1: 'f1:1' }, ...Object(odd) }] as const),
  ]
  for (const [fact, path, odd] of cases) {
    const player = play(follower({ log: '1@1 2@1', leader: 'L', verified: 2, commit: 1 }))
    const sound = typeof fact === 'function' ? fact(player.state) : fact
    const { noticed, said, wrote } = player.turn(withOdd(sound, path, odd) as { readonly type: 'received'; readonly message: Message })
    t.deepEqual([noticed, said, wrote], [['contradiction'], [], []], JSON.stringify(odd))
  }
})
