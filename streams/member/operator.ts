/** What an operator asks of a member that leads: that another leads, or that others belong to the cluster. */
import type { RaftState } from '../../lib/state.js'
import type { Step } from '../../lib/step.js'
import { type Changes, type ChangesOptions, createChanges } from './changes.js'
import { type Transfers, type TransfersOptions, createTransfers } from './transfer.js'

export interface Operator extends Pick<Transfers, 'transfer' | 'leave'>, Pick<Changes, 'change'> {
  /** A step was folded. */
  follow(step: Step): void
  halt(): void
}

type Wish = Parameters<ChangesOptions['ask']>[0] | Parameters<TransfersOptions['ask']>[0]

export const createOperator = (first: RaftState, ask: (wish: Wish) => void, isLinked: TransfersOptions['isLinked']): Operator => {
  const { transfer, leave, ...transfers } = createTransfers({ first, ask, isLinked })
  const { change, ...changes } = createChanges({ first, ask })
  return {
    transfer, leave, change,
    follow: ({ state, ready }) => {
      transfers.follow(state)
      changes.follow(state, ready.changeAnswers)
    },
    halt: () => {
      transfers.halt()
      changes.halt()
    },
  }
}
