/** States that are large beside their log, and snapshots that are due by bytes: what some trials have that others have not. */
import { from, switchMap } from 'rxjs'
import { checksumOf } from '../../codecs/bytes.js'
import { DEFAULT_LIMITS } from '../../codecs/options.js'
import type { Millis } from '../../lib/types.js'
import type { Limits, Machine } from '../../streams/index.js'
import { around } from '../../testing/around.js'
import type { Dice } from '../../testing/simulation/world/dice.js'
import { SESSIONS_BYTES } from './settings.js'

export interface States {
  /** In the place of those that were drawn before. */
  readonly limits: Partial<Limits>
  /** What a snapshot holds besides what the machine knows, at most. */
  readonly ballastBytes: number
  /** What a link carries while the storm lasts, where it is thin. */
  readonly linkBytesPerSecond: number | undefined
}

/** How many clusters have snapshots due by bytes alone, and how many others, which count entries, a large state. */
const BY_BYTES = 0.2
const LARGE = 0.3
const NEVER = 1_000_000
/** The largest states: such that one trial may bring several snapshots of them by their bytes, or hardly a second one. */
const SIZES = [64 << 10, 1 << 20] as const
const LEAST_BYTES = 2 << 10
/** Chunks in which one travels: of more a healed cluster would do nothing but wait for the last. */
const CHUNKS = [2, 100] as const
/** One that is held back leaves with a tick: six of them pass in the shortest election timeout. */
const MOST_HELD_BACK = 24

/** How it travels: in many chunks or in few, held back or not, so that it takes a few election timeouts at most. */
const drawTravel = (dice: Dice, ballastBytes: number, electionTimeoutMs: Millis): Partial<Limits> => {
  const bytes = ballastBytes + SESSIONS_BYTES
  const chunks = dice.magnitude(...CHUNKS)
  const isHeldBack = dice.chance(0.5)
  return {
    snapshotChunkBytes: Math.round(bytes / (isHeldBack ? Math.min(chunks, MOST_HELD_BACK) : chunks)),
    // What was drawn for small states would take minutes.
    snapshotBytesPerSecond: isHeldBack ? Math.round(bytes * 1000 / (electionTimeoutMs * dice.magnitude(0.3, 3))) : DEFAULT_LIMITS.snapshotBytesPerSecond,
  }
}

const drawLink = (dice: Dice, ballastBytes: number, electionTimeoutMs: Millis): number | undefined =>
  dice.chance(0.3) ? Math.round((ballastBytes + SESSIONS_BYTES) * 1000 / (electionTimeoutMs * dice.magnitude(0.1, 1))) : undefined

/** With `snapshots` the limits that were drawn for these. */
export const drawStates = (dice: Dice, electionTimeoutMs: Millis, { snapshotEntries }: Partial<Limits>): States => {
  const isByBytes = dice.chance(BY_BYTES)
  const isLarge = dice.chance(isByBytes ? 0.75 : LARGE) && (isByBytes || snapshotEntries !== undefined)
  const ballastBytes = isLarge ? Math.round(dice.magnitude(LEAST_BYTES, dice.pick(SIZES))) : 0
  return {
    limits: {
      ...isByBytes && {
        snapshotBytes: Math.round(dice.magnitude(300, 8192)), snapshotEntries: NEVER, snapshotKeepEntries: dice.pick([0, 0, 1, Math.round(dice.magnitude(2, 50))]),
      },
      ...(isByBytes || isLarge) && drawTravel(dice, ballastBytes, electionTimeoutMs),
    },
    ballastBytes,
    linkBytesPerSecond: isLarge ? drawLink(dice, ballastBytes, electionTimeoutMs) : undefined,
  }
}

/** Bytes that follow from a state, and hardly two states have the same: half as many as may be, or more. */
const ballastOf = (state: Uint8Array, most: number): Uint8Array => {
  const sum = checksumOf(state)
  const words = new Uint32Array(Math.ceil(most / 4))
  let word = sum === 0 ? 1 : sum
  for (let at = 0; at < words.length; at++) {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    words[at] = word
  }
  return new Uint8Array(words.buffer, 0, most - sum % (Math.floor(most / 2) + 1))
}

const LENGTH_BYTES = 4
const PIECE_BYTES = 16 << 10

const joined = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Buffer[] = []
  // Copied, because whoever hands a chunk over may use its memory again for the next.
  for await (const chunk of chunks) all.push(Buffer.from(chunk))
  return Buffer.concat(all)
}

async function* loaded(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  const state = await joined(chunks)
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(state.length)
  yield Buffer.concat([length, state])
  const ballast = ballastOf(state, most)
  for (let at = 0; at < ballast.length; at += PIECE_BYTES) yield ballast.subarray(at, at + PIECE_BYTES)
}

/** The state without its ballast, of which no byte may be another than it was. */
const unloaded = async (chunks: AsyncIterable<Uint8Array>, most: number, spoilt: (claim: string) => void): Promise<Uint8Array> => {
  const whole = await joined(chunks)
  const end = whole.length < LENGTH_BYTES ? whole.length : LENGTH_BYTES + whole.readUInt32LE(0)
  const state = whole.subarray(LENGTH_BYTES, end)
  const ballast = ballastOf(state, most)
  if (whole.subarray(end).equals(ballast)) return state
  const claim = `a snapshot of ${whole.length} bytes holds other ones than the ${ballast.length} that follow from its first ${end}`
  spoilt(claim)
  throw new Error(claim)
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** The machine with so much ballast in its snapshots; `spoilt` hears of what is restored and is not what was saved. */
export const withBallast = <C, R, S>(machine: Machine<C, R, S>, most: number, spoilt: (claim: string) => void): Machine<C, R, S> =>
  most === 0 ? machine : around(machine, running => ({
    snapshot: () => loaded(running.snapshot(), most),
    restore: bytes => from(unloaded(bytes, most, spoilt)).pipe(switchMap(state => running.restore(only(state)))),
  }))
