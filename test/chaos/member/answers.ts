/** What a member answers to whoever asks it as a program in its process would. */
import { firstValueFrom } from 'rxjs'
import { type Either, isLeft } from '../../../lib/prelude.js'
import type { Millis } from '../../../lib/types.js'
import type { Raft } from '../../../streams/index.js'
import type { KeyValueOutput } from '../../../testing/index.js'
import type { Command, Contents } from './machine.js'
import type { Answer, Question } from './protocol.js'

export type Member = Raft<Command, KeyValueOutput, Contents>

const answered = <A>(outcome: Either<{ readonly _tag: string }, A>, answer: (value: A) => Answer): Answer =>
  isLeft(outcome) ? { type: 'failed', error: outcome.left._tag } : answer(outcome.right)
const done = (): Answer => ({ type: 'done' })

export const answerTo = async (raft: Member, question: Question, timeoutMs: Millis): Promise<Answer> => {
  switch (question.type) {
    case 'read': return answered(await raft.read(({ map }) => map.get(question.key) ?? null, { timeoutMs }), value => ({ type: 'read', value }))
    case 'transfer': return answered(await raft.transferLeadership(question.to), done)
    case 'change': return answered(await raft.members.change(question.change, { timeoutMs }), done)
    case 'abandon': return answered(await raft.members.abandon({ timeoutMs }), done)
    case 'membership': {
      const read = await raft.read(() => undefined, { timeoutMs })
      if (isLeft(read)) return { type: 'failed', error: read.left._tag }
      const { isCommitted, ...membership } = await firstValueFrom(raft.membership$)
      return { type: 'membership', membership, isCommitted }
    }
  }
}
