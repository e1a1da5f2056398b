/** What answers take until they are taken, all together. */
export interface Room {
  /** Whether no more is to be made before something is taken. */
  readonly isFull: boolean
  /** Counts so many bytes until the signal is aborted, or the result is called; twice is once. */
  hold(bytes: number, signal: AbortSignal): () => void
  /** Resolves as soon as it is not full; never where the signal is aborted before. */
  left(signal: AbortSignal): Promise<void>
}

/** An answer is made whole before its size is known, so the last one may go beyond the bound; the next waits, or is refused. */
export const createRoom = (maxAnswerBytes: number): Room => {
  let held = 0
  const waiting = new Set<() => void>()
  const isFull = (): boolean => held >= maxAnswerBytes
  const admit = (): void => {
    for (const resume of waiting) {
      if (isFull()) return
      resume()
    }
  }
  return {
    get isFull() {
      return isFull()
    },
    hold: (bytes, signal) => {
      if (signal.aborted) return () => undefined
      held += bytes
      const release = (): void => {
        signal.removeEventListener('abort', release)
        held -= bytes
        bytes = 0
        admit()
      }
      signal.addEventListener('abort', release, { once: true })
      return release
    },
    left: signal => new Promise(resolve => {
      if (signal.aborted) return
      if (!isFull()) return resolve()
      const forget = (): void => { waiting.delete(resume) }
      const resume = (): void => {
        forget()
        signal.removeEventListener('abort', forget)
        // What is given back with an end may be offered to the very one who has gone.
        if (!signal.aborted) resolve()
      }
      waiting.add(resume)
      signal.addEventListener('abort', forget, { once: true })
    }),
  }
}
