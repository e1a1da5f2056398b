/** By what it can do: a test environment may bring an AbortSignal of its own. */
const isSignal = (value: unknown): boolean => typeof value === 'object' && value !== null
  && typeof Reflect.get(value, 'addEventListener') === 'function' && typeof Reflect.get(value, 'removeEventListener') === 'function'

const isTimeout = (value: unknown): boolean => typeof value === 'number' && value >= 0 && Number.isFinite(value)

const NONE: readonly string[] = []

/** What is wrong with the options of a call, which plain JavaScript may make of anything. */
export const optionFaults = (timeoutMs: unknown, signal: unknown): readonly string[] => {
  const isGoodSignal = signal === undefined || isSignal(signal)
  if (isTimeout(timeoutMs) && isGoodSignal) return NONE
  return [
    ...isTimeout(timeoutMs) ? [] : [`options.timeoutMs: must be a number of milliseconds, not ${String(timeoutMs)}`],
    ...isGoodSignal ? [] : ['options.signal: must be an AbortSignal'],
  ]
}
