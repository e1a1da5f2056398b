// A distributed lock with fencing tokens: whoever was paused for too long cannot spoil what the next holder does.
import { setTimeout as pause } from 'node:timers/promises'
import * as t from 'io-ts'
import { memoryCluster, orThrow, reducerMachine } from 'rxraft'

const command = t.union([
  t.strict({ type: t.literal('acquire'), lock: t.string, owner: t.string, ttlMs: t.number }),
  t.strict({ type: t.literal('renew'), lock: t.string, token: t.number, ttlMs: t.number }),
  t.strict({ type: t.literal('release'), lock: t.string, token: t.number }),
])
const held = t.readonly(t.type({ owner: t.string, token: t.number, until: t.number }))

/** The result is the token of the lock while it is yours, and null where it is not. */
const locks = reducerMachine({
  command, result: t.union([t.number, t.null]), state: t.readonly(t.record(t.string, held)), initial: {},
  reduce: (state, command, { index, time }) => { // `time` is in the log: all members agree on what has expired, whatever their clocks say
    const { [command.lock]: found, ...others } = state
    const current = found !== undefined && time < found.until ? found : undefined
    if (command.type === 'acquire') {
      const { lock, owner, ttlMs } = command
      if (current !== undefined && current.owner !== owner) return [state, null]
      const token = current?.token ?? index // asked again, an owner that holds it gets the same token; a new one is higher than all before
      return [{ ...others, [lock]: { owner, token, until: time + ttlMs } }, token]
    }
    if (current?.token !== command.token) return [state, null]
    return command.type === 'release' ? [others, command.token] : [{ ...others, [command.lock]: { ...current, until: time + command.ttlMs } }, command.token]
  },
})

/** What the lock protects, outside the cluster: it remembers the highest token, and refuses whoever comes with a lower one. */
const createBoard = () => {
  let highest = 0
  return (token: number, text: string): void => {
    if (token < highest) return console.log(`refused: "${text}" comes with token ${token}, and ${highest} was here`)
    highest = token
    console.log(`on the board: "${text}", token ${token}`)
  }
}

const { n1, n2, n3 } = orThrow(await memoryCluster({ machine: locks, members: ['n1', 'n2', 'n3'] }))
const write = createBoard()
const [lock, ttlMs] = ['board', 2_000]
const acquire = async (member: typeof n1, owner: string) => orThrow(await member.propose({ type: 'acquire', lock, owner, ttlMs }))

const ann = await acquire(n1, 'ann') ?? 0
console.log('ann holds the lock')
console.log(await acquire(n2, 'bob') === null ? 'bob does not get it' : 'two hold the lock')
write(ann, 'ann was here')
await pause(ttlMs / 4)
console.log(orThrow(await n1.propose({ type: 'renew', lock, token: ann, ttlMs })) === ann ? 'ann has renewed it' : 'ann was too slow')

// Now ann is paused, by a garbage collection or a laptop's lid, and bob asks until the lock has expired.
let bob = await acquire(n2, 'bob')
for (; bob === null; bob = await acquire(n2, 'bob')) await pause(50)
console.log('bob holds the lock')
write(bob, 'bob was here')
write(ann, 'ann is back') // she wakes up and takes the lock for hers: only the token tells
console.log(orThrow(await n1.propose({ type: 'renew', lock, token: ann, ttlMs })) === null ? 'ann learns that she has lost it' : 'two hold the lock')

orThrow(await n2.propose({ type: 'release', lock, token: bob }))
write(await acquire(n3, 'ann') ?? 0, 'ann, with a new token')
await Promise.all([n1, n2, n3].map(member => member.stop()))
