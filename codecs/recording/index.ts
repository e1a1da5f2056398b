/** Flight recordings as bytes: what went into a member, and the state on which it was folded. */
export { type Segment, readSegment } from './read-segment.js'
export { type RunEnd, type SegmentFault, type SegmentHeader, RECORDING_FORMAT, writeEnd, writeEntries, writeRecord, writeSegmentStart } from './segment.js'
export { type StateParts, partsOf } from './state.js'
export { type Digest, type RecordedTurn, differences, digestOf, writeTurn } from './turns.js'
