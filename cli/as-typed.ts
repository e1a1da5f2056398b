/** What the library says of an option, in the words of whoever typed it. */

/** The library's paths, and what was typed for them. */
const TYPED: readonly (readonly [path: RegExp, option: string])[] = [
  [/^limits\.(\w+)/, '--limit $1'],
  [/^electionTimeoutMs/, '--election-timeout-ms'],
  [/^heartbeatMs/, '--heartbeat-ms'],
  [/^readLeaseMs/, '--read-lease-ms'],
  [/^snapshotCompression/, '--snapshot-compression'],
  [/^transport\.tls\.(cert|key|ca)/, '--tls-$1'],
  [/^transport\.tls/, '--tls-cert'],
  [/^transport\.listen/, '--listen'],
  [/^(transport\.)?plaintext/, '--plaintext'],
  [/^storage\.address/, "--data, which has this member's address"],
  [/^storage\.folder/, '--data'],
  [/^change\.(voter|learner)s\./, '--$1 '],
  [/^change\.(voter|learner|remove)s?(\.\d+)?/, '--$1'],
  [/^(cluster|id|members|join|machine|recorder)\b/, '--$1'],
]

const TRUST_IN_CODE = /tls, or plaintext: true/
const NO_LIMIT = /^(--limit \w+): is not an option.*/
const TRUST_TYPED = '--tls-cert, --tls-key and --tls-ca, or --plaintext'

/** A line of `InvalidOptions`, its path as it was typed. */
export const asTyped = (line: string): string => {
  const found = TYPED.find(([path]) => path.test(line))
  return (found === undefined ? line : line.replace(found[0], found[1])).replace(TRUST_IN_CODE, TRUST_TYPED).replace(NO_LIMIT, '$1: is none of the limits of docs/options.md')
}
