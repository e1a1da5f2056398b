/** How far new members are, while a change waits until they have caught up: what the leader knows of them. */
import * as t from 'io-ts'
import { Count, Index, MemberId as Id } from '../../codecs/primitives.js'
import { decodeWith } from '../../codecs/report.js'
import { isLeft } from '../../lib/prelude.js'
import type { MemberId } from '../../lib/types.js'
import type { Address } from '../../streams/transport/tcp/addresses.js'
import { STATUS_TIMEOUT_MS, ask, parsed } from '../ask/ask.js'
import { type HowFar, showWhile } from '../looking.js'
import type { Screen } from '../screen.js'
import { sizeInWords } from '../words.js'

const Peer = t.intersection([
  t.type({ id: Id, mode: t.keyof({ probe: null, replicate: null, snapshot: null }), lagEntries: Count }),
  t.partial({ snapshot: t.type({ index: Index, bytes: Count, received: Count }) }),
])
/** What only a leader says of its health. */
const LeaderPeers = t.type({ role: t.literal('leader'), peers: t.readonlyArray(Peer) })

type Peers = t.TypeOf<typeof LeaderPeers>['peers']

/** How far the newcomer is that lacks the most, by what each lacked at first; undefined where the leader has none of them, or none that lacks anything. */
export const farthest = (peers: Peers, newcomers: readonly MemberId[], first: Map<MemberId, number>): HowFar | undefined => {
  const [last] = peers.filter(({ id, lagEntries }) => newcomers.includes(id) && lagEntries > 0).sort((a, b) => b.lagEntries - a.lagEntries)
  if (last === undefined) return undefined
  const { id, mode, lagEntries, snapshot } = last
  if (snapshot !== undefined) {
    const { index, bytes, received } = snapshot
    return { fraction: bytes === 0 ? undefined : received / bytes, caption: `${id} has ${sizeInWords(received)} of the ${sizeInWords(bytes)} of the snapshot at ${index}` }
  }
  if (mode === 'probe') return { fraction: undefined, caption: `${id} has not answered yet` }
  const most = Math.max(first.get(id) ?? 0, lagEntries)
  first.set(id, most)
  return { fraction: 1 - lagEntries / most, caption: `${id} lacks ${lagEntries} entries` }
}

/** The peers of the first endpoint whose member leads, as far as one says so in time. */
const peersAt = async (endpoints: readonly Address[], signal: AbortSignal): Promise<Peers> => {
  for (const at of endpoints) {
    if (signal.aborted) break
    const answer = await ask(at, { method: 'GET', path: '/health', timeoutMs: STATUS_TIMEOUT_MS, signal })
    const health = isLeft(answer) ? undefined : decodeWith(LeaderPeers, parsed(answer.right.text))
    if (health !== undefined && !isLeft(health)) return health.right.peers
  }
  return []
}

/** Shows it until the result is called. */
export const showNewcomers = (endpoints: readonly Address[], newcomers: readonly MemberId[], screen: Screen): (() => void) => {
  const first = new Map<MemberId, number>()
  return showWhile(async over => farthest(await peersAt(endpoints, over), newcomers, first), screen)
}
