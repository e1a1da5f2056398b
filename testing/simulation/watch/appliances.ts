/** Every machine is handed the same commands in the same order, each once, and makes the same of them. */
import { isDeepStrictEqual } from 'node:util'
import type { Type } from 'io-ts'
import { decodeValue, encodeValue } from '../../../codecs/values.js'
import { MachineFailed } from '../../../lib/errors.js'
import { isLeft } from '../../../lib/prelude.js'
import type { EntryBatch, Index, MemberId } from '../../../lib/types.js'
import type { Applied, Commit } from '../../../streams/machine/machine.js'
import { isSame } from '../../same.js'
import { withoutUndefined } from '../../without-undefined.js'
import type { Logs } from './logs.js'
import { createOwed } from './owed.js'
import { told } from './told.js'
import type { Judge } from './violation.js'

export interface Appliances<C, R, S> {
  /** A member's core hands these over to its machine. */
  readonly handed: (batches: readonly EntryBatch[]) => void
  /** A member's machine has applied these. */
  readonly applied: (id: MemberId, commits: readonly Commit<C, R>[]) => void
  /** A member's machine is said to have applied all up to here. */
  readonly reached: (id: MemberId, index: Index) => void
  /** A member's machine begins anew, or from a snapshot. */
  readonly restarted: (id: MemberId, at: Omit<Applied<S>, 'time'>) => void
  /** A member's machine is asked for its state, which is this. */
  readonly saved: (id: MemberId, at: Omit<Applied<S>, 'time'>) => void
  /** Commands with what came of them, by index; indexes that carry no command are left out. */
  readonly commits: ReadonlyMap<Index, Commit<C, R>>
}

/** The last that a machine was given. */
type Place = Pick<Commit<unknown, unknown>, 'index' | 'time'>
const BEGINNING: Place = { index: 0, time: 0 }

const tellCommit = ({ command, result }: Commit<unknown, unknown>): string => `${told(command)} with the result ${told(result)}`

/** What is seen of a state by its contents, as it is now, however the machine goes on with it; undefined where that cannot be had. */
const imageOf = (seen: unknown): { readonly of: unknown } | undefined => {
  try {
    return { of: withoutUndefined(structuredClone(seen)) }
  } catch {
    return undefined
  }
}

/** Whether what is seen of two machines is the same, as far as can be said. */
export const isSameState = (a: unknown, b: unknown): boolean => {
  const [one, other] = [imageOf(a), imageOf(b)]
  return one === undefined || other === undefined || isDeepStrictEqual(one.of, other.of)
}

/** Whoever proposes at the member that leads is given the result itself, and all others what was read from its bytes. */
const checkResult = <R>(codec: Type<R, unknown>, commit: Commit<unknown, R>, { demand }: Judge): void => {
  const { index, result } = commit
  if (result instanceof MachineFailed) return
  const bytes = encodeValue(codec, result)
  const read = isLeft(bytes) ? bytes : decodeValue(codec, bytes.right)
  demand(!isLeft(read) && isSame(read.right, result), () =>
    `the result at ${index} does not come back from its bytes: ${tellCommit(commit)}, ${isLeft(read) ? read.left.join('; ') : `read as ${told(read.right)}`}`)
}

export const createAppliances = <C, R, S>({ history }: Logs, judge: Judge, view: (state: S) => unknown, codec: Type<R, unknown>): Appliances<C, R, S> => {
  const { demand } = judge
  const commits = new Map<Index, Commit<C, R>>()
  const owed = createOwed()
  const last = new Map<MemberId, Place>()
  /** By index, what was seen first of a machine there. */
  const states = new Map<Index, unknown>()

  const compare = (id: MemberId, index: Index, state: S, what: string): void => {
    const image = imageOf(view(state))
    if (image === undefined) return
    if (!states.has(index)) states.set(index, image.of)
    demand(isSameState(states.get(index), image.of), () => `${id} ${what} at ${index} as ${told(image.of)}, which was ${told(states.get(index))}`)
  }

  const checkSkipped = (id: MemberId, after: Index, before: Index): void => {
    for (let skipped = after + 1; skipped < before; skipped++) {
      demand(owed.timeAt(skipped) === undefined && !commits.has(skipped), () => `${id} has applied all from ${after} to ${before - 1}, without ${skipped}`)
    }
  }

  return {
    commits,
    handed: owed.handed,
    reached: (id, index) => {
      const { index: earlier, time } = last.get(id) ?? BEGINNING
      if (index <= earlier) return
      checkSkipped(id, earlier, index + 1)
      last.set(id, { index, time })
    },
    restarted: (id, { index, state }) => {
      last.set(id, { index, time: commits.get(index)?.time ?? 0 })
      compare(id, index, state, 'begins')
    },
    saved: (id, { index, term, state }) => {
      demand(history.terms[index - 1] === term, () => `${id} takes a snapshot at ${index} of term ${term}, which was committed in term ${history.terms[index - 1] ?? 'none'}`)
      compare(id, index, state, 'takes a snapshot')
    },
    applied: (id, applied) => {
      for (const commit of applied) {
        const { index, term, time } = commit
        const { index: earlier, time: before } = last.get(id) ?? BEGINNING
        demand(index > earlier, () => `${id} applied ${index} after ${earlier}`)
        demand(time >= before, () => `${id} applied ${index} at ${time}, after ${earlier} at ${before}`)
        last.set(id, { index, time })
        checkSkipped(id, earlier, index)
        const appendedAt = owed.timeAt(index) ?? commits.get(index)?.time ?? time
        demand(time === appendedAt, () => `${id} applied ${index} at ${time}, which was appended at ${appendedAt}`)
        demand(history.terms[index - 1] === term, () => `${id} applied ${index} of term ${term}, which was committed in term ${history.terms[index - 1] ?? 'none'}`)
        const first = commits.get(index)
        if (first === undefined) {
          commits.set(index, commit)
          checkResult(codec, commit, judge)
        }
        else demand(isSame(commit.command, first.command) && isSame(commit.result, first.result), () => `${id} applied ${index} as ${tellCommit(commit)}, others as ${tellCommit(first)}`)
      }
    },
  }
}
