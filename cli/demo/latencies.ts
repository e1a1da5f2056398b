/** A histogram of milliseconds in steps of about 2 %, in bounded memory. */
export interface Latencies {
  add(ms: number): void
  /** The value below which `share` of the samples lie, 0 without samples. */
  at(share: number): number
}

const STEP = Math.log(1.02)
const SMALLEST_MS = 0.001
const BUCKETS = 1024

export const createLatencies = (): Latencies => {
  const buckets = new Float64Array(BUCKETS)
  let samples = 0
  return {
    add: ms => {
      const bucket = Math.floor(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / STEP)
      buckets[Math.min(bucket, BUCKETS - 1)]!++
      samples++
    },
    at: share => {
      let below = 0
      const bucket = buckets.findIndex(count => (below += count) >= share * samples && samples > 0)
      return bucket < 0 ? 0 : SMALLEST_MS * Math.exp((bucket + 1) * STEP)
    },
  }
}
