/** What a member shows to Prometheus, in the text exposition format 0.0.4: each metric by its name, and where its values are found. */
import type { Health, PeerHealth, Used } from '../../lib/health.js'
import type { Membership } from '../../lib/types.js'
import type { MemberStatus } from './member-status.js'
import type { Tally } from './tally.js'

/** One look at a member. */
export interface Sight {
  readonly status: MemberStatus
  readonly membership: Pick<Membership, 'voters' | 'learners' | 'outgoing'>
  readonly tally: Tally
  /** Undefined where the member has ended meanwhile. */
  readonly health: Health | undefined
}

interface Sample {
  /** The values of the metric's labels, in their order. */
  readonly labels: readonly string[]
  readonly value: number
}

export interface Metric {
  readonly name: `rxraft_${string}`
  readonly type: 'gauge' | 'counter'
  readonly labels: readonly string[]
  /** One sentence, in the document as in the answer. */
  readonly help: string
  readonly samples: (sight: Sight) => readonly Sample[]
}

type Numbered = number | boolean | undefined

const sampleOf = (value: Numbered, labels: readonly string[] = []): readonly Sample[] => value === undefined ? [] : [{ labels, value: Number(value) }]
const seconds = (ms: number | undefined): number | undefined => ms === undefined ? undefined : ms / 1000

/** A metric without labels; what is undefined is left out. */
const plain = (name: Metric['name'], help: string, read: (sight: Sight) => Numbered, type: Metric['type'] = 'gauge'): Metric =>
  ({ name, type, labels: [], help, samples: sight => sampleOf(read(sight)) })

const ofHealth = (name: Metric['name'], help: string, read: (health: Health) => Numbered): Metric =>
  plain(name, help, ({ health }) => health && read(health))

/** One of several, each with its own sample: 1 where it is that one. */
const oneOf = (all: readonly string[], one: string, labels: readonly string[] = []): readonly Sample[] => all.map(each => ({ labels: [...labels, each], value: Number(each === one) }))

const ofPeers = (name: Metric['name'], help: string, read: (peer: PeerHealth) => Numbered): Metric => ({
  name, type: 'gauge', labels: ['peer'], help,
  samples: ({ health }) => health?.role === 'leader' ? health.peers.flatMap(peer => sampleOf(read(peer), [peer.id])) : [],
})

const isOfBytes = (bound: string): boolean => bound.endsWith('Bytes')

const ofBounds = (name: Metric['name'], help: string, has: (bound: string) => boolean, read: (used: Used) => number): Metric => ({
  name, type: 'gauge', labels: ['bound'], help,
  samples: ({ health }) => Object.entries(health?.bounds ?? {}).filter(([bound]) => has(bound)).map(([bound, used]) => ({ labels: [bound], value: read(used) })),
})

const OF_STATUS: readonly Metric[] = [
  { name: 'rxraft_info', type: 'gauge', labels: ['cluster', 'id'], help: 'Always 1; its labels say which member this is.', samples: ({ status: { cluster, id } }) => sampleOf(1, [cluster, id]) },
  { name: 'rxraft_role', type: 'gauge', labels: ['role'], help: '1 for the role that the member has, 0 for the others.', samples: ({ status }) => oneOf(['follower', 'candidate', 'leader'], status.role) },
  plain('rxraft_ready', '1 where a leader is known that takes proposals, as /ready says.', ({ status }) => status.ready),
  plain('rxraft_has_leader', '1 where it is known who leads the term.', ({ status }) => status.leader !== null),
  plain('rxraft_term', 'The term.', ({ status }) => status.term),
  plain('rxraft_commit_index', 'The last entry that is known to be committed and is here.', ({ status }) => status.commitIndex),
  plain('rxraft_applied_index', 'The last entry that the machine has applied.', ({ status }) => status.appliedIndex),
  plain('rxraft_last_index', 'The last entry of the log.', ({ status }) => status.lastIndex),
  plain('rxraft_snapshot_index', 'The last entry of the newest snapshot, as far as one is known.', ({ status }) => status.snapshot?.index),
  plain('rxraft_snapshot_bytes', 'The size of the newest snapshot, as far as one is known.', ({ status }) => status.snapshot?.bytes),
  plain('rxraft_machine_version', 'The version of the member\'s machine.', ({ status }) => status.machineVersion),
  plain('rxraft_lowest_machine_version', 'The version that each member\'s machine has at least, as far as this one knows; 0 while one has not been linked since it started.', ({ status }) => status.lowestMachineVersion),
  {
    name: 'rxraft_members', type: 'gauge', labels: ['kind'], help: 'Members by the newest membership in the log; outgoing are voters that a change is about to release.',
    samples: ({ membership }) => [['voter', membership.voters] as const, ['learner', membership.learners] as const, ['outgoing', membership.outgoing] as const]
      .flatMap(([kind, members]) => sampleOf(members.length, [kind])),
  },
]

