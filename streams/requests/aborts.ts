/** Listens to signals on behalf of many items: one listener per signal, however many items share it. */
export interface Aborts<A> {
  watch(signal: AbortSignal, item: A): void
  forget(signal: AbortSignal, item: A): void
}

/** What is told of an item that was given up by its signal. */
export const GIVEN_UP = 'The signal was aborted.'

/** A signal of the caller's own class was tried when it was given; if it fails since, it tells nothing any more, and the call still has its time. */
const attempt = <A>(act: () => A): A | undefined => {
  try {
    return act()
  } catch {
    return undefined
  }
}

export const isAborted = (signal: AbortSignal | undefined): boolean => attempt(() => signal?.aborted) === true

/** `onAbort` is called once for each item whose signal aborts while it is watched. */
export const createAborts = <A>(onAbort: (item: A) => void): Aborts<A> => {
  const watched = new Map<AbortSignal, { readonly items: Set<A>; readonly listener: () => void }>()
  return {
    watch: (signal, item) => {
      const known = watched.get(signal)
      if (known !== undefined) return void known.items.add(item)
      const items = new Set([item])
      const listener = (): void => {
        watched.delete(signal)
        items.forEach(onAbort)
      }
      watched.set(signal, { items, listener })
      attempt(() => signal.addEventListener('abort', listener, { once: true }))
    },
    forget: (signal, item) => {
      const known = watched.get(signal)
      if (known?.items.delete(item) !== true || known.items.size > 0) return
      watched.delete(signal)
      attempt(() => signal.removeEventListener('abort', known.listener))
    },
  }
}
