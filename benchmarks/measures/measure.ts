import type { Sample } from '../reporting/figures.js'

export interface MeasureSettings {
  /** How long each of its stages is measured. */
  readonly seconds: number
}

/** Another system's part in a measure, by programs on the PATH. */
export interface PeerSide {
  readonly name: string
  readonly needs: readonly string[]
  about(settings: MeasureSettings): number
  run(settings: MeasureSettings): Promise<readonly Sample[]>
}

/** One question, and how one round of it is measured. Each round runs in a process of its own, so that no measure warms up another. */
export interface Measure {
  readonly name: string
  /** What it is, for the report; `at` in it is what its samples are told apart by. */
  readonly title: string
  readonly at: string
  /** Whether the disk has a say in it. */
  readonly isDurable: boolean
  /** How many seconds a round takes, for the first guess of the time left. */
  about(settings: MeasureSettings): number
  run(settings: MeasureSettings): Promise<readonly Sample[]>
  readonly peers?: readonly PeerSide[]
}
