/** Three members in one process, memory storage and transport: what the pipeline itself costs. */
import { frameReader } from '../../codecs/frame-reader.js'
import { encodeFrames } from '../../codecs/frames.js'
import { decodeMessage } from '../../codecs/messages.js'
import { isLeft, right } from '../../lib/prelude.js'
import type { LinkMessage } from '../../lib/requests.js'
import {
  type Links, type Raft, type Recorder, type Transport, createRaft, memoryNetwork, memoryStorage, memoryTransport, orThrow,
} from '../../streams/index.js'
import { COMMAND, counted } from './workloads.js'

/** As `memoryCluster` has them. */
const TIMING = { electionTimeoutMs: 150, heartbeatMs: 30 }

/** Message by message through the bytes of its frame and back, checked on the way as what arrives from a socket is. */
const throughFrames = (messages: readonly LinkMessage[]): readonly LinkMessage[] => {
  const read = frameReader({ maxFrameBytes: 16 * 2 ** 20 }).push(Buffer.concat(encodeFrames(messages)))
  if (isLeft(read)) throw new Error(read.left.reason)
  return read.right.map(({ payload }) => {
    const message = decodeMessage(payload)
    if (isLeft(message)) throw new Error(message.left)
    return message.right
  })
}

/** The transport, with every message encoded, decoded and validated. */
const framed = (transport: Transport): Transport => ({
  open: (endpoint, done) => transport.open(endpoint, outcome => {
    if (isLeft(outcome)) return done(outcome)
    const links: Links = outcome.right
    done(right({ ...links, send: (to, messages) => links.send(to, throughFrames(messages)) }))
  }),
})

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
