/** The value in the middle of the sorted list; between two, half way. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/** The value below which `share` of the list lies. */
export const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

/** A number for people: three digits, or all before the point. */
export const digits = (value: number): string =>
  !Number.isFinite(value) ? '-' : value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)

/** Rows as aligned text, numbers short. */
export const tableOf = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string => {
  const lines = [head, ...rows.map(row => row.map(cell => typeof cell === 'number' ? digits(cell) : cell))]
  const widths = head.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  return lines.map(line => line.map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join('  ')).join('\n')
}

/** One result as a line of JSON on standard output, for whoever collects them. */
export const report = (result: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

/** Something for the person who waits, on standard error. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
