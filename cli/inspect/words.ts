/** A survey as people read it. */
import type { EntryId, Membership } from '../../lib/types.js'
import type { Survey, SurveyedSegment } from '../../streams/storage/survey.js'
import { columns, sizeInWords } from '../words.js'

const membersOf = ({ voters, outgoing, learners, addresses }: Membership): string => [
  `voters ${voters.map(id => `${id}=${addresses[id]}`).join(', ')}`,
  ...(outgoing.length > 0 ? [`leaving ${outgoing.map(id => `${id}=${addresses[id]}`).join(', ')}`] : []),
  ...(learners.length > 0 ? [`learners ${learners.map(id => `${id}=${addresses[id]}`).join(', ')}`] : []),
].join('; ')

const placeOf = ({ index, term }: EntryId): string => `${index}@${term}`

const segmentCells = ({ name, bytes, usedBytes, records, base, first, last, isSealed }: SurveyedSegment): readonly string[] => [
  name,
  base === undefined ? 'no base' : `${base.isAnew ? 'anew after' : 'after'} ${placeOf(base)}`,
  first === undefined || last === undefined ? 'no entries' : `${placeOf(first)} to ${placeOf(last)}`,
  `${records} records`, `${sizeInWords(usedBytes)} of ${sizeInWords(bytes)}`, isSealed ? 'sealed' : records === 0 ? 'prepared' : 'open',
]

const logLines = ({ log, hardState }: Survey): readonly string[] => {
  if (log === undefined) return ['log         none']
  const { base, lastIndex, terms, memberships, commitIndex } = log
  const last = { index: lastIndex, term: terms.at(-1)?.term ?? base.term }
  const placed = memberships.at(-1)
  return [
    `log         begins after ${placeOf(base)}, ends with ${placeOf(last)}; committed up to ${Math.max(commitIndex, hardState?.commitIndex ?? 0, base.index)} at least`,
    `members     ${membersOf(placed?.membership ?? base.membership)}${placed === undefined ? '' : ` (by the entry at ${placed.index})`}`,
  ]
}

/** Everything but entries. */
export const surveyInWords = (folder: string, survey: Survey): readonly string[] => {
  const { identity: { id, clusterId, incarnation }, hardState, segments, snapshots, incoming, faults, survived, notes } = survey
  return [
    `folder      ${folder}`,
    `member      ${id} of cluster ${clusterId}, incarnation ${incarnation}`,
    hardState === undefined ? 'hard state  unreadable' : `hard state  term ${hardState.term}, voted for ${hardState.votedFor ?? 'nobody'}`,
    ...hardState?.isNewcomer ? ['newcomer    it has joined, and votes once it has caught up'] : [],
    ...logLines(survey),
    ...snapshots.map(snapshot => `snapshot    ${placeOf(snapshot)}, ${sizeInWords(snapshot.bytes)}, compression ${snapshot.compression}`),
    ...incoming.map(name => `incoming    ${name}`),
    ...columns(segments.map(segmentCells)).map(row => `segment     ${row}`),
    ...survived.map(damage => `survived    ${damage}`),
    ...notes.map(note => `note        ${note}`),
    ...faults.map(fault => `fault       ${fault.message}`),
  ]
}
