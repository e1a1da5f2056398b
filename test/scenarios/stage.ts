/**
 * Where a story is played: a cluster, its mail and its disks, moved by commands and by nothing else. Letters lie in the mail until
 * they are delivered, writes wait until they are told to be durable; machines apply at once. What must hold for a cluster is
 * checked after every step and every command.
 *
 *     disk n1 T6 vote=n2 log=1@1,2@1     what a member finds when it starts; before `cluster`
 *     cluster n1 n2 n3 maxAppendBytes=1  settings that differ from the tests' own
 *     cluster n1 n2 n3 | n4 n5           n4 and n5 are up, know nobody and belong to nobody as yet
 *     stand n1 · elect n1                n1's wait ends; elect also stabilizes
 *     tick n1 200 · tick n1 900 late     time passes and n1 notices; late: it was not there meanwhile
 *     wait 200 · live 2000               everybody notices; live: in steps of a heartbeat, stabilizing after each
 *     propose n1 1 2                     two proposals, named by their numbers, in one turn
 *     read n1 1                         a read, by its number
 *     deliver · drop · duplicate WHAT    WHAT: all, or any of: a kind (AE part ok no IS got TN RV by-wish-RV RVR pre-RV pre-RVR), from n1, to n2, first, last
 *     keep WHAT as late · deliver late   a letter put aside, to come when it is called, as often as it is called
 *     letter n3 AE(n2; T2; 1@1; [2@2]; c=0)    one that n3 never wrote
 *     snapshot n1 · lose n1              n1 takes a snapshot of its machine; a member that is down loses its snapshot
 *     persist n1 · slow n1 · quick n1    the oldest write is durable; a disk hangs (only persist moves it) and works again
 *     partition n1 | n2 n3 · heal        letters between the parts are lost when they are due
 *     crash · restart · wipe · join n1   wipe: down, and its disk is lost; join: it starts anew without it, to be added
 *     suspend n1 · resume n1             its machine stands still, and its clock with it
 *     gone n1 n2 n3                      n2 and n3 hear that the process of n1 has ended, true or not
 *     transfer n1 [n2]                   n1 is asked to hand its leadership over
 *     change n1 +n4 ?n3 -n2              n1 is asked to change the membership: n4 shall vote, n3 learn, n2 go
 *     change n1 abandon                  the change that is under way shall end where it began
 *     stabilize                          deliver, write and apply until nothing is under way
 *     state [n1] · progress n1 · mail    what they know, what one leader knows of the others, what is under way
 *     expect n1 n2 leader term=2 log=1@1!,2@1 · expect mail 0     a fact that the story ends with
 *
 * `quietly` before a command leaves letters and writes out of its trace.
 */
import type { Message } from '../../lib/messages.js'
import type { Settings } from '../../lib/state.js'
import type { MemberId, Millis } from '../../lib/types.js'
import { body, show, showWrite, words } from '../lib/build.js'
import { type Beginning, type Cluster, cluster } from '../lib/cluster.js'
import { type Memory, blank, brokenAmong, notOnMajority, remember } from '../lib/promises.js'
import { tellMember, tellProgress } from '../lib/tell.js'
import { wishOf } from '../lib/wishes.js'
import { entriesOf, options, unexpected } from './expectation.js'
import { parseLetter, select } from './letters.js'
import { createTrace } from './trace.js'

const HEARTBEAT_MS = 100

