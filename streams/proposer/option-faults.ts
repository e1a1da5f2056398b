/** By what it can do: a test environment may bring an AbortSignal of its own. */
const isSignal = (value: unknown): boolean => typeof value === 'object' && value !== null
  && typeof Reflect.get(value, 'addEventListener') === 'function' && typeof Reflect.get(value, 'removeEventListener') === 'function'

/** What is wrong with the options of a call, which plain JavaScript may make of anything. */
export const optionFaults = (timeoutMs: unknown, signal: unknown): readonly string[] => [
  ...typeof timeoutMs === 'number' && timeoutMs >= 0 && Number.isFinite(timeoutMs) ? [] : [`options.timeoutMs: must be a number of milliseconds, not ${String(timeoutMs)}`],
  ...signal === undefined || isSignal(signal) ? [] : ['options.signal: must be an AbortSignal'],
]
