/** `rxraft/recorder`: keeps what goes into a member, and makes its steps again. */
export { differences, digestOf, partsOf } from '../../codecs/recording/index.js'
export type { Digest, RecordedTurn, RunEnd, Segment, SegmentFault, SegmentHeader } from '../../codecs/recording/index.js'
export { flightRecorder } from './flight-recorder.js'
export type { FlightRecorderOptions } from './options.js'
export type { RecordedMember, Recorder, RecorderNotice, Recording } from './port.js'
export { UnreadableRecording, readRecording, recordingFiles, unreadable } from './read.js'
export { type Replayed, replay } from './replay.js'
