/** A member in one line, for stories. */
import { showBatches, showLog } from './build.js'
import type { EntryId } from '../../lib/types.js'
import type { Witness } from './promises.js'

const orNone = (text: string): string => text === '' ? 'empty' : text

const behind = ({ index, term }: EntryId): string => index === 0 ? '' : ` behind ${index}@${term}`

export const tellMember = ({ id, isUp, state, disk }: Witness): string => {
  const { newest, incoming } = disk
  const onDisk = orNone(showBatches(disk.batches))
  const { term: durableTerm, votedFor: durableVote } = disk.hardState
  const kept = `disk T${durableTerm} vote ${durableVote ?? '-'} ${onDisk}${newest === undefined ? '' : ` snapshot ${newest.snapshot.index}@${newest.snapshot.term}`}${incoming === undefined ? '' : `, ${incoming.contents.length} bytes of ${incoming.snapshot.index}@${incoming.snapshot.term}`}`
  if (!isUp) return `${id} down · ${kept}`
  const { role, term, votedFor, leader, commitIndex, appliedIndex } = state
  const following = role === 'follower' && leader !== undefined ? ` of ${leader}` : ''
  return `${id} ${role}${following} T${term} vote ${votedFor ?? '-'} · log ${orNone(showLog(state))}${behind(state.log.base)} · commit ${commitIndex} applied ${appliedIndex} · ${kept}`
}

/** What a leader knows of the others. */
export const tellProgress = ({ state }: Witness): readonly string[] => state.role !== 'leader' ? []
  : state.progress.map(({ id, mode, nextIndex, verifiedIndex, matchIndex, sending }) =>
    `${state.settings.id} on ${id}: ${mode} next=${nextIndex} verified=${verifiedIndex} match=${matchIndex}${sending === undefined ? '' : ` sending ${sending.snapshot.index}@${sending.snapshot.term} ${sending.received}/${sending.snapshot.bytes}`}`)
