/** Every link has an origin at the intake, and the way to the leader is a route of the outlet. */
import type { ProposeReply, ProposeRequest } from '../../lib/requests.js'
import type { MemberId, Term } from '../../lib/types.js'
import type { LeaderPlace, LinkLife, Linked } from '../transport/linked.js'
import type { Links, Party } from '../transport/port.js'
import type { Intake, Origin } from './intake.js'
import type { Outlet } from './outlet.js'
import type { Route, Unaddressed } from './route.js'

export interface Routes {
  /** A request for the leader that came over a link. */
  requested(link: LinkLife, request: ProposeRequest): void
  /** What became of a request that left over a link. */
  replied(link: LinkLife, reply: ProposeReply): void
}

interface RoutesOptions<C, R> {
  /** This member. */
  readonly id: MemberId
  readonly outlet: Pick<Outlet<C, R>, 'reroute' | 'settle' | 'appended' | 'replied' | 'gone'>
  readonly intake: Pick<Intake<R>, 'openSelf' | 'openLink'>
  readonly links: Pick<Links, 'send'>
  readonly linked: Pick<Linked, 'listen' | 'term'>
  reply(to: Party, reply: ProposeReply): void
}

const addressed = ({ type, id, epoch, body }: Unaddressed, term: Term): ProposeRequest => ({ type, id, epoch, term, body })

export const createRoutes = <C, R>({ id: self, outlet, intake, links, linked, reply }: RoutesOptions<C, R>): Routes => {
  const origins = new Map<string, Origin>()

  const routeTo = (where: LeaderPlace): Route => {
    const { key } = where
    if (where.type === 'here') {
      const { office, office: { term } } = where
      const origin = intake.openSelf(fate => outlet.settle(key, fate), (id, index) => outlet.appended(key, id, index, term))
      return { key, to: self, office, send: requests => requests.forEach(request => origin.receive(addressed(request, term))) }
    }
    const { id } = where
    return { key, to: id, office: undefined, send: requests => links.send({ type: 'member', id }, requests.map(request => addressed(request, linked.term()))) }
  }

  linked.listen({
    opened: ({ key, party }) => { origins.set(key, intake.openLink(party, answer => reply(party, answer))) },
    closed: (key, unanswered) => {
      origins.get(key)?.close()
      origins.delete(key)
      outlet.gone(key, unanswered)
    },
    led: (where, leader) => outlet.reroute(where && routeTo(where), leader),
  })
  return {
    requested: ({ key }, request) => origins.get(key)?.receive(request),
    replied: ({ key }, answer) => outlet.replied(key, answer),
  }
}
