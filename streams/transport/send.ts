import type { LinkMessage } from '../../lib/requests.js'
import type { Step } from '../../lib/step.js'
import type { Clock } from '../time/clock.js'
import { type Links, type Party, partyKey } from './port.js'

/** Gathers what goes to each party, so that a turn costs one write per link. */
export interface Sender {
  /** A step's messages to other members' cores, and all that was gathered, leave. */
  step(step: Step): void
  /** A reply; it leaves with the next flush, at the latest at the end of the turn. */
  to(party: Party, message: LinkMessage): void
  /** Hands over what was gathered. */
  flush(): void
}

export const createSender = (links: Pick<Links, 'send'>, endOfTurn: Clock['endOfTurn']): Sender => {
  const gathered = new Map<string, { readonly party: Party; readonly messages: LinkMessage[] }>()
  let isScheduled = false

  const gather = (party: Party, message: LinkMessage): void => {
    const key = partyKey(party)
    const found = gathered.get(key)
    if (found) found.messages.push(message)
    else gathered.set(key, { party, messages: [message] })
  }
  const flush = (): void => {
    if (gathered.size === 0) return
    const all = [...gathered.values()]
    gathered.clear()
    for (const { party, messages } of all) links.send(party, messages)
  }

  return {
    flush,
    step: ({ ready }) => {
      for (const message of ready.messages) gather({ type: 'member', id: message.to }, message)
      flush()
    },
    to: (party, message) => {
      gather(party, message)
      if (isScheduled) return
      isScheduled = true
      endOfTurn(() => {
        isScheduled = false
        flush()
      })
    },
  }
}
