import { createHash } from 'node:crypto'
import type { Membership } from '../lib/types.js'

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/**
 * Tells clusters apart for as long as they live, in hexadecimal: the name alone would let two clusters of the same name
 * mix. Only who belonged to the first membership counts, not where: addresses may move.
 */
export const clusterIdOf = (cluster: string, { voters, outgoing, learners }: Membership): string =>
  hashOf([cluster, ...[voters, outgoing, learners].map(ids => [...ids].sort())])

/** What a client shows, in hexadecimal: it knows the cluster's name, and need not know who its first members were. */
export const clusterNameIdOf = (cluster: string): string => hashOf([cluster])
