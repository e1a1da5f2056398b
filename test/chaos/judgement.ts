import { type Verdict, judge, keyValueModel } from '../../testing/index.js'
import { type Asked, historyOf } from './oracle/history.js'

export interface Judgement {
  readonly verdict: Verdict<never, never, never>['_tag']
  readonly text: string
}

/** Whether the clients could have talked to one copy of the map. */
export const judgeHistory = (asked: readonly Asked[]): Judgement => {
  const verdict = judge(keyValueModel, historyOf(asked))
  switch (verdict._tag) {
    case 'Linearizable': return { verdict: verdict._tag, text: 'linearizable' }
    case 'Undecided': return { verdict: verdict._tag, text: `undecided: the history of ${verdict.partition} is too tangled for ${verdict.maxStates} states` }
    case 'NotLinearizable': return {
      verdict: verdict._tag,
      text: `not linearizable: ${verdict.partition} is ${JSON.stringify(verdict.state)} after ${verdict.prefix.length} operations, and then ${
        verdict.misfits.map(({ operation: { client, input, output }, expected }) => `${client} was told ${JSON.stringify(output)} to ${JSON.stringify(input)}, not ${JSON.stringify(expected)}`).join('; ')}`,
    }
  }
}