const OF_TALLY: readonly Metric[] = [
  plain('rxraft_elections_total', 'Terms that have begun, each with an election.', ({ tally }) => tally.elections, 'counter'),
  plain('rxraft_leader_changes_total', 'How often there was a new leader, or the same one in another term.', ({ tally }) => tally.leaderChanges, 'counter'),
  {
    name: 'rxraft_diagnostics_total', type: 'counter', labels: ['severity'], help: 'Diagnostics of the member, by their severity.',
    samples: ({ tally }) => Object.entries(tally.diagnostics).flatMap(([severity, count]) => sampleOf(count, [severity])),
  },
]

const OF_HEALTH: readonly Metric[] = [
  ofHealth('rxraft_in_touch', '1 where word came within the last election timeout from the leader or, where this one leads, from a quorum.', ({ isInTouch }) => isInTouch),
  ofHealth('rxraft_loop_delay_seconds', 'How late the latest tick was heeded: for so long the event loop was busy.', ({ loopDelayMs }) => seconds(loopDelayMs)),
  ofHealth('rxraft_slowest_write_seconds', 'The slowest write that was on its way to the disk in the heartbeat before; 0 where there was none.', ({ slowestWriteMs }) => seconds(slowestWriteMs)),
  ofHealth('rxraft_pending_write_seconds', 'The age of the oldest write that is on its way to the disk; 0 where there is none.', ({ pendingWriteMs }) => seconds(pendingWriteMs)),
  ofHealth('rxraft_behind_entries', 'Entries that are known to be committed and are not applied here.', ({ behindEntries }) => behindEntries),
  ofHealth('rxraft_behind_seconds', 'The age of the first of those that are here, by the leader\'s wall clock.', ({ behindMs }) => seconds(behindMs)),
  ofBounds('rxraft_bound_used', 'How much of a bound is used that counts something: maxPendingProposals has the proposals in flight.', bound => !isOfBytes(bound), ({ used }) => used),
  ofBounds('rxraft_bound_limit', 'What such a bound allows.', bound => !isOfBytes(bound), ({ limit }) => limit),
  ofBounds('rxraft_bound_used_bytes', 'How much of a bound of bytes is used: maxUncommittedBytes has what a leader has in flight.', isOfBytes, ({ used }) => used),
  ofBounds('rxraft_bound_limit_bytes', 'What such a bound allows.', isOfBytes, ({ limit }) => limit),
  ofHealth('rxraft_leader_silent_seconds', 'How long nothing came from the leader; of followers that know one.', health => health.role === 'leader' ? undefined : seconds(health.leader?.silentMs)),
  ofHealth('rxraft_quorum_silent_seconds', 'How long ago a quorum is known to have followed; of a leader.', health => health.role === 'leader' ? seconds(health.quorumSilentMs) : undefined),
  ofPeers('rxraft_peer_behind_entries', 'Entries of the leader\'s log that are not known to be durable at a peer; of a leader.', ({ lagEntries }) => lagEntries),
  ofPeers('rxraft_peer_silent_seconds', 'The age of the latest question that a peer has answered; of a leader.', ({ silentMs }) => seconds(silentMs)),
  {
    name: 'rxraft_peer_mode', type: 'gauge', labels: ['peer', 'mode'], help: '1 for what is sent to a peer: probe until it is known where the logs agree, replicate, or a snapshot; of a leader.',
    samples: ({ health }) => health?.role === 'leader' ? health.peers.flatMap(({ id, mode }) => oneOf(['probe', 'replicate', 'snapshot'], mode, [id])) : [],
  },
  ofPeers('rxraft_peer_snapshot_bytes', 'The size of the snapshot that a peer is being sent; of a leader.', ({ snapshot }) => snapshot?.bytes),
  ofPeers('rxraft_peer_snapshot_received_bytes', 'How much of it has arrived.', ({ snapshot }) => snapshot?.received),
]

/** In the order in which they are told. */
export const METRICS: readonly Metric[] = [...OF_STATUS, ...OF_TALLY, ...OF_HEALTH]

const escaped = (value: string): string => value.replace(/[\\"\n]/g, character => character === '\n' ? '\\n' : `\\${character}`)
const numeral = (value: number): string => Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'

const lineOf = ({ name, labels: names }: Metric, { labels, value }: Sample): string => {
  const pairs = names.map((label, at) => `${label}="${escaped(labels[at] ?? '')}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numeral(value)}\n`
}

/** The text of an answer; a metric of which there is nothing to say is left out whole. */
export const exposition = (sight: Sight): string => METRICS.map(metric => {
  const lines = metric.samples(sight).map(sample => lineOf(metric, sample))
  return lines.length === 0 ? '' : `# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.type}\n${lines.join('')}`
}).join('')
