import { createHash } from 'node:crypto'
import type { Membership } from '../lib/types.js'

/**
 * Tells clusters apart for as long as they live, in hexadecimal: the name alone would let two clusters of the same name
 * mix. Only who belonged to the first membership counts, not where: addresses may move.
 */
export const clusterIdOf = (cluster: string, { voters, outgoing, learners }: Membership): string =>
  createHash('sha256').update(JSON.stringify([cluster, ...[voters, outgoing, learners].map(ids => [...ids].sort())])).digest('hex')
