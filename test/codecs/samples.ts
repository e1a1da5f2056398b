/** One fixed message of every kind and more than one where a kind has several faces: what the fixtures of version 1 hold. */
import { packEntries, packOpening } from '../../codecs/entries.js'
import type { Handshake } from '../../codecs/handshake.js'
import type { Identity } from '../../codecs/records.js'
import type { LinkMessage } from '../../lib/requests.js'
import type { HardState, Membership, Snapshot } from '../../lib/types.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const allBytes = Uint8Array.from({ length: 256 }, (_, i) => i)

export const membership: Membership = {
  voters: ['n1', 'n2'], outgoing: ['n1', 'n3'], learners: ['n4'],
  addresses: { n1: '127.0.0.1:7001', n2: 'raft-2.example.org:7002', n3: '[::1]:7003', n4: '10.0.0.4:65535' },
}

const snapshotId = { index: 5_000_000_000, term: 6, bytes: 6_000_000_000, checksum: 0xfedc_ba98 }
export const snapshot: Snapshot = { ...snapshotId, time: 1_700_000_000_000.5, compression: 'none', membership }

const envelope = { from: 'n1', to: 'n2', term: 7, round: 1_700_000_000_123 }

export const messages = {
  heartbeat: { type: 'appendEntries', ...envelope, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, asks: false, batches: [] },
  question: { type: 'appendEntries', ...envelope, prevLogIndex: 9, prevLogTerm: 6, leaderCommit: 9, asks: true, batches: [] },
  appendEntries: {
    type: 'appendEntries', ...envelope, prevLogIndex: 5_000_000_000, prevLogTerm: 3, leaderCommit: 4_999_999_999, asks: false,
    batches: [
      { kind: 'command', firstIndex: 5_000_000_001, term: 3, time: 1_700_000_000_000, count: 3, skip: 0, body: packEntries([bytes('one'), bytes(''), allBytes]) },
      { kind: 'noop', firstIndex: 5_000_000_004, term: 6, time: 1_700_000_000_000.5, count: 1 },
      { kind: 'membership', firstIndex: 5_000_000_005, term: 7, time: 1_700_000_000_001, count: 1, membership },
    ],
  },
  appendPart: {
    type: 'appendPart', ...envelope, prevLogTerm: 3, offset: 5_000_001, part: allBytes,
    head: { kind: 'command', firstIndex: 5_000_000_001, term: 3, time: 1_700_000_000_000.5, count: 2, skip: 1, body: { count: 4, bytes: 7_000_000, checksum: 0xfedc_ba98 } },
  },
  appendAccepted: { type: 'appendAccepted', ...envelope, verified: 9, durable: 8, lacks: 7, held: 6, promisedMs: 500, isNewcomer: false },
  appendRefused: { type: 'appendRefused', ...envelope, prevLogIndex: 9, hintIndex: 4, hintTerm: 2, isNewcomer: false },
  preVote: { type: 'requestVote', ...envelope, preVote: true, transfer: false, lastLogIndex: 9, lastLogTerm: 6 },
  requestVote: { type: 'requestVote', ...envelope, preVote: false, transfer: false, lastLogIndex: 0, lastLogTerm: 0 },
  voteForTransfer: { type: 'requestVote', ...envelope, preVote: false, transfer: true, lastLogIndex: 9, lastLogTerm: 6 },
  preVoteReply: { type: 'requestVoteReply', ...envelope, preVote: true, voteGranted: true },
  requestVoteReply: { type: 'requestVoteReply', ...envelope, preVote: false, voteGranted: false },
  timeoutNow: { type: 'timeoutNow', ...envelope, lastIndex: 5_000_000_000 },
  snapshotOffered: { type: 'installSnapshot', ...envelope, snapshot, offset: 0, chunk: new Uint8Array(0) },
  installSnapshot: { type: 'installSnapshot', ...envelope, snapshot, offset: 5_000_000_001, chunk: allBytes },
  chunkAccepted: { type: 'chunkAccepted', ...envelope, snapshot: snapshotId, received: 5_000_000_257, awaited: true, isNewcomer: false },
  chunkBeingWritten: { type: 'chunkAccepted', ...envelope, snapshot: snapshotId, received: 5_000_000_001, awaited: false, isNewcomer: false },
  propose: { type: 'propose', id: 12, epoch: 2, term: 3, body: packEntries([bytes('\0{"add":1}'), allBytes]) },
  proposeNumbered: { type: 'propose', id: 12, epoch: 2, term: 3, body: packEntries([bytes('\0{"add":1}'), allBytes], { session: 5_000_000_000, name: 4_000_000_000, first: 4_999_999_999, awaited: 3 }) },
  openSession: { type: 'propose', id: 11, epoch: 2, term: 3, body: packOpening(4_000_000_000) },
  committed: { type: 'committed', id: 12, firstIndex: 10, term: 7, results: packEntries([bytes('\0\x001'), bytes('\x01overdrawn')]) },
  refused: { type: 'refused', id: 13, reason: 'notLeader', place: undefined, leader: { id: 'n3', address: '[::1]:7003', term: 4 } },
  refusedWithoutLeader: { type: 'refused', id: 14, reason: 'invalid', place: 5_000_000_000, leader: undefined },
  lost: { type: 'lost', id: 15 },
  readIndex: { type: 'readIndex', id: 16 },
  readable: { type: 'readable', id: 16, index: 5_000_000_000 },
  readRefused: { type: 'readRefused', id: 17, reason: 'busy' },
  wishToHandOver: { type: 'wish', id: 18, term: 7, wish: { type: 'transfer', to: 'n3' } },
  wishToHandOverToAnybody: { type: 'wish', id: 19, term: 7, wish: { type: 'transfer', to: undefined } },
  wishForMembers: {
    type: 'wish', id: 20, term: 7,
    wish: { type: 'change', voters: { n5: '127.0.0.1:7005' }, learners: { n6: '[::1]:7006' }, remove: ['n2'], newcomers: undefined, from: membership },
  },
  wishToReplace: { type: 'wish', id: 24, term: 7, wish: { type: 'change', voters: { n5: '127.0.0.1:7005' }, learners: {}, remove: ['n2'], newcomers: ['n5'], from: undefined } },
  wishToAbandon: { type: 'wish', id: 21, term: 7, wish: { type: 'abandon', from: undefined } },
  handedOver: { type: 'wishReply', id: 18, fate: { type: 'handedOver', leader: 'n3' } },
  notHandedOver: { type: 'wishReply', id: 19, fate: { type: 'notHandedOver', reason: 'there is no other voter' } },
  changeTaken: { type: 'wishReply', id: 20, fate: { type: 'changeTaken', index: 5_000_000_000, term: 7, goal: membership } },
  changeRefused: { type: 'wishReply', id: 21, fate: { type: 'changeRefused', reason: 'no change is under way' } },
  wishNotTaken: { type: 'wishReply', id: 22, fate: { type: 'notTaken' } },
  wishLost: { type: 'wishReply', id: 23, fate: { type: 'lost' } },
  members: { type: 'members', index: 5_000_000_000, membership },
  firstMembers: { type: 'members', index: 0, membership: { voters: ['n1'], outgoing: [], learners: [], addresses: { n1: '127.0.0.1:7001' } } },
} as const satisfies Record<string, LinkMessage>

