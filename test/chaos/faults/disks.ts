/** Disks that are slow, silent, full or broken; and clocks, which are told in the same way. */
import type { MemberId } from '../../../lib/types.js'
import { type DiskFaults, HEALTHY, type ToMember } from '../member/protocol.js'
import type { Choice, Fault, Stage } from './fault.js'

const HOUR_MS = 3_600_000
const FULL_AFTER_BYTES = 2000
const MOST_SYNC_MS = 1000
const LIMIT_BLOCKS = 40

/** Told to some, and taken back in the end; whoever is started in between knows nothing of it. */
const telling = (
  choose: Choice, order: (amount: number) => ToMember, back: ToMember, { isHarmless = false, mayEnd = false }: { readonly isHarmless?: boolean; readonly mayEnd?: boolean } = {},
): Fault => async (stage, strike) => {
  const { cluster } = stage
  const whom = choose(stage, strike).filter(id => cluster.isAwake(id))
  if (whom.length === 0) return undefined
  const overs = isHarmless ? [] : whom.map(stage.disturb)
  if (mayEnd) whom.forEach(stage.expectEnd)
  whom.forEach(id => cluster.tell(id, order(strike.amount)))
  return {
    whom: whom.join(' '),
    mend: () => {
      whom.forEach(id => cluster.tell(id, back))
      overs.forEach(over => over())
    },
  }
}

const disk = (faults: Partial<DiskFaults>): ToMember => ({ type: 'disk', faults: { ...HEALTHY, ...faults } })

export const slow = (choose: Choice): Fault =>
  telling(choose, amount => disk({ syncDelayMs: 20 + amount * MOST_SYNC_MS, writeDelayMs: amount * 5 }), disk({}), { mayEnd: true })
export const stalled = (choose: Choice): Fault => telling(choose, () => disk({ isStalled: true }), disk({}), { mayEnd: true })
export const syncError = (choose: Choice): Fault => telling(choose, () => disk({ syncFails: true }), disk({}), { mayEnd: true })
export const full = (choose: Choice): Fault => telling(choose, amount => disk({ roomBytes: Math.floor(amount * FULL_AFTER_BYTES) }), disk({}), { mayEnd: true })

/** Decides nothing, and so disturbs nobody. */
export const wallClock = (choose: Choice): Fault =>
  telling(choose, amount => ({ type: 'clock', wallAheadMs: (amount - 0.5) * 4 * HOUR_MS, rate: 1 }), { type: 'clock', wallAheadMs: 0, rate: 1 }, { isHarmless: true })
export const drift = (choose: Choice): Fault =>
  telling(choose, amount => ({ type: 'clock', wallAheadMs: 0, rate: 0.95 + amount / 10 }), { type: 'clock', wallAheadMs: 0, rate: 1 }, { isHarmless: true })

const restart = async (stage: Stage, id: MemberId, fileBlocks?: number): Promise<void> => {
  await stage.cluster.kill(id)
  if (fileBlocks === undefined) return stage.revive(id)
  stage.expectEnd(id)
  const start = await stage.cluster.start(id, fileBlocks)
  if (start.type !== 'started') stage.count(`not started within ulimit -f: ${start.type === 'refused' ? start.tag : start.type}`)
}

/** A real limit from the shell: the last segment cannot grow. */
export const fileLimit: Fault = async (stage, { order }) => {
  const [id] = order
  if (id === undefined || !stage.cluster.isRunning(id)) return undefined
  const release = stage.holdDown(id)
  const over = stage.disturb(id)
  await restart(stage, id, LIMIT_BLOCKS)
  return {
    whom: id,
    mend: async () => {
      release()
      over()
      await restart(stage, id)
    },
  }
}
