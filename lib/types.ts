/** A member's name, chosen by the user and never given to another member. */
export type MemberId = string
/** A position in the log; the first entry is 1, and 0 means none (§5.3). */
export type Index = number
/** A term of office; starts at 0 and never falls (§5.1). */
export type Term = number
/** Milliseconds on a member's own monotonic clock. */
export type Millis = number
/** The number of one step of one member since it started, from 1. */
export type Turn = number
/** Names one proposal, or one read, of one member since it started; minted by that member, each kind from 1. */
export type RequestId = number
/**
 * The date of a question on the asker's clock, in microseconds, made strictly increasing within a term and echoed in the
 * answer. An answer vouches for the moment its question was asked, never for the moment it arrived.
 */
export type Round = number
/** Drawn at random when a data folder is created: a member that lost its folder comes back as another incarnation. */
export type Incarnation = string

/** An entry's identity: two entries with equal index and term are equal, and so is all that precedes them (§5.3). */
export interface EntryId {
  readonly index: Index
  readonly term: Term
}

/** What a member must never forget (Figure 2, "persistent state"). */
export interface HardState {
  readonly term: Term
  /** Whom this member voted for in `term`. */
  readonly votedFor: MemberId | undefined
  /** A lower bound of what was committed, written when convenient; a restart begins from it. */
  readonly commitIndex: Index
  /** This member has joined, and has yet to catch up; absent once it has, and of those who were there from the beginning. */
  readonly isNewcomer?: true
}

/** Who belongs to the cluster. The newest membership in the log counts, committed or not (§4.1). */
export interface Membership {
  /** Members whose majority decides. */
  readonly voters: readonly MemberId[]
  /** The voters of the configuration being left; empty unless in joint consensus, where both majorities decide (§4.3). */
  readonly outgoing: readonly MemberId[]
  /** Members that receive the log and decide nothing (§4.2.1). */
  readonly learners: readonly MemberId[]
  /** Where each member of the three lists is reached: `host:port`. */
  readonly addresses: Readonly<Record<MemberId, string>>
  /** Where a change leads that waits for its new voters, learners as yet, to catch up; absent where none does. */
  readonly next?: NextMembership
}

/** What somebody wants of a membership; whom a change does not name stays what it is. */
export type MembershipWish =
  | {
    readonly type: 'change'
    /** Shall vote, each at its address: new members, learners, or voters that have moved. */
    readonly voters: Readonly<Record<MemberId, string>>
    /** Shall receive the log and not vote: new members, voters, or learners that have moved. */
    readonly learners: Readonly<Record<MemberId, string>>
    readonly remove: readonly MemberId[]
    /** Voters-to-be that must not vote yet; the change is refused where one does. */
    readonly newcomers: readonly MemberId[] | undefined
  }
  /** The change that is under way ends where it began, as far as voters go. */
  | { readonly type: 'abandon' }

/** The lists that a membership will have. */
export type NextMembership = Pick<Membership, 'voters' | 'learners'>

/** Where a log begins: what precedes its first entry, and who belonged to the cluster there. */
export interface LogBase extends EntryId {
  readonly membership: Membership
}

/** What a snapshot stands for: all entries up to and including this one (§7). */
export interface SnapshotPlace extends LogBase {
  /** When the leader appended its last entry, by the leader's clock. */
  readonly time: Millis
  /** What was done to its contents. */
  readonly compression: Compression
}

/** How the contents of a snapshot are made smaller, on the disk and on the wire. */
export type Compression = 'none' | 'gzip' | 'zstd'

/** A machine's state on the disk: where it stands, and what tells it from every other. Frozen when it is taken. */
export interface Snapshot extends SnapshotPlace {
  /** Of its contents, as they are stored. */
  readonly bytes: number
  /** CRC-32 of the same. */
  readonly checksum: number
}

/**
 * Commands packed once, where they are proposed: `bytes` is the layout of `codecs/entries`, `checksum` its CRC-32.
 * A body knows no position, so the same bytes go to the leader's disk, into every frame and onto every follower's disk.
 */
export interface EntryBody {
  readonly count: number
  readonly bytes: Uint8Array
  readonly checksum: number
}

interface Placed {
  readonly firstIndex: Index
  readonly term: Term
  /** Entries in this batch; the last one stands at `firstIndex + count - 1`. */
  readonly count: number
  /** The leader's clock when it appended the batch, in milliseconds since 1970; never falls from batch to batch, nor stands still where that clock was set back: then it goes on at half the pace. */
  readonly time: Millis
}
/** Commands of the application. `skip` entries at the front of `body` do not belong to this batch: a slice shares its body. */
export interface CommandBatch extends Placed {
  readonly kind: 'command'
  readonly body: EntryBody
  readonly skip: number
}
/** A command batch without the bytes of its body, of which it names the number. */
export type BatchHead = Omit<CommandBatch, 'body'> & { readonly body: Omit<EntryBody, 'bytes'> & { readonly bytes: number } }
/** The entry a leader appends on its election, to commit what earlier terms left behind (§8). */
export interface NoopBatch extends Placed {
  readonly kind: 'noop'
}
/** A membership change; alone in its batch. */
export interface MembershipBatch extends Placed {
  readonly kind: 'membership'
  readonly membership: Membership
}
/** A run of entries of one term, the unit in which the log is stored, sent and applied. */
export type EntryBatch = CommandBatch | NoopBatch | MembershipBatch
