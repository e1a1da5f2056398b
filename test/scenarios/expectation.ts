/** What a story expects of members, in words, and where they differ from it. */
import { membership } from '../../lib/state.js'
import type { EntryBatch, EntryId } from '../../lib/types.js'
import { entries, showBatches, showLog, showMembership } from '../lib/build.js'
import type { Member } from '../lib/cluster.js'

/** `name=value` words, and the rest. */
export const options = (args: readonly string[]): { readonly named: Readonly<Record<string, string>>; readonly plain: readonly string[] } => ({
  named: Object.fromEntries(args.filter(word => word.includes('=')).map(word => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)])),
  plain: args.filter(word => !word.includes('=')),
})

/** `1@1!,2@1=n1,n2`: entries behind commas, of which memberships have their own. */
export const entriesOf = (text: string): readonly EntryBatch[] => entries(text.replaceAll(/,(?=[\d-]+@)/g, ' '))

const placeOf = ({ index, term }: EntryId): string => `${index}@${term}`

/** What an expectation can name of a member. */
const factsOf = ({ state, disk, applied, answers, readAnswers, changeAnswers }: Member): Readonly<Record<string, string>> => ({
  term: `${state.term}`, vote: state.votedFor ?? '-', leader: state.leader ?? '-', commit: `${state.commitIndex}`, durable: `${state.persistedIndex}`,
  log: showLog(state).replaceAll(' ', ','), disk: showBatches(disk.batches).replaceAll(' ', ','), applied: `${applied.length}`,
  base: placeOf(state.log.base), snapshot: disk.newest === undefined ? '-' : placeOf(disk.newest.snapshot),
  incoming: disk.incoming === undefined ? '-' : `${disk.incoming.contents.length}/${disk.incoming.snapshot.bytes}`,
  answers: answers.map(({ type, id }) => `${id}:${type}`).join(','), reads: readAnswers.map(({ type, id }) => `${id}:${type}`).join(','),
  changes: changeAnswers.map(({ type, id }) => `${id}:${type}`).join(','), members: showMembership(membership(state)) || '-',
})

const ROLES = ['leader', 'follower', 'candidate', 'down']
const roleOf = ({ isUp, state }: Member): string => isUp ? state.role : 'down'

/** `n1 n2 leader term=2`: what does not hold of those named. */
export const unexpected = (args: readonly string[], memberOf: (id: string) => Member): readonly string[] => {
  const { named, plain } = options(args)
  const roles = plain.filter(word => ROLES.includes(word))
  return plain.filter(word => !roles.includes(word)).map(memberOf).flatMap(member => {
    const facts = factsOf(member)
    return [
      ...roles.filter(role => role !== roleOf(member)).map(role => `${member.id} is ${roleOf(member)}, not ${role}`),
      ...Object.entries(named).filter(([name, value]) => facts[name] !== value).map(([name, value]) => `${member.id}: ${name} is ${facts[name]}, not ${value}`),
    ]
  })
}
