/** What is measured, by name, with every sample: the parts of a report. */
import * as t from 'io-ts'

/** What a number says, which way is better, and which of the machine's own figures it goes with. */
export const KINDS = {
  perSecond: { label: 'per second', unit: '/s', better: 'more' },
  p50Ms: { label: 'p50', unit: 'ms', better: 'less' },
  p99Ms: { label: 'p99', unit: 'ms', better: 'less' },
  p999Ms: { label: 'p99.9', unit: 'ms', better: 'less' },
  ms: { label: 'takes', unit: 'ms', better: 'less' },
  mibPerSecond: { label: 'rate', unit: 'MiB/s', better: 'more' },
  moreMiB: { label: 'more memory', unit: 'MiB', better: 'less' },
  cpuMicros: { label: 'CPU each', unit: 'µs', better: 'less' },
  cpuPercent: { label: 'CPU', unit: '% of a core', better: 'less' },
  failed: { label: 'failed', unit: 'writes', better: undefined },
} as const

export type Kind = keyof typeof KINDS

/** One number out of one round. */
export interface Sample {
  /** Under which circumstances: so many in flight, such a size, such a layer. */
  readonly at: string
  readonly kind: Kind
  readonly value: number
}

const KindName = t.keyof(KINDS)

/** All samples of one number, in the order in which they were taken. */
export const Figure = t.readonly(t.strict({
  measure: t.string,
  /** Whose it is: ours, or a peer's. */
  side: t.string,
  at: t.string,
  kind: KindName,
  samples: t.readonlyArray(t.number),
}))
export type Figure = t.TypeOf<typeof Figure>

export const OURS = 'rxraft'

/** What tells a figure from every other. */
export const nameOf = ({ measure, side, at, kind }: Omit<Figure, 'samples'>): string => `${measure}, ${at}: ${KINDS[kind].label}${side === OURS ? '' : ` (${side})`}`

/** Gathers samples into figures, in the order in which each first came. */
export const createFigures = () => {
  const figures = new Map<string, Figure & { readonly samples: number[] }>()
  return {
    add: (measure: string, side: string, samples: readonly Sample[]): void => {
      for (const { at, kind, value } of samples) {
        // What could not be measured in a round leaves no sample: a report holds numbers alone.
        if (!Number.isFinite(value)) continue
        const name = nameOf({ measure, side, at, kind })
        const figure = figures.get(name) ?? { measure, side, at, kind, samples: [] }
        figures.set(name, figure)
        figure.samples.push(value)
      }
    },
    all: (): readonly Figure[] => [...figures.values()],
  }
}
