/** Places for those that are not yet links. */
import test from 'ava'
import { createWaitingRoom } from '../../../streams/transport/tcp/acceptor.js'
import { hostOf } from '../../../streams/transport/tcp/addresses.js'

const from = (remote: string) => {
  const stream = { remote, isGone: false, destroy: () => { stream.isGone = true } }
  return stream
}

test('who comes from one network of IPv6 is one host, and an IPv4 address is one, however it is written', t => {
  for (const [remote, host] of [
    ['192.0.2.7:4000', '192.0.2.7'], ['[::ffff:192.0.2.7]:4000', '[::ffff:192.0.2.7]'], ['[::1]:4000', '0:0:0:0'], ['[2001:db8:1:2:3:4:5:6]:4000', '2001:db8:1:2'],
    ['[2001:db8:1:2::6]:4000', '2001:db8:1:2'], ['[2001:db8::6]:4000', '2001:db8:0:0'], ['[fe80::1%eth0]:4000', 'fe80:0:0:0'], ['[2001:db8:1::]:4000', '2001:db8:1:0'], ['?:0', '?'],
  ] as const) t.is(hostOf(remote), host, remote)
})

test('a network of IPv6 has no more places than one host, and gives way as one', t => {
  const room = createWaitingRoom(8)
  const strangers = Array.from({ length: 8 }, (_, i) => from(`[2001:db8:1:2::${i}]:${4000 + i}`))
  t.is(strangers.filter(stream => room.enter(stream) !== undefined).length, 6)
  for (const remote of ['192.0.2.7:1', '192.0.2.8:1', '192.0.2.9:1']) t.truthy(room.enter(from(remote)), remote)
  t.deepEqual(strangers.map(({ isGone }) => isGone), [true, ...Array.from({ length: 7 }, () => false)])
})
