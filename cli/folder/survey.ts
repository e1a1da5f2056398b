import type { Survey } from '../../streams/storage/survey.js'
import { surveyFolder } from '../../streams/storage/survey.js'
import type { Screen } from '../screen.js'
import { type HeldFolder, carriedOut } from './hold.js'

/** Surveys a held folder, and shows which file was looked at last. */
export const survey = ({ disk, folder }: HeldFolder, withContents: boolean, screen: Screen): Promise<Survey> =>
  carriedOut(folder, surveyFolder({ disk, folder, withContents, looked: name => screen.bar(undefined, `${folder}/${name}`) })).finally(screen.end)

/** The entries that a log has. */
export const entriesInWords = ({ log }: Survey): string => {
  const first = (log?.base.index ?? 0) + 1
  const last = log?.lastIndex ?? 0
  return last < first ? 'no entries' : last === first ? `entry ${first}` : `entries ${first} to ${last}`
}

/** What of a survey is data, for programs. */
export const surveyAsJson = ({ identity, hardState, segments, log, snapshots, incoming, faults, survived, notes }: Survey): Readonly<Record<string, unknown>> => ({
  identity, hardState: hardState ?? null,
  log: log === undefined ? null : { base: log.base, lastIndex: log.lastIndex, commitIndex: log.commitIndex, terms: log.terms, memberships: log.memberships },
  segments, snapshots, incoming, faults: faults.map(fault => ({ ...fault, tag: fault._tag, message: fault.message })), survived, notes,
})
