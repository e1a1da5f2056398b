/** What a stream of proposals keeps of commands that have come out. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { Subscriber } from 'rxjs'
import { right } from '../../../lib/prelude.js'
import { createLane } from '../../../streams/proposer/lane.js'

test('commands that have come out are let go of, however wide the window is', async assert => {
  setFlagsFromString('--expose-gc')
  const lane = createLane<object, number>({ submit: (_, __, done) => done(right(1)), each: {}, window: 1_000_000, subscriber: new Subscriber(), moved: () => undefined })
  const first = ((): WeakRef<object> => {
    const command = {}
    lane.add(command)
    return new WeakRef(command)
  })()
  for (let i = 0; i < 1000; i++) lane.add({})
  await new Promise(setImmediate)
  runInNewContext('gc')()
  assert.deepEqual([first.deref(), lane.size], [undefined, 0])
})
