import test from 'ava'
import { right } from '../../../lib/prelude.js'
import { type Act, oneAtATime, succeed } from '../../../streams/act/act.js'

test('however many acts that wait for their turn are answered during their calls, each is, in its order', t => {
  const inTurn = oneAtATime()
  const answered: number[] = []
  let finish = (): void => undefined
  const first: Act<void, never> = done => { finish = () => done(right(undefined)) }
  inTurn(first)(() => answered.push(-1))
  for (let i = 0; i < 20_000; i++) inTurn(succeed(i))(() => answered.push(i))
  t.deepEqual(answered, [])
  finish()
  t.deepEqual(answered, Array.from({ length: 20_001 }, (_, i) => i - 1))
})
