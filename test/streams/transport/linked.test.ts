/** Who is linked, and where the leader is, as those hear it who talk over links. */
import test from 'ava'
import type { MemberId } from '../../../lib/types.js'
import { type LinkEars, createLinked } from '../../../streams/transport/linked.js'
import type { Party } from '../../../streams/transport/port.js'
import { member } from '../../../testing/watch.js'
import { follower, leader } from '../../lib/build.js'

const client: Party = { type: 'client', link: 1 }

/** What is heard, in few words. */
const listening = () => {
  const linked = createLinked()
  const heard: string[] = []
  const ears: LinkEars = {
    opened: ({ key }) => heard.push(`+ ${key}`),
    closed: (key, unanswered) => heard.push(`- ${key}, ${unanswered}`),
    led: (where, who) => heard.push(`${who ?? 'nobody'} leads, ${where === undefined ? 'nowhere' : `${where.type} as ${where.key}`}`),
  }
  linked.listen(ears)
  const news = (): readonly string[] => heard.splice(0)
  let turn = 0
  return {
    linked, ears, news,
    /** A later turn, in which this member follows. */
    follows: (who: MemberId | undefined, term: number): void => linked.follow({ ...follower({ term, ...who === undefined ? {} : { leader: who } }), turn: ++turn }),
    leads: (term: number, isReady: boolean): void => linked.follow({ ...leader({ id: 'f1', others: 'f2', term, noop: isReady ? 0 : 5 }), turn: ++turn }),
  }
}

test('where the leader is follows from who leads and who is linked, and each change is told once', t => {
  const { linked, news, follows, leads } = listening()
  linked.connected(member('f2'))
  t.deepEqual(news(), ['+ member f2 1'])
  follows('f2', 3)
  follows('f2', 3)
  t.deepEqual(news(), ['f2 leads, linked as member f2 1'])
  follows('L', 4)
  t.deepEqual(news(), ['L leads, nowhere'])
  linked.connected(member('L'))
  t.deepEqual(news(), ['+ member L 2', 'L leads, linked as member L 2'])
  follows(undefined, 5)
  leads(5, false)
  t.deepEqual(news(), ['nobody leads, nowhere', 'f1 leads, nowhere'])
  leads(5, true)
  leads(7, true)
  t.deepEqual(news(), ['f1 leads, here as self 5', 'f1 leads, here as self 7'])
})

test('the next link to the same party is another one, and what the former one said of its end is passed on', t => {
  const { linked, news, follows } = listening()
  follows('L', 1)
  linked.connected(member('L'))
  news()
  t.is(linked.at(member('L'))?.key, 'member L 1')
  linked.connected(member('L'))
  t.deepEqual(news(), ['- member L 1, unknown', '+ member L 2', 'L leads, linked as member L 2'])
  linked.disconnected(member('L'), 'unseen')
  linked.disconnected(member('L'), 'unknown')
  t.deepEqual(news(), ['- member L 2, unseen', 'L leads, nowhere'])
  t.is(linked.at(member('L')), undefined)
})

test('a state that is older than the last changes nothing; a client is no member', t => {
  const { linked, news } = listening()
  linked.connected(client)
  t.is(linked.at(member('1')), undefined)
  linked.follow({ ...follower({ term: 3, leader: 'L' }), turn: 9 })
  news()
  linked.follow({ ...follower({ term: 2 }), turn: 8 })
  t.deepEqual([news(), linked.term()], [[], 3])
})

test('a halt drops every link, and all who listen hear it', t => {
  const { linked, ears, news, follows } = listening()
  linked.listen(ears)
  linked.connected(client)
  linked.connected(member('L'))
  follows('L', 1)
  news()
  linked.halt()
  const once = ['- client 1 1, unknown', '- member L 2, unknown', 'nobody leads, nowhere']
  t.deepEqual(news(), once.flatMap(word => [word, word]))
  t.deepEqual([linked.leader(), linked.at(member('L')), linked.at(client)], [undefined, undefined, undefined])
})
