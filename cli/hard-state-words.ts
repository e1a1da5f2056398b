import { NOT_YET } from '../lib/state.js'
import type { HardState } from '../lib/types.js'

/** From where on one that joined votes, as a clause; empty of one that has been there from the beginning. */
export const joinedClause = ({ votesFrom }: HardState): string =>
  votesFrom === undefined ? '' : votesFrom === NOT_YET ? ', votes not yet' : `, votes from entry ${votesFrom} on`
