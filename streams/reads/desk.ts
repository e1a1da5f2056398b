/** Where reads reach the core: those of this member and those of others become `readAsked` events, and go back with what the core says to them. */
import type { ReadAnswer } from '../../lib/events.js'
import type { RequestId } from '../../lib/types.js'

export interface Desk {
  /** Asks the core; `origin` names the link over which the question came. The answer bears the id that is given. */
  ask(origin: string, id: number, reply: (answer: ReadAnswer) => void): void
  /** What a step answered. */
  answered(answers: readonly ReadAnswer[]): void
  /** Nobody of this origin is there any more to be told. */
  gone(origin: string): void
}

interface Question {
  readonly origin: string
  readonly id: number
  readonly reply: (answer: ReadAnswer) => void
}

/** `ask` puts a `readAsked` event into the inbox. */
export const createDesk = (ask: (id: RequestId) => void): Desk => {
  const questions = new Map<RequestId, Question>()
  let lastId: RequestId = 0
  return {
    ask: (origin, id, reply) => {
      questions.set(++lastId, { origin, id, reply })
      ask(lastId)
    },
    answered: answers => {
      for (const answer of answers) {
        const question = questions.get(answer.id)
        questions.delete(answer.id)
        question?.reply({ ...answer, id: question.id })
      }
    },
    gone: origin => {
      for (const [id, question] of questions) if (question.origin === origin) questions.delete(id)
    },
  }
}
