import type { InvalidOptions } from '../lib/errors.js'
import type { MemberId } from '../lib/types.js'

/** No member could be reached in time. */
export class Unreachable extends Error {
  readonly _tag = 'Unreachable'
  override readonly name = 'Unreachable'
  constructor(
    /** What came of the last attempt at each member, as far as there was one. */
    readonly reasons: Readonly<Record<MemberId, string>>,
    timeoutMs: number,
    cluster: string,
  ) {
    super(`No member of cluster ${JSON.stringify(cluster)} could be reached within ${timeoutMs} ms: ${
      Object.entries(reasons).map(([id, reason]) => `${id}: ${reason}`).join('; ') || 'none has answered yet'}.`)
  }
}

/** Why a client could not begin. */
export type ConnectError = InvalidOptions | Unreachable
