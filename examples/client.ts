// node client.js motd hello: a process outside the cluster that writes to the key-value store of member.js.
import * as t from 'io-ts'
import { orThrow } from 'rxraft'
import { connect } from 'rxraft/client'

const [key = 'motd', value = 'hello'] = process.argv.slice(2)

const client = orThrow(await connect({
  cluster: 'orders', members: { n1: '127.0.0.1:7001', n2: '127.0.0.1:7002', n3: '127.0.0.1:7003' }, // one of them is enough
  protocol: { command: t.strict({ key: t.string, value: t.string }), result: t.union([t.string, t.null]) },
}))
const outcome = await client.propose({ key: `/${key}`, value }) // finds the leader, and follows it when it changes
console.log(outcome._tag === 'Right' ? `before: ${outcome.right}` : outcome.left.message)
await client.close()
