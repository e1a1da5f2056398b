/**
 * What an engine throws for want of stack or memory says nothing of the command: how deep a function may go differs between two processes, and within one before and after
 * its code was optimized. Two members would answer the same command otherwise, and so would one after a restart.
 */

/** Of a RangeError, word for word, or what a program says itself would pass for it. Lengths that no array has, and counts below 0, are mistakes of a program's and the same everywhere. */
const OF_RANGE_ERRORS =
  /^(?:Maximum call stack size exceeded\.?|Invalid string length|Array buffer allocation failed|Invalid typed array length: \d+|(?:Map|Set) maximum size exceeded|Maximum BigInt size exceeded|[\w.]+\(\): could not allocate memory)$/
/** Of a SyntaxError, after the expression itself: the compiler of regular expressions is recursive, too. */
const OF_SYNTAX_ERRORS = /: (?:Regular expression too large|Stack overflow)$/
/** What Node itself throws. */
const CODES: ReadonlySet<unknown> = new Set(['ERR_STRING_TOO_LONG', 'ERR_BUFFER_TOO_LARGE', 'ERR_MEMORY_ALLOCATION_FAILED'])

/** So many errors that name each other as their cause are looked at. */
const MAX_CAUSES = 8

const saysSo = (thrown: unknown): boolean => {
  let error = thrown
  for (let i = 0; i < MAX_CAUSES && error instanceof Error; i++, error = error.cause) {
    if (error instanceof RangeError && OF_RANGE_ERRORS.test(error.message)) return true
    if (error instanceof SyntaxError && OF_SYNTAX_ERRORS.test(error.message)) return true
    if (CODES.has(Reflect.get(error, 'code'))) return true
  }
  return false
}

/** Whether stack or memory was wanting, also where whoever noticed wrapped it up as a `cause`. Throws where there is too little stack left to tell. */
export const isExhaustion = (thrown: unknown): boolean => {
  try {
    return saysSo(thrown)
  } catch (hindered) {
    // A getter that throws, or no stack left to look.
    return saysSo(hindered)
  }
}
