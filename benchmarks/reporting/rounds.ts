/** Round after round of everything that is to be measured: what is compared is measured next to each other, in an order that turns round each time. */
import type { Screen } from '../../cli/screen.js'
import type { Sample } from './figures.js'

/** One side of one measure. */
export interface Task {
  readonly measure: string
  readonly side: string
  /** Seconds that a round takes, as a first guess. */
  readonly about: number
  run(): Promise<readonly Sample[]>
}

export interface RoundsOptions {
  /** The tasks of one measure stand together. */
  readonly tasks: readonly Task[]
  readonly rounds: number
  readonly screen: Screen
  measured(task: Task, samples: readonly Sample[]): void
  failed(task: Task, error: Error): void
  /** Milliseconds, from any beginning. */
  readonly now: () => number
}

/** The tasks by measure, those of each in the order given. */
const together = (tasks: readonly Task[]): readonly (readonly Task[])[] =>
  [...new Set(tasks.map(({ measure }) => measure))].map(name => tasks.filter(({ measure }) => measure === name))

/** Minutes and seconds, or seconds alone. */
export const clockText = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
}

/** What is left, in seconds: each task by what it last took, or by its guess, put right by how far guesses were off so far. */
export const createForecast = () => {
  const took = new Map<Task, number>()
  let guessed = 0
  let spent = 0
  return {
    took: (task: Task, seconds: number): void => {
      took.set(task, seconds)
      guessed += task.about
      spent += seconds
    },
    of: (left: readonly Task[]): number => left.reduce((sum, task) => sum + (took.get(task) ?? task.about * (guessed > 0 ? spent / guessed : 1)), 0),
  }
}

const REDRAW_MS = 500

/** Never rejects because of a task: `failed` hears of it, and the next one begins. */
export const runRounds = async ({ tasks, rounds, screen, measured, failed, now }: RoundsOptions): Promise<void> => {
  const plan = Array.from({ length: rounds }, (_, round) => together(tasks).flatMap(sides => round % 2 === 0 ? sides : sides.toReversed()).map(task => ({ task, round }))).flat()
  const forecast = createForecast()
  const began = now()
  for (const [done, { task, round }] of plan.entries()) {
    const taskBegan = now()
    const left = plan.slice(done).map(one => one.task)
    const draw = (): void => {
      const spent = (now() - began) / 1000
      const rest = Math.max(0, forecast.of(left) - (now() - taskBegan) / 1000)
      screen.bar(spent / (spent + rest), `${clockText(rest)} left  round ${round + 1} of ${rounds}: ${task.measure}, ${task.side}`)
    }
    draw()
    const timer = setInterval(draw, REDRAW_MS)
    try {
      measured(task, await task.run())
    } catch (error) {
      failed(task, error instanceof Error ? error : new Error(String(error)))
    } finally {
      clearInterval(timer)
      forecast.took(task, (now() - taskBegan) / 1000)
    }
  }
  screen.end()
}
