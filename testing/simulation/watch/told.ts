/** A value of an application in the words of a claim or a story: as JSON, as far as it can be that. */
import { plainJson } from '../../../codecs/plain-json.js'
import { messageOf } from '../../../codecs/report.js'

/** What is larger is read by nobody. */
const MAX_BYTES = 64 * 1024

/** Never throws: who says what is wrong with a value must not stumble over it. */
export const told = (value: unknown): string => {
  if (value === undefined) return 'undefined'
  try {
    return plainJson(value, MAX_BYTES)
  } catch (thrown) {
    return `something that cannot be told (${messageOf(thrown).split('\n')[0]})`
  }
}
