import * as t from 'io-ts'
import { MAX_POSITION, MAX_TIME, isTime } from '../lib/bounds.js'
import { MAX_ID_BYTES, isAddress, isOfEveryObject, isVisible } from '../lib/names.js'
import { isLeft } from '../lib/prelude.js'
import type * as core from '../lib/types.js'
import { through } from './depth.js'

/** A codec that validates and changes nothing: `fault` names what is wrong with a value, or returns undefined. */
export const guard = <A>(name: string, fault: (value: unknown) => string | undefined): t.Type<A> => new t.Type<A>(
  name,
  (value): value is A => fault(value) === undefined,
  (value, context) => {
    const message = fault(value)
    return message === undefined ? t.success(value as A) : t.failure(value, context, message)
  },
  t.identity,
)

/** `codec` with one more condition, on the value as a whole: what its fields must be to each other. */
export const checked = <A>(codec: t.Type<A, unknown>, fault: (value: A) => string | undefined): t.Type<A, unknown> => through(new t.Type<A, unknown>(
  codec.name,
  (value): value is A => codec.is(value) && fault(value) === undefined,
  (value, context) => {
    const decoded = codec.validate(value, context)
    if (isLeft(decoded)) return decoded
    const message = fault(decoded.right)
    return message === undefined ? decoded : t.failure(value, context, message)
  },
  codec.encode,
), codec)

/** An integer from `least` to `most`: no NaN, no Infinity, no fraction, nothing that rounds. */
export const integer = (name: string, least: number, most = MAX_POSITION): t.Type<number> => guard(name, value =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
    ? undefined
    : `must be an integer from ${least} to ${most}`)

/** A string of 1 to `most` visible ASCII characters, so that its length is its size in bytes and every log line can show it. */
export const visible = (name: string, most: number): t.Type<string> => guard(name, value =>
  isVisible(value, most)
    ? undefined
    : `must be a string of 1 to ${most} visible ASCII characters`)

/** Timers of Node fire at once beyond this. */
export const MAX_TIMER_MS = 2 ** 31 - 1

/** 0 means none. */
export const Index: t.Type<core.Index> = integer('Index', 0)
/** Where an entry stands: 0, which means none, is no place. */
export const EntryIndex: t.Type<core.Index> = integer('EntryIndex', 1)
/** 0 only before the first election. */
export const Term: t.Type<core.Term> = integer('Term', 0)
/** Of an entry: whoever appended it was elected. */
export const EntryTerm: t.Type<core.Term> = integer('EntryTerm', 1)
/** Microseconds of the asker's clock. */
export const Round: t.Type<core.Round> = integer('Round', 0)
/** How many, none included. */
export const Count: t.Type<number> = integer('Count', 0)
/** Of what a member applies commands with; 0 where nothing was said. */
export const MachineVersion: t.Type<number> = integer('MachineVersion', 0)
/** 32 bits. */
export const Checksum: t.Type<number> = integer('Checksum', 0, 0xffff_ffff)
/** A span that a timer can wait. */
export const TimerMs: t.Type<core.Millis> = integer('TimerMs', 1, MAX_TIMER_MS)

/** A date in milliseconds since 1970, possibly with a fraction. */
export const Millis: t.Type<core.Millis> = guard('Millis', value =>
  isTime(value) ? undefined : `must be a number from 0 to ${MAX_TIME}`)

const printableId = visible('MemberId', MAX_ID_BYTES)

/** Names that every object has are refused: ids are keys of records, and a lookup must not find what nobody put there. */
export const MemberId: t.Type<core.MemberId> = guard('MemberId', value => {
  if (!printableId.is(value)) return `must be a string of 1 to ${MAX_ID_BYTES} visible ASCII characters`
  return isOfEveryObject(value) ? 'must not be a name that every object has' : undefined
})

/** An object with one `codec` value per member, copied; unlike `t.record` it refuses a key that is no id, instead of dropping it. */
export const byMember = <A>(name: string, codec: t.Type<A, unknown>): t.Type<Readonly<Record<core.MemberId, A>>, unknown> =>
  new t.DictionaryType<t.Type<core.MemberId>, t.Type<A, unknown>, Readonly<Record<core.MemberId, A>>, unknown, unknown>(
    name,
    (value): value is Readonly<Record<core.MemberId, A>> =>
      t.UnknownRecord.is(value) && Object.entries(value).every(([id, item]) => MemberId.is(id) && codec.is(item)),
    (value, context) => {
      if (!t.UnknownRecord.is(value)) return t.failure(value, context, 'must be an object')
      const copy: Record<core.MemberId, A> = {}
      const faults: t.Errors = []
      for (const [id, item] of Object.entries(value)) {
        const key = MemberId.validate(id, t.appendContext(context, id, MemberId, id))
        const decoded = codec.validate(item, t.appendContext(context, id, codec, item))
        if (isLeft(key)) faults.push(...key.left)
        else if (isLeft(decoded)) faults.push(...decoded.left)
        else copy[key.right] = decoded.right
      }
      return faults.length > 0 ? t.failures(faults) : t.success(copy)
    },
    t.identity, MemberId, codec,
  )

/** Compared as a whole and never taken apart. */
export const Incarnation: t.Type<core.Incarnation> = visible('Incarnation', 64)
/** As `clusterIdOf` or `clusterNameIdOf` makes it; here only bounded. */
export const ClusterId: t.Type<string> = visible('ClusterId', 128)

/** `host:port`, the host a name, an IPv4 address or a bracketed IPv6 address. */
export const Address: t.Type<string> = guard('Address', value => isAddress(value) ? undefined : 'must be an address "host:port"')
