import { membersOf } from '../../lib/membership.js'
import type { Plan } from './plan.js'

/** What a person must have read. */
export const warningFor = (folder: string, { id, before, committed, last }: Plan): string => {
  const others = membersOf(before).filter(member => member !== id)
  const doubtful = last.index - committed
  return `This makes ${id} the only member of its cluster, out of ${folder}.

  It is meant for a cluster whose majority is lost for good: ${others.join(', ')} must never run again with the folders they have. If enough of them still
  can, start those instead: nothing is lost then. If several folders are left, take the one whose last entry has the highest term, and among those the
  highest index: rxraft inspect shows both.

  What may be lost: whatever the others acknowledged and this folder does not hold. It ends with index ${last.index} of term ${last.term}.
  What may appear:  ${doubtful === 0 ? 'nothing; all of it is known to be committed' : `the last ${doubtful} entries, ${committed + 1} to ${last.index}, of which it is not known whether they were committed; they will be`}.
`
}
