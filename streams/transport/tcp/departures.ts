import { isLeft } from '../../../lib/prelude.js'
import type { MemberId, Millis } from '../../../lib/types.js'
import type { Cancel } from '../../time/clock.js'
import { type Address, parseAddress } from './addresses.js'
import type { Dialling } from './dialler.js'
import type { Endpoint } from '../port.js'
import type { Registry } from './registry.js'
import type { RollCall } from '../roll.js'
import { REFUSED } from './sockets.js'

/**
 * A member whose link went down is looked for at once, and again so long after each answer: a process that is dying may still accept for a
 * moment, and whoever asks others about its end asks again where they hear of it later.
 */
const PROBE_AGAIN_MS: readonly Millis[] = [5, 10, 20, 40]
/** A dial that is not answered within this says nothing of the member, and is the last. */
const PROBE_TIMEOUT_MS: Millis = 500

/** Dials, says nothing, and closes at once. Without TLS: what matters is told before that begins. */
const probe = ({ dial }: Dialling['sockets'], { after }: Endpoint['clock'], address: Address, ended: (outcome: 'refused' | 'unanswered' | 'other') => void): Cancel => {
  const stream = dial(address, undefined)
  let isUnanswered = false
  const cancelTimeout = after(PROBE_TIMEOUT_MS, () => {
    isUnanswered = true
    stream.destroy()
  })
  stream.attach({
    opened: () => stream.destroy(),
    received: () => undefined,
    closed: reason => {
      cancelTimeout()
      ended(isUnanswered ? 'unanswered' : reason === REFUSED ? 'refused' : 'other')
    },
  })
  return () => stream.destroy()
}

/**
 * Looks for each member whose link went down where it is reached, whoever dialled that link, and tells of it as gone each time it is
 * refused there: a process that ends closes its sockets at once, and only its system refuses. Until the result is called.
 */
export const watchDepartures = ({ clock }: Endpoint, { sockets, objection }: Dialling, roll: RollCall, registry: Registry): Cancel => {
  const searches = new Map<MemberId, Cancel>()

  const look = (peer: MemberId, [wait, ...later]: readonly Millis[]): void => {
    const address = parseAddress(roll.addressOf(peer) ?? '')
    if (isLeft(address) || objection(address.right) !== undefined) return
    const release = registry.hold()
    let isStopped = false
    const stop = probe(sockets, clock, address.right, outcome => {
      release()
      if (isStopped) return
      searches.delete(peer)
      if (outcome === 'refused') registry.gone(peer)
      if (outcome !== 'unanswered' && wait !== undefined) searches.set(peer, clock.after(wait, () => look(peer, later)))
    })
    searches.set(peer, () => {
      isStopped = true
      stop()
    })
  }
  const giveUp = (peer: MemberId): void => {
    searches.get(peer)?.()
    searches.delete(peer)
  }

  const subscription = registry.events$.subscribe(event => {
    if ((event.type !== 'connected' && event.type !== 'disconnected') || event.party.type === 'client') return
    giveUp(event.party.id)
    if (event.type === 'disconnected') look(event.party.id, PROBE_AGAIN_MS)
  })
  return () => {
    subscription.unsubscribe()
    for (const peer of [...searches.keys()]) giveUp(peer)
  }
}
