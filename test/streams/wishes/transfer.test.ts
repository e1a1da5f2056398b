/** What a user hears of a wish to hand the leadership over, and when a member that stops need not wait: over states of the core, written down. */
import test from 'ava'
import { isLeft } from '../../../lib/prelude.js'
import type { MemberId } from '../../../lib/types.js'
import { type Transfers, createTransfers } from '../../../streams/wishes/transfer.js'
import { type Fact, accepted, leader, play, tick } from '../../lib/build.js'

interface Stage {
  readonly transfers: Transfers
  /** What the core was asked. */
  readonly asked: readonly Fact[]
  /** Steps of the core, each followed. */
  turn(...facts: readonly Fact[]): void
  /** What became of a wish: its error or the next leader; undefined as long as it is open. */
  wish(to?: MemberId): () => string | undefined
}

const stage = (others: string, linked: readonly string[] = ['f1', 'f2']): Stage => {
  const player = play(leader({ others, log: '1-3@1', commit: 3 }))
  const asked: Fact[] = []
  const transfers = createTransfers({ first: player.state, ask: wish => void asked.push(wish), isLinked: id => linked.includes(id) })
  return {
    transfers, asked,
    turn: (...facts) => {
      player.turn(...facts)
      transfers.follow(player.state)
    },
    wish: to => {
      let heard: string | undefined
      transfers.transfer(to, outcome => { heard = isLeft(outcome) ? outcome.left.message : outcome.right })
      return () => heard
    },
  }
}
const ALL_THERE = 'f1{next=4,match=3,told=3,on} f2{next=4,match=3,told=3,on}'
const F2_SILENT = 'f1{next=4,match=3,told=3,on} f2{next=4,match=3,told=3}'
const NONE_THERE = 'f1{next=4,match=3,told=3} f2{next=4,match=3,told=3}'

for (const [why, others, linked, to, reason] of [
  ['is not linked', ALL_THERE, ['f1'], 'f2', 'to "f2": "f2" is not connected'],
  ['is silent', F2_SILENT, ['f1', 'f2'], 'f2', 'to "f2": "f2" has not answered for an election timeout'],
  ['leads', ALL_THERE, ['f1', 'f2'], 'L', 'to "L": "L" leads already'],
  ['is a stranger', ALL_THERE, ['f1', 'f2'], 'zz', 'to "zz": "zz" is no voter'],
  ['is anybody, and nobody is linked', ALL_THERE, [], undefined, ': no other voter is connected, answers and has its state'],
  ['is anybody, and the one that answers is not linked', F2_SILENT, ['f2'], undefined, ': no other voter is connected, answers and has its state'],
  ['is anybody, and all are silent', NONE_THERE, ['f1', 'f2'], undefined, ': no other voter is connected, answers and has its state'],
] as const) {
  test(`an heir that ${why} is refused at once, and the core is not asked`, t => {
    const { wish, asked } = stage(others, linked)
    t.is(wish(to)(), `The leadership was not handed over${to === undefined ? '' : ' '}${reason}.`)
    t.deepEqual(asked, [])
  })
}

test('a wish that the core does not take up is refused two steps later at the latest, and never while its answer may be on its way', t => {
  const { wish, turn, asked } = stage(ALL_THERE)
  const heard = wish('f2')
  t.is(asked.length, 1)
  turn(tick)
  t.is(heard(), undefined, 'this step may have begun before the wish')
  turn(tick)
  t.regex(heard() ?? '', /nobody could take over by then; "L" leads on/)
})

test('a wish that the core takes up stays open', t => {
  const { wish, turn, asked } = stage('f1{next=4,match=3,told=3,on} f2{next=4,match=2,told=3,on}')
  const heard = wish('f2')
  turn(...asked)
  for (let n = 0; n < 5; n++) turn(accepted('f1', 3))
  t.is(heard(), undefined)
})

for (const [why, others, linked, waits] of [
  ['waits for its heir', ALL_THERE, ['f1', 'f2'], true],
  ['does not wait for who is not linked', ALL_THERE, [], false],
  ['does not wait for who is silent', NONE_THERE, ['f1', 'f2'], false],
] as const) {
  test(`a leader that stops ${why}`, t => {
    let isDone = false
    const { transfers, asked } = stage(others, linked)
    transfers.leave(() => { isDone = true })
    t.is(isDone, !waits)
    t.is(asked.length, waits ? 1 : 0)
  })
}
