/** Mistakes with what travels in parts, so that it keeps nobody waiting. */
import type { Mutation } from './mutation.js'

const PARTS = 'test/streams/transport/parts.test.ts'
const PACE = 'test/streams/transport/pace.test.ts'
const THIN = 'links of the seeds carry all that there is at once'

export const PART_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a window is opened by answers that bring nothing', file: 'lib/pacing.ts', killer: ['test/lib/slowness.test.ts', 'a window is opened by what arrives*'],
    unseen: THIN,
    from: 'arrival !== undefined && arrivesInTime(windowBytes, arrival, leader.now, promptMs(leader.settings))', to: '(arrival === undefined || promptMs(leader.settings) > 0)',
  },
  {
    name: 'any crumb is a part of a batch', file: 'lib/assembling.ts', killer: ['test/lib/assembling.test.ts', 'only the last part may be smaller*'],
    unseen: 'nobody sends crumbs',
    from: 'end < head.body.bytes && part.length < LEAST_PART_BYTES', to: 'end < 0',
  },
  {
    name: 'the last part of a batch passes for all of it', file: 'lib/replication.ts', killer: ['test/lib/assembling.test.ts', 'the last part*'],
    unseen: THIN,
    from: 'sentBytes: part.length', to: 'sentBytes: bytes.length',
  },
  {
    name: 'a large command leaves in one go, and life signs wait behind it', file: 'streams/transport/tcp/registry.ts', killer: ['test/simulation/thin-links.test.ts', 'a command of 8 MiB that a follower*'],
    unseen: THIN,
    from: 'promptMs: promptMs(endpoint)', to: 'promptMs: promptMs(endpoint) > 0 ? undefined : 1',
  },
  {
    name: 'the next part does not wait for the one before', file: 'streams/transport/pace.ts', killer: [PACE, 'behind a part that asks*'],
    unseen: THIN,
    from: '? Math.max(LEAST_PART_BYTES, windowBytes - ahead.bytes) : 0', to: '? Math.max(LEAST_PART_BYTES, windowBytes - ahead.bytes) : LEAST_PART_BYTES',
  },
  {
    name: 'a trickle that arrives passes for a link that carries more', file: 'streams/transport/pace.ts', killer: [PACE, 'what fills half a window only*'],
    unseen: THIN,
    from: 'arrivesInTime(windowBytes, ahead, at, promptMs)', to: 'arrivesInTime(windowBytes, { ...ahead, since: askedAt! }, at, promptMs)',
  },
  {
    name: 'a small request overtakes one in parts', file: 'streams/transport/writer.ts', killer: ['test/streams/transport/thin-links.test.ts', 'what is said behind a request in parts*'],
    unseen: 'the other end cuts the link for it, and all is sent again',
    from: 'if (queue.bytes() === 0 && by.fits(bytes))', to: 'if (by.fits(bytes))',
  },
  {
    name: 'whoever ends says farewell and not what waits', file: 'streams/transport/writer.ts', killer: [PARTS, 'whoever closes in the middle*'],
    unseen: 'whoever stops waits for what it forwarded, and answers of the seeds are small',
    from: '      queue.leaveAll(out)\n', to: '',
  },
  {
    name: 'a request is heard before one in parts that it overtook', file: 'streams/transport/tcp/link.ts', killer: [PARTS, 'a request that overtakes*'],
    unseen: 'nobody lets one overtake another',
    from: 'parts.pendingBytes() > 0 && isOfProposals(message)', to: 'parts.pendingBytes() < 0 && isOfProposals(message)',
  },
  {
    name: 'what comes in parts may be what cores say, in any order', file: 'streams/transport/tcp/link.ts', killer: [PARTS, 'what a core says*'],
    unseen: 'no core sends any so',
    from: 'isOfProposals(message) ? undefined : `a ${message.type} came in parts`', to: 'undefined',
  },
  {
    name: 'receipts that nobody takes pile up', file: 'streams/transport/tcp/link.ts', killer: [PARTS, 'who sends parts and takes no receipt*'],
    unseen: 'everybody takes them',
    from: '++receipts > mostReceipts', to: '++receipts < 0',
  },
  {
    name: 'whoever waits for each receipt is cut while much else is on its way', file: 'streams/transport/tcp/link.ts', killer: [PARTS, 'who waits for each receipt*'],
    unseen: 'little waits for so long that so many parts leave meanwhile',
    from: 'bytes - stream.bufferedBytes >= lastReceipt', to: 'stream.bufferedBytes === 0',
  },
]
