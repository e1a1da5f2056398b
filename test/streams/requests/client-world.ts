/** A client among members that do as a test says, in virtual time. */
import * as t from 'io-ts'
import { Subject } from 'rxjs'
import { type Client, type ClientOptions, connectWith } from '../../../client/connect.js'
import type { ConnectError } from '../../../client/index.js'
import { forEachEntry, isOpening } from '../../../codecs/entries.js'
import { OPENED, encodeResults } from '../../../codecs/results.js'
import { decodeValue } from '../../../codecs/values.js'
import type { ProposeError } from '../../../lib/errors.js'
import { type Either, isLeft, isRight } from '../../../lib/prelude.js'
import type { LinkMessage, MembersNews, ProposeRefused, ProposeRequest } from '../../../lib/requests.js'
import type { ClientLink, ClientLinkEvent, Unanswered } from '../../../streams/transport/port.js'
import type { ClientDial } from '../../../streams/transport/tcp/dial.js'
import { virtualClock } from '../member/world.js'

export const protocol = { command: t.string, result: t.string }
export const members = { n1: '127.0.0.1:1', n2: '127.0.0.1:2', n3: '127.0.0.1:3' }
/** Members that clients are not given, but may be pointed at or told of. */
export const LATER = 'n4'
const EVEN_LATER = ['n5', 'n6']

/** A member as its clients see it. */
interface Fake {
  /** What it does with whoever dials. */
  handshake: 'welcome' | 'refuse' | 'silence'
  /** Where it is reached, and nowhere else; anywhere unless told otherwise. */
  at: string | undefined
  /** Who belongs to the cluster, as it tells whoever it lets in. */
  tells: MembersNews | undefined
  /** How long it takes over it. */
  handshakeMs: number
  /** Whether it opens sessions for whoever asks, so that `answer` is asked for commands alone; unless told otherwise. */
  opens: boolean
  /** What it says to a request; undefined: nothing yet. */
  answer: (request: ProposeRequest) => LinkMessage | undefined
  readonly links: Set<Subject<ClientLinkEvent>>
  /** Dialled, and not yet linked or given up. */
  readonly waiting: Set<Subject<ClientLinkEvent>>
  readonly heard: string[]
}

const commandsIn = ({ body }: ProposeRequest): readonly string[] => {
  if (isOpening(body)) return ['opens']
  const commands: string[] = []
  forEachEntry(body, 0, body.count, entry => {
    const command = decodeValue(t.string, entry)
    if (isRight(command)) commands.push(command.right)
  })
  return commands
}
export const committed = (request: ProposeRequest): LinkMessage => {
  const results = encodeResults(t.string, isOpening(request.body) ? [OPENED] : commandsIn(request).map(command => command.toUpperCase()))
  return { type: 'committed', id: request.id, firstIndex: 1, term: 1, results: results.body }
}
export const refusedBy = (reason: ProposeRefused['reason'], leader?: string, address = 'elsewhere:1') => (request: ProposeRequest): LinkMessage =>
  ({ type: 'refused', id: request.id, reason, place: undefined, leader: leader === undefined ? undefined : { id: leader, address, term: 1 } })

/** Who belongs, as a member tells it. */
export const belonging = (index: number, addresses: Readonly<Record<string, string>>): MembersNews =>
  ({ type: 'members', index, membership: { voters: Object.keys(addresses), outgoing: [], learners: [], addresses } })

/** What the leader of `term` answers: only who means it is served. */
export const leading = (leader: string, term: number) => (request: ProposeRequest): LinkMessage => request.term === term ? committed(request)
  : { type: 'refused', id: request.id, reason: 'notLeader', place: undefined, leader: { id: leader, address: 'elsewhere:1', term } }

/** Members and a clock in the test's hands. */
export const world = (options: Partial<ClientOptions<string, string>> = {}) => {
  const clock = virtualClock()
  const fakes: Record<string, Fake> = {}
  for (const id of [...Object.keys(members), LATER, ...EVEN_LATER]) {
    fakes[id] = { handshake: 'welcome', at: undefined, tells: undefined, handshakeMs: 1, opens: true, answer: refusedBy('notLeader'), links: new Set(), waiting: new Set(), heard: [] }
  }
  const dialled: string[] = []
  const addresses: string[] = []
  const clusterNameIds = new Set<string>()
  const dial = ({ member, address, clusterNameId }: Pick<ClientDial, 'member' | 'address' | 'clusterNameId'>): ClientLink => {
    const fake = fakes[member]!
    const events = new Subject<ClientLinkEvent>()
    const end = (last: ClientLinkEvent): void => {
      fake.links.delete(events)
      fake.waiting.delete(events)
      events.next(last)
      events.complete()
    }
    dialled.push(member)
    addresses.push(address)
    fake.waiting.add(events)
    clusterNameIds.add(clusterNameId)
    clock.after(fake.handshakeMs, () => {
      if (fake.handshake === 'refuse' || (fake.at ?? address) !== address) end({ type: 'refused', reason: 'connection refused' })
      if (fake.handshake !== 'welcome' || !fake.waiting.delete(events)) return
      fake.links.add(events)
      events.next({ type: 'connected' })
      if (fake.tells !== undefined) events.next({ type: 'received', message: fake.tells })
    })
    return {
      events$: events,
      send: messages => messages.forEach(message => {
        if (message.type !== 'propose') return
        const isOpened = fake.opens && isOpening(message.body)
        if (!isOpened) fake.heard.push(commandsIn(message).join(' '))
        clock.after(1, () => {
          const answer = !fake.links.has(events) ? undefined : isOpened ? committed(message) : fake.answer(message)
          if (answer !== undefined) events.next({ type: 'received', message: answer })
        })
      }),
      close: () => clock.after(1, () => end({ type: 'disconnected', reason: 'closed here', unanswered: 'unknown' })),
    }
  }
  const host = { clock, random: () => 0, dial }
  return {
    clock, fakes, dialled, addresses, clusterNameIds,
    connect: (): Promise<Either<ConnectError, Client<string, string>>> => connectWith(host, { cluster: 'test', members, protocol, ...options }),
    /** A member tells all whom it has let in. */
    tell: (id: string, news: MembersNews): void => [...fakes[id]!.links].forEach(events => events.next({ type: 'received', message: news })),
    /** All links of a member go down. */
    cut: (id: string, unanswered: Unanswered = 'unknown'): void => [...fakes[id]!.links].forEach(events => {
      fakes[id]!.links.delete(events)
      events.next({ type: 'disconnected', reason: 'cut', unanswered })
      events.complete()
    }),
    /** What comes of a promise, with the time that it needs passing. */
    within: async <A>(ms: number, promise: Promise<A>): Promise<A | 'pending'> => {
      let outcome: A | 'pending' = 'pending'
      void promise.then(value => { outcome = value })
      for (let passed = 0; passed <= ms && outcome === 'pending'; passed += 5) {
        clock.advance(5)
        await Promise.resolve()
        await Promise.resolve()
      }
      return outcome
    },
  }
}
export type World = ReturnType<typeof world>

export const connected = async (w: World): Promise<Client<string, string>> => {
  const outcome = await w.within(10_000, w.connect())
  if (outcome === 'pending' || isLeft(outcome)) throw new Error('not connected')
  return outcome.right
}
export const shown = (outcome: Either<ProposeError, string> | 'pending'): string =>
  outcome === 'pending' ? outcome : isRight(outcome) ? outcome.right : `${outcome.left._tag} ${outcome.left.appended}`
