/** Three members in one process, memory storage and transport: what the pipeline itself costs. */
import { type Raft, type Recorder, createRaft, memoryNetwork, memoryStorage, memoryTransport, orThrow } from '../../streams/index.js'
import { framed } from './framed.js'
import { COMMAND, counted } from './workloads.js'

/** As `memoryCluster` has them. */
const TIMING = { electionTimeoutMs: 150, heartbeatMs: 30 }

export interface MemoryOptions {
  readonly members?: number
  /** Whether messages go through their bytes. */
  readonly isFramed?: boolean
  readonly recorder?: ((id: string) => Recorder) | undefined
}

export interface MemoryMembers {
  readonly leader: Raft<Uint8Array, null, number>
  stop(): Promise<void>
}

/** Members that have a leader and have committed something. */
export const startInMemory = async ({ members: count = 3, isFramed = false, recorder }: MemoryOptions = {}): Promise<MemoryMembers> => {
  const network = memoryNetwork()
  const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`)
  const members = Object.fromEntries(ids.map((id, i) => [id, `localhost:${i + 1}`]))
  const transport = isFramed ? framed(memoryTransport(network)) : memoryTransport(network)
  const rafts = await Promise.all(ids.map(async id => orThrow(await createRaft({
    ...TIMING, cluster: 'memory', id, members, machine: counted.machine, transport, storage: memoryStorage(), ...(recorder && { recorder: recorder(id) }),
  }))))
  orThrow(await rafts[0]!.propose(COMMAND))
  let leader = rafts[0]!
  for (const raft of rafts) raft.leadership$.subscribe(leadership => { if (leadership !== undefined) leader = raft }).unsubscribe()
  return { leader, stop: async () => void await Promise.all(rafts.map(raft => raft.stop())) }
}
