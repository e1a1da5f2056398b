/**
 * What the leader knows of one follower.
 *
 *     probe ──── a success ───► replicate: entries are pipelined, nextIndex runs ahead of what is verified
 *       ▲                           │
 *       └────── a refusal ──────────┘   one message at a time until the logs are known to agree
 */
import type { EntryBatch, Index, MemberId, Millis, Round, Snapshot } from './types.js'
import { LEAST_WINDOW_BYTES } from './window.js'

/** Entries that are not known to be durable yet: the last index of what left at one time, and its weight. */
export interface Inflight {
  readonly lastIndex: Index
  readonly bytes: number
  readonly sentAt: Millis
  /** So many of the bytes left then: of a batch that went in parts, those of the last one. */
  readonly sentBytes: number
}

/** A batch on its way in parts: how many bytes of it the follower has, and the part in flight by its round and its length, both 0 where none is. */
export interface Parts {
  readonly held: number
  readonly round: Round
  readonly bytes: number
}

const NO_PARTS: Parts = { held: 0, round: 0, bytes: 0 }

/** How fast a new voter catches up: what the log held at some moment, which it is to have, and for how long it gives way to commands meanwhile. All 0 where none is measured. */
export interface Lap {
  readonly to: Index
  readonly since: Millis
  readonly giveWayMs: Millis
}

export const NO_LAP: Lap = { to: 0, since: 0, giveWayMs: 0 }

/** A snapshot on its way to a follower: one chunk in flight, and the next one read ahead. The follower says which it awaits. */
export interface Sending {
  readonly snapshot: Snapshot
  /** What the follower has taken in of it, by its latest answer. */
  received: number
  /** When it last took in more, or was ready for the first chunk; of one that takes the place of another, the other's until then. */
  movedAt: Millis
  /** Where the chunk begins that the follower awaits; undefined until it says so, after each that is sent. */
  awaited: number | undefined
  /** The chunk that was asked from the disk, and that is here once it has been read. */
  read: { readonly offset: number; readonly chunk: Uint8Array | undefined } | undefined
  /** The round and the length of the last chunk: answers to earlier questions do not know of it. */
  round: Round
  chunkBytes: number
}

/** Volatile, kept by the leader for each follower and begun anew with each term (Figure 2, "volatile state on leaders"). */
export interface Progress {
  readonly id: MemberId
  /** The last round that had left when this was begun: what answers it, or an earlier one, is of a former life of that member. */
  readonly since: Round
  mode: 'probe' | 'replicate'
  /** The next entry to send; in probe mode a guess, in replicate mode ahead of the answers. */
  nextIndex: Index
  /** The highest index known to be durable there. */
  matchIndex: Index
  /** The highest index said to agree there; what of it is not durable can be lost in a crash. */
  verifiedIndex: Index
  inflight: readonly Inflight[]
  inflightBytes: number
  /** How much may be in flight: what the way there has been seen to carry without delaying the life signs behind it. */
  windowBytes: number
  /** The round at the window's last change: answers to earlier questions say nothing of the window as it is now. */
  windowRound: Round
  /** It has not said in this term that it is no newcomer: until then no change makes a voter of it. */
  mayBeNewcomer: boolean
  /** The last round that had left when its first answer of this term came; undefined before. */
  metRound: Round | undefined
  /** When the latest answered question was asked; never dated by the answer's arrival. */
  contact: Millis
  /** Until when, by the leader's clock, it helps elect nobody else. */
  promisedUntil: Millis
  /** The highest round of an acceptance: a refusal with a higher one is no late message. */
  acceptedRound: Round
  /** How far the batch at nextIndex is, where it goes in parts. */
  parts: Parts
  /** The round of the outstanding probe, or 0: in probe mode nothing is sent until it is answered or a heartbeat is due. */
  probeRound: Round
  /** The commitIndex last sent. */
  sentCommit: Index
  /** Entries asked from the disk and not yet read: the first of them, or 0. */
  reading: Index
  /** Entries read from the disk for this follower, beginning at nextIndex, to be sent next. */
  fromDisk: readonly EntryBatch[]
  /** Where a snapshot must stand that the follower asks for, because its own is lost; 0 where it does not. */
  lacks: Index
  sending: Sending | undefined
  lap: Lap
  /** When something last arrived there, as far as is known. */
  arrivedAt: Millis
  /** What its fastest answer took, and how long what arrived there last kept it at work. */
  fastestMs: Millis
  workMs: Millis
  /** Before this it gets neither entries nor chunks, as long as it gives way. */
  restsUntil: Millis
}