export const handshakes = {
  hello: { type: 'hello', role: 'member', versions: [1, 1], clusterId: 'c0ffee', from: 'n1', to: 'n2', incarnation: 'a1b2c3', machineVersion: 3 },
  helloOfClient: { type: 'hello', role: 'client', versions: [1, 1], clusterId: 'c0ffee', from: 'shop', to: '', incarnation: '' },
  welcome: { type: 'welcome', version: 1, id: 'n2', incarnation: 'd4e5f6', machineVersion: 0 },
  refusal: { type: 'refusal', reason: 'another cluster' },
} as const satisfies Record<string, Handshake>

export const identity: Identity = { clusterId: 'c0ffee', id: 'n1', incarnation: 'a1b2c3', peers: { n2: 'd4e5f6', n3: '0918' } }

export const hardStates = {
  hardState: { term: 7, votedFor: 'n2', commitIndex: 5_000_000_000 },
  hardStateWithoutVote: { term: 0, votedFor: undefined, commitIndex: 0 },
  hardStateOfNewcomer: { term: 7, votedFor: undefined, commitIndex: 3, isNewcomer: true },
  hardStateOfNewcomerThatVoted: { term: 7, votedFor: 'n2', commitIndex: 9, isNewcomer: true },
} as const satisfies Record<string, HardState>
