import type { Plan } from './plan.js'

const WITHOUT_IT = 'others may have gone on without it, and what they acknowledged since is not here'

/** What it means that the member is left out. */
const EXCLUSIONS: Readonly<Record<Plan['leftOut'], (id: string) => string>> = {
  no: () => '',
  unknown: id => `
                    The last membership here leaves ${id} out. Whether it was committed is not known; if it was,
                    ${WITHOUT_IT}.`,
  yes: id => `
                    A committed membership leaves ${id} out:
                    ${WITHOUT_IT}.`,
}

const doubtfulIn = ({ committed, last }: Plan): string => {
  const count = last.index - committed
  if (count === 0) return 'nothing; all of it is known to be committed'
  if (count === 1) return `the last entry, ${last.index}, of which it is not known whether it was committed; it will be`
  return `the last ${count} entries, ${committed + 1} to ${last.index}, of which it is not known whether they were committed; they will be`
}

/** What this folder once had, and was committed for certain. */
const missingIn = ({ last: { index }, lostTo }: Plan): string => {
  if (lostTo === undefined) return ''
  const which = lostTo === index + 1 ? `is 1 committed entry, ${lostTo}` : `are ${lostTo - index} committed entries, ${index + 1} to ${lostTo}`
  return `
                    Missing at its end ${which}: its disk
                    confirmed that and did not keep it. What was acknowledged of that is lost, unless another
                    folder has it: take that one.`
}

/** What a person must have read. */
export const warningFor = (folder: string, plan: Plan): string => {
  const { id, others, leftOut, last } = plan
  return `This makes ${id} the only member of its cluster, out of ${folder}.

  It is meant for a cluster whose majority is lost for good: ${others.join(', ') || 'all others'} must never run again with the folders they have. If enough of them still
  can, start those instead: nothing is lost then. If several folders are left, take the one whose last entry has the highest term, and among those the
  highest index: rxraft inspect shows both.

  What may be lost: whatever the others acknowledged and this folder does not hold. It ends with index ${last.index} of term ${last.term}.${missingIn(plan)}${EXCLUSIONS[leftOut](id)}
  What may appear:  ${doubtfulIn(plan)}.
`
}
