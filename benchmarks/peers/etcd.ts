/** etcd, three members with fsync on, driven by `etcdbench` over its own gRPC client. */
import { inFolder } from '../aids.js'
import type { PeerSide } from '../measures/measure.js'
import { type PeerResult, numberIn, runPeer, samplesOf } from './peer.js'

const NEEDS = ['etcd', 'etcdbench']

const etcdbench = (options: string): Promise<readonly PeerResult[]> => inFolder(folder => runPeer(`etcdbench -nodes 3 -dir '${folder}' ${options}`))

export const etcdPuts = (inFlight: readonly number[], connections: number): PeerSide => ({
  name: 'etcd', needs: NEEDS,
  about: ({ seconds }) => 4 + inFlight.length * (seconds + 1),
  run: async ({ seconds }) => (await etcdbench(`-clients ${inFlight.join(',')} -conns ${connections} -secs ${seconds} -rounds 1`)).flatMap(samplesOf),
})

export const etcdFailover = (kills: number): PeerSide => ({
  name: 'etcd', needs: NEEDS,
  about: () => 4 + kills * 4.5,
  run: async () => (await etcdbench(`-failover ${kills}`)).map(line => ({ at: 'kill -9', kind: 'ms', value: numberIn(line, 'ms') })),
})
