/** How small the small world is. Whatever lies within is explored, in every order; nothing is drawn by lot. */
export interface Bounds {
  /** Who votes at first; whoever is not named knows nobody. */
  readonly voters: string
  /** Nobody stands for election in this term or later. */
  readonly maxTerm: number
  /** Commands proposed, whoever leads. */
  readonly proposals: number
  /** Wishes for another membership, taken one after the other by whoever leads, in the words of a story. */
  readonly changes: readonly string[]
  /** Crashes, each of which loses what is not durable and restarts the member at once: one that is down and one that hears nothing are the same. */
  readonly crashes: number
  /** Letters that are delivered once more than they were sent. */
  readonly duplicates: number
  /** Heartbeats sent, besides those with which a leader begins. */
  readonly heartbeats: number
  /** Letters from one member to another; one more, and that of the lowest term is lost. A letter that is never delivered is lost, too. */
  readonly lettersPerLink: number
  /** Whether pre-votes travel like other letters. They change nothing (§9.6), so otherwise whoever asks is granted them at once. */
  readonly preVotes: boolean
  /**
   * Whether a hard state waits for the disk when no entries are written before it. Nothing leaves a member before its hard
   * state is durable, so to write late is to hear late, and nothing is missed where it does not wait.
   */
  readonly hardStatesWait: boolean
}

export const SMALL: Bounds = {
  voters: 'n1 n2 n3', maxTerm: 3, proposals: 1, changes: [], crashes: 1, duplicates: 1, heartbeats: 1, lettersPerLink: 2, preVotes: false, hardStatesWait: false,
}
