/** Wishes of other members at one that leads, or does not, from the link to the core and back. */
import test from 'ava'
import type { LeaderWish, WishReply } from '../../../lib/requests.js'
import type { Party } from '../../../streams/transport/port.js'
import { type World, counter, leaderOf, worldOf } from '../member/world.js'

const N2: Party = { type: 'member', id: 'n2' }
const LEARNER: LeaderWish = { type: 'change', voters: {}, learners: { n4: 'localhost:4' }, remove: [], newcomers: undefined, from: undefined }
const ABANDON: LeaderWish = { type: 'abandon', from: undefined }
const ANYBODY: LeaderWish = { type: 'transfer', to: undefined }

type Stage = Pick<World<never, never, never>, 'network' | 'clock' | 'disk'>

/** The same world, once n2 is linked. */
const met = (world: Stage): Stage => {
  world.network.say({ type: 'connected', party: N2 })
  world.clock.settle()
  return world
}
const asks = ({ network }: Stage, id: number, term: number, wish: LeaderWish): void => network.say({ type: 'received', from: N2, message: { type: 'wish', id, term, wish } })
const isReply = (message: { readonly type: string }): message is WishReply => message.type === 'wishReply'
/** What was said to wishes, by their ids. */
const replies = ({ network }: Stage): Record<number, WishReply['fate']['type']> =>
  Object.fromEntries(network.sent.flatMap(({ message }) => isReply(message) ? [[message.id, message.fate.type]] : []))

test('a wish is meant for the leader of one term, and answered by nobody else', t => {
  const world = met(leaderOf(counter))
  asks(world, 1, 2, LEARNER)
  asks(world, 2, 2, ANYBODY)
  asks(world, 3, 1, LEARNER)
  asks(world, 4, 1, ANYBODY)
  asks(world, 5, 1, ABANDON)
  world.clock.advance(20)
  t.deepEqual(replies(world), { 1: 'notTaken', 2: 'notTaken', 3: 'changeTaken', 4: 'notHandedOver', 5: 'changeRefused' })
})

test('a member that does not lead forwards nothing that was forwarded to it', t => {
  const world = met(worldOf(counter, ['n2', 'n3']))
  asks(world, 1, 1, LEARNER)
  asks(world, 2, 1, ANYBODY)
  world.clock.settle()
  t.deepEqual(replies(world), { 1: 'notTaken', 2: 'notTaken' })
})

test('a leader that ends has answered all that it looked at', t => {
  const world = met(leaderOf(counter))
  asks(world, 1, 1, LEARNER)
  world.disk.say({ type: 'writeFailed', turn: 1, error: new Error('no disk') })
  world.clock.settle()
  t.deepEqual(replies(world), { 1: 'lost' })
})
