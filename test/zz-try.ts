import { encodeFrames } from '../codecs/frames.js'
import { frameReader } from '../codecs/frame-reader.js'
import { decodeMessage } from '../codecs/messages.js'
import { packEntries } from '../codecs/entries.js'
const body = packEntries([new Uint8Array([1,2,3]), new Uint8Array(0), new Uint8Array(10)])
const membership = { voters: ['a','b'], outgoing: [], learners: ['c'], addresses: { a: 'h:1', b: 'h:2', c: '[::1]:3' } }
const ms: any[] = [
 { type: 'appendEntries', from: 'a', to: 'b', term: 5, round: 7, prevLogIndex: 3, prevLogTerm: 2, leaderCommit: 2, batches: [
  { kind: 'command', firstIndex: 4, term: 3, time: 1.5, count: 2, skip: 1, body }, { kind: 'noop', firstIndex: 6, term: 5, time: 2, count: 1 },
  { kind: 'membership', firstIndex: 7, term: 5, time: 2, count: 1, membership } ] },
 { type: 'appendAccepted', from: 'a', to: 'b', term: 5, round: 7, verified: 9, durable: 8 },
 { type: 'appendRefused', from: 'a', to: 'b', term: 5, round: 7, prevLogIndex: 9, hintIndex: 8, hintTerm: 2 },
 { type: 'requestVote', from: 'a', to: 'b', term: 5, round: 7, preVote: true, lastLogIndex: 9, lastLogTerm: 3 },
 { type: 'requestVoteReply', from: 'a', to: 'b', term: 5, round: 7, preVote: true, voteGranted: true },
 { type: 'propose', id: 1, epoch: 2, body }, { type: 'committed', id: 1, firstIndex: 4, term: 4, results: body },
 { type: 'refused', id: 1, reason: 'busy', leader: undefined }, { type: 'refused', id: 1, reason: 'stopped', leader: { id: 'x', address: 'h:4' } }, { type: 'lost', id: 9 } ]
const bytes = Buffer.concat(encodeFrames(ms))
const r = frameReader({ maxFrameBytes: 1e6 })
const fs = r.push(bytes)
if (fs._tag === 'Right') for (const f of fs.right) console.dir([f.lane, decodeMessage(f.payload)], { depth: 6 })
else console.log(fs)
const time=(name: string,n: number,f: () => void)=>{for(let k=0;k<3;k++){const a=process.hrtime.bigint();for(let i=0;i<n;i++)f();const b=process.hrtime.bigint();if(k==2)console.log(name,(Number(b-a)/n).toFixed(0),'ns')}}
for (const m of ms) {
  time('encode ' + m.type, 1e5, () => { encodeFrames([m]) })
  const one = Buffer.concat(encodeFrames([m])); const rd = frameReader({ maxFrameBytes: 1e6 })
  time('read   ' + m.type, 1e5, () => { rd.push(one) })
  const f: any = rd.push(one); const p = f.right[0].payload
  time('decode ' + m.type, 1e5, () => { decodeMessage(p) })
}
