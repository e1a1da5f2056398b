/** What the members' own code costs, without disks and sockets: three members in one process, and their pipelines alone. */
import { inMemoryEtcdRaft } from '../peers/etcd-raft.js'
import { hashicorpSingles } from '../peers/hashicorp-raft.js'
import {
  type Speed, measureFramed, measureFramedPipelines, measureInProcess, measurePipelines, measureSingles, measureStream,
} from '../programs/in-process.js'
import type { Sample } from '../reporting/figures.js'
import type { Measure } from './measure.js'

const BATCHES = [1, 8, 64, 512] as const
const SINGLES = 256

const samplesOf = (at: string | number, { perSecond, cpuMicros }: Speed): readonly Sample[] => [
  { at: String(at), kind: 'perSecond', value: perSecond }, { at: String(at), kind: 'cpuMicros', value: cpuMicros },
]

/** The large batches come first: they are what makes the compiler see the code, of which a batch of one has little to show. */
const byBatch = (run: (batch: number, seconds: number) => Promise<Speed>): Measure['run'] => async ({ seconds }) => {
  const samples: Sample[] = []
  for (const batch of BATCHES.toReversed()) samples.unshift(...samplesOf(batch, await run(batch, seconds)))
  return samples
}

const SECONDS_BEFORE = 1

/** Batch by batch, beside etcd/raft with these flags. */
const batched = (name: string, title: string, run: (batch: number, seconds: number) => Promise<Speed>, flags: readonly string[]): Measure => ({
  name, title, at: 'batch', isDurable: false,
  about: ({ seconds }) => BATCHES.length * (seconds + SECONDS_BEFORE),
  run: byBatch(run),
  peers: [inMemoryEtcdRaft(BATCHES, flags)],
})

const ENCODED = 'The same, with every message encoded, decoded and validated'

export const pipelines = batched(
  'pipelines', 'Three pipelines in one process by batch: memory for disk and network, commands of 128 bytes that are counted, neither promises nor results', measurePipelines, [],
)
export const encodedPipelines = batched('pipelines-encoded', ENCODED, measureFramedPipelines, ['-codec'])
export const inProcess = batched(
  'in-process', 'In process by batch: memory for disk and network, a promise and a result for each command of 128 bytes', measureInProcess, [],
)
export const encoded = batched('in-process-encoded', ENCODED, measureFramed, ['-codec'])

export const singles: Measure = {
  name: 'singles', title: 'In process, single proposals in flight, each replaced when it has its result', at: 'in flight', isDurable: false,
  about: ({ seconds }) => seconds + SECONDS_BEFORE,
  run: async ({ seconds }) => samplesOf(SINGLES, await measureSingles(SINGLES, seconds)),
  peers: [hashicorpSingles(SINGLES)],
}

export const replicate: Measure = {
  name: 'replicate', title: `A stream of commands through \`replicate\` to \`commits$\`, beside as many calls of \`propose\` without any stream; ${SINGLES} in flight`, at: 'through',
  isDurable: false,
  about: ({ seconds }) => 2 * (seconds + SECONDS_BEFORE),
  run: async ({ seconds }) => [
    ...samplesOf('propose', await measureSingles(SINGLES, seconds)), ...samplesOf('replicate → commits$', await measureStream(SINGLES, seconds)),
  ],
}
