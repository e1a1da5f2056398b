/**
 * Whether an event can have happened at all: it is of a known type, and has what that type has. Whoever drives the core is a program that may be wrong; what it hands over
 * and cannot be is reported and changes nothing. What can be, and contradicts the state, is another matter: `invariants`.
 */
import { isPosition } from './bounds.js'
import type { RaftEvent, ReadPurpose } from './events.js'
import { isAddress, isMemberId } from './names.js'
import type { MemberId, MembershipWish } from './types.js'
import { areBatches, areBytes, isBody, isListOf, isMembership, isObject, isSnapshot } from './well-formed.js'

const isPurpose = (purpose: ReadPurpose): boolean =>
  isObject(purpose) && (purpose.type === 'apply' || (purpose.type === 'replicate' && typeof purpose.to === 'string'))

const areAddresses = (named: Readonly<Record<MemberId, string>>): boolean => isObject(named) && Object.entries(named).every(([id, address]) => isMemberId(id) && isAddress(address))
const areIds = (ids: readonly MemberId[]): boolean => isListOf(ids, isMemberId)

const isWish = (wish: MembershipWish): boolean => {
  if (!isObject(wish)) return false
  switch (wish.type) {
    case 'abandon': return true
    case 'change': return areAddresses(wish.voters) && areAddresses(wish.learners) && areIds(wish.remove) && (wish.newcomers === undefined || areIds(wish.newcomers))
    default: return false
  }
}

/** Messages are judged where they are received: they are others' words. */
export const isPossible = (event: RaftEvent): boolean => {
  if (!isObject(event)) return false
  switch (event.type) {
    case 'received': return true
    case 'proposed': return isPosition(event.id) && isBody(event.body) && (event.term === undefined || isPosition(event.term))
    case 'readAsked': return isPosition(event.id)
    case 'persisted': return isPosition(event.turn)
    case 'entriesRead': return isPurpose(event.purpose) && isPosition(event.from) && areBatches(event.batches)
    case 'applied': return isPosition(event.index)
    case 'snapshotStored': case 'receiveFailed': return isSnapshot(event.snapshot)
    case 'chunkWritten': return isSnapshot(event.snapshot) && isPosition(event.received)
    case 'chunkRead': return typeof event.to === 'string' && isSnapshot(event.snapshot) && isPosition(event.offset) && (event.chunk === undefined || areBytes(event.chunk))
    case 'peerGone': return typeof event.peer === 'string'
    case 'transferAsked': return isPosition(event.term) && (event.to === undefined || typeof event.to === 'string')
    case 'changeAsked': return isPosition(event.id) && isPosition(event.term) && isWish(event.wish) && (event.from === undefined || isMembership(event.from))
    case 'ticked': return Number.isFinite(event.due)
    default: return false
  }
}
