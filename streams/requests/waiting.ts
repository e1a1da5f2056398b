import { ENTRY_OVERHEAD_BYTES } from '../../codecs/entries.js'
import type { Proposal } from './proposal.js'

/** Proposals that wait to be sent, in the order of their submission. One that is settled where it stands is passed over. */
export interface Waiting<R> {
  /** Proposals that still wait for their outcome. */
  readonly size: number
  push(proposal: Proposal<R>): void
  /** Back to the front, in this order. */
  putBack(proposals: readonly Proposal<R>[]): void
  /** The first that still waits. */
  first(): Proposal<R> | undefined
  /**
   * The next ones to travel together: up to `maxBytes` once packed and `most`, at least one, and a leadership's never with others. Empty when none waits.
   */
  take(maxBytes: number, most: number): readonly Proposal<R>[]
  /** Those that `matches`, in order; they stay where they are until they are settled. */
  filter(matches: (proposal: Proposal<R>) => boolean): readonly Proposal<R>[]
  /** All of them, in order, under the same terms. */
  all(): readonly Proposal<R>[]
  /** To be called when one that waits here was settled. */
  settled(): void
}

/** Places of settled proposals that are kept at most beside as many live ones. */
const SPARE = 1024

/** The queue of one outlet. */
export const createWaiting = <R>(): Waiting<R> => {
  let items: Proposal<R>[] = []
  let head = 0
  let size = 0

  const tidy = (): void => {
    if (items.length - head > 2 * size + SPARE) items = items.slice(head).filter(item => item.done !== undefined)
    else if (head > SPARE && head > items.length / 2) items = items.slice(head)
    else return
    head = 0
  }

  const all = (): readonly Proposal<R>[] => items.slice(head).filter(proposal => proposal.done !== undefined)

  return {
    get size() {
      return size
    },
    push: proposal => {
      items.push(proposal)
      size++
    },
    putBack: proposals => {
      items = [...proposals, ...items.slice(head)]
      head = 0
      size += proposals.length
    },
    first: () => {
      while (head < items.length && items[head]!.done === undefined) head++
      return items[head]
    },
    take: (maxBytes, most) => {
      const taken: Proposal<R>[] = []
      let bytes = 0
      for (; head < items.length; head++) {
        const proposal = items[head]!
        if (proposal.done === undefined) continue
        bytes += proposal.bytes.length + ENTRY_OVERHEAD_BYTES
        if (taken.length > 0 && (bytes > maxBytes || taken.length >= most || taken[0]!.term !== proposal.term)) break
        taken.push(proposal)
      }
      size -= taken.length
      tidy()
      return taken
    },
    filter: matches => all().filter(matches),
    all,
    settled: () => {
      size--
      tidy()
    },
  }
}