/** Longer than anything takes. */
const UNKNOWN_MS: Millis = Number.MAX_SAFE_INTEGER

/** A follower of a new leader: presumed equal and not yet heard of (§5.3). */
export const newProgress = (id: MemberId, nextIndex: Index, since: Round): Progress => ({
  id, since, mode: 'probe', nextIndex, matchIndex: 0, verifiedIndex: 0, inflight: [], inflightBytes: 0, windowBytes: LEAST_WINDOW_BYTES, windowRound: 0, mayBeNewcomer: true, metRound: undefined,
  contact: Number.NEGATIVE_INFINITY, promisedUntil: Number.NEGATIVE_INFINITY, acceptedRound: 0, parts: NO_PARTS, probeRound: 0, sentCommit: 0, reading: 0, fromDisk: [], lacks: 0, sending: undefined, lap: NO_LAP, arrivedAt: 0, fastestMs: UNKNOWN_MS, workMs: UNKNOWN_MS, restsUntil: 0,
})

/** For the one who changes it. Every field by name, because a spread costs many times as much. */
export const copyOf = (progress: Progress): Progress => ({
  id: progress.id, since: progress.since, mode: progress.mode, nextIndex: progress.nextIndex, matchIndex: progress.matchIndex, verifiedIndex: progress.verifiedIndex,
  inflight: progress.inflight, inflightBytes: progress.inflightBytes, windowBytes: progress.windowBytes, windowRound: progress.windowRound, mayBeNewcomer: progress.mayBeNewcomer, metRound: progress.metRound,
  contact: progress.contact, promisedUntil: progress.promisedUntil, acceptedRound: progress.acceptedRound, parts: progress.parts, probeRound: progress.probeRound, sentCommit: progress.sentCommit,
  reading: progress.reading, fromDisk: progress.fromDisk, lacks: progress.lacks, sending: progress.sending && { ...progress.sending }, lap: progress.lap,
  arrivedAt: progress.arrivedAt, fastestMs: progress.fastestMs, workMs: progress.workMs, restsUntil: progress.restsUntil,
})

/** From now on this is the next entry to send; nothing of it is under way. */
export const proceed = (progress: Progress, nextIndex: Index): void => {
  if (nextIndex === progress.nextIndex) return
  progress.nextIndex = nextIndex
  progress.fromDisk = []
  progress.parts = NO_PARTS
}

/** The follower agrees up to `verified` and keeps `durable` of it; matchIndex never falls within a term. */
export const accept = (progress: Progress, verified: Index, durable: Index): void => {
  progress.matchIndex = Math.max(progress.matchIndex, durable)
  progress.verifiedIndex = Math.max(progress.verifiedIndex, verified)
  // A probe's nextIndex was a guess; once pipelining, it runs ahead of the answers.
  proceed(progress, Math.max(progress.mode === 'probe' ? 0 : progress.nextIndex, progress.verifiedIndex + 1))
  progress.mode = 'replicate'
  progress.probeRound = 0
  // What is not durable there waits in its memory: maxInflightBytes bounds that, however slow its disk.
  const open = progress.inflight.findIndex(sent => sent.lastIndex > durable)
  progress.inflight = open < 0 ? [] : progress.inflight.slice(open)
  progress.inflightBytes = progress.inflight.reduce((sum, sent) => sum + sent.bytes, 0)
}

/**
 * The follower lacks what precedes nextIndex: begin again at `nextIndex`, one message at a time. Only what is durable there is
 * certain to stay: a follower that crashed has lost the rest, although it was verified in this very term.
 */
export const backUp = (progress: Progress, nextIndex: Index): void => {
  progress.mode = 'probe'
  proceed(progress, Math.max(nextIndex, progress.matchIndex + 1))
  progress.verifiedIndex = Math.min(progress.verifiedIndex, progress.nextIndex - 1)
  progress.probeRound = 0
  progress.inflight = []
  progress.inflightBytes = 0
  progress.reading = 0
  progress.fromDisk = []
  progress.parts = NO_PARTS
}
