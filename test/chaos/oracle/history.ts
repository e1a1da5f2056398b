/** What the clients asked and were told, all of it on one clock, and how it is kept in a file. */
import type { Millis } from '../../../lib/types.js'
import type { KeyValueInput, KeyValueOutput, Operation } from '../../../testing/index.js'

/** One operation of one client. */
export interface Asked {
  readonly op: number
  readonly client: string
  readonly input: KeyValueInput
  readonly calledAt: Millis
  /** A get that was no command, but read at a member: it is not in the log, and where it failed it did nothing. */
  readonly isRead?: true
  /** Absent while nobody knows. */
  readonly fate:
    | { readonly type: 'answered'; readonly output: KeyValueOutput; readonly returnedAt: Millis }
    | { readonly type: 'failed'; readonly appended: 'never' | 'unknown' | 'yes'; readonly error: string }
    | undefined
}

/** What never was is left out: it must not excuse anything. */
export const historyOf = (asked: readonly Asked[]): readonly Operation<KeyValueInput, KeyValueOutput>[] => asked.flatMap(
  ({ client, input, calledAt, fate, isRead }): readonly Operation<KeyValueInput, KeyValueOutput>[] => {
    if (fate?.type === 'answered') return [{ client, input, calledAt, output: fate.output, returnedAt: fate.returnedAt }]
    return fate?.appended === 'never' || isRead === true ? [] : [{ client, input, calledAt }]
  })

/** One operation per line. */
export const formatHistory = (asked: readonly Asked[]): string => asked.map(each => `${JSON.stringify(each)}\n`).join('')

export const parseHistory = (text: string): readonly Asked[] => text.split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Asked)
