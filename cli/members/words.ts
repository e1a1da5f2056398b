import type { Membership } from '../../lib/types.js'

/** A line for each member, and one more where the membership is not committed. What a change answers is, and does not say so. */
export const membershipInWords = ({ voters, outgoing, learners, addresses, next, isCommitted = true }: Membership & { readonly isCommitted?: boolean }): string => {
  const lines = Object.entries(addresses).map(([id, address]) => {
    const role = voters.includes(id) ? 'voter' : learners.includes(id) ? 'learner' : 'leaves'
    const awaits = next?.voters.includes(id) === true && role === 'learner' ? ', votes once it has caught up' : ''
    return `${id}  ${address}  ${role}${awaits}${outgoing.includes(id) && role === 'voter' ? ', in the membership before, too' : ''}`
  })
  return [...lines, ...(isCommitted ? [] : ['not committed yet: a new leader may take it back'])].join('\n')
}
