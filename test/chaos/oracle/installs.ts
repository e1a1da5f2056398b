/** What became of the snapshots that members were sent. */
import type { MemberId } from '../../../lib/types.js'
import type { FromMember } from '../member/protocol.js'

export type SnapshotNews = Extract<FromMember, { type: 'snapshot' }>

export interface Installs {
  heard(id: MemberId, news: SnapshotNews): void
  /** This life is over, and what it was in the middle of. */
  died(id: MemberId): void
}

/** `count` is told by name of what has happened once more. */
export const createInstalls = (count: (what: string) => void): Installs => {
  const phases = new Map<MemberId, 'receiving' | 'received'>()
  const interrupt = (id: MemberId): void => {
    if (phases.delete(id)) count('installs interrupted')
  }
  return {
    heard: (id, { event, bytes }) => {
      switch (event) {
        case 'receiving':
          // Others tell how far it has come.
          if (bytes > 0) return
          interrupt(id)
          phases.set(id, 'receiving')
          return count('installs begun')
        case 'received': return void phases.set(id, 'received')
        case 'restored': return count(phases.get(id) === 'received' && phases.delete(id) ? 'snapshots installed' : 'starts from a snapshot')
      }
    },
    died: interrupt,
  }
}
