// A member that the commands of rxraft, probes and Prometheus can speak to.
import * as t from 'io-ts'
import { createRaft, memoryStorage, orThrow, reducerMachine, tcpTransport } from 'rxraft'
import { controlServer } from 'rxraft/control'

const counter = reducerMachine({
  command: t.strict({ add: t.number }), result: t.number, state: t.number, initial: 0,
  reduce: (total, { add }) => [total + add, total + add],
})
const raft = orThrow(await createRaft({
  cluster: 'counters', id: 'n1', members: { n1: '127.0.0.1:7001' }, machine: counter, transport: tcpTransport(), storage: memoryStorage(),
}))
const control = orThrow(await controlServer(raft, { cluster: 'counters', machine: counter, listen: '127.0.0.1:8601' }))
const url = `http://${control.address}` // and so npx rxraft status --at 127.0.0.1:8601

console.log(await (await fetch(`${url}/propose`, { method: 'POST', body: '{"add": 2}' })).text()) // {"result":2}
console.log((await fetch(`${url}/ready`)).status) // 200: whoever leads is known, and takes proposals
console.log((await (await fetch(`${url}/metrics`)).text()).match(/^rxraft_applied_index .*/m)?.[0]) // rxraft_applied_index 2, after the leader's own first entry

process.once('SIGTERM', () => {
  control.leave() // probes learn that it goes
  void raft.stop() // and the server with it
})
process.kill(process.pid, 'SIGTERM')
