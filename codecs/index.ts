/** Everything that crosses a boundary, as io-ts values and byte layouts: `rxraft/codecs`. */
export { BATCH_HEADER_BYTES, decodeBatch, encodeBatch } from './batches.js'
export { MAX_POSITION } from './bytes.js'
export { clusterIdOf, clusterNameIdOf } from './cluster-id.js'
export { type Numbering, bodyOf, forEachEntry, isOpening, numberingOf, packEntries, packOpening, readBody } from './entries.js'
export { type FirstFrame, type FrameReader, MAX_HANDSHAKE_FRAME_BYTES, frameReader, handshakeReader } from './frame-reader.js'
export {
  type Frame, type FrameError, type FrameFault, type Lane, FRAME_HEADER_BYTES, OLDEST_VERSION, PROTOCOL_VERSION, appendFrame, encodeFrame,
  encodeFrames, farewellFrame, isFarewell, keepAliveFrame,
} from './frames.js'
export {
  type Handshake, Hello, HandshakeReply, Refusal, VERSIONS, Welcome, agreedVersion, decodeHandshakeReply, decodeHello, encodeHandshake,
  refusal, refusalIn,
} from './handshake.js'
export { decodeJson, encodeJson } from './json.js'
export { Membership, canonical, decodeMembership, encodeMembership } from './membership.js'
export { decodeMessage, encodeMessage } from './messages.js'
export {
  type CheckedClientOptions, type CheckedOptions, type Limits, DEFAULT_ELECTION_TIMEOUT_MS, DEFAULT_HEARTBEAT_MS, DEFAULT_LIMITS,
  DEFAULT_PROPOSE_TIMEOUT_MS, decodeClientOptions, decodeOptions,
} from './options.js'
export { Address, ClusterId, Count, Incarnation, Index, MemberId, Millis, Round, Term, TimerMs } from './primitives.js'
export { type Identity, decodeHardState, decodeIdentity, encodeHardState, encodeIdentity } from './records.js'
export { decodeWith, report } from './report.js'
export { type CarriedResults, decodeResults, encodeResults } from './results.js'
export {
  AppendAccepted, AppendEntries, AppendRefused, ChunkAccepted, EntryBatches, EntryBody, InstallSnapshot, MESSAGES, ProposeCommitted, ProposeLost,
  ProposeRefused, ProposeRequest, RequestVote, RequestVoteReply,
} from './shapes.js'
export { MAX_CHUNK_BYTES, Snapshot, decodePlace, encodePlace } from './snapshots.js'
export { MAX_VALUE_DEPTH, decodeValue, encodeValue } from './values.js'