export const createStage = (): ((command: string) => readonly string[]) => {
  const trace = createTrace()
  const disks: Record<MemberId, NonNullable<Beginning['disks']>[MemberId]> = {}
  const kept = new Map<string, Message>()
  const slow = new Set<MemberId>()
  let group: Cluster = cluster('')
  let parts: readonly (readonly MemberId[])[] = []
  let memory: Memory = blank
  let changes = 0

  const demand = (broken: readonly string[]): void => { if (broken.length > 0) throw new Error(broken.join('; ')) }
  const begin = (args: readonly string[]): void => {
    const { named, plain } = options(args)
    const settings: Partial<Settings> = Object.fromEntries(Object.entries(named).map(([name, value]) => [name, Number(value)]))
    group = cluster(plain.join(' '), {
      settings, disks,
      watch: {
        left: trace.left,
        stepped: (before, after, ready) => {
          trace.stepped(before, after, ready)
          const remembered = remember(memory, { id: after.settings.id, state: after })
          memory = remembered.memory
          demand(remembered.broken)
          if (after.role === 'leader') demand(notOnMajority(before, after, group.members))
        },
      },
    })
  }
  const putDisk = ([id, term, ...rest]: readonly string[]): void => {
    const { named } = options(rest)
    const hardState = { term: Number(term!.slice(1)), votedFor: named['vote'], commitIndex: Number(named['commit'] ?? 0) }
    disks[id!] = { hardState, batches: entriesOf(named['log'] ?? '') }
  }
  const isCut = ({ from, to }: Message): boolean => parts.length > 0 && !parts.some(part => part.includes(from) && part.includes(to))
  const isLost = (message: Message): boolean => {
    if (isCut(message)) trace.lost(message)
    return isCut(message)
  }
  const stabilize = (): void => { group.settle(isLost, id => slow.has(id)) }
  const stand = (id: MemberId): void => { group.wait(Math.max(0, group.member(id).state.electionDeadline - group.now), [id]) }
  const live = (ms: Millis): void => {
    for (let left = ms; left > 0; left -= HEARTBEAT_MS) {
      group.wait(HEARTBEAT_MS)
      stabilize()
    }
  }
  const tick = (id: MemberId, ms: Millis, late: boolean): void => {
    if (!late) return group.wait(ms, [id])
    const due = group.now
    group.wait(ms, [])
    group.act(id, { type: 'ticked', due })
  }
  const hear = (message: Message): void => { if (!isLost(message)) group.act(message.to, { type: 'received', message }) }
  const takeFromMail = (args: readonly string[]): readonly Message[] => {
    const found = select(group.mail, args)
    for (const message of found) group.mail.splice(group.mail.indexOf(message), 1)
    return found
  }
  const keep = (args: readonly string[]): void => {
    const [message, ...more] = takeFromMail(args.slice(0, -2))
    if (more.length > 0) throw new Error('one name, one letter')
    kept.set(args.at(-1)!, message!)
  }
  const deliver = (args: readonly string[]): void => {
    const letter = kept.get(args[0]!)
    for (const message of letter ? [letter] : takeFromMail(args)) hear(message)
  }
  const persist = (id: MemberId): void => {
    const [oldest] = group.member(id).shell.writes
    if (oldest === undefined) throw new Error('nothing is being written')
    trace.say(`${id} has written ${oldest.writes.map(showWrite).join(' and ')}`)
    group.sync(id)
  }
  const expect = (args: readonly string[]): void => {
    if (args[0] !== 'mail') return demand(unexpected(args, group.member))
    demand(group.mail.length === Number(args[1]) ? [] : [`${group.mail.length} letters are under way`])
  }
  const tell = (args: readonly string[]): void => {
    for (const member of group.members) if (args.length === 0 || args.includes(member.id)) trace.say(tellMember(member))
  }
  const each = (act: (id: MemberId) => void) => (ids: readonly string[]): void => { for (const id of ids) act(id) }

  const commands: Readonly<Record<string, (args: readonly string[]) => void>> = {
    cluster: begin, disk: putDisk, stabilize, keep, deliver, expect, state: tell,
    stand: each(stand),
    elect: each(id => { stand(id); stabilize() }),
    tick: ([id, ms, late]) => { tick(id!, Number(ms), late === 'late') },
    wait: ([ms]) => { group.wait(Number(ms)) },
    live: ([ms]) => { live(Number(ms)) },
    propose: ([id, ...requests]) => { group.act(id!, ...requests.map(request => ({ type: 'proposed', id: Number(request), body: body() }) as const)) },
    read: ([id, ...reads]) => { group.act(id!, ...reads.map(read => ({ type: 'readAsked', id: Number(read) }) as const)) },
    drop: args => { takeFromMail(args) },
    duplicate: args => { group.mail.push(...select(group.mail, args)) },
    letter: ([from, ...text]) => { group.mail.push(parseLetter(from!, text.join(' '))) },
    snapshot: each(id => { group.takeSnapshot(id) }),
    lose: each(id => { group.loseSnapshot(id) }),
    persist: each(persist),
    slow: each(id => { slow.add(id) }),
    quick: each(id => { slow.delete(id) }),
    partition: args => { parts = args.join(' ').split('|').map(words) },
    heal: () => { parts = [] },
    crash: each(id => { group.crash(id) }),
    restart: each(id => { group.restart(id) }),
    suspend: each(id => { group.suspend(id) }),
    resume: each(id => { group.resume(id) }),
    join: each(id => { group.join(id) }),
    gone: ([peer, ...ids]) => { for (const id of ids) group.act(id, { type: 'peerGone', peer: peer! }) },
    transfer: ([id, to]) => { group.act(id!, { type: 'transferAsked', term: group.member(id!).state.term, to }) },
    change: ([id, ...wish]) => { group.change(id!, ++changes, wishOf(wish.join(' '))) },
    wipe: each(id => { group.crash(id); group.wipe(id) }),
    progress: each(id => { for (const line of tellProgress(group.member(id))) trace.say(line) }),
    mail: () => { for (const message of group.mail) trace.say(`under way from ${message.from}: ${show(message)}`) },
  }
  return command => {
    const [first, ...rest] = words(command)
    const quiet = first === 'quietly'
    const [name, ...args] = quiet ? rest : [first!, ...rest]
    const run = commands[name!]
    if (run === undefined) throw new Error('no such command')
    run(args)
    for (const { id } of group.members) group.work(id)
    demand(brokenAmong(group.members))
    return trace.take(quiet)
  }
}
