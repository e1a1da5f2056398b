/** Letters in words: which ones a command means, and one that nobody wrote. */
import type { Message } from '../../lib/messages.js'
import type { MemberId } from '../../lib/types.js'
import { entries, entryId, show } from '../lib/build.js'

const kindOf = (message: Message): string => show(message).split('(')[0]!

/** An AppendEntries in the notation of `test/lib/build.ts`. */
export const parseLetter = (from: MemberId, text: string): Message => {
  const [, to, term, prev, batches, commit, asks] = /^AE\((\w+); T(\d+); (\d+@\d+); \[(.*)\]; c=(\d+)(\??)\)$/.exec(text) ?? []
  if (to === undefined) throw new Error(`no letter: ${text}`)
  const { index, term: prevTerm } = entryId(prev!)
  const asked = { prevLogIndex: index, prevLogTerm: prevTerm, batches: entries(batches!), leaderCommit: Number(commit), asks: asks === '?' }
  return { type: 'appendEntries', from, to, term: Number(term), ...asked, round: 1 }
}

/** The letters that a selector names, in the order of the mail. */
export const select = (mail: readonly Message[], args: readonly string[]): readonly Message[] => {
  let found = [...mail]
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!
    if (['all', 'first', 'last'].includes(word)) continue
    if (word === 'from' || word === 'to') {
      const id = args[++at]
      found = found.filter(message => message[word] === id)
    } else found = found.filter(message => kindOf(message) === word)
  }
  if (args.includes('first')) found = found.slice(0, 1)
  if (args.includes('last')) found = found.slice(-1)
  if (found.length === 0) throw new Error(`no such letter; under way: ${mail.map(message => `${message.from} ${show(message)}`).join(', ') || 'none'}`)
  return found
}
