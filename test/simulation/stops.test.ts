/** A member that is stopped in good order, while everybody writes. */
import * as t from 'io-ts'
import test from 'ava'
import { isLeft, isRight } from '../../lib/prelude.js'
import { orThrow, reducerMachine } from '../../streams/index.js'
import { simulate } from '../../testing/index.js'

const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => [total + add, total + add],
})

test('probe', async is => {
  for (let seed = 1; seed <= 14; seed++) {
    const cluster = simulate({ machine: counter, seed, members: 3 })
    await cluster.until(() => cluster.leader() !== undefined)
    const clients = ['ann', 'bob', 'cid', 'dan']
    for (const name of clients) orThrow(await cluster.settle(cluster.connect(name)))
    let next = 0
    let isOver = false
    const why: string[] = []
    let done = 0
    const loop = (options: { through?: string, at?: string }): void => {
      if (isOver) return
      void cluster.propose({ add: ++next }, options).then(outcome => {
        if (isLeft(outcome)) { why.push(`${Object.values(options)[0]} ${outcome.left._tag} ${outcome.left.message}`); cluster.clock.after(20, () => loop(options)) }
        else { done++; loop(options) }
      })
    }
    for (const through of clients) for (let n = 0; n < 8; n++) loop({ through })
    for (const at of cluster.ids) loop({ at })
    await cluster.run(100)
    const before = done
    const leader = cluster.leader()!
    const at = cluster.clock.now()
    await cluster.settle(cluster.member(leader).raft!.stop())
    const took = cluster.clock.now() - at
    await cluster.run(300)
    isOver = true
    await cluster.check()
    const kinds: Record<string, number> = {}
    for (const w of why) kinds[w] = (kinds[w] ?? 0) + 1
    is.log(seed, leader, took, before, done, JSON.stringify(kinds))
  }
  is.pass()
})
