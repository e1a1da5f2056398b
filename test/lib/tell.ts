/** A member in one line, for stories. */
import { showBatches, showLog } from './build.js'
import type { Witness } from './promises.js'

const orNone = (text: string): string => text === '' ? 'empty' : text

export const tellMember = ({ id, isUp, state, disk }: Witness): string => {
  const onDisk = orNone(showBatches(disk.batches))
  const { term: durableTerm, votedFor: durableVote } = disk.hardState
  const kept = `disk T${durableTerm} vote ${durableVote ?? '-'} ${onDisk}`
  if (!isUp) return `${id} down · ${kept}`
  const { role, term, votedFor, leader, commitIndex, appliedIndex } = state
  const following = role === 'follower' && leader !== undefined ? ` of ${leader}` : ''
  return `${id} ${role}${following} T${term} vote ${votedFor ?? '-'} · log ${orNone(showLog(state))} · commit ${commitIndex} applied ${appliedIndex} · ${kept}`
}

/** What a leader knows of the others. */
export const tellProgress = ({ state }: Witness): readonly string[] => state.role !== 'leader' ? []
  : state.progress.map(({ id, mode, nextIndex, verifiedIndex, matchIndex }) =>
    `${state.settings.id} on ${id}: ${mode} next=${nextIndex} verified=${verifiedIndex} match=${matchIndex}`)
